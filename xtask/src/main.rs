//! Developer commands: `cargo xtask COMMAND`.
//!
//! Each folder or file beside this one is a command. Nothing here is part of the product, and only
//! the standard library and `serde_json` are used, so that it builds in seconds.

mod bench;
mod bless;
mod check;
mod corpus;
mod crash;
mod docs;
mod failure;
mod fuzz;
mod process;
mod pve_data;
mod record;
mod testbed;
mod tidy;

use std::process::ExitCode;

use crate::failure::Failure;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  check [STEP…]     what CI runs: fmt, tidy, clippy, test, doctest, deny, doc
  tidy              crate edges, front pages, lengths and the like
  testbed           a real Incus daemon for tests: up, down, status, env, list, ssh-target, remove
  bless [ARGUMENT…] runs the tests and takes what they give as what is expected
  pve-data [NAME…]  makes the data of strata-proxmox from published facts: api, recordings, schema
  docs              writes docs/reference anew from the code
  record [NAME…]    asks the programs we follow again what they answer
  crash [KILLS]     kills applies and destroys on the testbed's daemon at random moments
  corpus FOLDER     parses and formats all configuration in a folder of repositories, beside terraform
  fuzz [TARGET…]    tries random changes of our test cases: parse, evaluate, fmt, jinja, playbook
  order             writes anew which functions the linker puts together, from what a few runs touch
  bench [NAME…]     our figures beside those of the programs we replace";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // What `bench` runs commands through.
    if let ["clock", file, ref command @ ..] = words[..] {
        return bench::clock(file, command);
    }
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
        ["check", steps @ ..] => check::run(steps),
        ["tidy"] => tidy::run(),
        ["testbed", rest @ ..] => testbed::run(rest),
        ["bless", rest @ ..] => bless::run(rest),
        ["pve-data", names @ ..] => pve_data::run(names),
        ["docs"] => docs::run(),
        ["record", names @ ..] => record::run(names),
        ["crash", rest @ ..] => crash::run(rest),
        ["corpus", rest @ ..] => corpus::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["order"] => bench::order::write(),
        ["bench", names @ ..] => bench::run(names),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        [other, ..] => Err(Failure::new(format!(
            "there is no command `{other}`\n{USAGE}"
        ))),
    }
}
