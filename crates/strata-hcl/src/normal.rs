//! Normal forms: every text of the language is in NFC, so that what looks the same is the same.

use std::borrow::Cow;

use strata_core::{Text, Value};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A text in NFC, as go-cty keeps all strings.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// A value whose texts, keys included, are all in NFC.
pub(crate) fn value(value: Value) -> Value {
    if is_normal(&value) {
        return value;
    }
    match value {
        Value::String(inner) => Value::from(&*text(&inner)),
        Value::List(element, items) => Value::list(element, all(&items)),
        Value::Set(element, items) => Value::set(element, all(&items)),
        Value::Tuple(items) => Value::tuple(all(&items)),
        Value::Map(element, entries) => Value::map(element, pairs(&entries)),
        Value::Object(entries) => Value::object(pairs(&entries)),
        other => other,
    }
}

fn all(items: &[Value]) -> Vec<Value> {
    items.iter().cloned().map(value).collect()
}

fn pairs(entries: &strata_core::value::Entries) -> impl Iterator<Item = (Text, Value)> {
    let pair = |(key, item): (&Text, &Value)| (Text::from(&*text(key)), value(item.clone()));
    entries.iter().map(pair)
}

fn is_normal(value: &Value) -> bool {
    match value {
        Value::String(inner) => matches!(text(inner), Cow::Borrowed(_)),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().all(is_normal)
        }
        Value::Map(_, entries) | Value::Object(entries) => entries
            .iter()
            .all(|(key, item)| matches!(text(key), Cow::Borrowed(_)) && is_normal(item)),
        _ => true,
    }
}
