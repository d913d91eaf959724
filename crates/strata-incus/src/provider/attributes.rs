//! Reads and writes the attributes of an object's value.

use std::collections::BTreeMap;

use strata_core::{Type, Value};

/// Text keys and values, as Incus has them everywhere.
pub(crate) type Texts = BTreeMap<String, String>;

/// The attributes of an object; what is null, unknown or missing reads as not set.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a Value);

impl<'a> Attributes<'a> {
    /// A text.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    /// A text that is not empty.
    pub(crate) fn some_text(self, name: &str) -> Option<&'a str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A truth value.
    pub(crate) fn flag(self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// A whole number.
    pub(crate) fn number(self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_number()?.as_i64()
    }

    /// A list of texts.
    pub(crate) fn texts(self, name: &str) -> Option<Vec<String>> {
        let items = self.0.get(name)?.as_sequence()?;
        Some(
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// A map of texts; empty if not set. Keys whose value is null are not set.
    pub(crate) fn map(self, name: &str) -> Texts {
        let entries = self.0.get(name).and_then(Value::as_entries);
        entries
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Nested blocks.
    pub(crate) fn blocks(self, name: &str) -> impl Iterator<Item = Attributes<'a>> {
        let items = self.0.get(name).and_then(Value::as_sequence);
        items.unwrap_or_default().iter().map(Attributes)
    }

    /// An object inside.
    pub(crate) fn object(self, name: &str) -> Option<Attributes<'a>> {
        let object = self.0.get(name)?;
        object.as_entries().map(|_| Attributes(object))
    }

    /// True if there is something: neither null nor an empty collection. What is unknown is something.
    pub(crate) fn is_set(self, name: &str) -> bool {
        match self.0.get(name) {
            None | Some(Value::Null(_)) => false,
            Some(value) => value.as_sequence().is_none_or(|items| !items.is_empty()),
        }
    }
}

/// A text or null.
pub(crate) fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null(Type::String), Value::from)
}

/// A map of texts.
pub(crate) fn map(entries: &Texts) -> Value {
    let entries = entries
        .iter()
        .map(|(key, value)| (key.as_str(), Value::from(value.as_str())));
    Value::map(Type::String, entries)
}

/// A map of texts that also keeps the keys which `known` has with a null value.
pub(crate) fn map_with_nulls(known: Option<&Value>, entries: &Texts) -> Value {
    let nulls = known.and_then(Value::as_entries).into_iter().flatten();
    let nulls = nulls.filter(|(_, value)| value.is_null());
    let mut all: BTreeMap<_, _> = nulls
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    all.extend(
        entries
            .iter()
            .map(|(key, value)| (key.as_str().into(), Value::from(value.as_str()))),
    );
    Value::map(Type::String, all)
}

/// A list of texts.
pub(crate) fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(Type::String, items.into_iter().map(Value::from).collect())
}

/// A set of texts.
pub(crate) fn set(items: &[String]) -> Value {
    Value::set(
        Type::String,
        items.iter().map(|item| Value::from(item.as_str())),
    )
}

/// A list of texts: as it is known, if what was found is the same in any order.
pub(crate) fn same_texts(known: Attributes<'_>, name: &str, found: &[String]) -> Value {
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    match (known.0.get(name), known.texts(name)) {
        (Some(value), Some(texts)) if sorted(texts.clone()) == sorted(found.to_vec()) => {
            value.clone()
        }
        _ => list(found.iter().map(String::as_str)),
    }
}

/// The object with some attributes changed.
pub(crate) fn with(
    object: &Value,
    changes: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut entries = object.as_entries().cloned().unwrap_or_default();
    for (name, value) in changes {
        entries.insert(name.into(), value);
    }
    Value::object(entries)
}

/// What was planned where it was known, and what is there where it was not.
///
/// What has changed in between without us shows when the object is read next.
pub(crate) fn conform(planned: &Value, actual: &Value) -> Value {
    match (planned, actual) {
        (planned, _) if planned.is_wholly_known() => planned.clone(),
        (Value::Object(attributes), actual) => {
            Value::object(attributes.iter().map(|(name, planned)| {
                let actual = actual.get(name).unwrap_or(planned);
                (name.clone(), conform(planned, actual))
            }))
        }
        (_, actual) => actual.clone(),
    }
}

/// The value with null where something is unknown.
pub(crate) fn without_unknown(value: &Value) -> Value {
    match value {
        Value::Unknown(unknown) => Value::Null(unknown.ty.clone()),
        value => value.map_children(|_, child| without_unknown(child)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_stays_and_what_was_open_is_filled_in() {
        let planned = Value::object([
            ("name", Value::from("a")),
            ("address", Value::unknown(Type::String)),
        ]);
        let actual = Value::object([
            ("name", Value::from("b")),
            ("address", Value::from("10.0.0.1")),
        ]);
        let expected = Value::object([
            ("name", Value::from("a")),
            ("address", Value::from("10.0.0.1")),
        ]);
        assert_eq!(conform(&planned, &actual), expected);
    }
}
