//! Terraform files as they stand, folder by folder.

use std::{path::PathBuf, sync::Arc};

use strata_core::{Diagnostics, Source, Value};
use strata_hcl::{
    Block, Body, Expression,
    syntax::node::{Node, NodeKind, StepKind, TemplatePart},
};

/// A folder with Terraform files.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Its `.tf` and `.tofu` files.
    pub(crate) bodies: Vec<Body>,
    /// Files with values for its variables; true for those that are read without being named.
    pub(crate) values: Vec<(bool, Body)>,
    /// True if it has a dependency lock file.
    pub(crate) locked: bool,
}

impl Folder {
    /// All blocks of a kind.
    pub(crate) fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.bodies
            .iter()
            .flat_map(move |body| body.blocks_of(kind))
    }

    /// All blocks that stand inside `terraform` blocks.
    pub(crate) fn settings<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks("terraform")
            .flat_map(move |block| block.body.blocks_of(kind))
    }

    /// Resources and data sources.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Block> {
        self.blocks("resource").chain(self.blocks("data"))
    }

    /// The local folders that its modules come from, with their calls.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&Block, PathBuf)> {
        self.blocks("module").filter_map(|block| {
            let source = text(&block.body.attribute("source")?.expression)?;
            let local = source.starts_with("./") || source.starts_with("../");
            let path = strata_core::files::normalize(&self.path.join(&*source));
            local.then_some((block, path))
        })
    }
}

/// Parses a file; none if its syntax is wrong.
pub(crate) fn parse(source: &Arc<Source>) -> Option<Body> {
    let mut diags = Diagnostics::new();
    let body = strata_hcl::parse(source, &mut diags);
    (!diags.has_errors()).then_some(body)
}

/// The text of a quoted expression without interpolations.
pub(crate) fn text(expression: &Expression) -> Option<Arc<str>> {
    match &expression.node().kind {
        NodeKind::Literal(Value::String(text)) => Some(text.clone().into()),
        _ => None,
    }
}

/// Every attribute in a body, in its blocks too.
pub(crate) fn attributes<'a>(body: &'a Body, visit: &mut dyn FnMut(&'a strata_hcl::Attribute)) {
    body.attributes.iter().for_each(&mut *visit);
    for block in &body.blocks {
        attributes(&block.body, visit);
    }
}

/// Every node of an expression, from outside in.
pub(crate) fn nodes<'a>(node: &'a Node, visit: &mut dyn FnMut(&'a Node)) {
    visit(node);
    for child in children(node) {
        nodes(child, visit);
    }
}

fn children(node: &Node) -> Vec<&Node> {
    match &node.kind {
        NodeKind::Literal(_) | NodeKind::Variable(_) | NodeKind::Error => Vec::new(),
        NodeKind::Template(parts) => template(parts),
        NodeKind::Access(of, steps) => {
            let keys = steps.iter().filter_map(|step| match &step.kind {
                StepKind::Index(key) => Some(key),
                _ => None,
            });
            std::iter::once(&**of).chain(keys).collect()
        }
        NodeKind::Tuple(items) => items.iter().collect(),
        NodeKind::Object(items) => items
            .iter()
            .flat_map(|item| [&item.key, &item.value])
            .collect(),
        NodeKind::For(each) => [&each.collection, &each.value]
            .into_iter()
            .chain(&each.key)
            .chain(&each.condition)
            .collect(),
        NodeKind::Conditional(choice) => {
            vec![&choice.condition, &choice.then, &choice.otherwise]
        }
        NodeKind::Binary(first, operations) => std::iter::once(&**first)
            .chain(operations.iter().map(|operation| &operation.right))
            .collect(),
        NodeKind::Unary(_, of) | NodeKind::Parentheses(of) => vec![of],
        NodeKind::Call(call) => call.arguments.iter().collect(),
    }
}

fn template(parts: &[TemplatePart]) -> Vec<&Node> {
    let mut nodes = Vec::new();
    for part in parts {
        match part {
            TemplatePart::Text(_) => {}
            TemplatePart::Interpolation(node) => nodes.push(node),
            TemplatePart::If(choice) => {
                nodes.push(&choice.condition);
                nodes.extend(template(&choice.then));
                nodes.extend(template(&choice.otherwise));
            }
            TemplatePart::For(each) => {
                nodes.push(&each.collection);
                nodes.extend(template(&each.body));
            }
        }
    }
    nodes
}
