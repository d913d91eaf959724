//! `check` blocks.

use strata_core::{Diagnostic, Diagnostics, addr::ResourceMode};
use strata_hcl::Block;

use super::{fields, folder, resource};
use crate::module::{Check, CheckBlock, Module, ResourceKey};

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    fields::only(body, &[], &["data", "assert"], diags);
    let name = block.labels[0].text.clone();
    let valid = fields::valid_name(
        &name,
        block.label_span(0),
        "Invalid check block name",
        diags,
    );
    let mut asserts = fields::checks(body, "assert", diags);
    asserts.retain(|assert| looks_at_something(assert, diags));
    if asserts.is_empty() {
        diags.push(
            Diagnostic::error("missing-assert", "Zero assert blocks")
                .detail("Check blocks must have at least one assert block.")
                .at(block.header_span()),
        );
    }
    let data = data(block, module, diags);
    let span = block.header_span();
    if let Some(first) = module.checks.get(&name) {
        diags.push(folder::duplicate(
            format!("Duplicate check \"{name}\" configuration"),
            format!("A check block named `{name}`"),
            &first.span,
            span,
        ));
        return;
    }
    if valid {
        let check = CheckBlock {
            name: name.clone(),
            data,
            asserts,
            span,
        };
        module.checks.insert(name, check);
    }
}

/// A condition without references is always true or always false.
pub(crate) fn looks_at_something(assert: &Check, diags: &mut Diagnostics) -> bool {
    let looks = !assert.condition.references().is_empty();
    if !looks {
        diags.push(
            Diagnostic::error("invalid-condition", "Invalid assert expression")
                .detail("The condition must refer to at least one object of the configuration, or it never changes.")
                .at(assert.condition.span()),
        );
    }
    looks
}

/// The data source inside, which is added to the module's.
fn data(block: &Block, module: &mut Module, diags: &mut Diagnostics) -> Option<ResourceKey> {
    let mut blocks = block.body.blocks_of("data");
    let first = blocks.next()?;
    for second in blocks {
        diags.push(
            Diagnostic::error("duplicate", "Multiple data resource blocks")
                .detail("This check block already has a data resource.")
                .at(second.header_span())
                .label(first.header_span(), "the first one"),
        );
    }
    if !folder::has_labels(first, &["type", "name"], diags) {
        return None;
    }
    for name in ["count", "for_each"] {
        if let Some(attribute) = first.body.attribute(name) {
            diags.push(
                Diagnostic::error(
                    "invalid-scoped-data",
                    format!("Invalid \"{name}\" attribute"),
                )
                .detail("`count` and `for_each` are not supported within nested data blocks.")
                .at(attribute.name_span()),
            );
        }
    }
    for lifecycle in first.body.blocks_of("lifecycle") {
        diags.push(
            Diagnostic::error("invalid-scoped-data", "Invalid lifecycle block")
                .detail("Nested data blocks have no `lifecycle`: the containing block decides.")
                .at(lifecycle.header_span()),
        );
    }
    let key = ResourceKey {
        mode: ResourceMode::Data,
        type_name: first.labels[0].text.clone(),
        name: first.labels[1].text.clone(),
    };
    resource::decode_scoped(first, &block.labels[0].text, module, diags);
    Some(key)
}
