//! What expressions refer to, by their words alone.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, addr::ResourceMode};
use strata_hcl::{Body, Traversal, TraversalStep};

use crate::module::ResourceKey;

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `var.name`
    Variable(Arc<str>),
    /// `local.name`
    Local(Arc<str>),
    /// `type.name`, `resource.type.name`, `data.type.name` or `ephemeral.type.name`
    Resource(ResourceKey),
    /// `module.name`, perhaps with an output
    Module(Arc<str>, Option<Arc<str>>),
    /// `path.name`
    Path(Arc<str>),
    /// `terraform.name`
    Terraform(Arc<str>),
    /// `each.name`
    Each(Arc<str>),
    /// `count.name`
    Count(Arc<str>),
    /// `self`
    SelfValue,
}

/// The roots that mean something of their own; any other root is a resource type.
pub(crate) const ROOTS: [&str; 11] = [
    "var",
    "local",
    "module",
    "data",
    "resource",
    "ephemeral",
    "path",
    "terraform",
    "each",
    "count",
    "self",
];

/// Finds out what a reference names.
pub(crate) fn target(traversal: &Traversal) -> Result<Target, Diagnostics> {
    let simple: fn(Arc<str>) -> Target = match &*traversal.root {
        "var" => Target::Variable,
        "local" => Target::Local,
        "path" => Target::Path,
        "terraform" => Target::Terraform,
        "each" => Target::Each,
        "count" => Target::Count,
        "self" => return Ok(Target::SelfValue),
        "module" => return module(traversal),
        "data" => return resource(traversal, ResourceMode::Data, 0),
        "resource" => return resource(traversal, ResourceMode::Managed, 0),
        "ephemeral" => return resource(traversal, ResourceMode::Ephemeral, 0),
        _ => {
            let name = traversal
                .attribute(0)
                .ok_or_else(|| unnamed_resource(traversal))?;
            return Ok(Target::Resource(ResourceKey {
                mode: ResourceMode::Managed,
                type_name: traversal.root.clone(),
                name: name.into(),
            }));
        }
    };
    let name = traversal.attribute(0).ok_or_else(|| bare(traversal))?;
    Ok(simple(name.into()))
}

fn module(traversal: &Traversal) -> Result<Target, Diagnostics> {
    let call = traversal.attribute(0).ok_or_else(|| bare(traversal))?;
    let is_attribute = |at: usize| traversal.attribute(at).map(Arc::from);
    let output = match traversal.steps.get(1).map(|step| &step.kind) {
        Some(TraversalStep::Attribute(name)) => Some(name.clone()),
        Some(_) => is_attribute(2),
        None => None,
    };
    Ok(Target::Module(call.into(), output))
}

fn resource(traversal: &Traversal, mode: ResourceMode, at: usize) -> Result<Target, Diagnostics> {
    let (Some(type_name), Some(name)) = (traversal.attribute(at), traversal.attribute(at + 1))
    else {
        return Err(invalid(
            traversal,
            format!(
                "The `{}` object must be followed by two attribute names: the type and the name.",
                traversal.root
            ),
        )
        .into());
    };
    Ok(Target::Resource(ResourceKey {
        mode,
        type_name: type_name.into(),
        name: name.into(),
    }))
}

fn bare(traversal: &Traversal) -> Diagnostics {
    invalid(
        traversal,
        format!(
            "The `{}` object cannot be accessed directly. Instead, access one of its attributes.",
            traversal.root
        ),
    )
    .into()
}

fn unnamed_resource(traversal: &Traversal) -> Diagnostics {
    let why = "A reference to a resource type must be followed by at least one attribute access, specifying the \
               resource name.";
    let found = invalid(traversal, why.to_owned());
    match crate::suggest::hint(&traversal.root, ROOTS) {
        Some(hint) => found.hint(hint).into(),
        None => found.into(),
    }
}

fn invalid(traversal: &Traversal, why: String) -> Diagnostic {
    Diagnostic::error("invalid-reference", "Invalid reference")
        .detail(why)
        .at(traversal.span())
}

/// All references in a body, without those to the iterators of its `dynamic` blocks.
pub(crate) fn in_body(body: &Body) -> Vec<Traversal> {
    let mut found = Vec::new();
    collect(body, &mut Vec::new(), &mut found);
    found
}

fn collect(body: &Body, iterators: &mut Vec<Arc<str>>, found: &mut Vec<Traversal>) {
    for attribute in &body.attributes {
        let references = attribute.expression.references();
        found.extend(
            references
                .into_iter()
                .filter(|r| !iterators.contains(&r.root)),
        );
    }
    for block in &body.blocks {
        match iterator_of(block) {
            None => collect(&block.body, iterators, found),
            Some(iterator) => {
                let outside = ["for_each", "labels"];
                let attributes = outside.iter().filter_map(|name| block.body.attribute(name));
                for attribute in attributes {
                    let references = attribute.expression.references();
                    found.extend(
                        references
                            .into_iter()
                            .filter(|r| !iterators.contains(&r.root)),
                    );
                }
                iterators.push(iterator);
                for content in block.body.blocks_of("content") {
                    collect(&content.body, iterators, found);
                }
                iterators.pop();
            }
        }
    }
}

/// The name that the content of a `dynamic` block has for its element; none for any other block.
pub(crate) fn iterator_of(block: &strata_hcl::Block) -> Option<Arc<str>> {
    if &*block.kind.text != "dynamic" {
        return None;
    }
    let label = block.labels.first()?;
    let named = block.body.attribute("iterator");
    let named = named.and_then(|a| a.expression.plain().as_keyword().map(Arc::from));
    Some(named.unwrap_or_else(|| label.text.clone()))
}
