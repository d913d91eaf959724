//! What must come before what, without evaluating.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use strata_core::addr::{self, ConfigResource};

use crate::{provider::ProviderAddress, tree::Config};

/// The resources that each thing waits for: those it refers to, also through locals, variables and outputs.
///
/// What those resources wait for themselves is not repeated.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    resources: HashMap<ConfigResource, Arc<BTreeSet<ConfigResource>>>,
    providers: HashMap<ProviderAddress, Arc<BTreeSet<ConfigResource>>>,
    outputs: HashMap<(addr::Module, Arc<str>), Arc<BTreeSet<ConfigResource>>>,
    calls: HashMap<(addr::Module, Arc<str>), Arc<BTreeSet<ConfigResource>>>,
}

static NONE: BTreeSet<ConfigResource> = BTreeSet::new();

impl Dependencies {
    /// What a resource waits for, `depends_on` and instances of the modules around it included; not its provider's.
    pub fn resource(&self, resource: &ConfigResource) -> &BTreeSet<ConfigResource> {
        self.resources.get(resource).map_or(&NONE, |set| set)
    }

    /// What a provider's arguments wait for.
    pub fn provider(&self, provider: &ProviderAddress) -> &BTreeSet<ConfigResource> {
        self.providers.get(provider).map_or(&NONE, |set| set)
    }

    /// What an output of a module waits for.
    pub fn output(&self, module: &addr::Module, name: &str) -> &BTreeSet<ConfigResource> {
        let key = (module.clone(), Arc::from(name));
        self.outputs.get(&key).map_or(&NONE, |set| set)
    }

    /// What the instances of a called module wait for: its `count` or `for_each`, and those of its callers.
    pub fn module_call(&self, caller: &addr::Module, name: &str) -> &BTreeSet<ConfigResource> {
        let key = (caller.clone(), Arc::from(name));
        self.calls.get(&key).map_or(&NONE, |set| set)
    }
}

/// Finds out what everything waits for, in time linear in the configuration.
pub fn dependencies(_config: &Config) -> Dependencies {
    unimplemented!()
}
