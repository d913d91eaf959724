//! `dynamic` blocks: one block for each element of a collection.

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, Marks, Span, Text, Type, Value, schema::NestedBlock, schema::Nesting,
};
use strata_hcl::{Block, Environment, Reference, Resolved, Scope, evaluate};

use super::{Found, body_at};
use crate::{
    load::{missing_argument, unsupported_argument, unsupported_block},
    references,
};

/// The name of the blocks that a `dynamic` block makes; none for any other block.
pub(crate) fn label(block: &Block) -> Option<(&str, Span)> {
    if &*block.kind.text != "dynamic" {
        return None;
    }
    Some((block.label(0)?, block.label_span(0)?))
}

/// Adds a block for each element.
pub(super) fn expand(
    block: &Block,
    nested: &NestedBlock,
    scope: &dyn Scope,
    level: usize,
    found: &mut Found,
    diags: &mut Diagnostics,
) {
    unexpected(block, diags);
    let content = block.body.blocks_of("content").next();
    let for_each = block.body.attribute("for_each");
    let (Some(content), Some(for_each)) = (content, for_each) else {
        if content.is_none() {
            diags.push(missing_content(block));
        }
        if for_each.is_none() {
            diags.push(missing_argument("for_each", block.header_span()));
        }
        found.unknown = true;
        return;
    };
    let collection = evaluate(&for_each.expression, scope, diags);
    found.marks |= collection.marks();
    let Some(elements) = elements(&collection, &for_each.expression.span(), diags) else {
        // The content is checked all the same, with an element of which nothing is known.
        let unknown = (Value::unknown(Type::Dynamic), Value::unknown(Type::Dynamic));
        one(block, content, nested, unknown, scope, level, diags);
        found.unknown = true;
        return;
    };
    for element in elements {
        let item = one(block, content, nested, element, scope, level, diags);
        found.items.push(item);
        found.spans.push(block.header_span());
    }
}

fn unexpected(block: &Block, diags: &mut Diagnostics) {
    const KNOWN: [&str; 3] = ["for_each", "iterator", "labels"];
    for attribute in &block.body.attributes {
        let name = &*attribute.name.text;
        if !KNOWN.contains(&name) {
            diags.push(unsupported_argument(
                name,
                attribute.name_span(),
                name == "content",
                KNOWN,
            ));
        }
    }
    for inner in &block.body.blocks {
        let kind = &*inner.kind.text;
        if kind != "content" {
            diags.push(unsupported_block(
                kind,
                inner.kind_span(),
                KNOWN.contains(&kind),
                ["content"],
            ));
        }
    }
    for second in block.body.blocks_of("content").skip(1) {
        diags.push(
            Diagnostic::error("duplicate-block", "Extraneous dynamic content block")
                .detail("Only one nested `content` block is allowed for each `dynamic` block.")
                .at(second.header_span()),
        );
    }
}

fn missing_content(block: &Block) -> Diagnostic {
    Diagnostic::error("missing-content", "Missing dynamic content block")
        .detail("A dynamic block must have a nested block of type `content` to describe the body of each block.")
        .at(block.header_span())
}

/// Keys and values to go through; none if they are unknown or mistaken.
fn elements(
    collection: &Value,
    span: &Span,
    diags: &mut Diagnostics,
) -> Option<Vec<(Value, Value)>> {
    let index = |(at, item): (usize, &Value)| (Value::number(at), item.clone());
    match collection.unmarked() {
        Value::List(_, items) | Value::Tuple(items) => {
            Some(items.iter().enumerate().map(index).collect())
        }
        Value::Set(_, items) => Some(
            items
                .iter()
                .map(|item| (item.clone(), item.clone()))
                .collect(),
        ),
        Value::Map(_, entries) | Value::Object(entries) => {
            let entry = |(key, item): (&Text, &Value)| (Value::String(key.clone()), item.clone());
            Some(entries.iter().map(entry).collect())
        }
        Value::Unknown(_) => None,
        other => {
            let why = match other {
                Value::Null(_) => "Cannot use a null value in for_each.".to_owned(),
                other => format!(
                    "Cannot use a {} value in for_each. An iterable collection is required.",
                    other.ty().friendly_name()
                ),
            };
            diags.push(
                Diagnostic::error("invalid-dynamic", "Invalid dynamic for_each value")
                    .detail(why)
                    .at(span.clone()),
            );
            None
        }
    }
}

/// Makes the block of one element, with its label.
fn one(
    block: &Block,
    content: &Block,
    nested: &NestedBlock,
    (key, value): (Value, Value),
    scope: &dyn Scope,
    level: usize,
    diags: &mut Diagnostics,
) -> (Option<Arc<str>>, Value) {
    let name = references::iterator_of(block).unwrap_or_default();
    let inner = WithIterator {
        outer: scope,
        name: &name,
        key,
        value,
    };
    let label = match nested.nesting {
        Nesting::Map => element_label(block, &inner, diags),
        _ => None,
    };
    let value = body_at(
        &content.body,
        &content.header_span(),
        &nested.block,
        &inner,
        level + 1,
        diags,
    );
    (label, value)
}

/// The key of a block that becomes an element of a map.
fn element_label(block: &Block, scope: &dyn Scope, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let attribute = block.body.attribute("labels");
    let labels = attribute.and_then(|attribute| attribute.expression.as_list());
    let expression = labels.as_ref().and_then(|labels| labels.first());
    let Some(expression) = expression else {
        diags.push(missing_argument("labels", block.header_span()));
        return None;
    };
    let mut marks = Marks::NONE;
    let value = evaluate(expression, scope, diags).convert_unmarked(&Type::String, &mut marks);
    match value.as_ref().ok().and_then(Value::as_str) {
        Some(label) => Some(label.into()),
        None => {
            diags.push(
                Diagnostic::error("invalid-dynamic", "Invalid dynamic block label")
                    .detail("A label must be a known string.")
                    .at(expression.span()),
            );
            None
        }
    }
}

/// A scope with the element of a `dynamic` block.
struct WithIterator<'a> {
    outer: &'a dyn Scope,
    name: &'a str,
    key: Value,
    value: Value,
}

impl Scope for WithIterator<'_> {
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
        if reference.root != self.name {
            return self.outer.resolve(reference, diags);
        }
        Some(match reference.attribute(0) {
            Some("key") => Resolved::new(self.key.clone(), 1),
            Some("value") => Resolved::new(self.value.clone(), 1),
            _ => {
                let both = [("key", self.key.clone()), ("value", self.value.clone())];
                Resolved::new(Value::object(both), 0)
            }
        })
    }

    fn environment(&self) -> Environment<'_> {
        self.outer.environment()
    }

    fn roots(&self) -> Vec<String> {
        let mut roots = self.outer.roots();
        roots.push(self.name.to_owned());
        roots
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        self.outer.call(name, arguments)
    }
}
