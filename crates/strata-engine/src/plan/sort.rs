//! What of configuration comes before what, and what follows from it for replacements.

use std::collections::{BTreeSet, VecDeque};

use strata_config::Dependencies;
use strata_core::{Diagnostic, Diagnostics, addr::ConfigResource, hash::HashMap};

use super::{order::Needs, targets::needs};
use crate::session::Session;

/// What each resource of configuration needs.
pub(crate) fn all_needs(session: &Session<'_>, dependencies: &Dependencies) -> Needs {
    let config = &session.environment.config;
    let entry = |address: ConfigResource| {
        let needs = needs(config, dependencies, &address);
        (address, needs)
    };
    config
        .resources()
        .map(|(address, _)| entry(address))
        .collect()
}

/// Resources in an order in which each comes after what it needs.
pub(crate) fn sort(needs: &Needs) -> Result<Vec<ConfigResource>, Diagnostics> {
    let mut waiting: HashMap<&ConfigResource, usize> =
        HashMap::with_capacity_and_hasher(needs.len(), Default::default());
    let mut dependents: HashMap<&ConfigResource, Vec<&ConfigResource>> = HashMap::default();
    for (resource, needed) in needs {
        let needed = needed.iter().filter(|needed| needs.contains_key(needed));
        waiting.insert(resource, needed.clone().count());
        needed.for_each(|needed| dependents.entry(needed).or_default().push(resource));
    }
    let mut ready: VecDeque<_> = needs
        .keys()
        .filter(|resource| waiting[resource] == 0)
        .collect();
    let mut sorted = Vec::with_capacity(needs.len());
    while let Some(resource) = ready.pop_front() {
        sorted.push(resource.clone());
        for next in dependents.get(resource).into_iter().flatten() {
            let left = waiting.entry(next).or_default();
            *left -= 1;
            if *left == 0 {
                ready.push_back(next);
            }
        }
    }
    if sorted.len() == needs.len() {
        return Ok(sorted);
    }
    let left = needs
        .keys()
        .filter(|resource| waiting[resource] > 0)
        .map(|resource| format!("`{resource}`"));
    Err(Diagnostic::error(
        "dependency-cycle",
        "resources depend on each other in a circle",
    )
    .detail(format!(
        "Each of these waits for another one: {}.",
        left.collect::<Vec<_>>().join(", ")
    ))
    .into())
}

/// Who is replaced by making the new object first: who says so, and all that they depend on.
pub(crate) fn create_before_destroy(
    session: &Session<'_>,
    needs: &Needs,
    sorted: &[ConfigResource],
) -> BTreeSet<ConfigResource> {
    let config = &session.environment.config;
    let says_so = |resource: &ConfigResource| {
        config
            .resource(resource)
            .is_some_and(|block| block.lifecycle.create_before_destroy)
    };
    let mut all = BTreeSet::new();
    for resource in sorted.iter().rev() {
        if says_so(resource) {
            all.insert(resource.clone());
        }
        if all.contains(resource) {
            all.extend(needs[resource].iter().cloned());
        }
    }
    all
}
