//! `force-unlock`: a lock is taken away from who holds it.

use strata_core::Diagnostics;

use super::{
    Settings,
    places::{self, Places},
    trouble::diagnostic,
};
use crate::process::Process;

/// Breaks the lock with this id.
pub fn force_unlock(id: &str, settings: &Settings, process: &Process) -> Result<(), Diagnostics> {
    let places = Places::find(settings, process)?;
    places
        .store(&places::workspace(settings, process))?
        .force_unlock(id)
        .map_err(|error| diagnostic(&error))?;
    Ok(())
}
