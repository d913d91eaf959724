//! From bodies to values, by schema.
//!
//! [`block`] decodes one body into an object of the schema's implied type: attributes in [`attribute`], nested blocks
//! here, `dynamic` blocks in [`dynamic`]. Everything that does not fit is reported, and reads as unknown.

mod attribute;
pub(crate) mod dynamic;

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, Marks, Span, Value,
    schema::{self, NestedBlock, Nesting},
    value::Entries,
};
use strata_hcl::{Block, Body, Scope};

use crate::load::{has_labels, unsupported_argument, unsupported_block};

/// How deep blocks may nest.
const MOST_LEVELS: usize = 64;

/// Decodes a body; `span` is what a message about the whole block points at.
pub(crate) fn block(
    body: &Body,
    span: &Span,
    schema: &schema::Block,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Value {
    body_at(body, span, schema, scope, 0, diags)
}

fn body_at(
    body: &Body,
    span: &Span,
    schema: &schema::Block,
    scope: &dyn Scope,
    level: usize,
    diags: &mut Diagnostics,
) -> Value {
    let shaped = shaped(body, schema, diags);
    let body = shaped.as_ref().unwrap_or(body);
    unexpected(body, schema, diags);
    let mut entries = Entries::with_capacity(schema.attributes.len() + schema.blocks.len());
    for (name, attribute) in &schema.attributes {
        let former = attribute.formerly.as_deref();
        let given = body.attribute(name);
        let given = given.or_else(|| body.attribute(former?));
        let value = attribute::decode(name, attribute, given, span, scope, diags);
        entries.insert(name.clone().into(), value);
    }
    for (name, nested) in &schema.blocks {
        let mut found = Found::default();
        if level < MOST_LEVELS {
            collect(body, name, nested, scope, level, &mut found, diags);
        }
        entries.insert(name.clone().into(), found.finish(name, nested, span, diags));
    }
    Value::Object(Arc::new(entries))
}

/// In JSON only the schema says what is a block; none if there is nothing to change.
fn shaped(body: &Body, schema: &schema::Block, diags: &mut Diagnostics) -> Option<Body> {
    let labels = |name: &str| {
        let nested = schema.blocks.get(name)?;
        Some(usize::from(nested.nesting == Nesting::Map))
    };
    body.shaped(labels, diags)
}

/// Reports arguments and blocks that the schema does not have.
fn unexpected(body: &Body, schema: &schema::Block, diags: &mut Diagnostics) {
    for attribute in &body.attributes {
        let name = &*attribute.name.text;
        if !schema.attributes.contains_key(name) && !is_former(name, body, schema) {
            let is_block = schema.blocks.contains_key(name);
            let configurable = schema
                .attributes
                .iter()
                .filter(|(_, a)| a.presence.is_configurable());
            let known = configurable.map(|(name, _)| &**name);
            diags.push(unsupported_argument(
                name,
                attribute.name_span(),
                is_block,
                known,
            ));
        }
    }
    for block in &body.blocks {
        let (kind, span) = match dynamic::label(block) {
            Some((label, span)) => (label, span),
            None if &*block.kind.text == "dynamic" => {
                has_labels(block, &["type"], diags);
                continue;
            }
            None => (&*block.kind.text, block.kind_span()),
        };
        if !schema.blocks.contains_key(kind) {
            let is_argument = schema.attributes.contains_key(kind);
            let known = schema.blocks.keys().map(|name| &**name);
            diags.push(unsupported_block(kind, span, is_argument, known));
        }
    }
}

/// True if it is how an attribute was called that does not stand there by its own name, too.
fn is_former(name: &str, body: &Body, schema: &schema::Block) -> bool {
    let mut attributes = schema.attributes.iter();
    let now = attributes.find(|(_, attribute)| attribute.formerly.as_deref() == Some(name));
    now.is_some_and(|(now, _)| body.attribute(now).is_none())
}

/// The blocks of one name that were found.
#[derive(Default)]
struct Found {
    /// Each with its label, for maps.
    items: Vec<(Option<Arc<str>>, Value)>,
    /// True if there may be more or fewer: a `dynamic` block over an unknown collection.
    unknown: bool,
    marks: Marks,
    /// The second block and those after it.
    spans: Vec<Span>,
}

/// Finds the blocks of one name, those that `dynamic` blocks make too, in the order in which they stand.
fn collect(
    body: &Body,
    name: &Arc<str>,
    nested: &NestedBlock,
    scope: &dyn Scope,
    level: usize,
    found: &mut Found,
    diags: &mut Diagnostics,
) {
    for block in &body.blocks {
        if block.kind.text == *name {
            let label = label(block, name, nested, diags);
            let value = body_at(
                &block.body,
                &block.header_span(),
                &nested.block,
                scope,
                level + 1,
                diags,
            );
            found.items.push((label, value));
            found.spans.push(block.header_span());
        } else if dynamic::label(block).is_some_and(|(label, _)| *label == **name) {
            dynamic::expand(block, nested, scope, level, found, diags);
        }
    }
}

/// The label of a block that is an element of a map; other blocks have none.
fn label(
    block: &Block,
    name: &str,
    nested: &NestedBlock,
    diags: &mut Diagnostics,
) -> Option<Arc<str>> {
    let wanted = usize::from(nested.nesting == Nesting::Map);
    if let Some(span) = block.label_span(wanted) {
        diags.push(
            Diagnostic::error("extraneous-label", format!("Extraneous label for {name}"))
                .detail(format!("`{name}` blocks have {wanted} labels."))
                .at(span),
        );
    } else if block.labels.len() < wanted {
        diags.push(
            Diagnostic::error("missing-label", format!("Missing key for {name}"))
                .detail(format!("`{name}` blocks have 1 label: the key."))
                .at(block.header_span()),
        );
    }
    block.labels.first().map(|label| label.text.clone())
}

impl Found {
    /// Makes one value of all blocks, and checks how many there are.
    fn finish(
        mut self,
        name: &str,
        nested: &NestedBlock,
        span: &Span,
        diags: &mut Diagnostics,
    ) -> Value {
        self.check_number(name, nested, span, diags);
        if self.unknown {
            return Value::unknown(nested.implied_type()).with_marks(self.marks);
        }
        let object = nested.block.implied_type();
        // Where attributes may be of any type, blocks may differ, and a collection of one type cannot hold them.
        let mixed = object.has_dynamic();
        let value = match nested.nesting {
            Nesting::Single => match self.items.pop() {
                Some((_, value)) => value,
                None => Value::Null(object),
            },
            Nesting::List if mixed => Value::tuple(self.values()),
            Nesting::List => Value::list(object, self.values()),
            Nesting::Set => Value::set(object, self.values()),
            Nesting::Map => self.map(name, nested, mixed, span, diags),
        };
        value.with_marks(self.marks)
    }

    fn values(&mut self) -> Vec<Value> {
        self.items.drain(..).map(|(_, value)| value).collect()
    }

    fn map(
        &mut self,
        name: &str,
        nested: &NestedBlock,
        mixed: bool,
        span: &Span,
        diags: &mut Diagnostics,
    ) -> Value {
        let mut entries = BTreeMap::new();
        for (label, value) in self.items.drain(..) {
            let Some(label) = label else { continue };
            if entries.insert(label.clone(), value).is_some() {
                diags.push(
                    Diagnostic::error("duplicate-block", format!("Duplicate {name} block"))
                        .detail(format!(
                            "There are two `{name}` blocks with the key `{label}`."
                        ))
                        .at(span.clone()),
                );
            }
        }
        match mixed {
            true => Value::object(entries),
            false => Value::map(nested.block.implied_type(), entries),
        }
    }

    fn check_number(&self, name: &str, nested: &NestedBlock, span: &Span, diags: &mut Diagnostics) {
        let count = self.items.len();
        let single = nested.nesting == Nesting::Single;
        let most = if single { 1 } else { nested.max_items };
        let second = self.spans.get(most).unwrap_or(span);
        if most > 0 && count > most {
            let summary = match single {
                true => format!("Duplicate {name} block"),
                false => format!("Too many {name} blocks"),
            };
            diags.push(
                Diagnostic::error("too-many-blocks", summary)
                    .detail(format!("No more than {most} `{name}` blocks are allowed."))
                    .at(second.clone()),
            );
        }
        if count < nested.min_items && !self.unknown {
            let summary = match single {
                true => format!("Missing {name} block"),
                false => format!("Insufficient {name} blocks"),
            };
            diags.push(
                Diagnostic::error("too-few-blocks", summary)
                    .detail(format!(
                        "At least {} `{name}` blocks are required.",
                        nested.min_items
                    ))
                    .at(span.clone()),
            );
        }
    }
}
