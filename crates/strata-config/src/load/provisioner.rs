//! `provisioner` and `connection` blocks.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics};
use strata_hcl::{Attribute, Block, Body, Traversal};

use super::fields;
use crate::{
    module::{Connection, OnFailure, Provisioner, ProvisionerWhen},
    references,
};

/// The arguments and blocks that every provisioner may have.
const OWN_ATTRIBUTES: [&str; 2] = ["when", "on_failure"];
const OWN_BLOCKS: [&str; 2] = ["connection", "lifecycle"];

/// Reads all provisioners of a resource, in order.
pub(super) fn all(body: &Body, diags: &mut Diagnostics) -> Vec<Provisioner> {
    let found: Vec<Provisioner> = body
        .blocks_of("provisioner")
        .filter_map(|block| provisioner(block, diags))
        .collect();
    if found.iter().any(|p| p.when == ProvisionerWhen::Destroy) {
        for block in body.blocks_of("connection") {
            only_itself(&block.body, diags);
        }
    }
    found
}

fn provisioner(block: &Block, diags: &mut Diagnostics) -> Option<Provisioner> {
    let kind = fields::only_label(block, "type", diags)?;
    let body = &block.body;
    for reserved in body.blocks_of("lifecycle") {
        diags.push(
            Diagnostic::error(
                "reserved-block",
                "Reserved block type name in provisioner block",
            )
            .detail(
                "The block type name `lifecycle` is reserved for a future version of the language.",
            )
            .at(reserved.header_span()),
        );
    }
    let when = body.attribute("when");
    let when = when.and_then(|a| keyword(a, &WHEN, diags));
    let on_failure = body.attribute("on_failure");
    let on_failure = on_failure.and_then(|a| keyword(a, &ON_FAILURE, diags));
    let provisioner = Provisioner {
        kind,
        when: when.unwrap_or_default(),
        on_failure: on_failure.unwrap_or_default(),
        connection: connection(body, "provisioner", diags),
        body: fields::without(body, &OWN_ATTRIBUTES, &OWN_BLOCKS),
        span: block.header_span(),
    };
    if provisioner.when == ProvisionerWhen::Destroy {
        only_itself(body, diags);
    }
    Some(provisioner)
}

const WHEN: [(&str, ProvisionerWhen); 2] = [
    ("create", ProvisionerWhen::Create),
    ("destroy", ProvisionerWhen::Destroy),
];
const ON_FAILURE: [(&str, OnFailure); 2] =
    [("continue", OnFailure::Continue), ("fail", OnFailure::Fail)];

/// A bare word of two; quotes around it are an old habit.
fn keyword<T: Copy>(
    attribute: &Attribute,
    known: &[(&str, T); 2],
    diags: &mut Diagnostics,
) -> Option<T> {
    let name = &attribute.name.text;
    let word = fields::keyword(&attribute.expression, diags)?;
    let found = known.iter().find(|(keyword, _)| *keyword == &*word);
    if found.is_none() {
        let summary = format!("Invalid \"{name}\" keyword");
        diags.push(
            Diagnostic::error("invalid-keyword", summary)
                .detail(format!(
                    "The argument `{name}` requires one of the keywords `{}` and `{}`.",
                    known[0].0, known[1].0
                ))
                .at(attribute.expression.span()),
        );
    }
    found.map(|(_, value)| *value)
}

/// The `connection` of a resource or provisioner.
pub(super) fn connection(body: &Body, of: &str, diags: &mut Diagnostics) -> Option<Connection> {
    let mut blocks = body.blocks_of("connection");
    let first = blocks.next()?;
    for second in blocks {
        diags.push(
            Diagnostic::error("duplicate", "Duplicate connection block")
                .detail(format!("This {of} already has a connection block."))
                .at(second.header_span())
                .label(first.header_span(), "the first one"),
        );
    }
    Some(Connection {
        body: Arc::new(first.body.clone()),
        span: first.header_span(),
    })
}

/// Reports what a provisioner that runs on destruction may not refer to: nothing else is sure to be there then.
fn only_itself(body: &Body, diags: &mut Diagnostics) {
    for attribute in &body.attributes {
        if OWN_ATTRIBUTES.contains(&&*attribute.name.text) {
            continue;
        }
        let wrong = attribute.expression.references();
        if let Some(reference) = wrong.iter().find(|reference| !is_itself(reference)) {
            diags.push(
                Diagnostic::error(
                    "invalid-destroy-reference",
                    "Invalid reference from destroy provisioner",
                )
                .detail(format!(
                    "Destroy-time provisioners and their connections may only refer to `self`, `count.index` or \
                     `each.key`, and not to `{reference}`: other objects may be gone by then."
                ))
                .at(attribute.expression.span()),
            );
        }
    }
    for block in &body.blocks {
        only_itself(&block.body, diags);
    }
}

fn is_itself(reference: &Traversal) -> bool {
    match &*reference.root {
        "self" | "path" | "terraform" => true,
        "count" => reference.attribute(0) == Some("index"),
        "each" => reference.attribute(0) == Some("key"),
        root => !references::ROOTS.contains(&root) && reference.steps.is_empty(),
    }
}
