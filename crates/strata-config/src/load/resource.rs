//! `resource` and `data` blocks.

use strata_core::{AttributePath, Diagnostic, Diagnostics, PathStep, Value, addr::ResourceMode};
use strata_hcl::{Attribute, Block, Body, Expression, TraversalStep};

use super::{fields, folder::duplicate, provider};
use crate::module::{IgnoreChanges, Lifecycle, Module, Repeat, Resource, ResourceKey};

/// The arguments and blocks that every resource may have.
const OWN_ATTRIBUTES: [&str; 4] = ["count", "for_each", "provider", "depends_on"];
const OWN_BLOCKS: [&str; 4] = ["lifecycle", "connection", "provisioner", "locals"];

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let mode = match &*block.kind.text {
        "data" => ResourceMode::Data,
        _ => ResourceMode::Managed,
    };
    let key = ResourceKey {
        mode,
        type_name: block.labels[0].text.clone(),
        name: block.labels[1].text.clone(),
    };
    let kind = if mode == ResourceMode::Data {
        "data source"
    } else {
        "resource"
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
    let resource = read(block, key.clone(), diags);
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

fn read(block: &Block, key: ResourceKey, diags: &mut Diagnostics) -> Resource {
    let body = &block.body;
    for inner in &body.blocks {
        if matches!(&*inner.kind.text, "connection" | "provisioner" | "locals") {
            diags.push(refused(inner));
        }
    }
    let provider = body.attribute("provider");
    let provider = provider.and_then(|a| provider::reference(&a.expression, diags));
    let lifecycle = lifecycle(body, key.mode, diags);
    Resource {
        repeat: repeat(body, diags),
        provider,
        depends_on: fields::depends_on(body, diags),
        lifecycle,
        body: fields::without(body, &OWN_ATTRIBUTES, &OWN_BLOCKS),
        span: block.header_span(),
        key,
    }
}

fn refused(block: &Block) -> Diagnostic {
    let found = Diagnostic::error("unsupported", "Block type not supported")
        .detail(format!(
            "`{}` blocks in resources are not carried out by Strata.",
            block.kind.text
        ))
        .at(block.header_span());
    match &*block.kind.text {
        "locals" => found,
        _ => found.hint("Configure the machine in a `configure` stage, with a playbook."),
    }
}

/// `count` or `for_each`.
pub(super) fn repeat(body: &Body, diags: &mut Diagnostics) -> Repeat {
    match (body.attribute("count"), body.attribute("for_each")) {
        (Some(count), None) => Repeat::Count(count.expression.clone()),
        (None, Some(each)) => Repeat::ForEach(each.expression.clone()),
        (None, None) => Repeat::Once,
        (Some(count), Some(each)) => {
            diags.push(
                Diagnostic::error(
                    "count-and-for-each",
                    "Invalid combination of \"count\" and \"for_each\"",
                )
                .detail("Both say how many instances there are; only one of them can.")
                .at(each.name_span())
                .label(count.name_span(), "the other one"),
            );
            Repeat::ForEach(each.expression.clone())
        }
    }
}

fn lifecycle(body: &Body, mode: ResourceMode, diags: &mut Diagnostics) -> Lifecycle {
    let mut found = Lifecycle::default();
    let mut blocks = body.blocks_of("lifecycle");
    if let Some(block) = blocks.next() {
        found = read_lifecycle(block, mode, diags);
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

fn read_lifecycle(block: &Block, mode: ResourceMode, diags: &mut Diagnostics) -> Lifecycle {
    let body = &block.body;
    let arguments = [
        "create_before_destroy",
        "prevent_destroy",
        "ignore_changes",
        "replace_triggered_by",
    ];
    fields::only(body, &arguments, &["precondition", "postcondition"], diags);
    if mode == ResourceMode::Data {
        for attribute in body
            .attributes
            .iter()
            .filter(|a| arguments.contains(&&*a.name.text))
        {
            diags.push(
                Diagnostic::error(
                    "invalid-lifecycle",
                    "Invalid data resource lifecycle argument",
                )
                .detail(format!(
                    "`{}` is for managed resources only.",
                    attribute.name.text
                ))
                .at(attribute.name_span()),
            );
        }
    }
    let triggers = body.attribute("replace_triggered_by");
    Lifecycle {
        create_before_destroy: fields::flag(body, "create_before_destroy", diags).unwrap_or(false),
        prevent_destroy: fields::flag(body, "prevent_destroy", diags).unwrap_or(false),
        ignore_changes: body
            .attribute("ignore_changes")
            .map_or(IgnoreChanges::None, |a| ignore_changes(a, diags)),
        replace_triggered_by: triggers
            .map(|attribute| fields::list(&attribute.expression, diags))
            .unwrap_or_default(),
        preconditions: fields::checks(body, "precondition", diags),
        postconditions: fields::checks(body, "postcondition", diags),
    }
}

fn ignore_changes(attribute: &Attribute, diags: &mut Diagnostics) -> IgnoreChanges {
    if attribute.expression.as_keyword() == Some("all") {
        return IgnoreChanges::All;
    }
    let items = fields::list(&attribute.expression, diags);
    IgnoreChanges::Paths(
        items
            .iter()
            .filter_map(|item| attribute_path(item, diags))
            .collect(),
    )
}

/// An attribute of the resource itself, as `ignore_changes` names it; old configurations put quotes around it.
fn attribute_path(expression: &Expression, diags: &mut Diagnostics) -> Option<AttributePath> {
    if let Some(name) = expression.as_literal().as_ref().and_then(Value::as_str) {
        return Some(AttributePath::attribute(name));
    }
    let traversal = fields::reference(expression, diags)?;
    let mut path = AttributePath::attribute(traversal.root.clone());
    for step in &traversal.steps {
        path.0.push(match &step.kind {
            TraversalStep::Attribute(name) => PathStep::Attribute(name.clone()),
            TraversalStep::Index(Value::Number(at)) => PathStep::Index(at.clone()),
            TraversalStep::Index(Value::String(key)) => PathStep::Key(key.clone()),
            _ => return None,
        });
    }
    Some(path)
}
