//! What a plan without changes does to the files beside it, as the kernel sees it: read the state once, write nothing.

use super::super::scratch::Scratch;
use super::super::{Goal, meter};
use super::lives::STEPS;
use super::shapes::Shape;
use crate::failure::Failure;
use crate::process;

const INSTANCES: usize = 10_000;

/// Counts the reads of the state and the writes to files.
pub(super) fn measure(strata: &str) -> Result<Vec<Goal>, Failure> {
    if !process::succeeds(&["strace", "--version"]) {
        return Err(Failure::new(
            "`reads` counts system calls with `strace`, which is not installed",
        ));
    }
    let folder = Scratch::with(&Shape::ForEach.files(INSTANCES))?;
    STEPS[2].run(&folder, strata)?;
    let calls = "trace=openat,write,pwrite64,rename,renameat2,unlink,truncate,ftruncate";
    let words = [
        "strace",
        "-f",
        "-y",
        "-qq",
        "-o",
        "calls.txt",
        "-e",
        calls,
        strata,
    ];
    let plan = ["plan", "-input=false", "-no-color", "-detailed-exitcode"];
    meter::measure(folder.path(), &[&words[..], &plan[..]].concat(), 0)?;
    let path = folder.path().join("calls.txt");
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let counted = count(&text);
    println!(
        "plan without changes over {INSTANCES}: the state is read {} times, {} writes",
        counted.reads, counted.writes
    );
    let goal = |what: &str, measured: usize, at_most: f64| Goal {
        name: format!("plan without changes over {INSTANCES}, {what}"),
        unit: "",
        measured: measured as f64,
        wanted: None,
        at_most,
    };
    Ok(vec![
        goal("reads of the state", counted.reads, 1.0),
        goal("writes", counted.writes, 0.0),
    ])
}

/// What is written to that is no file, as `strace -y` shows it.
const PRINTED: [&str; 4] = ["<pipe:", "<socket:", "<anon_inode:", "/dev/"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    reads: usize,
    writes: usize,
}

/// The lock and who holds it are no writes: they are gone when the command has ended. Nor is what is printed.
fn count(calls: &str) -> Counted {
    let mut counted = Counted::default();
    let calls = calls.lines().filter(|line| !line.contains(".lock.info"));
    for call in calls.filter(|line| !line.contains(" = -1 ")) {
        let opened = call.contains("openat(");
        if opened && call.contains("O_RDONLY") {
            counted.reads += usize::from(call.contains("terraform.tfstate\""));
        } else if !opened || call.contains("O_TRUNC") || call.contains("O_WRONLY") {
            counted.writes += usize::from(!PRINTED.iter().any(|to| call.contains(to)));
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_and_what_is_written_count() {
        let calls = "\
1 openat(AT_FDCWD, \"./main.tf\", O_RDONLY|O_CLOEXEC) = 9
1 openat(AT_FDCWD, \"./.terraform.tfstate.lock.info\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 9
1 openat(AT_FDCWD, \"./terraform.tfstate\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 11
1 openat(AT_FDCWD, \"./terraform.tfstate\", O_RDONLY|O_CLOEXEC) = 12
1 openat(AT_FDCWD, \"./terraform.tfstate.journal\", O_RDONLY|O_CLOEXEC) = -1 ENOENT
1 ftruncate(9</tmp/a/.terraform.tfstate.lock.info>, 0) = 0
1 write(1<pipe:[7]>, \"No changes.\", 11) = 11
1 openat(AT_FDCWD, \"./new\", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 12
1 write(12</tmp/a/new>, \"{}\", 2) = 2
1 rename(\"./new\", \"./terraform.tfstate\") = 0
1 unlink(\"./.terraform.tfstate.lock.info\") = 0
";
        let counted = Counted {
            reads: 1,
            writes: 3,
        };
        assert_eq!(count(calls), counted);
    }
}
