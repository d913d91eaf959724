//! Arguments of provisioners and connections as plain Rust values; what is null is not set.

use strata_core::{Type, Value};

pub(super) fn text(config: &Value, name: &str) -> Option<String> {
    let value = config.get(name)?.convert(&Type::String).ok()?;
    value.as_str().map(str::to_owned)
}

pub(super) fn truth(config: &Value, name: &str) -> Option<bool> {
    config.get(name)?.as_bool()
}

pub(super) fn texts(config: &Value, name: &str) -> Option<Vec<String>> {
    let items = config.get(name)?.as_sequence()?;
    let text = |item: &Value| item.as_str().map(str::to_owned);
    Some(items.iter().filter_map(text).collect())
}

pub(super) fn named(config: &Value, name: &str) -> Vec<(String, String)> {
    let entries = config.get(name).and_then(Value::as_entries);
    let entry = |(name, value): (&strata_core::Text, &Value)| {
        Some((name.to_string(), value.as_str()?.to_owned()))
    };
    entries.into_iter().flatten().filter_map(entry).collect()
}
