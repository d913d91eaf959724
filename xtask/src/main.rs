//! Developer commands: `cargo xtask COMMAND`.
//!
//! Each folder or file beside this one is a command. Nothing here is part of the product, and only
//! the standard library and `serde_json` are used, so that it builds in seconds.

mod failure;
mod process;
mod testbed;

use std::process::ExitCode;

use crate::failure::Failure;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  testbed   a real Incus daemon for tests: up, down, status, env, list, ssh-target, remove";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["testbed", rest @ ..] => testbed::run(rest),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        [other, ..] => Err(Failure::new(format!(
            "there is no command `{other}`\n{USAGE}"
        ))),
    }
}
