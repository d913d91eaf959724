//! `graph`: which resource waits for which.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use strata_config::{Config, Dependencies};
pub use strata_config::{StepShape, Steps};
use strata_core::{
    Action, Diagnostics,
    addr::{self, ConfigResource, ResourceMode},
    files::Files,
};
use strata_engine::Plan;
use strata_state::{Instance, State, StoredObject};

use crate::{
    files::Disk,
    infrastructure::{Settings, stored},
    process::Process,
};

/// The resources of a configuration, and what each waits for.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The resources, by module, then by name.
    pub resources: Vec<ConfigResource>,
    /// Pairs of positions: the first waits for the second. What follows from other pairs is not here.
    pub edges: Vec<(usize, usize)>,
}

/// Reads the configuration in a folder and works out its graph, as `terraform graph` shows it.
pub fn graph(files: &dyn Files, directory: &Path) -> Result<Graph, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = strata_config::load(files, directory, &mut diags);
    without_emptiness(diags).into_result(of(&config))
}

/// Reads the configuration in a folder and works out its steps, as `terraform graph -type=plan` shows them: what
/// follows from other edges is left out.
pub fn step_graph(files: &dyn Files, directory: &Path) -> Result<Steps, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = strata_config::load(files, directory, &mut diags);
    without_emptiness(diags).into_result(())?;
    Ok(without_detours(strata_config::steps(&config)))
}

/// Works out the steps of destroying everything, as `terraform graph -type=plan-destroy` shows them.
///
/// They are those of the objects in the state: each waits for what depends on it.
pub fn destroy_graph(settings: &Settings, process: &Process) -> Result<Steps, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = strata_config::load(&Disk, &settings.directory, &mut diags);
    without_emptiness(diags).into_result(())?;
    let state = stored::read(settings, process)?;
    Ok(without_detours(destroy_steps(
        strata_config::steps(&config),
        &state,
    )))
}

/// The actions of a saved plan, and what each waits for.
///
/// Terraform shows what leads to their values besides; here it is what apply obeys.
pub fn plan_graph(plan: &Plan) -> Steps {
    let mut steps = Steps::default();
    let nodes = &plan.graph.nodes;
    let name = |at: usize| {
        let node = nodes.get(at)?;
        let change = plan.changes.get(node.work.change()?)?;
        let address = &change.address;
        Some(match (node.work.action(), &change.deposed) {
            (Some(Action::Delete), Some(key)) => format!("{address} (destroy deposed {key})"),
            (Some(Action::Delete), None) => format!("{address} (destroy)"),
            (Some(Action::Forget), _) => format!("{address} (forget)"),
            _ => address.to_string(),
        })
    };
    for (at, node) in nodes.iter().enumerate() {
        let Some(own) = name(at) else { continue };
        // Nodes that only join others are not shown; what they wait for is.
        let mut open = node.after.clone();
        let mut seen: BTreeSet<usize> = open.iter().copied().collect();
        let mut after = BTreeSet::new();
        while let Some(before) = open.pop() {
            match name(before) {
                Some(name) => drop(after.insert(name)),
                None => {
                    let further = nodes.get(before).into_iter().flat_map(|node| &node.after);
                    open.extend(further.copied().filter(|at| seen.insert(*at)));
                }
            }
        }
        let step = steps.0.entry(own).or_default();
        step.shape = StepShape::Box;
        step.after.extend(after);
    }
    without_detours(steps)
}

/// The steps for the objects of a state; of `all` what the providers need, and the outputs of the root module.
fn destroy_steps(all: Steps, state: &State) -> Steps {
    let mut steps = Steps::default();
    let managed = |address: &addr::ResourceInstance| address.resource.mode == ResourceMode::Managed;
    for (address, resource, instance) in state.instances().filter(|(address, ..)| managed(address))
    {
        for (name, object) in objects(&address, instance) {
            let provider = resource.provider_of(instance).to_string();
            let close = format!("{provider} (close)");
            let own = steps.0.entry(name.clone()).or_default();
            own.shape = StepShape::Box;
            own.after.insert(provider.clone());
            steps.0.entry(provider.clone()).or_default().shape = StepShape::Diamond;
            steps
                .0
                .entry(close)
                .or_default()
                .after
                .extend([name.clone(), provider]);
            for (other, _, needed) in state.instances().filter(|(other, ..)| managed(other)) {
                let is_needed = object.dependencies.contains(&other.resource.config());
                if is_needed && other != address && needed.current.is_some() {
                    let needed = steps.0.entry(format!("{other} (destroy)")).or_default();
                    needed.after.insert(name.clone());
                }
            }
        }
    }
    let mut open: Vec<String> = steps.0.keys().cloned().collect();
    while let Some(name) = open.pop() {
        let Some(step) = all.0.get(&name).filter(|step| step.shape != StepShape::Box) else {
            continue;
        };
        let own = steps.0.entry(name).or_default();
        own.shape = step.shape;
        let new = step
            .after
            .iter()
            .filter(|to| own.after.insert((*to).clone()));
        open.extend(new.cloned());
    }
    let outputs = all.0.keys().filter(|name| name.starts_with("output."));
    for name in outputs {
        steps.0.entry(name.clone()).or_default();
    }
    let names: BTreeSet<String> = steps.0.keys().cloned().collect();
    steps.0.entry("root".to_owned()).or_default().after = names;
    steps
}

/// The objects of an instance, under the names of the steps that destroy them.
fn objects<'a>(
    address: &addr::ResourceInstance,
    instance: &'a Instance,
) -> impl Iterator<Item = (String, &'a StoredObject)> {
    let current = instance.current.iter();
    let current: Vec<_> = current
        .map(|object| (format!("{address} (destroy)"), object))
        .collect();
    let deposed = instance.deposed.iter().map({
        let address = address.to_string();
        move |(key, object)| (format!("{address} (destroy deposed {key})"), object)
    });
    current.into_iter().chain(deposed)
}

/// Leaves out what follows from other edges.
fn without_detours(mut steps: Steps) -> Steps {
    let names: Vec<String> = steps.0.keys().cloned().collect();
    let numbers: HashMap<&String, usize> = names.iter().zip(0..).collect();
    let number = |name: &String| numbers.get(name).copied();
    let all = steps.0.values();
    let waits: Vec<BTreeSet<usize>> = all
        .map(|step| step.after.iter().filter_map(number).collect())
        .collect();
    let edges = reduced(&waits);
    steps.0.values_mut().for_each(|step| step.after.clear());
    for (from, to) in edges {
        if let Some(step) = steps.0.get_mut(&names[from]) {
            step.after.insert(names[to].clone());
        }
    }
    steps
}

/// Mistakes but for the one that a folder has no configuration: commands that only look work there, too.
pub(crate) fn without_emptiness(diags: Diagnostics) -> Diagnostics {
    let mut others = Diagnostics::new();
    others.extend(
        diags
            .into_iter()
            .filter(|diagnostic| diagnostic.code != "no-configuration"),
    );
    others
}

fn of(config: &Config) -> Graph {
    let mut resources: Vec<_> = config.resources().map(|(address, _)| address).collect();
    resources.sort_by_cached_key(|resource| {
        let path: Vec<_> = resource.module.0.clone();
        (path, name(resource))
    });
    let numbers: HashMap<_, _> = resources.iter().zip(0..).collect();
    let dependencies = strata_config::dependencies(config);
    let waits: Vec<BTreeSet<usize>> = resources
        .iter()
        .map(|resource| {
            let all = all_of(config, &dependencies, resource);
            let mut found: BTreeSet<usize> =
                all.filter_map(|to| numbers.get(to).copied()).collect();
            found.remove(&numbers[resource]);
            found
        })
        .collect();
    Graph {
        edges: reduced(&waits),
        resources,
    }
}

/// The name of a resource in its module.
pub fn name(resource: &ConfigResource) -> String {
    let resource = ConfigResource {
        module: addr::Module::root(),
        ..resource.clone()
    };
    resource.to_string()
}

/// What a resource waits for, the arguments of its provider included.
fn all_of<'a>(
    config: &Config,
    dependencies: &'a Dependencies,
    resource: &ConfigResource,
) -> impl Iterator<Item = &'a ConfigResource> {
    let provider = config.provider_of(resource);
    let through = provider.map(|provider| dependencies.provider(&provider));
    dependencies
        .resource(resource)
        .iter()
        .chain(through.into_iter().flatten())
}

/// Drops each edge for which there is a longer way.
fn reduced(waits: &[BTreeSet<usize>]) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (from, direct) in waits.iter().enumerate() {
        let mut further = vec![false; waits.len()];
        for to in direct {
            mark_beyond(*to, waits, &mut further);
        }
        let kept = direct.iter().filter(|to| !further[**to]);
        edges.extend(kept.map(|to| (from, *to)));
    }
    edges
}

/// Marks all that a resource waits for, at any distance.
fn mark_beyond(start: usize, waits: &[BTreeSet<usize>], reached: &mut [bool]) {
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for to in &waits[at] {
            if !std::mem::replace(&mut reached[*to], true) {
                open.push(*to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(waits: &[&[usize]]) -> Vec<(usize, usize)> {
        let waits: Vec<_> = waits
            .iter()
            .map(|direct| direct.iter().copied().collect())
            .collect();
        reduced(&waits)
    }

    #[test]
    fn what_follows_from_other_edges_is_left_out() {
        assert_eq!(edges(&[&[1, 2], &[2], &[]]), [(0, 1), (1, 2)]);
        assert_eq!(
            edges(&[&[1, 2, 3], &[3], &[3], &[]]),
            [(0, 1), (0, 2), (1, 3), (2, 3)]
        );
        assert_eq!(edges(&[&[], &[]]), []);
    }
}
