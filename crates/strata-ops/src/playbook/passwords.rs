//! Passwords to log in and to become another user with: where they come from.

use std::path::PathBuf;

use strata_core::{Diagnostic, Diagnostics};

use super::{Around, Options, settings::Settings};
use crate::vault;

/// The password to log in with, if the command line or the settings say where it comes from.
pub(crate) fn connection_password(
    options: &Options,
    settings: &Settings,
    around: &Around<'_>,
    diags: &mut Diagnostics,
) -> Option<String> {
    let file = options
        .connection_password_file
        .clone()
        .or(settings.path("connection_password_file"));
    let asked = options.ask_pass || settings.flag("ask_pass").unwrap_or(false);
    password(file, asked.then_some("SSH password: "), around, diags)
}

/// The password in a file, or that a program prints, or that is asked for.
pub(super) fn password(
    file: Option<PathBuf>,
    prompt: Option<&str>,
    around: &Around<'_>,
    diags: &mut Diagnostics,
) -> Option<String> {
    let Some(file) = file else {
        let prompt = prompt?;
        let Some(ask) = &around.ask else {
            diags.push(nobody_to_ask(prompt));
            return None;
        };
        return ask(prompt, true);
    };
    match vault::password_of(&file, None, around.process) {
        Ok(bytes) => String::from_utf8(bytes).ok(),
        Err(diagnostic) => {
            diags.push(*diagnostic);
            None
        }
    }
}

fn nobody_to_ask(prompt: &str) -> Diagnostic {
    let what = prompt.trim_end_matches([':', ' ']);
    Diagnostic::warning(
        "nobody-to-ask",
        format!("Nobody is asked for the {what} here"),
    )
    .hint("Name a file that it is in: `become_password_file`, or `connection_password_file`.")
}
