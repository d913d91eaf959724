//! `state pull` and `state push`: a whole state out of its place, and into it.

use std::path::Path;

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_state::{State, Store};

use super::{
    Settings,
    edit::{self, Edited},
    stored,
    trouble::diagnostic,
};
use crate::process::Process;

/// The state file's text; empty if there is no state.
pub fn pull(settings: &Settings, process: &Process) -> Result<String, Diagnostics> {
    let state = stored::read_if_there(settings, process)?;
    Ok(state.map(|state| state.print()).unwrap_or_default())
}

/// Puts a state in the place of the one that is there; `name` says where its text is from.
///
/// Without `force` it must be a later version of the same state, by lineage and serial. A journal ends with it.
pub async fn push(
    text: &str,
    name: &Path,
    force: bool,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<(), Diagnostics> {
    let mut new = State::parse(text, name).map_err(|error| diagnostic(&error))?;
    let store = edit::store_of(settings, process)?;
    let read = Store::open_to_replace;
    let edited = Edited::open_store(store, read, settings, "state-push", process, events).await?;
    if new.lineage.is_empty() {
        // A state that does not say whose it is goes on with the one that is there.
        new.lineage = edited.state_ref().lineage.clone();
    }
    // As with Terraform there is nothing to lose in a state that is empty.
    if !force && !edited.state_ref().is_empty() {
        check(&new, edited.state_ref())?;
    }
    edited
        .store
        .overwrite(&new, &edited.opened)
        .map_err(|error| diagnostic(&error))?;
    Ok(())
}

fn check(new: &State, there: &State) -> Result<(), Diagnostic> {
    let why = match () {
        () if new.lineage != there.lineage => format!(
            "cannot import state with lineage \"{}\" over unrelated state with lineage \"{}\"",
            new.lineage, there.lineage
        ),
        () if new.serial < there.serial => format!(
            "cannot import state with serial {} over newer state with serial {}",
            new.serial, there.serial
        ),
        () if new.serial == there.serial && new.print() != there.print() => format!(
            "cannot overwrite existing state with serial {} with a different state that has the same serial",
            new.serial
        ),
        () => return Ok(()),
    };
    Err(
        Diagnostic::error("state-push", format!("Failed to write state: {why}"))
            .hint("`strata state pull` gives the one that is there. `-force` overwrites it."),
    )
}
