//! Parameters compared with what the description says of them, in the words of PVE.

use std::{collections::BTreeMap, sync::OnceLock};

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::{Method, format, parameter, property, resolve};

/// What is wrong, by parameter.
pub(crate) type Errors = BTreeMap<String, String>;

/// Checks the parameters of a call, and gives them as texts; those in the path included.
pub(crate) fn check(
    method: &'static Method,
    given: &Map<String, Json>,
) -> Result<BTreeMap<String, String>, Errors> {
    let mut errors = Errors::new();
    let mut texts = BTreeMap::new();
    for (name, value) in given {
        match parameter(&method.parameters, name) {
            Some(facts) => {
                if let Some(text) = scalar(name, facts, value, &mut errors) {
                    texts.insert(name.clone(), text);
                }
            }
            None => {
                errors.insert(name.clone(), UNKNOWN.to_owned());
            }
        }
    }
    for (name, facts) in &method.parameters {
        // What only some kinds of an object have need not be there.
        let of_some = facts["oneOf"].is_array() || facts["instance-types"].is_array();
        let optional = facts["optional"] == 1 || of_some;
        if !optional && !name.ends_with("[n]") && !given.contains_key(name) {
            errors.insert(name.clone(), MISSING.to_owned());
        }
        let requires = facts["requires"].as_str();
        if let Some(other) =
            requires.filter(|other| given.contains_key(name) && !given.contains_key(*other))
        {
            let text = match name.starts_with("checksum") {
                true => format!("missing property required by '{name}'"),
                false => format!("missing property - '{name}' requires this property"),
            };
            errors.insert(other.to_owned(), text);
        }
    }
    if errors.is_empty() {
        Ok(texts)
    } else {
        Err(errors)
    }
}

const UNKNOWN: &str =
    "property is not defined in schema and the schema does not allow additional properties";
const MISSING: &str = "property is missing and it is not optional";

/// Checks one value, which may be a list, and gives it as text.
fn scalar(name: &str, facts: &'static Json, value: &Json, errors: &mut Errors) -> Option<String> {
    let ty = facts["type"].as_str().unwrap_or("string");
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(truth) => u8::from(*truth).to_string(),
        Json::Null => return None,
        Json::Array(items) if ty == "array" => {
            item_errors(
                name,
                facts,
                &items.iter().map(plain).collect::<Vec<_>>(),
                errors,
            );
            return Some(list(items));
        }
        Json::Array(_) => {
            errors.insert(
                name.to_owned(),
                format!("type check ('{ty}') failed - got ARRAY"),
            );
            return None;
        }
        Json::Object(_) => {
            errors.insert(
                name.to_owned(),
                format!("type check ('{ty}') failed - got HASH"),
            );
            return None;
        }
    };
    // What is given once stands for a list of one.
    if ty == "array" {
        item_errors(name, facts, std::slice::from_ref(&text), errors);
        return Some(text);
    }
    match text_error(name, facts, &text) {
        Some(error) => {
            errors.insert(name.to_owned(), error);
            None
        }
        None => Some(normal(ty, text)),
    }
}

/// Checks the items of a list, each under its number.
fn item_errors(name: &str, facts: &'static Json, items: &[String], errors: &mut Errors) {
    for (at, item) in items.iter().enumerate() {
        let name = format!("{name}[{at}]");
        if let Some(error) = text_error(&name, &facts["items"], item) {
            errors.insert(name, error);
        }
    }
}

fn list(items: &[Json]) -> String {
    let texts = items.iter().map(|item| match item {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    texts.collect::<Vec<_>>().join("\0")
}

/// Booleans are 0 and 1 from here on.
fn normal(ty: &str, text: String) -> String {
    match (ty, boolean(&text)) {
        ("boolean", Some(truth)) => u8::from(truth).to_string(),
        _ => text,
    }
}

/// What is wrong with a text, if anything is.
pub(super) fn text_error(name: &str, facts: &'static Json, text: &str) -> Option<String> {
    let ty = facts["type"].as_str().unwrap_or("string");
    let fits = match ty {
        "boolean" => boolean(text).is_some(),
        "integer" => matches(r"^[+-]?\d+$", text),
        "number" => matches(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$", text),
        _ => true,
    };
    if !fits {
        return Some(format!("type check ('{ty}') failed - got '{text}'"));
    }
    let format = &facts["format"];
    if format.is_string() || format.is_object() {
        if let Err(reason) = formatted(name, format, text) {
            return Some(format!("invalid format - {reason}"));
        }
    } else if let Some(pattern) = facts["pattern"].as_str()
        && !pattern_fits(pattern, text)
    {
        return Some("value does not match the regex pattern".to_owned());
    }
    if let Some(values) = facts["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
        if !values.contains(&text) {
            let values = values.join(", ");
            return Some(format!(
                "value '{text}' does not have a value in the enumeration '{values}'"
            ));
        }
    }
    limits(ty, facts, text)
}

fn limits(ty: &str, facts: &Json, text: &str) -> Option<String> {
    if matches!(ty, "integer" | "number") {
        let value: f64 = text.parse().unwrap_or_default();
        if number(&facts["minimum"]).is_some_and(|least| value < least) {
            return Some(format!(
                "value must have a minimum value of {}",
                plain(&facts["minimum"])
            ));
        }
        if number(&facts["maximum"]).is_some_and(|most| value > most) {
            return Some(format!(
                "value must have a maximum value of {}",
                plain(&facts["maximum"])
            ));
        }
    } else if ty == "string" {
        let length = text.chars().count() as u64;
        if let Some(most) = facts["maxLength"].as_u64().filter(|most| length > *most) {
            return Some(format!("value may only be {most} characters long"));
        }
        if let Some(least) = facts["minLength"].as_u64().filter(|least| length < *least) {
            return Some(format!("value must be at least {least} characters long"));
        }
    }
    None
}

/// Compares with a named format, or with the parts of a property string. The words end with a newline.
fn formatted(name: &str, format: &'static Json, text: &str) -> Result<(), String> {
    match resolve(format) {
        Json::String(named) => format::check(named, name, text),
        parts if parts.is_object() => property::check(name, parts, text),
        _ => Ok(()),
    }
}

/// What PVE takes for true and false.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Some(true),
        "0" | "off" | "no" | "false" => Some(false),
        _ => None,
    }
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Compares with one of our own patterns.
pub(super) fn matches(pattern: &'static str, text: &str) -> bool {
    static KNOWN: OnceLock<std::sync::Mutex<BTreeMap<&'static str, Regex>>> = OnceLock::new();
    let mut known = KNOWN
        .get_or_init(Default::default)
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    known
        .entry(pattern)
        .or_insert_with(|| Regex::new(pattern).expect("our own patterns are well formed"))
        .is_match(text)
}

/// Compares with a pattern of the description, which is Perl's; one that we cannot read lets all pass.
fn pattern_fits(pattern: &'static str, text: &str) -> bool {
    static KNOWN: OnceLock<std::sync::Mutex<BTreeMap<&'static str, Option<Regex>>>> =
        OnceLock::new();
    let mut known = KNOWN
        .get_or_init(Default::default)
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let regex = known.entry(pattern).or_insert_with(|| {
        let translated = pattern
            .replace("(?^:", "(?:")
            .replace("(?^i:", "(?i:")
            .replace("(?^u:", "(?:")
            .replace("(?>", "(?:")
            .replace("(?!\\n)", "")
            .replace("[\\(\\)-_.\\w\\d\\s]", "[\\(\\)\\-_.\\w\\d\\s]")
            .replace("{,", "{0,");
        Regex::new(&format!("^(?:{translated})$")).ok()
    });
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(verb: &str, path: &str, given: Json) -> String {
        let segments: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        let found = super::super::find(verb, &segments).unwrap();
        let mut given = given.as_object().unwrap().clone();
        given.extend(
            found
                .in_path
                .into_iter()
                .map(|(name, text)| (name, json!(text))),
        );
        match check(found.method, &given) {
            Ok(_) => "fine".to_owned(),
            Err(errors) => errors
                .iter()
                .map(|(name, text)| format!("{name}: {text}"))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    fn create(given: Json) -> String {
        errors("POST", "/nodes/pve1/qemu", given)
    }

    #[test]
    fn all_errors_of_a_call_come_together() {
        let text = create(json!({ "vmid": 100, "cores": 0, "foo": 1, "onboot": "perhaps" }));
        assert_eq!(
            text,
            "cores: value must have a minimum value of 1\n\
             foo: property is not defined in schema and the schema does not allow additional properties\n\
             onboot: type check ('boolean') failed - got 'perhaps'"
        );
    }

    #[test]
    fn what_must_be_there_is_asked_for() {
        assert_eq!(
            create(json!({})),
            "vmid: property is missing and it is not optional"
        );
        assert_eq!(create(json!({ "vmid": "100", "onboot": true })), "fine");
    }

    #[test]
    fn ids_have_a_range() {
        let text = "vmid: invalid format - value does not look like a valid VM ID\n";
        assert_eq!(create(json!({ "vmid": 5 })), text);
        assert_eq!(
            create(json!({ "vmid": "abc" })),
            "vmid: type check ('integer') failed - got 'abc'"
        );
    }

    #[test]
    fn the_parts_of_a_property_string_are_checked() {
        assert_eq!(
            create(json!({ "vmid": 100, "net0": "virtio,bridge=vmbr0,tag=5000" })),
            "net0: invalid format - format error\nnet0.tag: value must have a maximum value of 4094\n"
        );
        assert_eq!(
            create(json!({ "vmid": 100, "net0": "virtio=XX:YY,bridge=vmbr0" })),
            "net0: invalid format - format error\nnet0.macaddr: invalid format - value does not look like a valid unicast MAC address\n\n"
        );
    }
}
