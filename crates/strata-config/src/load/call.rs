//! `module` blocks.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics};
use strata_hcl::{Attribute, Block};

use super::{fields, folder::duplicate, provider, resource::repeat};
use crate::module::{Argument, Module, ModuleCall, ProviderKey, ProviderReference};

/// The arguments that every `module` block may have.
const OWN: [&str; 6] = [
    "source",
    "version",
    "count",
    "for_each",
    "providers",
    "depends_on",
];

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    nested_blocks(block, diags);
    let name = block.labels[0].text.clone();
    let valid = fields::valid_name(
        &name,
        block.label_span(0),
        "Invalid module instance name",
        diags,
    );
    let source = fields::required(block, "source", diags);
    let body = &block.body;
    let arguments = body
        .attributes
        .iter()
        .filter(|a| !OWN.contains(&&*a.name.text));
    let Some(source) = source else {
        return;
    };
    let call = ModuleCall {
        source: source.expression.clone(),
        version: body.attribute("version").map(|a| a.expression.clone()),
        repeat: repeat(body, diags),
        providers: decode_providers(body.attribute("providers"), diags),
        depends_on: fields::depends_on(body, diags),
        arguments: arguments.map(argument).collect(),
        span: block.header_span(),
    };
    if let Some(first) = module.calls.get(&name) {
        let what = format!("A module call named `{name}`");
        diags.push(duplicate(
            "Duplicate module call",
            what,
            &first.span,
            call.span,
        ));
        return;
    }
    if valid {
        module.calls.insert(name, call);
    }
}

/// A module has no blocks but OpenTofu's `lifecycle { enabled }`.
fn nested_blocks(block: &Block, diags: &mut Diagnostics) {
    for inner in &block.body.blocks {
        match &*inner.kind.text {
            "lifecycle" => fields::only(&inner.body, &["enabled"], &[], diags),
            kind => diags.push(fields::unsupported_block(
                kind,
                inner.kind_span(),
                false,
                [],
            )),
        }
    }
}

fn argument(attribute: &Attribute) -> (Arc<str>, Argument) {
    let argument = Argument {
        value: attribute.expression.clone(),
        span: attribute.name_span(),
    };
    (attribute.name.text.clone(), argument)
}

/// Reads which provider names get which configurations.
pub(crate) fn decode_providers(
    attribute: Option<&Attribute>,
    diags: &mut Diagnostics,
) -> BTreeMap<ProviderKey, ProviderReference> {
    let mut found = BTreeMap::new();
    let Some(attribute) = attribute else {
        return found;
    };
    let Some(entries) = attribute.expression.as_map() else {
        diags.push(
            Diagnostic::error("invalid-providers", "Invalid expression")
                .detail("A map is required: the module's provider names, and the configurations they get.")
                .at(attribute.expression.span()),
        );
        return found;
    };
    for (key, value) in entries {
        let key = provider::reference(&key, diags);
        let value = provider::reference(&value, diags);
        let (Some(key), Some(value)) = (key, value) else {
            continue;
        };
        found.insert(key.key, value);
    }
    found
}
