//! The functions of templates: `lookup`, `query`, `dict`, `now`, `range`, `undef` and `namespace`; others have files of
//! their own.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use crate::{calendar::Moment, calls, changing::changing, lookups, python, run::Run};

/// How many numbers `range` gives at most.
const MAX_RANGE: i64 = 1_000_000;

/// The functions that are added here, which are looked for among the variables first.
pub(crate) const NAMES: &[&str] = &[
    "cycler",
    "dict",
    "joiner",
    "lipsum",
    "lookup",
    "namespace",
    "now",
    "q",
    "query",
    "range",
    "undef",
    crate::compile::CAPTURE,
];

/// Adds all functions.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("lookup", lookup);
    environment.add_function("query", query);
    environment.add_function("q", query);
    environment.add_function("dict", dict);
    environment.add_function("now", now);
    environment.add_function("range", range);
    environment.add_function("undef", undef);
    environment.add_function("namespace", namespace);
    crate::lipsum::register(environment);
    crate::turns::register(environment);
}

/// `lookup('name', terms..., options)`: texts joined by commas, or the only value.
fn lookup(state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    calls::or_undefined(found(state, arguments))
}

fn found(state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let (mut found, wants_list) = run_lookup(state, arguments, false)?;
    if wants_list {
        return Ok(Value::from(found));
    }
    Ok(match found.len() {
        0 => Value::from(Vec::<Value>::new()),
        1 => found.remove(0),
        _ if found.iter().all(|value| value.as_str().is_some()) => {
            Value::from(found.iter().map(python::text).collect::<Vec<_>>().join(","))
        }
        _ => Value::from(found),
    })
}

/// `query('name', ...)`: always a list.
fn query(state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let found = run_lookup(state, arguments, true);
    calls::or_undefined(found.map(|(found, _)| Value::from(found)))
}

fn run_lookup(
    state: &mut State<'_, '_>,
    arguments: Rest<ValueOrKwargs>,
    wants_list: bool,
) -> Result<(Vec<Value>, bool), Error> {
    let run = Run::of(state)?;
    let arguments = arguments.into_values();
    if arguments.iter().any(calls::is_undefined) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let (name, terms, options) = from_args::<(String, &[Value], Kwargs)>(&arguments)?;
    if name == "first_found" && calls::lack_something(terms) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let mut wants_list = wants_list;
    let mut rest = Vec::new();
    for key in options.args() {
        let value: Value = options.get(key)?;
        match key {
            "wantlist" => wants_list = value.is_true(),
            "errors" => rest.push(("errors".to_owned(), value)),
            _ => rest.push((key.to_owned(), value)),
        }
    }
    let errors = rest
        .iter()
        .position(|(key, _)| key == "errors")
        .map(|at| rest.remove(at).1);
    let found = lookups::run(&run, &name, terms, &rest);
    match (
        found,
        errors
            .as_ref()
            .and_then(|value| value.as_str().map(str::to_owned)),
    ) {
        (Ok(found), _) => Ok((found, wants_list)),
        // A lookup that does not exist is a mistake in any case.
        (Err(error), Some(_)) if error.kind() == ErrorKind::UnknownFunction => Err(error),
        (Err(_), Some(how)) if how == "ignore" || how == "warn" => Ok((
            if wants_list {
                Vec::new()
            } else {
                vec![Value::from(())]
            },
            wants_list,
        )),
        (Err(error), _) => Err(error),
    }
}

/// `now(utc=false, fmt='...')`.
fn now(state: &mut State<'_, '_>, utc: Option<bool>, options: Kwargs) -> Result<Value, Error> {
    let named = options.has("utc") && options.get::<bool>("utc")?;
    let format = match options.has("fmt") {
        true => options.get::<Option<String>>("fmt")?,
        false => None,
    };
    options.assert_all_used()?;
    let now = Run::of(state)?.templar.surroundings.now();
    let offset = if named || utc == Some(true) {
        0
    } else {
        now.offset_seconds
    };
    let moment = Moment::new(now.seconds, now.nanoseconds, offset);
    Ok(match format {
        Some(format) => Value::from(moment.format(&format)),
        None => Value::from_object(moment),
    })
}

fn range(first: i64, second: Option<i64>, step: Option<i64>) -> Result<Vec<i64>, Error> {
    let (start, end) = match second {
        Some(end) => (first, end),
        None => (0, first),
    };
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "a range cannot step by 0",
        ));
    }
    if (end - start) / step > MAX_RANGE {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "the range has too many numbers",
        ));
    }
    let mut numbers = Vec::new();
    let mut at = start;
    while if step > 0 { at < end } else { at > end } {
        numbers.push(at);
        at += step;
    }
    Ok(numbers)
}

/// Python's `dict`: out of a mapping or of pairs, and of named values; a later value of a key takes the place of an
/// earlier one.
fn dict(arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (from, named) = from_args::<(Option<Value>, Kwargs)>(&arguments)?;
    let mut entries: Vec<(Value, Value)> = Vec::new();
    let mut put = |key: Value, value: Value| match entries.iter_mut().find(|one| one.0 == key) {
        Some(one) => one.1 = value,
        None => entries.push((key, value)),
    };
    if let Some(from) = from.filter(|from| !from.is_undefined()) {
        for item in from.try_iter()? {
            match from.kind() {
                ValueKind::Map => put(item.clone(), from.get_item(&item)?),
                _ => {
                    let (key, value) = pair(&item)?;
                    put(key, value);
                }
            }
        }
    }
    for name in named.args() {
        put(Value::from(name), named.get(name)?);
    }
    Ok(Value::from_pairs(entries))
}

fn pair(item: &Value) -> Result<(Value, Value), Error> {
    let parts: Vec<Value> = item.try_iter()?.collect();
    match <[Value; 2]>::try_from(parts) {
        Ok([key, value]) => Ok((key, value)),
        Err(parts) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`dict` takes pairs, and one item has {} parts", parts.len()),
        )),
    }
}

/// Jinja's `namespace`; lists and mappings in it can be changed.
fn namespace(state: &mut State<'_, '_>, defaults: Option<ValueOrKwargs>) -> Result<Value, Error> {
    let given = match defaults {
        Some(given) if Run::of(state)?.changes() => given,
        defaults => return minijinja::functions::namespace(defaults),
    };
    let mut all = Vec::new();
    for key in given.try_iter()? {
        let value = changing(&given.get_item(&key)?);
        all.push((key, value));
    }
    minijinja::functions::namespace(Some(Value::from_pairs(all).into()))
}

fn undef(state: &mut State<'_, '_>, hint: Option<String>, options: Kwargs) -> Result<Value, Error> {
    let named = match options.has("hint") {
        true => Some(options.get::<String>("hint")?),
        false => None,
    };
    options.assert_all_used()?;
    let hint = named
        .or(hint)
        .unwrap_or_else(|| "a value is missing by intention".to_owned());
    Run::of(state)?.note_missing(hint);
    Ok(Value::UNDEFINED)
}
