//! `provider` blocks, and references to provider configurations.

use strata_core::{Diagnostic, Diagnostics};
use strata_hcl::{Block, Expression};

use super::{fields, folder::duplicate};
use crate::module::{Module, ProviderBlock, ProviderKey, ProviderReference};

/// Names that Terraform keeps for later.
const RESERVED: [&str; 5] = ["count", "depends_on", "lifecycle", "locals", "source"];

pub(crate) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    for attribute in &block.body.attributes {
        if RESERVED.contains(&&*attribute.name.text) {
            let summary = "Reserved argument name in provider block";
            diags.push(
                Diagnostic::error("reserved-argument", summary)
                    .detail(format!(
                        "The argument `{}` has no meaning here.",
                        attribute.name.text
                    ))
                    .at(attribute.name_span()),
            );
        }
    }
    if let Some(version) = block.body.attribute("version") {
        diags.push(
            Diagnostic::warning(
                "provider-version",
                "Version constraints inside provider configuration blocks are deprecated",
            )
            .detail("This one has no effect.")
            .at(version.span())
            .hint("Write the version in `required_providers`."),
        );
    }
    let key = ProviderKey {
        name: block.labels[0].text.clone(),
        alias: fields::text(&block.body, "alias", diags),
    };
    let valid = fields::valid_name(
        &key.name,
        block.label_span(0),
        "Invalid provider configuration name",
        diags,
    );
    let span = block.header_span();
    if let Some(first) = module.providers.get(&key) {
        let what = format!("A provider configuration for `{key}`");
        diags.push(duplicate(
            "Duplicate provider configuration",
            what,
            &first.span,
            span,
        ));
        return;
    }
    if valid {
        let mut left_out = vec!["alias", "version", "for_each"];
        left_out.extend(RESERVED);
        let for_each = block.body.attribute("for_each");
        let block = ProviderBlock {
            key: key.clone(),
            for_each: for_each.map(|attribute| attribute.expression.clone()),
            body: fields::without(&block.body, &left_out, &[]),
            span,
        };
        module.providers.insert(key, block);
    }
}

/// `incus` or `incus.east`, as in `provider = incus.east`, or one of several instances: `incus.by_host[each.key]`.
pub(super) fn reference(
    expression: &Expression,
    diags: &mut Diagnostics,
) -> Option<ProviderReference> {
    let plain = match expression.quoted() {
        Some(quoted) => {
            diags.push(fields::quoted_reference(expression));
            quoted
        }
        None => expression.plain(),
    };
    let (key, instance) = match plain.as_indexed() {
        Some((of, instance)) => (key(&of.to_string()), Some(instance)),
        None => (key(plain.text()), None),
    };
    if key.is_none() && !expression.is_error() {
        diags.push(
            Diagnostic::error("invalid-provider-reference", "Invalid provider configuration reference")
                .detail(
                    "A provider configuration is named by its type, or by its type and alias separated by a dot, \
                     without quotes: `incus` or `incus.east`.",
                )
                .at(expression.span()),
        );
    }
    let span = expression.span();
    key.map(|key| ProviderReference {
        key,
        instance,
        span,
    })
}

/// Reads a name and an alias. The text is enough: nothing but names and one dot may stand there.
fn key(text: &str) -> Option<ProviderKey> {
    let is_name = |part: &str| {
        let letters = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        !part.is_empty() && part.chars().all(letters)
    };
    let mut parts = text.split('.').map(str::trim);
    let name = parts.next().filter(|part| is_name(part))?;
    let alias = match parts.next() {
        Some(alias) if is_name(alias) => Some(alias.into()),
        Some(_) => return None,
        None => None,
    };
    parts.next().is_none().then(|| ProviderKey {
        name: name.into(),
        alias,
    })
}
