//! `check`: everything that must be well before a commit is kept, and all that CI runs.
//!
//! Every step runs even after another failed, so that one run shows all there is to mend; the
//! table at the end gives each step's time. A tool that is missing fails its step where `CI` is
//! set, and is told by name elsewhere.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::{process, tidy};

/// One step: what it is called and what it does.
struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome, Failure>,
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// The tool of that name is not there.
    Missing(&'static str),
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: fmt,
    },
    Step {
        name: "tidy",
        run: || tidy::run().map(|()| Outcome::Passed),
    },
    Step {
        name: "clippy",
        run: clippy,
    },
    Step {
        name: "test",
        run: test,
    },
    Step {
        name: "doctest",
        run: doctest,
    },
    Step {
        name: "deny",
        run: deny,
    },
    Step {
        name: "doc",
        run: doc,
    },
];

/// Runs the steps named, or all of them.
pub(crate) fn run(names: &[&str]) -> Result<(), Failure> {
    let steps = choose(names)?;
    let mut table = Vec::new();
    for step in steps {
        println!("\n── {} ──", step.name);
        let start = Instant::now();
        let result = (step.run)();
        if let Err(failure) = &result {
            println!("{failure}");
        }
        table.push((step.name, result, start.elapsed()));
    }
    println!();
    for (name, result, time) in &table {
        println!("{}", row(name, result, *time));
    }
    verdict(
        table.into_iter().map(|(name, result, _)| (name, result)),
        std::env::var_os("CI").is_some(),
    )
}

fn choose(names: &[&str]) -> Result<Vec<&'static Step>, Failure> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let find = |name: &&str| {
        STEPS
            .iter()
            .find(|step| step.name == *name)
            .ok_or_else(|| unknown(name))
    };
    names.iter().map(find).collect()
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    Failure::new(format!(
        "there is no step `{name}`; there are {}",
        known.join(", ")
    ))
}

fn row(name: &str, result: &Result<Outcome, Failure>, time: Duration) -> String {
    let word = match result {
        Ok(Outcome::Passed) => "ok".to_owned(),
        Ok(Outcome::Missing(tool)) => format!("skipped: `{tool}` is not installed"),
        Err(_) => "FAILED".to_owned(),
    };
    format!("{name:<8} {:>6.1} s  {word}", time.as_secs_f64())
}

fn verdict(
    results: impl Iterator<Item = (&'static str, Result<Outcome, Failure>)>,
    ci: bool,
) -> Result<(), Failure> {
    let bad = |result: &Result<Outcome, Failure>| match result {
        Ok(Outcome::Passed) => false,
        Ok(Outcome::Missing(_)) => ci,
        Err(_) => true,
    };
    let failed: Vec<&str> = results
        .filter(|(_, result)| bad(result))
        .map(|(name, _)| name)
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("check failed: {}", failed.join(", ")))),
    }
}

fn fmt() -> Result<Outcome, Failure> {
    shown(cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<Outcome, Failure> {
    shown(cargo(&[
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn test() -> Result<Outcome, Failure> {
    println!("{}", daemon_line(crate::testbed::socket().as_deref()));
    if process::succeeds(&["cargo", "nextest", "--version"]) {
        return shown(cargo(&[
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--no-fail-fast",
            "--no-tests=pass",
        ]));
    }
    shown(cargo(&[
        "test",
        "--locked",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ]))
}

/// Says what tests will find, because runners hide what passing tests print.
fn daemon_line(socket: Option<&Path>) -> String {
    match socket {
        Some(socket) => format!("tests use the Incus daemon at `{}`", socket.display()),
        None => {
            "no Incus daemon answers: tests that need one are skipped (`cargo xtask testbed up`)"
                .to_owned()
        }
    }
}

fn doctest() -> Result<Outcome, Failure> {
    shown(cargo(&[
        "test",
        "--quiet",
        "--locked",
        "--workspace",
        "--doc",
    ]))
}

fn deny() -> Result<Outcome, Failure> {
    if !process::succeeds(&["cargo", "deny", "--version"]) {
        println!("install it with `cargo install cargo-deny --locked`");
        return Ok(Outcome::Missing("cargo-deny"));
    }
    shown(cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

fn doc() -> Result<Outcome, Failure> {
    let mut doc = cargo(&[
        "doc",
        "--quiet",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    shown(doc)
}

fn cargo(arguments: &[&str]) -> Command {
    process::command(&[&["cargo"], arguments].concat())
}

/// Runs a command whose output the person watching wants to see.
fn shown(command: Command) -> Result<Outcome, Failure> {
    process::watch(command).map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name() {
        let names = |names: &[&str]| {
            choose(names).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["tidy", "fmt"]), Ok(vec!["tidy", "fmt"]));
        assert_eq!(names(&[]).map(|all| all.len()), Ok(STEPS.len()));
        assert!(
            names(&["tidi"])
                .unwrap_err()
                .to_string()
                .contains("there is no step `tidi`; there are fmt, tidy")
        );
    }

    #[test]
    fn a_missing_tool_fails_only_in_ci() {
        let results = || {
            [
                ("fmt", Ok(Outcome::Passed)),
                ("deny", Ok(Outcome::Missing("cargo-deny"))),
            ]
            .into_iter()
        };
        assert_eq!(verdict(results(), false), Ok(()));
        assert_eq!(
            verdict(results(), true),
            Err(Failure::new("check failed: deny"))
        );
    }

    #[test]
    fn a_failed_step_fails_the_whole() {
        let results = [
            ("fmt", Err(Failure::new("x"))),
            ("tidy", Ok(Outcome::Passed)),
        ]
        .into_iter();
        assert_eq!(
            verdict(results, false),
            Err(Failure::new("check failed: fmt"))
        );
    }

    #[test]
    fn a_row_gives_time_and_outcome() {
        let time = Duration::from_millis(1250);
        assert_eq!(
            row("fmt", &Ok(Outcome::Passed), time),
            "fmt         1.2 s  ok"
        );
        assert_eq!(
            row("deny", &Ok(Outcome::Missing("x")), time),
            "deny        1.2 s  skipped: `x` is not installed"
        );
    }
}
