//! One attribute: its value, converted to what the schema says.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, Span, Type, Value,
    schema::{self, NestedAttributes, Presence},
    value::ObjectAttribute,
};
use strata_hcl::{Attribute, Scope, evaluate};

use crate::load::{at_path, missing_argument};

/// Decodes one attribute; null if it is not there.
pub(super) fn decode(
    name: &str,
    schema: &schema::Attribute,
    given: Option<&Attribute>,
    block: &Span,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Value {
    let null = || Value::Null(schema.ty.without_optional());
    let Some(given) = given else {
        if schema.presence == Presence::Required {
            diags.push(missing_argument(name, block.clone()));
        }
        return null();
    };
    let value = evaluate(&given.expression, scope, diags);
    let older = schema.reads.and_then(|read| read(&value));
    let value = older.unwrap_or(value);
    let value = match value.convert(&conversion_type(schema)) {
        Ok(value) => value,
        Err(error) => {
            diags.push(
                Diagnostic::error("unsuitable-value", "Incorrect attribute value type")
                    .detail(format!(
                        "Inappropriate value for attribute `{name}`: {}.",
                        at_path(&error)
                    ))
                    .at(given.expression.span()),
            );
            return Value::unknown(schema.ty.without_optional());
        }
    };
    if schema.presence == Presence::Computed && !value.is_null() {
        diags.push(
            Diagnostic::error("computed-attribute", "Value for unconfigurable attribute")
                .detail(format!(
                    "The provider decides the value of `{name}`; configuration cannot."
                ))
                .at(given.name_span()),
        );
        return null();
    }
    if schema.presence == Presence::Required && value.is_null() {
        diags.push(
            Diagnostic::error("missing-argument", "Missing required argument")
                .detail(format!(
                    "The argument `{name}` is required, but it is set to null."
                ))
                .at(given.expression.span()),
        );
    }
    value
}

/// The type to convert to: attributes inside that need not be set are filled with null.
fn conversion_type(schema: &schema::Attribute) -> Cow<'_, Type> {
    match &schema.nested {
        None => Cow::Borrowed(&schema.ty),
        Some(nested) => Cow::Owned(nested_type(nested)),
    }
}

fn nested_type(nested: &NestedAttributes) -> Type {
    let attribute = |(name, schema): (&Arc<str>, &schema::Attribute)| {
        let attribute = ObjectAttribute {
            ty: conversion_type(schema).into_owned(),
            optional: schema.presence != Presence::Required,
        };
        (name.clone().into(), attribute)
    };
    let attributes: BTreeMap<_, _> = nested.attributes.iter().map(attribute).collect();
    nested.nesting.wrap(Type::Object(Arc::new(attributes)))
}
