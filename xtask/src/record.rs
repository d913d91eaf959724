//! `record`: asks the programs we follow again what they answer, and keeps it as our test data.
//!
//! Tests compare with what is committed, so they need none of those programs; `git diff` after a
//! recording shows what a new version answers differently. A recorder is a test that asks the real
//! program instead when `STRATA_RECORD` is set, and one line in [`RECORDERS`].

use std::process::Command;

use crate::failure::Failure;
use crate::process;

/// Which test asks whom.
struct Recorder {
    name: &'static str,
    /// The program that answers, looked for on the path.
    tool: &'static str,
    package: &'static str,
    test: &'static str,
    /// Parts of the names of those tests that ask; all of them do, where there are none.
    only: &'static [&'static str],
}

const RECORDERS: &[Recorder] = &[
    Recorder {
        name: "expressions",
        tool: "terraform",
        package: "strata-hcl",
        test: "terraform",
        only: &[],
    },
    Recorder {
        name: "format",
        tool: "terraform",
        package: "strata-hcl",
        test: "format",
        only: &[],
    },
    // Needs `STRATA_COLLECTIONS` (a folder with `ansible_collections`) and the testbed.
    Recorder {
        name: "modules",
        tool: "ansible",
        package: "strata-agent",
        test: "compared",
        only: &[],
    },
    Recorder {
        name: "fetching",
        tool: "ansible",
        package: "strata-transport",
        test: "modules",
        only: &[],
    },
    Recorder {
        name: "playbooks",
        tool: "ansible-playbook",
        package: "strata-runner",
        test: "plays",
        only: &[],
    },
    Recorder {
        name: "printed",
        tool: "ansible-playbook",
        package: "strata-cli",
        test: "cli",
        only: &["playbooks_print", "four_runs"],
    },
    // Some of them need `community.general`.
    Recorder {
        name: "templates",
        tool: "ansible-playbook",
        package: "strata-jinja",
        test: "oracle",
        only: &[],
    },
    Recorder {
        name: "configurations",
        tool: "terraform",
        package: "strata-config",
        test: "it",
        only: &[],
    },
    Recorder {
        name: "runs",
        tool: "terraform",
        package: "strata-cli",
        test: "terraform",
        only: &[],
    },
];

/// Runs the recorders named, or all of them.
pub(crate) fn run(names: &[&str]) -> Result<(), Failure> {
    for recorder in choose(names)? {
        if !process::succeeds(&[recorder.tool, "--version"]) {
            let message = format!(
                "`{}` needs `{}`, which is not installed",
                recorder.name, recorder.tool
            );
            return Err(Failure::new(message));
        }
        record(recorder)?;
    }
    Ok(())
}

fn record(recorder: &Recorder) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "test",
        "--package",
        recorder.package,
        "--test",
        recorder.test,
        "--",
    ]);
    cargo.args(recorder.only);
    let status = cargo.env("STRATA_RECORD", "1").status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!(
            "recording `{}` failed: {status}",
            recorder.name
        ))),
        Err(error) => Err(Failure::new(format!("cargo cannot be run: {error}"))),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorder_is_found_by_its_name_and_an_unknown_name_lists_all() {
        assert!(choose(&["expressions"]).is_ok_and(|found| found.len() == 1));
        let Err(failure) = choose(&["nothing"]) else {
            panic!("there is no recorder of that name");
        };
        assert!(
            failure
                .to_string()
                .contains("there are expressions, format")
        );
    }
}
