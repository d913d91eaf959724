//! Narrowing a plan to what the user names, with all that it depends on.

use std::collections::BTreeSet;

use strata_config::{Config, Dependencies};
use strata_core::addr::{ConfigResource, ModuleInstance, ResourceInstance, Target};

use super::PlanMode;
use strata_state::State;

/// Which part of everything is planned.
pub(crate) enum Scope {
    All,
    Part {
        targets: Vec<Target>,
        /// What the targets depend on (or, when destroying, what depends on them), whole.
        around: BTreeSet<ConfigResource>,
    },
}

impl Scope {
    pub(crate) fn new(
        targets: &[Target],
        mode: PlanMode,
        config: &Config,
        dependencies: &Dependencies,
        state: &State,
    ) -> Self {
        if targets.is_empty() {
            return Scope::All;
        }
        let all: BTreeSet<ConfigResource> = config
            .resources()
            .map(|(address, _)| address)
            .chain(state.resources.keys().map(|address| address.config()))
            .collect();
        let mut queue: Vec<_> = all
            .iter()
            .filter(|address| targets_config(targets, address))
            .cloned()
            .collect();
        let mut around = BTreeSet::new();
        while let Some(address) = queue.pop() {
            let next: Vec<ConfigResource> = match mode {
                PlanMode::Destroy => all
                    .iter()
                    .filter(|other| depends(dependencies, other, &address))
                    .cloned()
                    .collect(),
                _ => needs(config, dependencies, &address).into_iter().collect(),
            };
            queue.extend(next.into_iter().filter(|next| around.insert(next.clone())));
        }
        Scope::Part {
            targets: targets.to_vec(),
            around,
        }
    }

    /// True if the whole resource, or one of its instances, is planned.
    pub(crate) fn has_resource(&self, address: &ConfigResource) -> bool {
        match self {
            Scope::All => true,
            Scope::Part { targets, around } => {
                around.contains(address) || targets_config(targets, address)
            }
        }
    }

    /// True if this instance is planned.
    pub(crate) fn has_instance(&self, address: &ResourceInstance) -> bool {
        match self {
            Scope::All => true,
            Scope::Part { targets, around } => {
                around.contains(&address.resource.config())
                    || targets.iter().any(|target| target.covers(address))
            }
        }
    }
}

/// What a resource needs: what it refers to, and what its provider's configuration refers to.
pub(crate) fn needs(
    config: &Config,
    dependencies: &Dependencies,
    address: &ConfigResource,
) -> BTreeSet<ConfigResource> {
    if config.resource(address).is_none() {
        return BTreeSet::new();
    }
    let mut needs = dependencies.resource(address).clone();
    if let Some(provider) = config.provider_of(address) {
        needs.extend(dependencies.provider(&provider).iter().cloned());
    }
    needs.remove(address);
    needs
}

fn depends(dependencies: &Dependencies, dependent: &ConfigResource, on: &ConfigResource) -> bool {
    dependencies.resource(dependent).contains(on)
}

fn targets_config(targets: &[Target], address: &ConfigResource) -> bool {
    let same_module = |module: &ModuleInstance| module.module() == address.module;
    targets.iter().any(|target| match target {
        Target::Module(module) => address.module.0.starts_with(&module.module().0),
        Target::Resource(resource) => {
            same_module(&resource.module) && resource.config() == *address
        }
        Target::Instance(instance) => instance.resource.config() == *address,
    })
}
