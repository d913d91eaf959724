//! Values as JSON without loss: types, unknown parts and marks are kept.

use serde_json::{Map, Value as Json, json};
use strata_core::{Marks, Text, Value};
use strata_state::json::{type_from_json, type_to_json};

/// Writes a value. What is ephemeral is not kept: null stands there.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Bool(truth) => json!(truth),
        Value::String(text) => json!(&**text),
        Value::Number(number) => json!({ "number": number.to_string() }),
        Value::Null(ty) => json!({ "null": type_to_json(ty) }),
        Value::Unknown(unknown) => json!({ "unknown": type_to_json(&unknown.ty) }),
        Value::Tuple(items) => items.iter().map(value_to_json).collect(),
        Value::List(element, items) => {
            json!({ "list": [type_to_json(element), all(items)] })
        }
        Value::Set(element, items) => {
            json!({ "set": [type_to_json(element), all(items)] })
        }
        Value::Map(element, entries) => {
            json!({ "map": [type_to_json(element), named(entries.iter())] })
        }
        Value::Object(entries) => json!({ "object": named(entries.iter()) }),
        Value::Marked(inner, marks) => match marks.contains(Marks::EPHEMERAL) {
            true => json!({ "null": type_to_json(&inner.ty()) }),
            false => json!({ "sensitive": value_to_json(inner) }),
        },
    }
}

fn all(items: &[Value]) -> Json {
    items.iter().map(value_to_json).collect()
}

fn named<'v>(entries: impl Iterator<Item = (&'v Text, &'v Value)>) -> Json {
    let entry = |(name, value): (&Text, &Value)| (name.to_string(), value_to_json(value));
    Json::Object(entries.map(entry).collect())
}

/// Reads what [`value_to_json`] wrote; none if it is something else.
pub fn value_from_json(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(truth) => Some(Value::Bool(*truth)),
        Json::String(text) => Some(Value::string(text.as_str())),
        Json::Array(items) => Some(Value::tuple(read_all(items)?)),
        Json::Object(tagged) => {
            let (tag, content) = tagged.iter().next()?;
            tagged_value(tag, content)
        }
        Json::Null | Json::Number(_) => None,
    }
}

fn tagged_value(tag: &str, content: &Json) -> Option<Value> {
    let typed = || Some((type_from_json(content.get(0)?)?, content.get(1)?));
    Some(match tag {
        "number" => Value::Number(content.as_str()?.parse().ok()?),
        "null" => Value::Null(type_from_json(content)?),
        "unknown" => Value::unknown(type_from_json(content)?),
        "sensitive" => value_from_json(content)?.sensitive(),
        "object" => Value::object(read_named(content.as_object()?)?),
        "list" => {
            let (element, items) = typed()?;
            Value::list(element, read_all(items.as_array()?)?)
        }
        "set" => {
            let (element, items) = typed()?;
            Value::set(element, read_all(items.as_array()?)?)
        }
        "map" => {
            let (element, entries) = typed()?;
            Value::map(element, read_named(entries.as_object()?)?)
        }
        _ => return None,
    })
}

fn read_all(items: &[Json]) -> Option<Vec<Value>> {
    items.iter().map(value_from_json).collect()
}

fn read_named(entries: &Map<String, Json>) -> Option<Vec<(Text, Value)>> {
    let entry =
        |(name, value): (&String, &Json)| Some((name.as_str().into(), value_from_json(value)?));
    entries.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let value = Value::object([
            (
                "a",
                Value::Number("12345678901234567890.125".parse().unwrap()),
            ),
            ("b", Value::unknown(Type::list(Type::String))),
            ("c", Value::Null(Type::Dynamic)),
            (
                "d",
                Value::set(Type::String, [Value::string("x").sensitive()]),
            ),
            (
                "e",
                Value::map(Type::Bool, [("k", Value::Bool(true))]).sensitive(),
            ),
            ("f", Value::tuple(vec![Value::string("null")])),
            (
                "g",
                Value::list(Type::Number, vec![Value::unknown(Type::Number)]),
            ),
        ]);
        assert_eq!(value_from_json(&value_to_json(&value)), Some(value));
    }

    #[test]
    fn what_is_ephemeral_is_not_kept() {
        let value = Value::string("secret").with_marks(Marks::EPHEMERAL);
        assert!(!value_to_json(&value).to_string().contains("secret"));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for json in [
            json!(null),
            json!(1),
            json!({"list": 1}),
            json!({"null": "x"}),
        ] {
            assert_eq!(value_from_json(&json), None, "{json}");
        }
    }
}
