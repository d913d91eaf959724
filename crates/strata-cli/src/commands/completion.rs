//! `strata completion`.

use clap_complete::{Shell, generate};

use super::Exit;
use crate::args;

/// Writes the script by which a shell completes commands and options; it goes where the shell reads such scripts.
pub(super) fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut args::whole(), "strata", &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    0
}
