//! Narrowing a plan to what the user names, with all that it depends on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use strata_config::{Config, Dependencies};
use strata_core::addr::{ConfigResource, ModuleInstance, ResourceInstance, Target};

use super::{PlanMode, PlanOptions};
use strata_state::State;

/// Which part of everything is planned.
pub(crate) enum Scope {
    All,
    Part {
        targets: Vec<Target>,
        /// What the targets depend on (or, when destroying, what depends on them), whole.
        around: BTreeSet<ConfigResource>,
        of_nothing: Vec<Target>,
    },
    Without {
        targets: Vec<Target>,
        /// What depends on the targets (or, when destroying, what they depend on), whole.
        around: BTreeSet<ConfigResource>,
        of_nothing: Vec<Target>,
    },
}

impl Scope {
    pub(crate) fn new(
        options: &PlanOptions,
        config: &Config,
        dependencies: &Dependencies,
        state: &State,
    ) -> Self {
        let (targets, exclude) = (&options.targets, &options.exclude);
        if targets.is_empty() && exclude.is_empty() {
            return Scope::All;
        }
        let surroundings = Surroundings {
            config,
            dependencies,
            state,
            all: config
                .resources()
                .map(|(address, _)| address)
                .chain(state.resources.keys().map(|address| address.config()))
                .collect(),
        };
        let destroys = options.mode == PlanMode::Destroy;
        match targets.is_empty() {
            false => Scope::Part {
                targets: targets.clone(),
                around: match destroys {
                    // On what is not there nothing depends.
                    true => surroundings.around(surroundings.in_state(targets), true),
                    false => surroundings.of(targets, false),
                },
                of_nothing: surroundings.without(targets),
            },
            true => Scope::Without {
                targets: exclude.clone(),
                around: surroundings.of(exclude, !destroys),
                of_nothing: surroundings.without(exclude),
            },
        }
    }

    /// The targets that name nothing, by their resources.
    pub(crate) fn of_nothing(&self) -> &[Target] {
        match self {
            Scope::All => &[],
            Scope::Part { of_nothing, .. } | Scope::Without { of_nothing, .. } => of_nothing,
        }
    }

    /// True if the whole resource, or one of its instances, is planned.
    pub(crate) fn has_resource(&self, address: &ConfigResource) -> bool {
        match self {
            Scope::All => true,
            Scope::Part {
                targets, around, ..
            } => around.contains(address) || targets_config(targets, address),
            Scope::Without {
                targets, around, ..
            } => !around.contains(address) && !covers_whole(targets, address),
        }
    }

    /// True if this instance is planned.
    pub(crate) fn has_instance(&self, address: &ResourceInstance) -> bool {
        match self {
            Scope::All => true,
            Scope::Part {
                targets, around, ..
            } => {
                around.contains(&address.resource.config())
                    || targets.iter().any(|target| target.covers(address))
            }
            Scope::Without {
                targets, around, ..
            } => {
                !around.contains(&address.resource.config())
                    && !targets.iter().any(|target| target.covers(address))
            }
        }
    }
}

/// What there is, to follow dependencies through.
struct Surroundings<'a> {
    config: &'a Config,
    dependencies: &'a Dependencies,
    state: &'a State,
    all: BTreeSet<ConfigResource>,
}

impl Surroundings<'_> {
    /// The targets that name no resource.
    fn without(&self, targets: &[Target]) -> Vec<Target> {
        let names_nothing = |target: &&Target| {
            let mut all = self.all.iter();
            !all.any(|address| targets_config(std::slice::from_ref(*target), address))
        };
        targets.iter().filter(names_nothing).cloned().collect()
    }

    /// What the targets depend on, or what depends on them.
    fn of(&self, targets: &[Target], dependents: bool) -> BTreeSet<ConfigResource> {
        let named = self.all.iter();
        let named = named.filter(|address| targets_config(targets, address));
        self.around(named.cloned().collect(), dependents)
    }

    fn around(&self, mut queue: Vec<ConfigResource>, dependents: bool) -> BTreeSet<ConfigResource> {
        let users = match dependents {
            true => self.users(),
            false => BTreeMap::new(),
        };
        let mut around = BTreeSet::new();
        while let Some(address) = queue.pop() {
            let next: Vec<ConfigResource> = match dependents {
                true => users.get(&address).into_iter().flatten().cloned().collect(),
                false => needs(self.config, self.dependencies, &address).to_vec(),
            };
            queue.extend(next.into_iter().filter(|next| around.insert(next.clone())));
        }
        around
    }

    /// The resources of which state has an instance that is named.
    fn in_state(&self, targets: &[Target]) -> Vec<ConfigResource> {
        let is_named = |address: &ResourceInstance| {
            let mut targets = targets.iter();
            targets.any(|target| target.covers(address))
        };
        let instances = self.state.instances().map(|(address, _, _)| address);
        let named = instances.filter(is_named);
        let named: BTreeSet<_> = named.map(|address| address.resource.config()).collect();
        named.into_iter().collect()
    }

    /// For each resource, which need it.
    fn users(&self) -> BTreeMap<ConfigResource, Vec<ConfigResource>> {
        let mut users: BTreeMap<ConfigResource, Vec<ConfigResource>> = BTreeMap::new();
        for user in &self.all {
            for needed in needs(self.config, self.dependencies, user).iter() {
                users.entry(needed.clone()).or_default().push(user.clone());
            }
        }
        users
    }
}

/// What a resource needs: what it refers to, and what its provider's configuration and its `import` blocks refer to.
pub(crate) fn needs(
    config: &Config,
    dependencies: &Dependencies,
    address: &ConfigResource,
) -> Arc<[ConfigResource]> {
    if config.resource(address).is_none() {
        return Arc::default();
    }
    let own = dependencies.shared(address);
    let provider = config.provider_of(address);
    let through = provider.map_or(&[][..], |provider| dependencies.provider(&provider));
    let imports = dependencies.imports(address);
    if through.is_empty() && imports.is_empty() {
        return own;
    }
    let all: BTreeSet<&ConfigResource> = own.iter().chain(through).chain(imports).collect();
    let others = all.into_iter().filter(|needed| *needed != address);
    others.cloned().collect()
}

/// True if nothing of the resource is left out of the targets, as far as configuration alone tells.
fn covers_whole(targets: &[Target], address: &ConfigResource) -> bool {
    let keyless = |module: &ModuleInstance| module.0.iter().all(|step| step.key.is_none());
    targets.iter().any(|target| match target {
        Target::Module(module) => {
            keyless(module) && address.module.0.starts_with(&module.module().0)
        }
        Target::Resource(resource) => keyless(&resource.module) && resource.config() == *address,
        Target::Instance(_) => false,
    })
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
