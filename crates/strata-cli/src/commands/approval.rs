//! Asking before something is changed.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};

/// Asks a question that only `yes` answers; without a terminal nobody can be asked.
pub(super) fn ask(question: &str) -> bool {
    if !stdin().is_terminal() {
        return false;
    }
    anstream::print!("\n{question}\n  Only `yes` is taken for an answer: ");
    if stdout().flush().is_err() {
        return false;
    }
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
