//! The steps in which Terraform would evaluate a configuration, as `graph -type=plan` shows them.
//!
//! The cells of [`crate::graph`] under Terraform's names, with the beginnings and ends of modules and providers that it
//! has as steps of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    graph::{self, Cell, Place},
    tree::Config,
};

/// Steps by name, and what each waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(pub BTreeMap<String, Step>);

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How it is drawn.
    pub shape: StepShape,
    /// The steps it waits for.
    pub after: BTreeSet<String>,
}

/// How a step is drawn, if at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepShape {
    /// Only as the end of an arrow.
    #[default]
    Hidden,
    /// A resource.
    Box,
    /// A provider.
    Diamond,
    /// A variable of the root module.
    Note,
}

/// Works out the steps of a configuration.
pub fn steps(config: &Config) -> Steps {
    let graph = graph::explore(config);
    let used = used_providers(config);
    let name = |at: usize| name(config, &graph.places[at]);
    let mut steps = Steps::default();
    for (at, place) in graph.places.iter().enumerate() {
        if matches!(&place.cell, Cell::Provider(address) if !used.contains(&address.to_string())) {
            continue;
        }
        let Some(own) = name(at) else { continue };
        let step = steps.0.entry(own.clone()).or_default();
        step.shape = shape(place);
        let after = graph.successors[at].iter().filter_map(|to| name(*to));
        step.after.extend(after.filter(|to| *to != own));
        steps.inside(config, place, &own);
    }
    let all: BTreeSet<String> = steps.0.keys().cloned().collect();
    steps.0.entry("root".to_owned()).or_default().after = all;
    steps
}

fn used_providers(config: &Config) -> BTreeSet<String> {
    let resources = config.resources().map(|(address, _)| address);
    let used = resources.filter_map(|address| config.provider_of(&address));
    used.map(|address| address.to_string()).collect()
}

impl Steps {
    /// What a place has to do with the beginning and end of its module and its provider.
    fn inside(&mut self, config: &Config, place: &Place, own: &str) {
        let node = &config.nodes[place.node];
        if !node.path.0.is_empty() && !matches!(place.cell, Cell::Expansion | Cell::Provider(_)) {
            let expand = format!("{} (expand)", node.path);
            self.wait(own, &expand);
            self.0.entry(expand).or_default();
            self.wait(&format!("{} (close)", node.path), own);
        }
        if let Cell::Resource(key) = &place.cell
            && let Some(provider) = config.provider_of(&node.resource_address(key))
        {
            self.wait(own, &provider.to_string());
            let close = format!("{provider} (close)");
            self.wait(&close, own);
            self.wait(&close, &provider.to_string());
        }
    }

    fn wait(&mut self, step: &str, before: &str) {
        let step = self.0.entry(step.to_owned()).or_default();
        step.after.insert(before.to_owned());
    }
}

/// The name of a step; none for what is no step of its own.
fn name(config: &Config, place: &Place) -> Option<String> {
    let is_root = config.nodes[place.node].path.0.is_empty();
    let plain = place.name(config);
    match place.cell {
        Cell::Variable(_) if is_root => Some(plain),
        Cell::Provider(_) => Some(plain),
        Cell::Expansion | Cell::Everything if is_root => None,
        Cell::Everything => Some(format!("{plain} (close)")),
        _ => Some(format!("{plain} (expand)")),
    }
}

fn shape(place: &Place) -> StepShape {
    match place.cell {
        Cell::Resource(_) => StepShape::Box,
        Cell::Provider(_) => StepShape::Diamond,
        Cell::Variable(_) if place.node == 0 => StepShape::Note,
        _ => StepShape::Hidden,
    }
}
