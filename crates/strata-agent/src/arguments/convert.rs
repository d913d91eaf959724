//! Turning what a task gave into the declared type, in Ansible's words where that fails.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Field, FieldKind};
use crate::module::ModuleError;

pub(super) fn convert(
    field: &Field,
    value: &Value,
    environment: &BTreeMap<String, String>,
) -> Result<Value, ModuleError> {
    let converted = match field.kind {
        FieldKind::Raw => Some(value.clone()),
        FieldKind::Str => text(value).map(Value::from),
        FieldKind::Path => text(value).map(|text| Value::from(expand(&text, environment))),
        FieldKind::Bool => boolean(value).map(Value::from),
        FieldKind::Int => integer(value).map(Value::from),
        FieldKind::Float => float(value).map(Value::from),
        FieldKind::List => list(value),
        FieldKind::Dict => value.is_object().then(|| value.clone()),
    };
    let Some(converted) = converted else {
        return Err(ModuleError::new(format!(
            "argument '{}' is of type {} and we were unable to convert to {}: {}",
            field.name,
            type_name(value),
            kind_name(field.kind),
            why(field.kind, value),
        )));
    };
    check_choices(field, &converted)?;
    Ok(converted)
}

fn check_choices(field: &Field, value: &Value) -> Result<(), ModuleError> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    if field.choices.is_empty() || field.choices.contains(&text) {
        return Ok(());
    }
    let choices = field.choices.join(", ");
    let name = field.name;
    Err(ModuleError::new(format!(
        "value of {name} must be one of: {choices}, got: {text}"
    )))
}

/// A value as Ansible turns it into a string.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => serde_json::to_string(value).ok(),
        Value::Null => None,
    }
}

/// A boolean as Ansible reads it.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            let whole = |float: &f64| float.fract() == 0.0 && float.abs() < 9.0e15;
            number
                .as_i64()
                .or_else(|| number.as_f64().filter(whole).map(|float| float as i64))
        }
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Value> {
    let items = match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        Value::String(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        Value::Number(_) | Value::Bool(_) => vec![text(value)?],
        _ => return None,
    };
    Some(Value::from(items))
}

/// Expands a leading `~` and `$NAME` or `${NAME}`, as the shell would; what is not set stays.
pub(crate) fn expand(path: &str, environment: &BTreeMap<String, String>) -> String {
    let mut rest = path;
    let mut expanded = String::new();
    if let (Some(after), Some(home)) = (path.strip_prefix('~'), environment.get("HOME"))
        && (after.is_empty() || after.starts_with('/'))
    {
        expanded.push_str(home);
        rest = after;
    }
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let (name, length) = variable_name(&rest[at + 1..]);
        match environment.get(name) {
            Some(value) if !name.is_empty() => expanded.push_str(value),
            _ => expanded.push_str(&rest[at..=at + length]),
        }
        rest = &rest[at + 1 + length..];
    }
    expanded + rest
}

/// The name of a variable after its `$`, and how many bytes it takes.
fn variable_name(text: &str) -> (&str, usize) {
    if let Some((name, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return (name, name.len() + 2);
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (&text[..end], end)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "None",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Str => "str",
        FieldKind::Path => "path",
        FieldKind::Bool => "bool",
        FieldKind::Int => "int",
        FieldKind::Float => "float",
        FieldKind::List => "list",
        FieldKind::Dict => "dict",
        FieldKind::Raw => "raw",
    }
}

fn why(kind: FieldKind, value: &Value) -> String {
    let shown = text(value).unwrap_or_default();
    match kind {
        FieldKind::Bool => format!(
            "The value '{shown}' is not a valid boolean. Valid booleans include: yes, no, on, off, \
             true, false, 1, 0"
        ),
        kind => format!(
            "'{shown}' cannot be converted to {}",
            article(kind_name(kind))
        ),
    }
}

fn article(kind: &str) -> String {
    if kind == "int" {
        format!("an {kind}")
    } else {
        format!("a {kind}")
    }
}
