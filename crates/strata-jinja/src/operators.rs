//! The operations that mean something else in Ansible than in minijinja.

use std::cmp::Ordering;

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Rest, ValueKind, ValueOrKwargs},
};

use crate::{
    bound,
    calendar::{Moment, Span},
    changing,
    compile::{
        self, ADD, ATTRIBUTE, CALL, CATCHING, CHANGING, CONCATENATE, DEFINED, GREATER,
        GREATER_OR_EQUAL, ITEM, ITERABLE, LESS, LESS_OR_EQUAL, MULTIPLY, REMAINDER, RENDER,
        SUBTRACT,
    },
    python,
    python_format::percent_format,
    run::Run,
};

/// Adds them under names that no template uses.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(ATTRIBUTE, attribute);
    environment.add_filter(ITEM, item);
    environment.add_filter(CONCATENATE, concatenate);
    environment.add_filter(REMAINDER, remainder);
    environment.add_filter(ADD, add);
    environment.add_filter(SUBTRACT, subtract);
    environment.add_filter(MULTIPLY, multiply);
    environment.add_filter(CALL, call);
    environment.add_filter(DEFINED, defined);
    environment.add_filter(ITERABLE, iterable);
    environment.add_filter(RENDER, render);
    environment.add_filter(CHANGING, changing::filter);
    environment.add_filter(CATCHING, compile::catching);
    let comparison = |name, holds: fn(Ordering) -> bool, sign: &'static str| {
        (name, move |left: &Value, right: &Value| {
            compare(left, right, sign).map(holds)
        })
    };
    for (name, filter) in [
        comparison(LESS, Ordering::is_lt, "<"),
        comparison(LESS_OR_EQUAL, Ordering::is_le, "<="),
        comparison(GREATER, Ordering::is_gt, ">"),
        comparison(GREATER_OR_EQUAL, Ordering::is_ge, ">="),
    ] {
        environment.add_filter(name, filter);
    }
}

/// `value.name`: a method goes before a key; undefined if there is neither, and also if the value itself is undefined.
fn attribute(state: &mut State<'_, '_>, value: &Value, name: &Value) -> Result<Value, Error> {
    let key = name.as_str().unwrap_or_default();
    if let Some(method) = bound::method(value, key) {
        return Ok(method);
    }
    let before = Run::of(state)?.count_missing();
    let found = value.get_attr(key);
    found_or_noted(state, value, name, found, before)
}

/// `value[key]`: undefined if there is no such item, or no value; a key that is undefined is a mistake, for which no
/// `default` stands in.
fn item(state: &mut State<'_, '_>, value: &Value, key: &Value) -> Result<Value, Error> {
    match (value.is_undefined(), key.is_undefined()) {
        (true, _) => return Ok(Value::UNDEFINED),
        (false, true) => return undefined(),
        (false, false) => {}
    }
    let before = Run::of(state)?.count_missing();
    let found = value.get_item(key);
    found_or_noted(state, value, key, found, before)
}

/// What was found. That it is not there is noted, unless its own template noted what it lacks.
fn found_or_noted(
    state: &State<'_, '_>,
    value: &Value,
    key: &Value,
    found: Result<Value, Error>,
    noted_before: usize,
) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::UndefinedError => Value::UNDEFINED,
        Err(error) => return Err(error),
    };
    if found.kind() == ValueKind::Invalid {
        return Err(crate::convert::invalid(&found));
    }
    let run = Run::of(state)?;
    if found.is_undefined() && run.count_missing() == noted_before {
        let kind = type_name(value);
        let key = python::text(key);
        run.note_missing(format!("a value of type {kind} has no attribute `{key}`"));
    }
    Ok(found)
}

/// The name of a value's type in Python.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "Undefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if value.is_tuple() => "tuple",
        ValueKind::Seq => "list",
        ValueKind::Iterable => "generator",
        ValueKind::Map => "dict",
        _ => "object",
    }
}

fn undefined<T>() -> Result<T, Error> {
    Err(Error::from(ErrorKind::UndefinedError))
}

/// `a ~ b`.
fn concatenate(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    Ok(Value::from(python::text(left) + &python::text(right)))
}

/// `a % b`: the remainder of numbers, printf for texts.
fn remainder(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    if let Some(format) = left.as_str() {
        return percent_format(format, right).map(Value::from);
    }
    if let (Some(left), Some(right)) = (integer(left), integer(right))
        && right != 0
    {
        // Python's remainder has the sign of the divisor.
        let rest = left.checked_rem(right).unwrap_or(0);
        let adjusted = if rest != 0 && (rest < 0) != (right < 0) {
            rest + right
        } else {
            rest
        };
        return Ok(Value::from(adjusted));
    }
    let (left, right) = (f64::try_from(left.clone())?, f64::try_from(right.clone())?);
    if right == 0.0 {
        return Err(Error::new(ErrorKind::InvalidOperation, "division by zero"));
    }
    Ok(Value::from(left - right * (left / right).floor()))
}

/// `a + b`: texts, lists and numbers; a text and a number do not mix.
fn add(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::String) => {
            Ok(Value::from(python::text(left) + &python::text(right)))
        }
        (ValueKind::Seq, ValueKind::Seq) => Ok(Value::from(
            left.try_iter()?
                .chain(right.try_iter()?)
                .collect::<Vec<_>>(),
        )),
        (ValueKind::Number | ValueKind::Bool, ValueKind::Number | ValueKind::Bool) => {
            add_numbers(left, right)
        }
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("cannot add {} and {}", type_name(left), type_name(right)),
        )),
    }
}

fn add_numbers(left: &Value, right: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        return match a.checked_add(b) {
            Some(sum) => Ok(Value::from(sum)),
            None => Err(Error::new(
                ErrorKind::InvalidOperation,
                "the sum is too large",
            )),
        };
    }
    Ok(Value::from(
        f64::try_from(left.clone())? + f64::try_from(right.clone())?,
    ))
}

fn integer(value: &Value) -> Option<i64> {
    match value.kind() {
        ValueKind::Bool => Some(i64::from(value.is_true())),
        _ if value.is_integer() => value.as_i64(),
        _ => None,
    }
}

/// `a - b`: numbers and moments.
fn subtract(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    let moments = (
        left.downcast_object_ref::<Moment>(),
        right.downcast_object_ref::<Moment>(),
    );
    if let (Some(left), Some(right)) = moments {
        return Ok(Value::from_object(Span::between(left, right)));
    }
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        return match a.checked_sub(b) {
            Some(difference) => Ok(Value::from(difference)),
            None => Err(Error::new(
                ErrorKind::InvalidOperation,
                "the difference is too large",
            )),
        };
    }
    match (f64::try_from(left.clone()), f64::try_from(right.clone())) {
        (Ok(a), Ok(b)) => Ok(Value::from(a - b)),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "cannot subtract {} from {}",
                type_name(right),
                type_name(left)
            ),
        )),
    }
}

/// What a filter gives; of what is undefined nothing that is defined, as in ansible-core 2.19, so that a `default` may
/// stand behind it.
fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let mut given = vec![value.clone()];
    given.extend(arguments.into_values());
    let is_undefined = given.iter().any(Value::is_undefined);
    if is_undefined {
        // Whether there is such a filter is known by asking it about nothing at all.
        given.clear();
    }
    match state.apply_filter(name, &given) {
        // The engine leaves the name to who calls it.
        Err(error) if error.kind() == ErrorKind::UnknownFilter && error.detail().is_none() => {
            let message = format!("filter {name} is unknown");
            Err(Error::new(ErrorKind::UnknownFilter, message))
        }
        _ if is_undefined => Ok(Value::UNDEFINED),
        result => result,
    }
}

/// An argument, if it is defined.
fn defined(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return undefined();
    }
    Ok(value.clone())
}

/// A value, if it is not nothing.
fn iterable(value: &Value) -> Result<Value, Error> {
    if value.is_none() {
        let message = "'NoneType' object is not iterable";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(value.clone())
}

/// How two values lie; only values of one kind can be compared.
pub(crate) fn compare(left: &Value, right: &Value, sign: &str) -> Result<Ordering, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    let kind = |value: &Value| match value.kind() {
        ValueKind::Bool => ValueKind::Number,
        kind => kind,
    };
    let (left_kind, right_kind) = (kind(left), kind(right));
    if left_kind != right_kind || matches!(left_kind, ValueKind::None | ValueKind::Map) {
        let (left, right) = (type_name(left), type_name(right));
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{sign}` cannot compare {left} and {right}"),
        ));
    }
    let moments = (
        left.downcast_object_ref::<Moment>(),
        right.downcast_object_ref::<Moment>(),
    );
    Ok(match moments {
        (Some(left), Some(right)) => left.cmp_time(right),
        _ => left.cmp(right),
    })
}

/// A literal that holds a template.
fn render(state: &mut State<'_, '_>, text: String) -> Result<Value, Error> {
    let run = Run::of(state)?;
    let value = run.text(&text);
    if value.kind() == ValueKind::Invalid {
        return Err(crate::convert::invalid(&value));
    }
    Ok(value)
}

/// How long a repeated text or list may become.
const MAX_REPEATED: usize = 10_000_000;

/// `a * b`: the product of numbers, a text or list so many times.
fn multiply(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        let product = i128::from(a) * i128::from(b);
        return Ok(i64::try_from(product).map_or_else(|_| Value::from(product), Value::from));
    }
    match (left.kind(), right.kind()) {
        (ValueKind::String | ValueKind::Seq, _) => repeated(left, right),
        (_, ValueKind::String | ValueKind::Seq) => repeated(right, left),
        (ValueKind::Number | ValueKind::Bool, ValueKind::Number | ValueKind::Bool) => {
            let product = f64::try_from(left.clone())? * f64::try_from(right.clone())?;
            Ok(Value::from(product))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "cannot multiply {} and {}",
                type_name(left),
                type_name(right)
            ),
        )),
    }
}

fn repeated(value: &Value, count: &Value) -> Result<Value, Error> {
    let refuse = |message: String| Err(Error::new(ErrorKind::InvalidOperation, message));
    let Some(count) = integer(count) else {
        let (value, count) = (type_name(value), type_name(count));
        return refuse(format!("cannot repeat {value} by {count}"));
    };
    let count = usize::try_from(count).unwrap_or(0);
    let length = value
        .as_str()
        .map_or_else(|| value.len().unwrap_or(0), str::len);
    if length.saturating_mul(count) > MAX_REPEATED {
        return refuse("the repeated value is too long".to_owned());
    }
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.repeat(count)));
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    let all = std::iter::repeat_n(&items, count).flatten().cloned();
    Ok(Value::from(all.collect::<Vec<_>>()))
}
