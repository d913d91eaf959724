//! What refers to what in a whole configuration, as a graph of cells.
//!
//! A [`Cell`] is anything that has a value: variables, locals, outputs, resources, and how often a module is there.
//! [`explore`] visits all of them once (Tarjan's algorithm, without recursion, since chains of references may be as
//! long as the user likes) and gives them in an order in which what a cell refers to comes before it.

use std::{fmt, sync::Arc};

use strata_core::{addr::ResourceMode, hash::HashMap};
use strata_hcl::{Expression, Traversal};

use crate::{
    module::{Import, ModuleCall, Provisioner, ProvisionerWhen, Resource, ResourceKey},
    provider::{self, ProviderAddress},
    provisioners,
    references::{self, Target},
    tree::{Config, NodeId},
};

/// Something with a value, at a place in the module tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) cell: Cell,
}

/// Something with a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cell {
    Variable(Arc<str>),
    Local(Arc<str>),
    Output(Arc<str>),
    Resource(ResourceKey),
    /// A `check` block.
    Check(Arc<str>),
    /// A provider configuration.
    Provider(ProviderAddress),
    /// The instances of the module.
    Expansion,
    /// All resources of the module and of those it calls, for `depends_on`.
    Everything,
}

/// The graph: cells, what they refer to, and in which order they can be evaluated.
pub(crate) struct Graph {
    pub(crate) places: Vec<Place>,
    pub(crate) successors: Vec<Vec<usize>>,
    /// Groups of cells, each after those it refers to; a group of more than one is a cycle.
    pub(crate) groups: Vec<Vec<usize>>,
    known: HashMap<Place, usize>,
}

impl Graph {
    /// The groups that refer to themselves.
    pub(crate) fn cycles(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.groups.iter().filter(|group| match group.as_slice() {
            [one] => self.successors[*one].contains(one),
            _ => true,
        })
    }

    /// Which of its places this is; none if it is no cell of the configuration.
    pub(crate) fn number_of(&self, place: &Place) -> Option<usize> {
        self.known.get(place).copied()
    }

    fn number(&mut self, place: Place) -> usize {
        let next = self.places.len();
        let number = *self.known.entry(place.clone()).or_insert(next);
        if number == next {
            self.places.push(place);
        }
        number
    }
}

/// Follows all references of a configuration.
pub(crate) fn explore(config: &Config) -> Graph {
    let mut graph = Graph {
        places: Vec::new(),
        successors: Vec::new(),
        groups: Vec::new(),
        known: HashMap::default(),
    };
    for place in all(config) {
        graph.number(place);
    }
    let mut next = 0;
    while next < graph.places.len() {
        let place = graph.places[next].clone();
        let to: Vec<usize> = successors(config, &place)
            .into_iter()
            .map(|place| graph.number(place))
            .collect();
        graph.successors.push(to);
        next += 1;
    }
    graph.groups = groups(&graph.successors);
    graph
}

fn all(config: &Config) -> Vec<Place> {
    let mut places = Vec::new();
    for (node, found) in config.nodes.iter().enumerate() {
        let module = &found.module;
        let variables = module.variables.keys().cloned().map(Cell::Variable);
        let locals = module.locals.keys().cloned().map(Cell::Local);
        let outputs = module.outputs.keys().cloned().map(Cell::Output);
        let resources = module.resources.keys().cloned().map(Cell::Resource);
        let checks = module.checks.keys().cloned().map(Cell::Check);
        let cells = variables.chain(locals).chain(outputs).chain(resources);
        let cells = cells.chain(checks);
        places.extend(
            cells
                .chain([Cell::Expansion])
                .map(|cell| Place { node, cell }),
        );
    }
    let providers = provider::all(config).into_iter().map(|address| Place {
        node: config.places[&address.module],
        cell: Cell::Provider(address),
    });
    places.extend(providers);
    places
}

/// Everything one cell refers to.
fn successors(config: &Config, place: &Place) -> Vec<Place> {
    let node = &config.nodes[place.node];
    let mut found = Found {
        config,
        places: Vec::new(),
    };
    match &place.cell {
        Cell::Variable(name) => {
            if let (Some(parent), Some(call)) = (node.parent, call_of(config, place.node)) {
                found.expression(
                    parent,
                    call.arguments.get(name).map(|argument| &argument.value),
                );
                found.cell(place.node, Cell::Expansion);
            }
        }
        Cell::Local(name) => {
            found.expression(
                place.node,
                node.module.locals.get(name).map(|local| &local.value),
            );
        }
        Cell::Output(name) => {
            if let Some(output) = node.module.outputs.get(name) {
                found.expression(place.node, Some(&output.value));
                found.depends_on(place.node, &output.depends_on);
                for check in &output.preconditions {
                    found.expression(place.node, Some(&check.condition));
                    found.expression(place.node, Some(&check.error_message));
                }
            }
        }
        Cell::Resource(key) => {
            if let Some(resource) = node.module.resources.get(key) {
                found.resource(place.node, resource);
            }
            if key.mode == ResourceMode::Ephemeral {
                // Providers take what it gives, and it cannot be opened by one that waits for it.
                let provider = config.provider_of(&node.resource_address(key));
                found.places.extend(provider.map(|address| Place {
                    node: config.places[&address.module],
                    cell: Cell::Provider(address),
                }));
            }
        }
        Cell::Check(name) => {
            if let Some(check) = node.module.checks.get(name) {
                let data = check.data.iter().cloned();
                data.for_each(|key| found.cell(place.node, Cell::Resource(key)));
                for assert in &check.asserts {
                    found.expression(place.node, Some(&assert.condition));
                    found.expression(place.node, Some(&assert.error_message));
                }
            }
        }
        Cell::Provider(address) => {
            if let Some(block) = config.provider_block(address) {
                found.expression(place.node, block.for_each.as_ref());
                found.all(place.node, references::in_body(&block.body));
            }
        }
        Cell::Expansion => {
            if let (Some(parent), Some(call)) = (node.parent, call_of(config, place.node)) {
                found.expression(parent, call.repeat.expression());
                found.depends_on(parent, &call.depends_on);
                found.cell(parent, Cell::Expansion);
            }
        }
        Cell::Everything => {
            for key in node.module.resources.keys() {
                found.cell(place.node, Cell::Resource(key.clone()));
            }
            for child in node.children.values() {
                found.cell(*child, Cell::Everything);
            }
        }
    }
    found.places
}

/// What an `import` block of the root module refers to.
pub(crate) fn of_import(config: &Config, import: &Import) -> Vec<Place> {
    let mut found = Found {
        config,
        places: Vec::new(),
    };
    found.expression(0, Some(&import.id));
    found.expression(0, import.for_each.as_ref());
    found.places
}

/// The call that makes a place of the tree; none for the root.
pub(crate) fn call_of(config: &Config, node: NodeId) -> Option<&ModuleCall> {
    let name = config.nodes[node].path.0.last()?;
    let parent = config.nodes[node].parent?;
    config.nodes[parent].module.calls.get(name)
}

struct Found<'c> {
    config: &'c Config,
    places: Vec<Place>,
}

impl Found<'_> {
    fn cell(&mut self, node: NodeId, cell: Cell) {
        self.places.push(Place { node, cell });
    }

    fn expression(&mut self, node: NodeId, expression: Option<&Expression>) {
        if let Some(expression) = expression {
            self.all(node, expression.references());
        }
    }

    fn all(&mut self, node: NodeId, traversals: Vec<Traversal>) {
        for traversal in traversals {
            if let Ok(target) = references::target(&traversal) {
                self.target(node, target);
            }
        }
    }

    fn resource(&mut self, node: NodeId, resource: &Resource) {
        self.all(node, references::in_body(&resource.body));
        let provider = resource.provider.as_ref();
        let instance = provider.and_then(|reference| reference.instance.as_ref());
        self.expression(node, instance);
        self.expression(node, resource.repeat.expression());
        // Who waits for himself waits for nobody, as in Terraform.
        let is_itself = |named: &&Traversal| match references::target(named) {
            Ok(Target::Resource(key)) => key == resource.key,
            _ => false,
        };
        let others = resource.depends_on.iter().filter(|named| !is_itself(named));
        self.depends_on(node, others);
        let lifecycle = &resource.lifecycle;
        for trigger in &lifecycle.replace_triggered_by {
            self.expression(node, Some(trigger));
        }
        for check in lifecycle
            .preconditions
            .iter()
            .chain(&lifecycle.postconditions)
        {
            self.expression(node, Some(&check.condition));
            self.expression(node, Some(&check.error_message));
        }
        self.provisioners(node, resource);
        self.cell(node, Cell::Expansion);
    }

    /// What provisioners refer to must be there before the resource is; those of destruction refer to nothing else.
    fn provisioners(&mut self, node: NodeId, resource: &Resource) {
        let at_creation = |p: &&Provisioner| p.when == ProvisionerWhen::Create;
        for provisioner in resource.provisioners.iter().filter(at_creation) {
            self.all(node, references::in_body(&provisioner.body));
            if let Some(connection) = provisioners::connection_of(resource, provisioner) {
                self.all(node, references::in_body(&connection.body));
            }
        }
    }

    /// Waiting for a module is waiting for everything in it.
    fn depends_on<'t>(
        &mut self,
        node: NodeId,
        traversals: impl IntoIterator<Item = &'t Traversal>,
    ) {
        for traversal in traversals {
            match references::target(traversal) {
                Ok(Target::Module(call, _)) => {
                    if let Some(child) = self.config.nodes[node].children.get(&call) {
                        self.cell(*child, Cell::Everything);
                    }
                }
                Ok(target) => self.target(node, target),
                Err(_) => {}
            }
        }
    }

    /// Adds what a reference names, if it is there.
    fn target(&mut self, node: NodeId, target: Target) {
        let at = &self.config.nodes[node];
        match target {
            Target::Variable(name) if at.module.variables.contains_key(&name) => {
                self.cell(node, Cell::Variable(name));
            }
            Target::Local(name) if at.module.locals.contains_key(&name) => {
                self.cell(node, Cell::Local(name));
            }
            Target::Resource(key) if at.module.resources.contains_key(&key) => {
                self.cell(node, Cell::Resource(key));
            }
            Target::Module(call, output) => self.module(node, &call, output),
            _ => {}
        }
    }

    fn module(&mut self, node: NodeId, call: &Arc<str>, output: Option<Arc<str>>) {
        let Some(child) = self.config.nodes[node].children.get(call).copied() else {
            return;
        };
        self.cell(child, Cell::Expansion);
        let outputs = &self.config.nodes[child].module.outputs;
        match output {
            Some(name) if outputs.contains_key(&name) => self.cell(child, Cell::Output(name)),
            Some(_) => {}
            None => {
                for name in outputs.keys() {
                    self.cell(child, Cell::Output(name.clone()));
                }
            }
        }
    }
}

/// Strongly connected components, each after those it leads to.
fn groups(successors: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = successors.len();
    let (mut index, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let mut open = vec![false; count];
    let (mut stack, mut groups, mut next) = (Vec::new(), Vec::new(), 0);
    for start in 0..count {
        if index[start] != UNSEEN {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((at, edge)) = path.pop() {
            if edge == 0 {
                (index[at], low[at]) = (next, next);
                next += 1;
                stack.push(at);
                open[at] = true;
            }
            if let Some(to) = successors[at].get(edge).copied() {
                path.push((at, edge + 1));
                if index[to] == UNSEEN {
                    path.push((to, 0));
                } else if open[to] {
                    low[at] = low[at].min(index[to]);
                }
                continue;
            }
            if let Some((caller, _)) = path.last() {
                low[*caller] = low[*caller].min(low[at]);
            }
            if low[at] == index[at] {
                let from = stack.iter().rposition(|entry| *entry == at).unwrap_or(0);
                let group = stack.split_off(from);
                group.iter().for_each(|member| open[*member] = false);
                groups.push(group);
            }
        }
    }
    groups
}

impl Place {
    /// The cell as users write it, with the module it is in.
    pub(crate) fn name(&self, config: &Config) -> String {
        let module = &config.nodes[self.node].path;
        match (&self.cell, module.0.is_empty()) {
            (Cell::Provider(address), _) => address.to_string(),
            (Cell::Expansion | Cell::Everything, _) => module.to_string(),
            (cell, true) => cell.to_string(),
            (cell, false) => format!("{module}.{cell}"),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Variable(name) => write!(f, "var.{name}"),
            Cell::Local(name) => write!(f, "local.{name}"),
            Cell::Output(name) => write!(f, "output.{name}"),
            Cell::Resource(key) => write!(f, "{key}"),
            Cell::Check(name) => write!(f, "check.{name}"),
            Cell::Provider(address) => write!(f, "{address}"),
            Cell::Expansion | Cell::Everything => f.write_str("module"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn groups_come_after_what_they_lead_to() {
        // 0 → 1 → 2 → 1, 2 → 3
        assert_eq!(
            groups(&[vec![1], vec![2], vec![1, 3], vec![]]),
            [vec![3], vec![1, 2], vec![0]]
        );
    }

    #[test]
    fn long_chains_need_no_stack() {
        let chain: Vec<Vec<usize>> = (0..100_000)
            .map(|at| vec![at + 1])
            .chain([vec![]])
            .collect();
        assert_eq!(groups(&chain).len(), 100_001);
    }
}
