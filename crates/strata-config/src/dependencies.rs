//! What must come before what, without evaluating.

use std::{collections::BTreeSet, sync::Arc};
use strata_core::hash::HashMap;

use strata_core::addr::{self, ConfigResource};

use crate::{
    graph::{self, Cell, Place},
    provider::ProviderAddress,
    tree::Config,
};

/// Sorted, each once. Most have one member, for which a search tree would hold room for eleven.
type Set = Arc<[ConfigResource]>;

/// The resources that each thing waits for: those it refers to, also through locals, variables and outputs.
///
/// What those resources wait for themselves is not repeated.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    resources: HashMap<ConfigResource, Set>,
    providers: HashMap<ProviderAddress, Set>,
    outputs: HashMap<(addr::Module, Arc<str>), Set>,
    calls: HashMap<(addr::Module, Arc<str>), Set>,
    checks: HashMap<(addr::Module, Arc<str>), Set>,
    imports: HashMap<ConfigResource, Set>,
}

impl Dependencies {
    /// What a resource waits for, `depends_on` and instances of the modules around it included; not its provider's.
    pub fn resource(&self, resource: &ConfigResource) -> &[ConfigResource] {
        self.resources.get(resource).map_or(&[], |set| set)
    }

    /// The same, to be kept.
    pub fn shared(&self, resource: &ConfigResource) -> Arc<[ConfigResource]> {
        self.resources.get(resource).cloned().unwrap_or_default()
    }

    /// What a provider's arguments wait for.
    pub fn provider(&self, provider: &ProviderAddress) -> &[ConfigResource] {
        self.providers.get(&provider.block()).map_or(&[], |set| set)
    }

    /// What an output of a module waits for.
    pub fn output(&self, module: &addr::Module, name: &str) -> &[ConfigResource] {
        let key = (module.clone(), Arc::from(name));
        self.outputs.get(&key).map_or(&[], |set| set)
    }

    /// What a `check` block of a module waits for, its own data source included.
    pub fn check(&self, module: &addr::Module, name: &str) -> &[ConfigResource] {
        let key = (module.clone(), Arc::from(name));
        self.checks.get(&key).map_or(&[], |set| set)
    }

    /// What the `import` blocks of a resource wait for: what their ids and `for_each` refer to.
    pub fn imports(&self, resource: &ConfigResource) -> &[ConfigResource] {
        self.imports.get(resource).map_or(&[], |set| set)
    }

    /// What the instances of a called module wait for: its `count` or `for_each`, and those of its callers.
    pub fn module_call(&self, caller: &addr::Module, name: &str) -> &[ConfigResource] {
        let key = (caller.clone(), Arc::from(name));
        self.calls.get(&key).map_or(&[], |set| set)
    }
}

/// Finds out what everything waits for: each cell is visited once.
pub fn dependencies(config: &Config) -> Dependencies {
    let graph = graph::explore(config);
    let mut found = Dependencies::default();
    // What a cell brings to those that refer to it, and what it waits for itself.
    let mut brings: Vec<Set> = vec![Set::default(); graph.places.len()];
    for group in &graph.groups {
        for at in group {
            let place = &graph.places[*at];
            let own = resource_address(config, place);
            let waits = union(
                graph.successors[*at].iter().map(|to| &brings[*to]),
                own.as_ref(),
            );
            brings[*at] = match own {
                Some(address) => Arc::from([address]),
                None => waits.clone(),
            };
            found.record(config, place, waits);
        }
    }
    for import in &config.root().imports {
        let places = graph::of_import(config, import);
        let sets = places
            .iter()
            .filter_map(|place| Some(&brings[graph.number_of(place)?]));
        let known = found.imports.remove(&import.resource);
        let waits = union(sets.chain(&known), Some(&import.resource));
        if !waits.is_empty() {
            found.imports.insert(import.resource.clone(), waits);
        }
    }
    found
}

fn resource_address(config: &Config, place: &Place) -> Option<ConfigResource> {
    match &place.cell {
        Cell::Resource(key) => Some(config.nodes[place.node].resource_address(key)),
        _ => None,
    }
}

/// All of several sets but one member; sets that would come out equal are shared.
fn union<'a>(sets: impl Iterator<Item = &'a Set>, without: Option<&ConfigResource>) -> Set {
    let mut first = Set::default();
    let mut all: BTreeSet<&ConfigResource> = BTreeSet::new();
    for set in sets {
        if first.is_empty() {
            first = set.clone();
        } else if all.is_empty() && is_within(set, &first) {
            continue;
        } else {
            all.extend(set.iter());
        }
    }
    let is_in = |own: &&ConfigResource| all.contains(*own) || first.binary_search(own).is_ok();
    match (without.filter(is_in), all.is_empty()) {
        (None, true) => first,
        (own, _) => {
            all.extend(first.iter());
            if let Some(own) = own {
                all.remove(own);
            }
            all.into_iter().cloned().collect()
        }
    }
}

/// True if one set has all that another one has.
fn is_within(set: &Set, other: &Set) -> bool {
    Arc::ptr_eq(set, other) || set.iter().all(|one| other.binary_search(one).is_ok())
}

impl Dependencies {
    fn record(&mut self, config: &Config, place: &Place, waits: Set) {
        let node = &config.nodes[place.node];
        match &place.cell {
            Cell::Resource(key) => {
                self.resources.insert(node.resource_address(key), waits);
            }
            Cell::Provider(address) => {
                self.providers.insert(address.clone(), waits);
            }
            Cell::Output(name) => {
                self.outputs
                    .insert((node.path.clone(), name.clone()), waits);
            }
            Cell::Check(name) => {
                self.checks.insert((node.path.clone(), name.clone()), waits);
            }
            Cell::Expansion => {
                if let (Some(parent), Some(name)) = (node.parent, node.path.0.last()) {
                    let caller = config.nodes[parent].path.clone();
                    self.calls.insert((caller, name.clone()), waits);
                }
            }
            Cell::Variable(_) | Cell::Local(_) | Cell::Everything => {}
        }
    }
}
