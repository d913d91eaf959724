//! Asking before something is changed.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};

/// Asks a question that only `yes` answers. Where nobody answers the answer is no.
pub(super) fn ask(question: &str) -> bool {
    anstream::print!(
        "\n{question}\n  Only 'yes' will be accepted to approve.\n\n  Enter a value: "
    );
    if stdout().flush().is_err() {
        return false;
    }
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    if !stdin().is_terminal() {
        anstream::println!();
    }
    read.is_ok() && answer.trim() == "yes"
}
