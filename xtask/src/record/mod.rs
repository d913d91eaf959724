//! `record`: asks the programs we follow again what they answer, and keeps it as our test data.
//!
//! Tests compare with what is committed, so they need none of those programs; `git diff` after a
//! recording shows what a new version answers differently. A recorder is one file here and one
//! line in [`RECORDERS`].

mod terraform_expressions;

use crate::failure::Failure;
use crate::process;

/// Who asks what.
struct Recorder {
    name: &'static str,
    /// The program that answers, looked for on the path.
    tool: &'static str,
    /// Records everything and gives the number of answers.
    run: fn() -> Result<usize, Failure>,
}

const RECORDERS: &[Recorder] = &[Recorder {
    name: "terraform-expressions",
    tool: "terraform",
    run: terraform_expressions::record,
}];

/// Runs the recorders named, or all of them.
pub(crate) fn run(names: &[&str]) -> Result<(), Failure> {
    let chosen = choose(names)?;
    for recorder in &chosen {
        if !process::succeeds(&[recorder.tool, "--version"]) {
            let message = format!(
                "`{}` needs `{}`, which is not installed",
                recorder.name, recorder.tool
            );
            return Err(Failure::new(message));
        }
        println!("{}: {} answers recorded", recorder.name, (recorder.run)()?);
    }
    Ok(())
}

fn choose(names: &[&str]) -> Result<Vec<&'static Recorder>, Failure> {
    if names.is_empty() {
        return Ok(RECORDERS.iter().collect());
    }
    let find = |name: &&str| {
        RECORDERS
            .iter()
            .find(|recorder| recorder.name == *name)
            .ok_or_else(|| unknown(name))
    };
    names.iter().map(find).collect()
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = RECORDERS.iter().map(|recorder| recorder.name).collect();
    Failure::new(format!(
        "there is no recorder `{name}`; there are {}",
        known.join(", ")
    ))
}
