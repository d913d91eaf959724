//! `force-unlock`: a lock is taken away from who holds it.

use strata_core::Diagnostics;
use strata_state::Store;

use super::{
    Settings,
    places::{self, Places},
    trouble::diagnostic,
};
use crate::process::Process;

/// Breaks the lock with this id.
pub fn force_unlock(id: &str, settings: &Settings, process: &Process) -> Result<(), Diagnostics> {
    let places = Places::find(settings, process)?;
    let file = places.state_file(&places::workspace(settings, process));
    Store::new(file)
        .force_unlock(id)
        .map_err(|error| diagnostic(&error))?;
    Ok(())
}
