//! `state rm`: the state forgets objects, which stay where they are.

use strata_core::{
    Diagnostic, Diagnostics, Events,
    addr::{ResourceInstance, Target},
};

use super::{Settings, edit::Edited};
use crate::process::Process;

/// Takes what the targets cover out of the state, and says what that is; with `dry_run` only says it.
pub async fn forget(
    targets: &[Target],
    dry_run: bool,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<Vec<ResourceInstance>, Diagnostics> {
    let mut edited = Edited::open(settings, "state-rm", process, events).await?;
    let covered = |address: &ResourceInstance| targets.iter().any(|target| target.covers(address));
    let found: Vec<_> = edited
        .state_ref()
        .instances()
        .map(|(address, _, _)| address)
        .filter(covered)
        .collect();
    if dry_run {
        return Ok(found);
    }
    if found.is_empty() {
        return Err(
            Diagnostic::error("invalid-address", "Invalid target address")
                .detail("No matching objects found.")
                .hint("`strata state list` lists what is in the state.")
                .into(),
        );
    }
    let state = edited.state();
    let taken: Vec<_> = found
        .iter()
        .filter_map(|address| Some((address.resource.config(), state.take(address)?.1)))
        .collect();
    // What was made after one that is forgotten still goes before what that one was made after.
    for (resource, instance) in &taken {
        for object in instance.current.iter().chain(instance.deposed.values()) {
            state.replace_dependency(resource, &object.dependencies);
        }
    }
    edited.write()?;
    Ok(found)
}
