//! Running other programs, quietly: what they said is shown when they fail.

use std::process::{Command, Output, Stdio};

use crate::failure::Failure;

/// Makes the command that the words describe, with no standard input.
pub(crate) fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().expect("callers name a program");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs a program to its end and hands back what it wrote to standard output.
pub(crate) fn output(words: &[&str]) -> Result<String, Failure> {
    output_of(&mut command(words))
}

/// Runs a program of which only success is of interest.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    output(words).map(drop)
}

/// Tells whether a program could be run and ended well.
pub(crate) fn succeeds(words: &[&str]) -> bool {
    command(words)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Runs a command made by the caller and hands back its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .output()
        .map_err(|error| not_started(command, &error))?;
    text_of(command, output)
}

/// Runs a command whose output goes straight to the terminal.
pub(crate) fn watch(mut command: Command) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|error| not_started(&command, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new(format!(
            "`{}` failed ({status})",
            shown(&command)
        ))),
    }
}

fn text_of(command: &Command, output: Output) -> Result<String, Failure> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last: Vec<&str> = said.lines().rev().take(20).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(Failure::new(format!(
        "`{}` failed ({}):\n{}",
        shown(command),
        output.status,
        last.join("\n")
    )))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` could not be run: {error}", shown(command)))
}

/// Prints a command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
