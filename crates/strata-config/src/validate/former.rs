//! What is written instead of arguments and blocks that a provider had once.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Span};
use strata_hcl::Body;

use crate::decode::dynamic;

/// Says of an argument or block that the provider does not have what is written instead, if `absent` has its name:
/// `of` (a resource's type, or `provider`), the blocks around it and its own name, with dots between them.
pub(super) fn explain(
    mut found: Diagnostic,
    body: &Body,
    of: &str,
    absent: &BTreeMap<Arc<str>, &'static str>,
) -> Diagnostic {
    if !matches!(found.code, "unsupported-argument" | "unsupported-block") {
        return found;
    }
    let name = found
        .labels
        .first()
        .and_then(|label| name_at(body, &label.span));
    let instead = name.and_then(|name| absent.get(format!("{of}.{name}").as_str()));
    if let Some(instead) = instead {
        found.hints = vec![(*instead).to_owned()];
    }
    found
}

/// The name of what stands at a place, with those of the blocks around it. How deep blocks go is bounded by the parser.
fn name_at(body: &Body, place: &Span) -> Option<String> {
    let mut attributes = body.attributes.iter();
    if let Some(found) = attributes.find(|attribute| attribute.name_span() == *place) {
        return Some(found.name.text.to_string());
    }
    body.blocks.iter().find_map(|block| {
        let made = dynamic::label(block);
        let is_dynamic = made.is_some();
        let (name, span) = made.unwrap_or_else(|| (&block.kind.text, block.kind_span()));
        if span == *place {
            return Some(name.to_string());
        }
        let inner = match is_dynamic {
            true => {
                &block
                    .body
                    .blocks
                    .iter()
                    .find(|block| &*block.kind.text == "content")?
                    .body
            }
            false => &block.body,
        };
        Some(format!("{name}.{}", name_at(inner, place)?))
    })
}
