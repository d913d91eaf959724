//! Values of templates from JSON and back.

use minijinja::{
    Error, ErrorKind, Value,
    value::{ValueIter, ValueKind},
};
use serde_json::{Map, Number, Value as Json};

use crate::{bound, is_omit, lazy::Lazy, python};

/// How deep results may nest.
const MAX_DEPTH: usize = 200;

/// The text under a mark such as [`UNSAFE_KEY`](crate::UNSAFE_KEY), if the value is nothing but that.
pub(crate) fn marked<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    let map = json.as_object()?;
    if map.len() != 1 {
        return None;
    }
    map.get(key)?.as_str()
}

/// A value that is neither list nor mapping.
pub(crate) fn scalar(json: &Json) -> Value {
    match json {
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => from_number(number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::from(()),
    }
}

fn from_number(number: &Number) -> Value {
    if let Some(value) = number.as_i64() {
        Value::from(value)
    } else if let Some(value) = number.as_u64() {
        Value::from(value)
    } else {
        Value::from(number.as_f64().unwrap_or(f64::NAN))
    }
}

/// A whole JSON value, nothing in it taken for a template.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(map) => match marked(json, crate::UNSAFE_KEY) {
            Some(text) => Value::from(text),
            None => Value::from_pairs(
                map.iter()
                    .map(|(key, value)| (key.as_str(), from_json(value))),
            ),
        },
        scalar_value => scalar(scalar_value),
    }
}

/// A template's value as JSON; `omit` drops out of lists and mappings.
pub(crate) fn to_json(value: &Value) -> Result<Json, Error> {
    to_json_at(value, &mut Err, 0)
}

/// What stands in for a value that is undefined or a mistake.
pub(crate) type Instead<'a> = &'a mut dyn FnMut(Error) -> Result<Json, Error>;

/// The same, with something in the place of what has no value.
pub(crate) fn to_json_instead(value: &Value, instead: Instead<'_>) -> Result<Json, Error> {
    to_json_at(value, instead, 0)
}

fn to_json_at(value: &Value, instead: Instead<'_>, depth: usize) -> Result<Json, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "the value nests too deep",
        ));
    }
    if let Some(plain) = value.downcast_object_ref::<Lazy>().and_then(Lazy::plain) {
        return Ok(unmark(plain));
    }
    match value.kind() {
        ValueKind::Undefined => instead(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::String => Ok(Json::String(value.as_str().unwrap_or_default().to_owned())),
        ValueKind::Seq | ValueKind::Iterable => list(value.try_iter()?, instead, depth),
        ValueKind::Map => mapping(value, instead, depth),
        ValueKind::Invalid => instead(invalid(value)),
        _ => bound::refuse(value).map(|()| Json::String(python::text(value))),
    }
}

fn unmark(json: &Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.iter().map(unmark).collect()),
        Json::Object(map) => match marked(json, crate::UNSAFE_KEY) {
            Some(text) => Json::String(text.to_owned()),
            None => Json::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), unmark(value)))
                    .collect(),
            ),
        },
        scalar => scalar.clone(),
    }
}

fn list(items: ValueIter, instead: Instead<'_>, depth: usize) -> Result<Json, Error> {
    let mut list = Vec::new();
    for item in items {
        let json = to_json_at(&item, instead, depth + 1)?;
        if !is_omit(&json) {
            list.push(json);
        }
    }
    Ok(Json::Array(list))
}

fn mapping(value: &Value, instead: Instead<'_>, depth: usize) -> Result<Json, Error> {
    let mut map = Map::new();
    for key in value.try_iter()? {
        let json = to_json_at(&value.get_item(&key)?, instead, depth + 1)?;
        if !is_omit(&json) {
            map.insert(key_text(&key), json);
        }
    }
    Ok(Json::Object(map))
}

/// A key as JSON has it: always a text.
pub(crate) fn key_text(key: &Value) -> String {
    match key.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => key.is_true().to_string(),
        _ => python::text(key),
    }
}

fn number(value: &Value) -> Result<Json, Error> {
    if value.is_integer() {
        if let Some(number) = value.as_i64() {
            return Ok(Json::from(number));
        }
        if let Ok(number) = u64::try_from(value.clone()) {
            return Ok(Json::from(number));
        }
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{value} has more than 64 bits, and cannot be kept in a variable"),
        ));
    }
    let float = f64::try_from(value.clone())?;
    Number::from_f64(float).map(Json::Number).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            "infinity and NaN cannot be kept in a variable",
        )
    })
}

/// The mistake inside of an invalid value.
pub(crate) fn invalid(value: &Value) -> Error {
    // Only iteration hands the mistake out.
    let list = Value::from(vec![value.clone()]);
    let first = list
        .try_iter()
        .ok()
        .and_then(|items| items.checked().next());
    match first {
        Some(Err(error)) => error,
        _ => Error::new(ErrorKind::InvalidOperation, value.to_string()),
    }
}
