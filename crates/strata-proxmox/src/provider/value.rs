//! Values of configuration as JSON and back.

use serde_json::{Map, Value as Json};
use strata_core::{Type, Value, value::Number};

/// A value as JSON; what is unknown becomes null.
pub(crate) fn to_json(value: &Value) -> Json {
    match value.unmarked() {
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.to_f64().into(),
        },
        Value::String(text) => Json::String(text.to_string()),
        Value::List(_, items) | Value::Set(_, items) => items.iter().map(to_json).collect(),
        Value::Tuple(items) => items.iter().map(to_json).collect(),
        Value::Map(_, entries) => entries
            .iter()
            .map(|(name, value)| (name.to_string(), to_json(value)))
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(name, value)| (name.to_string(), to_json(value)))
            .collect(),
        _ => Json::Null,
    }
}

/// JSON as a value of a type; what does not fit is null.
pub(crate) fn from_json(json: &Json, ty: &Type) -> Value {
    let null = || Value::Null(ty.clone());
    match (ty, json) {
        (Type::Bool, Json::Bool(truth)) => Value::Bool(*truth),
        (Type::Bool, Json::Number(number)) => Value::Bool(number.as_i64() != Some(0)),
        (Type::Number, Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::number(number),
            (None, Some(number)) => Number::from_f64(number).map_or_else(null, Value::Number),
            _ => null(),
        },
        (Type::Number, Json::String(text)) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::number(number),
            (_, Ok(number)) => Number::from_f64(number).map_or_else(null, Value::Number),
            _ => null(),
        },
        (Type::String, Json::String(text)) => Value::string(text.as_str()),
        (Type::String, Json::Number(number)) => Value::string(number.to_string()),
        (Type::List(element), Json::Array(items)) => {
            let items = items.iter().map(|item| from_json(item, element)).collect();
            Value::list((**element).clone(), items)
        }
        (Type::Set(element), Json::Array(items)) => {
            let items: Vec<Value> = items.iter().map(|item| from_json(item, element)).collect();
            Value::set((**element).clone(), items)
        }
        (Type::Map(element), Json::Object(entries)) => {
            let entries = entries
                .iter()
                .map(|(name, item)| (name.as_str(), from_json(item, element)));
            Value::map((**element).clone(), entries)
        }
        (Type::Object(attributes), Json::Object(entries)) => {
            Value::object(attributes.iter().map(|(name, attribute)| {
                let item = entries.get(&**name).unwrap_or(&Json::Null);
                (name.clone(), from_json(item, &attribute.ty))
            }))
        }
        _ => null(),
    }
}

/// The members of a JSON object; none of anything else.
pub(crate) fn members(json: &Json) -> &Map<String, Json> {
    static NONE: std::sync::OnceLock<Map<String, Json>> = std::sync::OnceLock::new();
    json.as_object()
        .unwrap_or_else(|| NONE.get_or_init(Map::new))
}

/// A number that PVE gives as one or as text.
pub(crate) fn number(json: &Json) -> Option<i64> {
    json.as_i64()
        .or_else(|| json.as_f64().map(|number| number as i64))
        .or_else(|| {
            let text = json.as_str()?;
            text.parse().ok()
        })
}

/// A truth that PVE gives as 0 or 1, as a number or as text.
pub(crate) fn truth(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(truth) => Some(*truth),
        other => number(other).map(|number| number != 0),
    }
}

/// A text of what PVE gives.
pub(crate) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(u8::from(*truth).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_survive_the_way_there_and_back() {
        let ty = Type::object([
            ("a", Type::list(Type::Number)),
            ("b", Type::Bool),
            ("c", Type::String),
        ]);
        let json = json!({ "a": [1, 2.5], "b": true, "c": null });
        assert_eq!(to_json(&from_json(&json, &ty)), json);
    }

    #[test]
    fn what_pve_writes_as_text_is_read_as_a_number() {
        assert_eq!(
            from_json(&json!("512"), &Type::Number),
            Value::number(512_i64)
        );
        assert_eq!(truth(&json!("0")), Some(false));
        assert_eq!(
            from_json(&json!([1]), &Type::String),
            Value::Null(Type::String)
        );
    }
}
