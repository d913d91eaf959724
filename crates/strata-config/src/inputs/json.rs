//! Variable files in JSON: one object, its members are the variables.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Span};
use strata_hcl::{Attribute, Shape, parse_json};

use super::{VariableInput, VariableOrigin, VariableText};

/// Reads the members of the object that a file holds. Texts are taken as they are: nothing in them is a template.
pub(super) fn read(
    source: &Arc<Source>,
    origin: fn(Span) -> VariableOrigin,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    // What looks like a template and is none would only be reported here.
    let mut found = Diagnostics::new();
    let body = parse_json(source, &Shape(&[], &[]), &mut found);
    diags.extend(
        found
            .into_iter()
            .filter(|found| found.code == "invalid-json"),
    );
    let input = |attribute: &Attribute| {
        Some(VariableInput {
            name: attribute.name.text.clone(),
            value: VariableText::Value(attribute.expression.json_value()?),
            origin: origin(attribute.span()),
        })
    };
    body.attributes.iter().filter_map(input).collect()
}
