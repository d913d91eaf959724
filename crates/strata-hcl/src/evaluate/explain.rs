//! What the names at a mistaken place stand for, as Terraform says it under the excerpt.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Marks, NamedValue, Source, Type, Value};

use crate::{
    scope::Scope,
    statics,
    syntax::{
        ByteRange, Expression,
        node::{Node, NodeKind, TemplatePart},
    },
    traversal::{Traversal, TraversalStep},
};

/// Adds to each mistake what the names in the part of the expression where it is stand for.
pub fn explain(expression: &Expression, scope: &dyn Scope, diags: &mut Diagnostics) {
    let mut explained = Diagnostics::new();
    for mut diagnostic in std::mem::take(diags) {
        if diagnostic.is_error() && diagnostic.values.is_empty() {
            diagnostic.values = values(expression, scope, &diagnostic);
        }
        explained.push(diagnostic);
    }
    *diags = explained;
}

fn values(expression: &Expression, scope: &dyn Scope, diagnostic: &Diagnostic) -> Vec<NamedValue> {
    let label = diagnostic.labels.first();
    let Some(span) = label.map(|label| &label.span) else {
        return Vec::new();
    };
    let range = ByteRange::new(span.start.byte as usize, span.end.byte as usize);
    let whole = expression.node();
    if span.file != expression.source().name || !holds(whole, range) {
        return Vec::new();
    }
    let part = expression.part(smallest(whole, range));
    let named = part.references();
    let named = named
        .iter()
        .filter_map(|reference| describe(reference, scope));
    let named: BTreeMap<String, String> = named.collect();
    let named = named.into_iter();
    named
        .map(|(name, statement)| NamedValue { name, statement })
        .collect()
}

fn holds(node: &Node, range: ByteRange) -> bool {
    node.range.start <= range.start && range.end <= node.range.end
}

/// The innermost node that holds a range.
fn smallest(mut node: &Node, range: ByteRange) -> &Node {
    while let Some(inner) = inside(node).into_iter().find(|inner| holds(inner, range)) {
        node = inner;
    }
    node
}

fn inside(node: &Node) -> Vec<&Node> {
    let NodeKind::Template(parts) = &node.kind else {
        return statics::children(node).collect();
    };
    let value = parts.iter().map(|part| match part {
        TemplatePart::Interpolation(node) => Some(node),
        _ => None,
    });
    value.flatten().collect()
}

/// The longest beginning of a reference that has a value, and what that is.
fn describe(reference: &Traversal, scope: &dyn Scope) -> Option<(String, String)> {
    let is_fixed = |kind: &TraversalStep| {
        matches!(kind, TraversalStep::Attribute(_) | TraversalStep::Index(_))
    };
    let steps = reference
        .steps
        .iter()
        .take_while(|step| is_fixed(&step.kind));
    let ends: Vec<u32> = steps.map(|step| step.range.end).collect();
    for end in ends.into_iter().rev() {
        let range = ByteRange {
            start: reference.range.start,
            end,
        };
        let text = range.text(&reference.source);
        let source = Arc::new(Source::new("<value>", text));
        let mut ignored = Diagnostics::new();
        let alone = crate::parse_expression(&source, &mut ignored);
        let value = super::plainly(&alone, scope, &mut ignored);
        if !ignored.has_errors() {
            return Some((text.to_owned(), statement(&value)?));
        }
    }
    None
}

/// What a value is, in words; none for secrets and for what nothing is known of.
fn statement(value: &Value) -> Option<String> {
    if value.marks().contains(Marks::SENSITIVE) || value.marks().contains(Marks::EPHEMERAL) {
        return None;
    }
    Some(match value.unmarked() {
        Value::Unknown(unknown) if unknown.ty == Type::Dynamic => return None,
        Value::Unknown(unknown) => format!("is a {}", unknown.ty.friendly_name()),
        Value::Null(_) => "is null".to_owned(),
        Value::Bool(truth) => format!("is {truth}"),
        Value::Number(number) => format!("is {number}"),
        Value::String(text) => format!("is {text:?}"),
        Value::Object(attributes) => match attributes.len() {
            0 => "is object with no attributes".to_owned(),
            1 => {
                let only = attributes.keys().next();
                format!(
                    "is object with 1 attribute {:?}",
                    only.map_or("", |name| &**name)
                )
            }
            many => format!("is object with {many} attributes"),
        },
        other => {
            let count = other.as_sequence().map(<[Value]>::len);
            let count = count
                .or_else(|| Some(other.as_entries()?.len()))
                .unwrap_or(0);
            let ty = other.ty().friendly_name();
            match count {
                0 => format!("is empty {ty}"),
                1 => format!("is {ty} with 1 element"),
                many => format!("is {ty} with {many} elements"),
            }
        }
    })
}
