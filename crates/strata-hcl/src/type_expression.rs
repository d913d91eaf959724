//! Types as `variable` blocks write them, with the defaults of `optional(type, default)`.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Type, Value, value::ObjectAttribute};

use crate::syntax::{Expression, node::NodeKind};

/// A type, and the defaults of its optional attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeWithDefaults {
    /// The type, with its attributes marked as optional.
    pub ty: Type,
    /// Defaults inside; most types have none.
    defaults: Defaults,
}

/// What missing attributes become, along the shape of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Defaults {
    /// Defaults of this object's own attributes.
    values: BTreeMap<Arc<str>, Value>,
    /// Defaults inside attributes.
    attributes: BTreeMap<Arc<str>, Defaults>,
    /// Defaults inside the items of a tuple.
    items: BTreeMap<usize, Defaults>,
    /// Defaults inside the elements of a collection.
    elements: Option<Box<Defaults>>,
}

impl TypeWithDefaults {
    /// A type without defaults.
    pub fn new(ty: Type) -> Self {
        Self {
            ty,
            defaults: Defaults::default(),
        }
    }

    /// Fills attributes that are missing or null with their defaults; convert to the type afterwards.
    #[must_use]
    pub fn apply_defaults(&self, value: &Value) -> Value {
        self.defaults.apply(value)
    }
}

impl Defaults {
    fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.attributes.is_empty()
            && self.items.is_empty()
            && self.elements.is_none()
    }

    fn apply(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Marked(inner, marks) => self.apply(inner).with_marks(*marks),
            Value::Null(_) | Value::Unknown(_) => value.clone(),
            _ => match &self.elements {
                Some(elements) => each(value, |_, element| elements.apply(element)),
                None if value.as_entries().is_some() => self.apply_object(value),
                None => each(value, |at, element| match self.items.get(&at) {
                    Some(defaults) => defaults.apply(element),
                    None => element.clone(),
                }),
            },
        }
    }

    fn apply_object(&self, value: &Value) -> Value {
        let mut entries = value.as_entries().cloned().unwrap_or_default();
        for (name, default) in &self.values {
            if entries.get(name).is_none_or(Value::is_null) {
                entries.insert(name.clone().into(), default.clone());
            }
        }
        for (name, defaults) in &self.attributes {
            if let Some(entry) = entries.get_mut(name) {
                *entry = defaults.apply(entry);
            }
        }
        Value::Object(Arc::new(entries))
    }
}

/// Changes each element; collections lose their element type, for elements may now differ in theirs.
fn each(value: &Value, mut change: impl FnMut(usize, &Value) -> Value) -> Value {
    if let Some(items) = value.as_sequence() {
        let items = items.iter().enumerate().map(|(at, item)| change(at, item));
        return Value::tuple(items.collect());
    }
    match value.as_entries() {
        Some(entries) => Value::object(
            entries
                .iter()
                .map(|(key, item)| (key.clone(), change(0, item))),
        ),
        None => value.clone(),
    }
}

/// Reads a type expression: `list(string)`, `object({ a = optional(number, 1) })`, `any`.
///
/// Where it is mistaken, that is reported and the type is [`Type::Dynamic`].
pub fn type_expression(expression: &Expression, diags: &mut Diagnostics) -> TypeWithDefaults {
    // Before 0.12 collections were written without an element type, and still may be.
    match expression.as_keyword() {
        Some("list") => return TypeWithDefaults::new(Type::list(Type::Dynamic)),
        Some("map") => return TypeWithDefaults::new(Type::map(Type::Dynamic)),
        _ => {}
    }
    let (ty, defaults) = read(expression, diags);
    TypeWithDefaults { ty, defaults }
}

type Read = (Type, Defaults);

fn failed() -> Read {
    (Type::Dynamic, Defaults::default())
}

fn read(expression: &Expression, diags: &mut Diagnostics) -> Read {
    if expression.is_error() {
        return failed();
    }
    if let Some(word) = expression.as_keyword() {
        return (keyword(expression, word, diags), Defaults::default());
    }
    if let Some((name, arguments)) = expression.as_call() {
        return constructor(expression, name, &arguments, diags);
    }
    let quoted = matches!(expression.node().kind, NodeKind::Literal(Value::String(_)));
    let hint = if quoted {
        "remove the quotes"
    } else {
        "write a type such as `string`, `list(string)` or `object({ name = string })`"
    };
    // Those that Terraform 0.11 had.
    let is_legacy = ["\"string\"", "\"list\"", "\"map\""].contains(&expression.text());
    let summary = match (quoted, is_legacy) {
        (true, true) => "Invalid quoted type constraints",
        (true, false) => "Invalid legacy variable type hint",
        (false, _) => "Invalid type specification",
    };
    diags.push(
        Diagnostic::error("invalid-type", summary)
            .detail("A type is a word or a call of a type's name.")
            .at(expression.span())
            .hint(hint),
    );
    failed()
}

fn keyword(expression: &Expression, word: &str, diags: &mut Diagnostics) -> Type {
    let needs = match word {
        "bool" => return Type::Bool,
        "string" => return Type::String,
        "number" => return Type::Number,
        "any" => return Type::Dynamic,
        "list" | "set" | "map" => {
            format!("`{word}` needs the type of its elements: `{word}(string)`")
        }
        "tuple" => "`tuple` needs the types of its items: `tuple([string, number])`".to_owned(),
        "object" => "`object` needs its attributes: `object({ name = string })`".to_owned(),
        "optional" => {
            "`optional` belongs to an attribute: `object({ name = optional(string) })`".to_owned()
        }
        _ => {
            diags.push(
                Diagnostic::error("unknown-type", "Invalid type specification")
                    .detail(format!("There is no type `{word}`. The types are `any`, `bool`, `number`, `string`, `list`, `set`, `map`, `tuple` and `object`."))
                    .at(expression.span()),
            );
            return Type::Dynamic;
        }
    };
    diags.push(
        Diagnostic::error("incomplete-type", "Invalid type specification")
            .detail(format!("{needs}."))
            .at(expression.span()),
    );
    Type::Dynamic
}

fn constructor(
    expression: &Expression,
    name: &str,
    arguments: &[Expression],
    diags: &mut Diagnostics,
) -> Read {
    let invalid = |detail: String| {
        Diagnostic::error("invalid-type", "Invalid type specification")
            .detail(detail)
            .at(expression.span())
    };
    match (name, arguments) {
        ("list" | "set" | "map", [element]) => collection(name, element, diags),
        ("tuple", [items]) => match items.as_list() {
            Some(items) => tuple(&items, diags),
            None => {
                diags.push(invalid(
                    "`tuple` takes a list of types in brackets.".to_owned(),
                ));
                failed()
            }
        },
        ("object", [attributes]) => match attributes.as_map() {
            Some(attributes) => object(&attributes, diags),
            None => {
                diags.push(invalid(
                    "`object` takes attributes and their types in braces.".to_owned(),
                ));
                failed()
            }
        },
        ("list" | "set" | "map" | "tuple" | "object", _) => {
            diags.push(invalid(format!(
                "`{name}` takes one argument, not {}.",
                arguments.len()
            )));
            failed()
        }
        ("optional", _) => {
            diags.push(invalid(
                "`optional` can stand only for an attribute of an object.".to_owned(),
            ));
            failed()
        }
        ("bool" | "string" | "number" | "any", _) => {
            diags.push(invalid(format!("`{name}` takes no argument.")));
            failed()
        }
        _ => {
            diags.push(invalid(format!("There is no type `{name}`.")));
            failed()
        }
    }
}

fn collection(name: &str, element: &Expression, diags: &mut Diagnostics) -> Read {
    let (ty, inside) = read(element, diags);
    let ty = match name {
        "list" => Type::list(ty),
        "set" => Type::set(ty),
        _ => Type::map(ty),
    };
    let defaults = Defaults {
        elements: (!inside.is_empty()).then(|| Box::new(inside)),
        ..Defaults::default()
    };
    (ty, defaults)
}

fn tuple(items: &[Expression], diags: &mut Diagnostics) -> Read {
    let mut types = Vec::new();
    let mut defaults = Defaults::default();
    for (at, item) in items.iter().enumerate() {
        let (ty, inside) = read(item, diags);
        types.push(ty);
        if !inside.is_empty() {
            defaults.items.insert(at, inside);
        }
    }
    (Type::tuple(types), defaults)
}

fn object(items: &[(Expression, Expression)], diags: &mut Diagnostics) -> Read {
    let mut attributes = BTreeMap::new();
    let mut defaults = Defaults::default();
    for (key, value) in items {
        let NodeKind::Literal(Value::String(name)) = &key.node().kind else {
            diags.push(
                Diagnostic::error("invalid-type", "Invalid type specification")
                    .detail("Attributes of an object type have plain names.")
                    .at(key.span()),
            );
            continue;
        };
        if !crate::parser::is_identifier(name) {
            let found =
                Diagnostic::error("invalid-type", "Invalid type specification").detail(format!(
                    "{:?} is no name, and the keys of an object type are names.",
                    &**name
                ));
            diags.push(found.at(key.span()));
            continue;
        }
        let (attribute, inside, default) = attribute(value, diags);
        if let Some(default) = default {
            defaults.values.insert(name.clone().into(), default);
        }
        if !inside.is_empty() {
            defaults.attributes.insert(name.clone().into(), inside);
        }
        if attributes.insert(name.clone(), attribute).is_some() {
            diags.push(
                Diagnostic::error("invalid-type", "Invalid type specification")
                    .detail(format!(
                        "The attribute `{name}` stands twice, and each attribute of an object type has one type."
                    ))
                    .at(key.span()),
            );
        }
    }
    (Type::Object(Arc::new(attributes)), defaults)
}

/// Reads the type of an attribute, which may be `optional(…)`.
fn attribute(
    expression: &Expression,
    diags: &mut Diagnostics,
) -> (ObjectAttribute, Defaults, Option<Value>) {
    let Some(("optional", arguments)) = expression.as_call() else {
        let (ty, inside) = read(expression, diags);
        return (
            ObjectAttribute {
                ty,
                optional: false,
            },
            inside,
            None,
        );
    };
    let (inner, default) = match arguments.as_slice() {
        [inner] => (inner, None),
        [inner, default] => (inner, Some(default)),
        _ => {
            diags.push(
                Diagnostic::error("invalid-type", "Invalid type specification")
                    .detail("`optional` takes a type and, if wanted, a default.")
                    .at(expression.span()),
            );
            let ty = Type::Dynamic;
            return (
                ObjectAttribute { ty, optional: true },
                Defaults::default(),
                None,
            );
        }
    };
    let (ty, inside) = read(inner, diags);
    let default = default.and_then(|default| default_value(default, &ty, &inside, diags));
    (ObjectAttribute { ty, optional: true }, inside, default)
}

fn default_value(
    expression: &Expression,
    ty: &Type,
    inside: &Defaults,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let report = |detail: String| {
        Diagnostic::error(
            "invalid-default",
            "Invalid default value for optional attribute",
        )
        .detail(detail)
        .at(expression.span())
    };
    if let Some(reference) = expression.references().first() {
        diags.push(
            Diagnostic::error("variables-not-allowed", "Variables not allowed")
                .detail("Variables may not be used here.")
                .at(reference.span()),
        );
        return None;
    }
    if let Some(called) = expression.calls().first() {
        diags.push(
            Diagnostic::error("functions-not-allowed", "Function calls not allowed")
                .detail("Functions may not be called here.")
                .at(called.range.span(expression.source())),
        );
        return None;
    }
    let Some(value) = expression.as_literal() else {
        diags.push(report("A default here must be constant.".to_owned()));
        return None;
    };
    match inside.apply(&value).convert(ty) {
        Ok(value) => Some(value),
        Err(error) => {
            diags.push(report(format!(
                "It does not fit the attribute's type: {error}."
            )));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_expression;
    use strata_core::Source;

    fn read_type(text: &str) -> (TypeWithDefaults, Diagnostics) {
        let mut diags = Diagnostics::new();
        let source = Arc::new(Source::new("test.tf", text));
        let expression = parse_expression(&source, &mut diags);
        (type_expression(&expression, &mut diags), diags)
    }

    #[test]
    fn types_read_back_as_written() {
        for text in [
            "any",
            "list(map(string))",
            "tuple([bool, set(number)])",
            "object({a=string,b=optional(number)})",
        ] {
            let (read, diags) = read_type(text);
            assert!(diags.is_empty(), "{diags:?}");
            assert_eq!(read.ty.to_string(), text);
        }
    }

    #[test]
    fn defaults_fill_what_is_missing_or_null_at_any_depth() {
        let (read, diags) = read_type(
            "map(object({ size = optional(number, 4), disk = optional(object({ gb = optional(number, 8) }), {}) }))",
        );
        assert!(diags.is_empty(), "{diags:?}");
        let given = Value::object([("vm", Value::object([("size", Value::Null(Type::Dynamic))]))]);
        let value = read.apply_defaults(&given).convert(&read.ty).unwrap();
        assert_eq!(
            format!("{value:?}"),
            r#"map(object({disk=object({gb=number}),size=number})){"vm": {"disk": {"gb": 8}, "size": 4}}"#
        );
    }

    #[test]
    fn every_mistake_in_a_type_is_reported() {
        let (_, diags) = read_type(
            "object({ a = strin, b = list, c = \"string\", d = optional(number, \"x\") })",
        );
        let codes: Vec<_> = diags.iter().map(|d| d.code).collect();
        assert_eq!(
            codes,
            [
                "unknown-type",
                "incomplete-type",
                "invalid-type",
                "invalid-default"
            ]
        );
    }
}
