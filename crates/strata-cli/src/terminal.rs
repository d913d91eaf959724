//! The user at the terminal: questions and their answers, hidden where they are secret.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Write, stdin},
    sync::Arc,
};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::render::undisturbed;

/// A question and whether its answer is hidden; gives none if there is nobody to ask.
pub(crate) type Ask = dyn Fn(&str, bool) -> Option<String> + Send + Sync;

/// Asks the user, if standard input is a terminal or answers come through it.
pub(crate) fn ask() -> Arc<Ask> {
    Arc::new(|question, hidden| undisturbed(|| answer(question, hidden)))
}

fn answer(question: &str, hidden: bool) -> Option<String> {
    anstream::eprint!("{question}");
    std::io::stderr().flush().ok()?;
    match (hidden && stdin().is_terminal(), File::open("/dev/tty")) {
        (true, Ok(terminal)) => hidden_line(terminal),
        _ => line(&mut stdin().lock()),
    }
}

/// A line without its end; none at the end of input.
fn line(input: &mut dyn BufRead) -> Option<String> {
    let mut line = String::new();
    let read = input.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned())
}

/// A line that is not echoed; the terminal is as before afterwards.
fn hidden_line(terminal: File) -> Option<String> {
    let before = tcgetattr(&terminal).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
    let answer = terminal
        .try_clone()
        .ok()
        .and_then(|copy| line(&mut BufReader::new(copy)));
    tcsetattr(&terminal, OptionalActions::Flush, &before).ok()?;
    anstream::eprintln!();
    answer
}
