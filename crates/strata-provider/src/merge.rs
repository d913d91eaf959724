//! Puts together what was planned or known and what is there.

use strata_core::{PathStep, Text, Value};

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
        (Value::List(element, planned), Value::List(_, actual))
            if planned.len() == actual.len() =>
        {
            let items = planned
                .iter()
                .zip(actual.iter())
                .map(|(planned, actual)| conform(planned, actual));
            Value::list(element.clone(), items.collect())
        }
        (Value::Map(element, planned), Value::Map(_, actual))
            if planned.keys().eq(actual.keys()) =>
        {
            let entry = |(key, planned): (&Text, &Value)| {
                let actual = actual.get(key).unwrap_or(planned);
                (key.clone(), conform(planned, actual))
            };
            Value::map(element.clone(), planned.iter().map(entry))
        }
        (_, actual) => actual.clone(),
    }
}

/// The value as it was before, except attributes that differ from `read`, which `before` was read as.
///
/// A struct cannot tell null from empty: where it has not changed, the value must not either.
pub(crate) fn unchanged_unless(before: &Value, read: &Value, now: &Value) -> Value {
    let Some(entries) = now.as_entries() else {
        return now.clone();
    };
    Value::object(entries.iter().map(|(name, now)| {
        let same = read.get(name) == Some(now);
        let before = before.get(name).filter(|_| same);
        (name.clone(), before.unwrap_or(now).clone())
    }))
}

/// The first object, with the attributes of the second that `second` names.
pub(crate) fn choose(first: &Value, other: &Value, second: impl Fn(&str) -> bool) -> Value {
    first.map_children(|step, child| match &step {
        PathStep::Attribute(name) if second(name) => other.get(name).unwrap_or(child).clone(),
        _ => child.clone(),
    })
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
    use strata_core::Type;

    use super::*;

    #[test]
    fn what_was_planned_stays_and_what_was_open_is_filled_in() {
        let nic = |mac: Value| Value::object([("name", Value::from("n")), ("mac", mac)]);
        let nics = |mac: Value| Value::list(nic(Value::from("")).ty(), vec![nic(mac)]);
        let planned = Value::object([
            ("name", Value::from("a")),
            ("nics", nics(Value::unknown(Type::String))),
        ]);
        let actual = Value::object([
            ("name", Value::from("b")),
            ("nics", nics(Value::from("00:16"))),
        ]);
        let expected = Value::object([
            ("name", Value::from("a")),
            ("nics", nics(Value::from("00:16"))),
        ]);
        assert_eq!(conform(&planned, &actual), expected);
    }

    #[test]
    fn null_stays_null_where_nothing_changed() {
        let before = Value::object([
            ("a", Value::Null(Type::String)),
            ("b", Value::Null(Type::String)),
        ]);
        let read = Value::object([("a", Value::from("")), ("b", Value::from(""))]);
        let now = Value::object([("a", Value::from("")), ("b", Value::from("x"))]);
        let expected = Value::object([("a", Value::Null(Type::String)), ("b", Value::from("x"))]);
        assert_eq!(unchanged_unless(&before, &read, &now), expected);
    }
}
