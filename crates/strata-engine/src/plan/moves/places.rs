//! Where the instances of a state are, so that a statement finds those it may be about without a look at all.

use std::collections::{BTreeMap, BTreeSet};

use strata_core::addr::{Module, ResourceInstance, Target};
use strata_state::State;

use super::{Statement, order::parts};

/// Instances by the names on the way to them, without keys.
#[derive(Default)]
pub(super) struct Places(BTreeMap<Vec<String>, BTreeSet<ResourceInstance>>);

impl Places {
    pub(super) fn new(state: &State) -> Self {
        let mut places = Self::default();
        for (address, _, _) in state.instances() {
            places.add(address);
        }
        places
    }

    fn add(&mut self, address: ResourceInstance) {
        let names = names(&Module::root(), &Target::Instance(address.clone()));
        self.0.entry(names).or_default().insert(address);
    }

    pub(super) fn rename(&mut self, from: &ResourceInstance, to: &ResourceInstance) {
        let names = names(&Module::root(), &Target::Instance(from.clone()));
        if let Some(there) = self.0.get_mut(&names) {
            there.remove(from);
        }
        self.add(to.clone());
    }

    /// All instances that have the names of what a statement begins with, in the order of a state.
    pub(super) fn named(&self, statement: &Statement<'_>) -> BTreeSet<&ResourceInstance> {
        let names = names(statement.module, statement.from);
        let from_there = self.0.range(names.clone()..);
        let there = from_there.take_while(|(found, _)| found.starts_with(&names));
        there.flat_map(|(_, instances)| instances).collect()
    }
}

fn names(module: &Module, target: &Target) -> Vec<String> {
    let parts = parts(module, target).into_iter();
    parts.map(|(name, _)| name).collect()
}
