//! Calls of filters and tests, and what they give of what is undefined: nothing that is defined, as in ansible-core 2.19,
//! so that a `default` may stand behind them, and a condition that asks for nothing else fails.
//!
//! A mistake that a value is instead is the mistake of a filter that looks at it. One in what a filter may choose counts
//! only where it does: such calls are attempts.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Rest, ValueKind, ValueOrKwargs},
};

use crate::{
    TemplateError, TemplateErrorKind,
    compile::{ATTEMPT, ATTEMPT_CALL, ATTEMPT_CHOICE, ATTEMPT_NAME, CALL, TEST},
    convert,
};

/// Adds them under names that no template uses.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(CALL, call);
    environment.add_filter(TEST, test);
    environment.add_filter(ATTEMPT, attempt);
    environment.add_filter(ATTEMPT_CALL, attempt_call);
    environment.add_filter(ATTEMPT_CHOICE, attempt_choice);
    environment.add_filter(ATTEMPT_NAME, attempt_name);
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
    if let Some(mistake) = mistake_looked_at(short, &given) {
        return Err(mistake);
    }
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

/// What a filter gives, or the mistake as a value.
fn attempt(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    put_off(call(state, value, name, arguments))
}

/// What a filter chooses, or the mistake as a value.
fn attempt_choice(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    put_off(state.apply_filter(name, &all(value, arguments)))
}

/// What a function gives, or the mistake as a value.
fn attempt_call(
    state: &mut State<'_, '_>,
    function: &Value,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    put_off(function.call(state, &arguments.into_values()))
}

/// What a variable is, or the mistake in its template as a value.
fn attempt_name(state: &mut State<'_, '_>, name: &str) -> Result<Value, Error> {
    Ok(state.lookup(name).unwrap_or_default())
}

/// Makes a value of a mistake that counts only if the value is used; limits, and what Strata does not have, count at once.
fn put_off(result: Result<Value, Error>) -> Result<Value, Error> {
    result.or_else(|error| {
        let kind = TemplateError::from_engine(&error, None).kind;
        match kind {
            TemplateErrorKind::Undefined | TemplateErrorKind::Failed => Ok(Value::from(error)),
            _ => Err(error),
        }
    })
}

/// What a test says.
fn test(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let mut given = all(value, arguments);
    let of_items = OF_ITEMS.contains(&short(name)) || short(name) == "in";
    if let Some(mistake) = mistake_in(&given, given.iter().filter(|_| of_items)) {
        return Err(mistake);
    }
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
    looked_at(name, given).any(|value| lack_something(std::slice::from_ref(value)))
}

/// What a filter goes through, of what it is given.
fn looked_at<'a>(name: &str, given: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let at_few = LOOKING_AT_FEW.contains(&name) || PICKING.contains(&name);
    let takes_values = TAKING_VALUES.contains(&name);
    let is_looked_at =
        move |value: &&Value| !at_few && (value.kind() != ValueKind::Map || takes_values);
    given.iter().filter(is_looked_at)
}

/// The first mistake among what a filter is given and looks at.
fn mistake_looked_at(name: &str, given: &[Value]) -> Option<Error> {
    let picked_by = || {
        let path = match name {
            "select" | "reject" => None,
            "selectattr" | "rejectattr" => Some(given.get(1)?.as_str()?),
            _ => return None,
        };
        let value = given.first()?;
        let mut items = (value.kind() == ValueKind::Seq).then(|| value.try_iter().ok())??;
        let found = match path {
            Some(path) => items.map(|item| attribute_of(item, path)).find(is_mistake),
            None => items.find(is_mistake),
        };
        Some(convert::invalid(&found?))
    };
    mistake_in(given, looked_at(name, given)).or_else(picked_by)
}

/// The first mistake among values and named arguments, and directly in the lists and mappings of others.
fn mistake_in<'a>(
    given: &[Value],
    looked_at: impl IntoIterator<Item = &'a Value>,
) -> Option<Error> {
    let itself = || given.iter().find(|value| is_mistake(value)).cloned();
    let named = || {
        let mut named = given.iter().filter(|value| value.is_kwargs());
        named.find_map(|value| values(value).find(is_mistake))
    };
    let inside = || {
        let mut looked_at = looked_at.into_iter();
        looked_at.find_map(|value| match value.kind() {
            ValueKind::Seq => value.try_iter().ok()?.find(is_mistake),
            ValueKind::Map => values(value).find(is_mistake),
            _ => None,
        })
    };
    let found = itself().or_else(named).or_else(inside)?;
    Some(convert::invalid(&found))
}

fn is_mistake(value: &Value) -> bool {
    value.kind() == ValueKind::Invalid
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
