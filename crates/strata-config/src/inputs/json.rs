//! Variable files in JSON: one object, its members are the variables.

use std::{path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Source, Span, Value};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, parse_expression};

use super::{VariableInput, VariableOrigin, VariableText};

/// Reads the members of the object that a file holds.
pub(super) fn read(
    source: &Arc<Source>,
    origin: fn(Span) -> VariableOrigin,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let whole = source.span(0..0);
    let value = match decode(&source.text) {
        Ok(value) => value,
        Err(why) => {
            diags.push(invalid(whole, why));
            return Vec::new();
        }
    };
    let Some(entries) = value.as_entries() else {
        let why = "The file must hold a JSON object, whose members are the variables.";
        diags.push(invalid(whole, why.to_owned()));
        return Vec::new();
    };
    let input = |(name, value): (&Arc<str>, &Value)| VariableInput {
        name: name.clone(),
        value: VariableText::Value(value.clone()),
        origin: origin(whole.clone()),
    };
    entries.iter().map(input).collect()
}

fn invalid(span: Span, why: String) -> Diagnostic {
    Diagnostic::error("invalid-json", "Invalid JSON in variables file")
        .detail(why)
        .at(span)
}

/// Reads JSON by the function that expressions have for it, so that both read the same.
fn decode(text: &Arc<str>) -> Result<Value, String> {
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&Arc::new(Source::new("", "jsondecode(text)")), &mut diags);
    let value = evaluate(&expression, &Text(text), &mut diags);
    match diags.iter().next() {
        Some(found) => Err(found.detail.clone()),
        None => Ok(value),
    }
}

/// A scope in which `text` is the text of the file.
struct Text<'a>(&'a Arc<str>);

impl Scope for Text<'_> {
    fn resolve(&self, _: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        Some(Resolved::new(Value::String(self.0.clone()), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            directory: Path::new("."),
            ..Environment::none()
        }
    }
}
