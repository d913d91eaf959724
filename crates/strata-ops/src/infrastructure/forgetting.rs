//! `state rm`: the state forgets objects, which stay where they are.

use std::collections::{BTreeMap, BTreeSet};

use strata_core::{
    Diagnostic, Diagnostics, Events,
    addr::{ConfigResource, ResourceInstance, Target},
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
    let mut edited = Edited::open(settings, "state-rm", process, events)
        .await?
        .keeping_each(settings);
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
    let mut behind: BTreeMap<ConfigResource, BTreeSet<ConfigResource>> = BTreeMap::new();
    for address in &found {
        let Some((_, instance)) = state.take(address) else {
            continue;
        };
        let objects = instance.current.iter().chain(instance.deposed.values());
        let used = objects.flat_map(|object| object.dependencies.iter().cloned());
        let of_it = behind.entry(address.resource.config()).or_default();
        of_it.extend(used);
    }
    // What was made after one that is forgotten still goes before what that one was made after.
    for (resource, used) in behind {
        if !state.has(&resource) {
            let used: Vec<_> = used.into_iter().collect();
            state.replace_dependency(&resource, &used);
        }
    }
    edited.write()?;
    Ok(found)
}
