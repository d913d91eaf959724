//! Calls of filters and tests, and what they give of what is undefined: nothing that is defined, as in ansible-core 2.19,
//! so that a `default` may stand behind them, and a condition that asks for nothing else fails.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Rest, ValueKind, ValueOrKwargs},
};

use crate::compile::{CALL, TEST};

/// Adds them under names that no template uses.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(CALL, call);
    environment.add_filter(TEST, test);
}

/// The filters that go through what they are given only if it counts as true.
const PICKING: &[&str] = &["map", "reject", "rejectattr", "select", "selectattr"];
/// Those that look at no item of a list, or at some of them.
const LOOKING_AT_FEW: &[&str] = &["count", "first", "last", "length", "map", "random"];
/// Those that look at all values of a mapping; others take its keys.
const TAKING_VALUES: &[&str] = &[
    "combine",
    "dict2items",
    "dictsort",
    "items",
    "pprint",
    "string",
    "to_json",
    "to_nice_json",
    "to_nice_yaml",
    "to_yaml",
    "tojson",
];
/// The tests that look at all items of a list.
const OF_ITEMS: &[&str] = &[
    "all",
    "any",
    "contains",
    "issubset",
    "issuperset",
    "subset",
    "superset",
];

/// What a filter gives.
fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let mut given = all(value, arguments);
    let short = short(name);
    let is_undefined = given.iter().any(is_undefined)
        || lacks_what_it_looks_at(short, &given)
        || picks_by_what_is_undefined(short, &given);
    if !value.is_true() && !is_undefined && PICKING.contains(&short) && value.try_iter().is_err() {
        // Jinja looks at no item of what counts as false.
        return Ok(Value::from(Vec::<Value>::new()));
    }
    if is_undefined {
        // Whether there is such a filter is known by asking it about nothing at all.
        given.clear();
    }
    let result = state.apply_filter(name, &given);
    let result = named(result, ErrorKind::UnknownFilter, &format!("filter {name}"));
    result_of(result, is_undefined)
}

/// What a test says.
fn test(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let mut given = all(value, arguments);
    let is_undefined =
        given.iter().any(is_undefined) || OF_ITEMS.contains(&short(name)) && lack_something(&given);
    if is_undefined {
        given.clear();
    }
    let result = state.perform_test(name, &given).map(Value::from);
    let result = named(result, ErrorKind::UnknownTest, &format!("test {name}"));
    result_of(result, is_undefined)
}

fn all(value: &Value, arguments: Rest<ValueOrKwargs>) -> Vec<Value> {
    let mut given = vec![value.clone()];
    given.extend(arguments.into_values());
    given
}

/// Names what is unknown, which the engine leaves to who calls it.
fn named(result: Result<Value, Error>, unknown: ErrorKind, what: &str) -> Result<Value, Error> {
    result.map_err(
        |error| match error.kind() == unknown && error.detail().is_none() {
            true => Error::new(unknown, format!("{what} is unknown")),
            false => error,
        },
    )
}

fn result_of(result: Result<Value, Error>, is_undefined: bool) -> Result<Value, Error> {
    let is_unknown = |error: &Error| {
        matches!(
            error.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest
        )
    };
    match result {
        Err(error) if is_unknown(&error) => Err(error),
        _ if is_undefined => Ok(Value::UNDEFINED),
        result => or_undefined(result),
    }
}

/// A result, undefined where it needed something that is.
pub(crate) fn or_undefined(result: Result<Value, Error>) -> Result<Value, Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(Value::UNDEFINED),
        result => result,
    }
}

/// True for what is undefined, and for named arguments of which one is.
pub(crate) fn is_undefined(value: &Value) -> bool {
    value.is_undefined() || value.is_kwargs() && values(value).any(|value| value.is_undefined())
}

/// Whether a list or mapping among some values has something undefined directly in it.
pub(crate) fn lack_something(given: &[Value]) -> bool {
    given.iter().any(|value| match value.kind() {
        ValueKind::Undefined => true,
        ValueKind::Seq => value
            .try_iter()
            .is_ok_and(|mut items| items.any(|item| item.is_undefined())),
        ValueKind::Map => values(value).any(|value| value.is_undefined()),
        _ => false,
    })
}

fn values(map: &Value) -> impl Iterator<Item = Value> {
    let keys = map.try_iter().into_iter().flatten();
    keys.filter_map(|key| map.get_item(&key).ok())
}

fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

fn lacks_what_it_looks_at(name: &str, given: &[Value]) -> bool {
    if LOOKING_AT_FEW.contains(&name) || PICKING.contains(&name) {
        return false;
    }
    let takes_values = TAKING_VALUES.contains(&name);
    let is_looked_at = |value: &&Value| value.kind() != ValueKind::Map || takes_values;
    let mut looked_at = given.iter().filter(is_looked_at);
    looked_at.any(|value| lack_something(std::slice::from_ref(value)))
}

/// Whether items are picked by something that is undefined, where that is not what is asked.
fn picks_by_what_is_undefined(name: &str, given: &[Value]) -> bool {
    let attribute = match name {
        "select" | "reject" => None,
        "selectattr" | "rejectattr" => given.get(1).and_then(Value::as_str),
        _ => return false,
    };
    let asks_at = if attribute.is_some() { 2 } else { 1 };
    let asked = given.get(asks_at).and_then(Value::as_str).map(short);
    let value = &given[0];
    if matches!(asked, Some("defined" | "undefined")) || value.kind() != ValueKind::Seq {
        return false;
    }
    let lacks = |item: Value| match attribute {
        Some(path) => attribute_of(item, path).is_undefined(),
        None => item.is_undefined(),
    };
    value.try_iter().is_ok_and(|mut items| items.any(lacks))
}

/// An attribute by its name, or by names with points between; those that are numbers count items.
fn attribute_of(item: Value, path: &str) -> Value {
    path.split('.').fold(item, |item, name| {
        let found = match name.parse::<i64>() {
            Ok(number) => item.get_item(&Value::from(number)),
            Err(_) => item.get_attr(name),
        };
        found.unwrap_or(Value::UNDEFINED)
    })
}
