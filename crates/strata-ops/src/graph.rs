//! `graph`: which resource waits for which.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use strata_config::{Config, Dependencies};
pub use strata_config::{StepShape, Steps};
use strata_core::{
    Diagnostics,
    addr::{self, ConfigResource},
    files::Files,
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
    let mut steps = strata_config::steps(&config);
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
    Ok(steps)
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
