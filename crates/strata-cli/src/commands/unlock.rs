//! `force-unlock`.

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::infrastructure;

use super::{Exit, approval::ask, process, surgery::reading};
use crate::args;

pub(super) fn run(arguments: &args::ForceUnlock) -> Result<Exit, Diagnostics> {
    if !arguments.force && !ask("Do you really want to force-unlock?") {
        return Err(Diagnostic::error("not-approved", "The lock was not broken")
            .hint("Answer `yes`, or say `-force` where nobody can be asked.")
            .into());
    }
    infrastructure::force_unlock(&arguments.id, &reading(None), &process()?)?;
    println!("The state has been successfully unlocked!");
    Ok(0)
}
