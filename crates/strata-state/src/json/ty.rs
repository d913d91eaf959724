//! Types as JSON: `"string"`, `["list", "string"]`, `["object", {"a": "string"}]`.

use serde_json::{Value as Json, json};
use strata_core::Type;

/// How state and plans write a type.
pub fn type_to_json(ty: &Type) -> Json {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!(["list", type_to_json(element)]),
        Type::Set(element) => json!(["set", type_to_json(element)]),
        Type::Map(element) => json!(["map", type_to_json(element)]),
        Type::Tuple(elements) => json!([
            "tuple",
            elements.iter().map(type_to_json).collect::<Vec<_>>()
        ]),
        Type::Object(attributes) => {
            let entry =
                |(name, attribute): (&strata_core::Text, &strata_core::value::ObjectAttribute)| {
                    (name.to_string(), type_to_json(&attribute.ty))
                };
            json!([
                "object",
                attributes
                    .iter()
                    .map(entry)
                    .collect::<serde_json::Map<_, _>>()
            ])
        }
    }
}

/// Reads a type; none if it is none.
pub fn type_from_json(json: &Json) -> Option<Type> {
    if let Some(name) = json.as_str() {
        return match name {
            "dynamic" => Some(Type::Dynamic),
            "bool" => Some(Type::Bool),
            "number" => Some(Type::Number),
            "string" => Some(Type::String),
            _ => None,
        };
    }
    let parts = json.as_array()?;
    let inner = parts.get(1)?;
    match parts.first()?.as_str()? {
        "list" => Some(Type::list(type_from_json(inner)?)),
        "set" => Some(Type::set(type_from_json(inner)?)),
        "map" => Some(Type::map(type_from_json(inner)?)),
        "tuple" => {
            let elements: Option<Vec<_>> = inner.as_array()?.iter().map(type_from_json).collect();
            Some(Type::tuple(elements?))
        }
        "object" => {
            let attribute =
                |(name, ty): (&String, &Json)| Some((name.clone(), type_from_json(ty)?));
            let attributes: Option<Vec<_>> = inner.as_object()?.iter().map(attribute).collect();
            Some(Type::object(attributes?))
        }
        _ => None,
    }
}
