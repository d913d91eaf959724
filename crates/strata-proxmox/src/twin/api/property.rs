//! Property strings: `virtio=MAC,bridge=vmbr0,firewall=1`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::schema::text_error;

/// Why a text is no such property string; the words of PVE.
#[derive(Debug)]
pub(crate) struct PropertyError(pub(crate) String);

/// Takes a property string apart by the format's keys.
pub(crate) fn parse(format: &Json, text: &str) -> Result<BTreeMap<String, String>, PropertyError> {
    let mut parts = BTreeMap::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                keyed(format, key, value, &mut parts)?;
            }
            Some(_) => {
                return Err(PropertyError(
                    "missing key in comma-separated list property".to_owned(),
                ));
            }
            None => bare(format, part, &mut parts)?,
        }
    }
    Ok(parts)
}

fn keyed(
    format: &Json,
    key: &str,
    value: &str,
    parts: &mut BTreeMap<String, String>,
) -> Result<(), PropertyError> {
    let duplicate = |key: &str| {
        PropertyError(format!(
            "duplicate key in comma-separated list property: {key}"
        ))
    };
    if parts.contains_key(key) {
        return Err(duplicate(key));
    }
    let mut name = key;
    let mut facts = &format[key];
    if let Some(alias) = facts["alias"].as_str() {
        if let Some(named) = facts["keyAlias"].as_str()
            && parts.insert(named.to_owned(), key.to_owned()).is_some()
        {
            return Err(PropertyError(format!(
                "key alias '{named}' is already defined"
            )));
        }
        name = alias;
        facts = &format[alias];
    }
    if facts.is_null() {
        return Err(PropertyError(format!(
            "invalid key in comma-separated list property: {key}"
        )));
    }
    match parts.insert(name.to_owned(), value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(duplicate(name)),
    }
}

fn bare(
    format: &Json,
    part: &str,
    parts: &mut BTreeMap<String, String>,
) -> Result<(), PropertyError> {
    let Some(key) = default_key(format) else {
        return Err(PropertyError(
            "value without key, but schema does not define a default key".to_owned(),
        ));
    };
    match parts.insert(key.to_owned(), part.to_owned()) {
        None => Ok(()),
        Some(_) => Err(PropertyError(format!(
            "duplicate key in comma-separated list property: {key}"
        ))),
    }
}

/// The key that a value without one belongs to.
fn default_key(format: &Json) -> Option<&str> {
    let keys = format.as_object()?.iter();
    keys.filter(|(_, facts)| facts["default_key"] == 1)
        .map(|(key, _)| key.as_str())
        .next()
}

/// Writes a property string as PVE does: the value without a key first, then by name.
pub(crate) fn print(format: &Json, parts: &BTreeMap<String, String>) -> String {
    let default = default_key(format);
    let mut texts = Vec::new();
    let aliased = parts.iter().find(|(key, _)| {
        let mut all = format.as_object().into_iter().flatten();
        all.any(|(_, facts)| facts["keyAlias"].as_str() == Some(key))
    });
    let mut done: Vec<&str> = Vec::new();
    if let Some((named, value)) = aliased
        && let Some(alias) = format[value.as_str()]["alias"].as_str()
        && let Some(text) = parts.get(alias)
    {
        texts.push(format!("{value}={text}"));
        done.extend([named.as_str(), alias]);
    }
    if let Some(key) = default.filter(|key| !done.contains(key))
        && let Some(value) = parts.get(key)
    {
        texts.push(value.clone());
        done.push(key);
    }
    for (key, value) in parts
        .iter()
        .filter(|(key, _)| !done.contains(&key.as_str()))
    {
        texts.push(format!("{key}={value}"));
    }
    texts.join(",")
}

/// Says what is wrong with a property string, the parameter's name before each part's.
pub(super) fn check(name: &str, format: &'static Json, text: &str) -> Result<(), String> {
    let parts = parse(format, text).map_err(|PropertyError(reason)| format!("{reason}\n"))?;
    let mut errors = BTreeMap::new();
    for (key, facts) in format.as_object().into_iter().flatten() {
        let Some(value) = parts.get(key) else {
            if facts["optional"] != 1 && facts["alias"].is_null() {
                errors.insert(
                    key.clone(),
                    "property is missing and it is not optional".to_owned(),
                );
            }
            continue;
        };
        if let Some(error) = text_error(&format!("{name}.{key}"), facts, value) {
            errors.insert(key.clone(), error);
        }
        if let Some(other) = facts["requires"]
            .as_str()
            .filter(|other| !parts.contains_key(*other))
        {
            errors.insert(
                other.to_owned(),
                format!("missing property required by '{name}.{key}'"),
            );
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let lines = errors
        .iter()
        .map(|(key, error)| format!("{name}.{key}: {error}\n"));
    Err(format!("format error\n{}", lines.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Json {
        serde_json::json!({
            "model": { "type": "string", "default_key": 1 },
            "macaddr": { "type": "string", "optional": 1 },
            "virtio": { "alias": "macaddr", "keyAlias": "model" },
            "bridge": { "type": "string", "optional": 1 },
            "tag": { "type": "integer", "optional": 1 },
        })
    }

    fn round(text: &str) -> String {
        match parse(&format(), text) {
            Ok(parts) => print(&format(), &parts),
            Err(PropertyError(reason)) => reason,
        }
    }

    #[test]
    fn the_value_without_a_key_comes_first_and_the_rest_by_name() {
        assert_eq!(
            round("tag=2,virtio=AA,bridge=b"),
            "virtio=AA,bridge=b,tag=2"
        );
        assert_eq!(round("virtio,bridge=b"), "virtio,bridge=b");
    }

    #[test]
    fn keys_must_be_known_and_come_once() {
        assert_eq!(
            round("virtio,foo=1"),
            "invalid key in comma-separated list property: foo"
        );
        assert_eq!(
            round("virtio,tag=1,tag=2"),
            "duplicate key in comma-separated list property: tag"
        );
    }
}
