//! What refers to itself.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use strata_core::{Diagnostic, Diagnostics, Span};

use crate::{
    graph::{self, Cell, Graph, Place},
    tree::Config,
};

pub(super) fn check(config: &Config, diags: &mut Diagnostics) {
    let graph = graph::explore(config);
    for group in graph.cycles() {
        diags.push(report(config, &graph, group));
    }
}

fn report(config: &Config, graph: &Graph, group: &[usize]) -> Diagnostic {
    let path = path(graph, group);
    let first = &graph.places[path[0]];
    if let ([one], Cell::Resource(key)) = (path.as_slice(), &first.cell) {
        return itself(config, &graph.places[*one], &key.to_string());
    }
    if let ([_], Cell::Local(name)) = (path.as_slice(), &first.cell) {
        let found = Diagnostic::error("cycle", "Self-referencing local value").detail(format!(
            "Local value local.{name} cannot use its own result as part of its expression."
        ));
        return match span(config, first) {
            Some(span) => found.at(span),
            None => found,
        };
    }
    let mut names: Vec<String> = path
        .iter()
        .map(|at| graph.places[*at].name(config))
        .collect();
    names.dedup();
    names.push(names[0].clone());
    let found = Diagnostic::error("cycle", "Cycle").detail(format!(
        "Each of these refers to the next, so none can be computed first: {}.",
        names.join(" -> ")
    ));
    let spans = path
        .iter()
        .filter_map(|at| span(config, &graph.places[*at]));
    spans.fold(found, Diagnostic::at)
}

fn itself(config: &Config, place: &Place, name: &str) -> Diagnostic {
    let found = Diagnostic::error("cycle", "Self-referential block")
        .detail(format!("Configuration for {name} may not refer to itself."));
    match span(config, place) {
        Some(span) => found.at(span),
        None => found,
    }
}

/// One way round, through as few members as a walk that never turns back finds.
fn path(graph: &Graph, group: &[usize]) -> Vec<usize> {
    let start = group.iter().copied().min().unwrap_or_default();
    let mut before = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for to in graph.successors[at]
            .iter()
            .copied()
            .filter(|to| group.contains(to))
        {
            if to == start {
                let mut path = vec![at];
                while let Some(previous) = path.last().and_then(|last| before.get(last)).copied() {
                    path.push(previous);
                }
                path.reverse();
                return path;
            }
            if let Entry::Vacant(entry) = before.entry(to) {
                entry.insert(at);
                queue.push_back(to);
            }
        }
    }
    vec![start]
}

/// Where a cell is declared.
fn span(config: &Config, place: &Place) -> Option<Span> {
    let module = &config.nodes[place.node].module;
    match &place.cell {
        Cell::Variable(name) => module
            .variables
            .get(name)
            .map(|variable| variable.span.clone()),
        Cell::Local(name) => module.locals.get(name).map(|local| local.span.clone()),
        Cell::Output(name) => module.outputs.get(name).map(|output| output.span.clone()),
        Cell::Resource(key) => module
            .resources
            .get(key)
            .map(|resource| resource.span.clone()),
        Cell::Check(name) => module.checks.get(name).map(|check| check.span.clone()),
        Cell::Provider(address) => config
            .provider_block(address)
            .map(|block| block.span.clone()),
        Cell::Expansion | Cell::Everything => {
            graph::call_of(config, place.node).map(|call| call.span.clone())
        }
    }
}
