//! `resource`, `data` and `ephemeral` blocks.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, PathStep, Span, Value, addr::ResourceMode,
};
use strata_hcl::{Attribute, Block, Body, Expression, TraversalStep};

use super::{fields, folder::duplicate, provider, provisioner};
use crate::module::{IgnoreChanges, Lifecycle, Module, Repeat, Resource, ResourceKey};

/// The arguments and blocks that every resource may have.
const OWN_ATTRIBUTES: [&str; 4] = ["count", "for_each", "provider", "depends_on"];
const OWN_BLOCKS: [&str; 4] = ["lifecycle", "connection", "provisioner", "locals"];

/// What of the blocks of a data source is its provider's to know.
const OWN_BLOCKS_OF_DATA: [&str; 2] = ["lifecycle", "locals"];

/// Reads a `resource`, `data` or `ephemeral` block of a module.
pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    decode_in(block, None, module, diags);
}

/// Reads the `data` block of a `check`.
pub(super) fn decode_scoped(
    block: &Block,
    check: &Arc<str>,
    module: &mut Module,
    diags: &mut Diagnostics,
) {
    decode_in(block, Some(check.clone()), module, diags);
}

fn decode_in(
    block: &Block,
    scoped_to: Option<Arc<str>>,
    module: &mut Module,
    diags: &mut Diagnostics,
) {
    let mode = match &*block.kind.text {
        "data" => ResourceMode::Data,
        "ephemeral" => ResourceMode::Ephemeral,
        _ => ResourceMode::Managed,
    };
    let key = ResourceKey {
        mode,
        type_name: block.labels[0].text.clone(),
        name: block.labels[1].text.clone(),
    };
    let kind = match mode {
        ResourceMode::Managed => "resource",
        ResourceMode::Data => "data source",
        ResourceMode::Ephemeral => "ephemeral resource",
    };
    let valid_type = fields::valid_name(
        &key.type_name,
        block.label_span(0),
        &format!("Invalid {kind} type name"),
        diags,
    );
    let valid_name = fields::valid_name(
        &key.name,
        block.label_span(1),
        &format!("Invalid {kind} name"),
        diags,
    );
    let resource = read(block, key.clone(), scoped_to, diags);
    if let Some(first) = module.resources.get(&key) {
        let word = &block.kind.text;
        let summary = format!("Duplicate {word} \"{}\" configuration", key.type_name);
        diags.push(duplicate(
            summary,
            format!("`{key}`"),
            &first.span,
            resource.span,
        ));
        return;
    }
    if valid_type && valid_name {
        module.resources.insert(key, resource);
    }
}

fn read(
    block: &Block,
    key: ResourceKey,
    scoped_to: Option<Arc<str>>,
    diags: &mut Diagnostics,
) -> Resource {
    let body = &block.body;
    for reserved in body.blocks_of("locals") {
        diags.push(reserved_block(reserved, block));
    }
    let provider = body.attribute("provider");
    let provider = provider.and_then(|a| provider::reference(&a.expression, diags));
    let managed = key.mode == ResourceMode::Managed;
    let own_blocks: &[&str] = match key.mode {
        ResourceMode::Data => &OWN_BLOCKS_OF_DATA,
        ResourceMode::Managed | ResourceMode::Ephemeral => &OWN_BLOCKS,
    };
    let (provisioners, connection) = match managed {
        true => (
            provisioner::all(body, diags),
            provisioner::connection(body, "resource", diags),
        ),
        false => (Vec::new(), None),
    };
    Resource {
        repeat: repeat(body, diags),
        provider,
        played: BTreeMap::new(),
        depends_on: fields::depends_on(body, diags),
        lifecycle: lifecycle(body, key.mode, diags),
        provisioners,
        connection,
        scoped_to,
        body: fields::without(body, &OWN_ATTRIBUTES, own_blocks),
        span: block.header_span(),
        key,
    }
}

fn reserved_block(reserved: &Block, within: &Block) -> Diagnostic {
    let (kind, outer) = (&reserved.kind.text, &within.kind.text);
    let summary = format!("Reserved block type name in {outer} block");
    Diagnostic::error("reserved-block", summary)
        .detail(format!(
            "The block type name `{kind}` is reserved for a future version of the language."
        ))
        .at(reserved.header_span())
}

/// `count`, `for_each` or `enabled`.
pub(super) fn repeat(body: &Body, diags: &mut Diagnostics) -> Repeat {
    let number = match (body.attribute("count"), body.attribute("for_each")) {
        (Some(count), None) => Repeat::Count(count.expression.clone()),
        (None, Some(each)) => Repeat::ForEach(each.expression.clone()),
        (None, None) => Repeat::Once,
        (Some(count), Some(each)) => {
            diags.push(both("count", "for_each", each, count));
            Repeat::ForEach(each.expression.clone())
        }
    };
    let mut lifecycles = body.blocks_of("lifecycle");
    let Some(enabled) = lifecycles.find_map(|block| block.body.attribute("enabled")) else {
        return number;
    };
    for name in ["count", "for_each"] {
        if let Some(other) = body.attribute(name) {
            diags.push(both(name, "enabled", enabled, other));
        }
    }
    Repeat::Enabled(enabled.expression.clone())
}

fn both(one: &str, other: &str, second: &Attribute, first: &Attribute) -> Diagnostic {
    let summary = format!("Invalid combination of \"{one}\" and \"{other}\"");
    Diagnostic::error("count-and-for-each", summary)
        .detail("Both say how many instances there are; only one of them can.")
        .at(second.name_span())
        .label(first.name_span(), "the other one")
}

/// Reads the `lifecycle` block, if one is there.
fn lifecycle(body: &Body, of: ResourceMode, diags: &mut Diagnostics) -> Lifecycle {
    let mut found = Lifecycle::default();
    let mut blocks = body.blocks_of("lifecycle");
    if let Some(block) = blocks.next() {
        found = read_lifecycle(block, of, diags);
    }
    if let Some(second) = blocks.next() {
        diags.push(
            Diagnostic::error("duplicate", "Duplicate lifecycle block")
                .detail("A resource may have one `lifecycle` block.")
                .at(second.header_span()),
        );
    }
    found
}

/// The arguments of `lifecycle` that only managed resources have.
const OF_MANAGED: [&str; 4] = [
    "create_before_destroy",
    "prevent_destroy",
    "ignore_changes",
    "replace_triggered_by",
];

fn read_lifecycle(block: &Block, of: ResourceMode, diags: &mut Diagnostics) -> Lifecycle {
    let body = &block.body;
    let mut arguments = OF_MANAGED.to_vec();
    arguments.push("enabled");
    fields::only(body, &arguments, &["precondition", "postcondition"], diags);
    if of != ResourceMode::Managed {
        for attribute in &body.attributes {
            if OF_MANAGED.contains(&&*attribute.name.text) {
                diags.push(only_managed(attribute, of));
            }
        }
    }
    let triggers = body.attribute("replace_triggered_by");
    let ignored = body.attribute("ignore_changes");
    let (ignore_changes, ignore_changes_spans) = ignored
        .map(|attribute| ignore_changes(attribute, diags))
        .unwrap_or_default();
    Lifecycle {
        create_before_destroy: fields::flag(body, "create_before_destroy", diags).unwrap_or(false),
        prevent_destroy: fields::flag(body, "prevent_destroy", diags).unwrap_or(false),
        ignore_changes,
        ignore_changes_spans,
        replace_triggered_by: triggers
            .map(|attribute| fields::list(&attribute.expression, diags))
            .unwrap_or_default(),
        preconditions: fields::checks(body, "precondition", diags),
        postconditions: fields::checks(body, "postcondition", diags),
    }
}

fn only_managed(attribute: &Attribute, of: ResourceMode) -> Diagnostic {
    let summary = format!("Invalid {} resource lifecycle argument", of.name());
    Diagnostic::error("invalid-lifecycle", summary)
        .detail(format!(
            "`{}` is for managed resources only.",
            attribute.name.text
        ))
        .at(attribute.name_span())
}

fn ignore_changes(attribute: &Attribute, diags: &mut Diagnostics) -> (IgnoreChanges, Vec<Span>) {
    if attribute.expression.plain().as_keyword() == Some("all") {
        return (IgnoreChanges::All, Vec::new());
    }
    let (mut paths, mut spans) = (Vec::new(), Vec::new());
    for item in fields::list(&attribute.expression, diags) {
        if let Some(path) = attribute_path(&item, diags) {
            paths.push(path);
            spans.push(item.span());
        }
    }
    (IgnoreChanges::Paths(paths), spans)
}

/// An attribute of the resource itself, as `ignore_changes` names it; old configurations put quotes around it.
fn attribute_path(expression: &Expression, diags: &mut Diagnostics) -> Option<AttributePath> {
    let plain = expression.plain();
    if let Some(name) = plain.as_literal().as_ref().and_then(Value::as_str) {
        if name == "*" {
            diags.push(
                Diagnostic::error("invalid-ignore-changes", "Invalid ignore_changes wildcard")
                    .detail("Changes of all attributes are ignored by `ignore_changes = all`.")
                    .at(expression.span()),
            );
            return None;
        }
        diags.push(fields::quoted_reference(expression));
        return Some(AttributePath::attribute(name));
    }
    let traversal = fields::reference(&plain, diags)?;
    let mut path = AttributePath::attribute(traversal.root.clone());
    for step in &traversal.steps {
        path.0.push(match &step.kind {
            TraversalStep::Attribute(name) => PathStep::Attribute(name.clone().into()),
            TraversalStep::Index(Value::Number(at)) => PathStep::Index(at.clone()),
            TraversalStep::Index(Value::String(key)) => PathStep::Key(key.clone()),
            _ => return None,
        });
    }
    Some(path)
}
