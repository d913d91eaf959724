//! `ephemeral` blocks.

use strata_core::Diagnostics;
use strata_hcl::Block;

use super::{fields, folder::duplicate, provider, resource};
use crate::module::{EphemeralKey, EphemeralResource, Module};

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    let key = EphemeralKey {
        type_name: block.labels[0].text.clone(),
        name: block.labels[1].text.clone(),
    };
    let kind = "ephemeral resource";
    let mut valid = true;
    for (at, what) in [(0, "type name"), (1, "name")] {
        let summary = format!("Invalid {kind} {what}");
        let name = &block.labels[at].text;
        valid &= fields::valid_name(name, block.label_span(at), &summary, diags);
    }
    let provider = body.attribute("provider");
    let found = EphemeralResource {
        repeat: resource::repeat(body, diags),
        provider: provider.and_then(|a| provider::reference(&a.expression, diags)),
        depends_on: fields::depends_on(body, diags),
        lifecycle: resource::lifecycle(body, resource::LifecycleOf::Ephemeral, diags),
        body: fields::without(body, &resource::OWN_ATTRIBUTES, &resource::OWN_BLOCKS),
        span: block.header_span(),
        key: key.clone(),
    };
    if let Some(first) = module.ephemerals.get(&key) {
        let summary = format!("Duplicate ephemeral \"{}\" configuration", key.type_name);
        diags.push(duplicate(
            summary,
            format!("`{key}`"),
            &first.span,
            found.span,
        ));
        return;
    }
    if valid {
        module.ephemerals.insert(key, found);
    }
}
