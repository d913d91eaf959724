//! The operations that mean something else in Ansible than in minijinja.

use std::cmp::Ordering;

use minijinja::{Environment, Error, ErrorKind, State, Value, value::ValueKind};

use crate::{
    bound,
    calendar::{Moment, Span},
    calls::lack_something,
    changing,
    compile::{
        self, ADD, ATTRIBUTE, CAPTURE, CAPTURED, CATCHING, CHANGING, CONCATENATE, CONTAINED,
        DEFINED, EQUAL, GREATER, GREATER_OR_EQUAL, ITEM, ITERABLE, LESS, LESS_OR_EQUAL, MULTIPLY,
        NEGATE, REMAINDER, RENDER, SLICE, SUBTRACT,
    },
    filters::{refuse, tuple},
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
    environment.add_filter(CONTAINED, contained);
    environment.add_filter(EQUAL, equal);
    environment.add_filter(SLICE, slice);
    environment.add_filter(NEGATE, negate);
    environment.add_filter(DEFINED, defined);
    environment.add_filter(ITERABLE, iterable);
    environment.add_filter(RENDER, render);
    environment.add_filter(CHANGING, changing::filter);
    environment.add_filter(CATCHING, compile::catching);
    environment.add_function(CAPTURE, capture);
    environment.add_filter(CAPTURED, captured);
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
    if lack_something(&[left.clone(), right.clone()]) {
        return undefined();
    }
    let text = python::checked_text(left)? + &python::checked_text(right)?;
    Ok(Value::from(text))
}

/// `==`: lists are compared item by item, up to the first that differ; undefined if one that is undefined comes before.
fn equal(left: &Value, right: &Value) -> Result<Value, Error> {
    let are_lists = [left, right].map(|value| value.kind() == ValueKind::Seq) == [true, true];
    if !are_lists || left.len() != right.len() {
        return Ok(Value::from(left == right));
    }
    for (one, other) in left.try_iter()?.zip(right.try_iter()?) {
        if one.is_undefined() || other.is_undefined() {
            return undefined();
        }
        if one != other {
            return Ok(Value::from(false));
        }
    }
    Ok(Value::from(left == right))
}

/// `a in b`: a part of a text, an item of a list, a key of a mapping.
fn contained(state: &mut State<'_, '_>, item: &Value, container: &Value) -> Result<Value, Error> {
    if item.is_undefined() || container.is_undefined() {
        return undefined();
    }
    if container.as_str().is_some() && item.as_str().is_none() {
        let kind = type_name(item);
        return refuse(format!("only a text can be in a text, not a {kind}"));
    }
    if !matches!(container.kind(), ValueKind::String) && container.try_iter().is_err() {
        let kind = type_name(container);
        return refuse(format!("nothing can be in a {kind}"));
    }
    if container.kind() != ValueKind::Seq {
        return within(state, item, container.clone());
    }
    // The items are looked at one by one, up to the first that has no value.
    let mut before = Vec::new();
    let mut mistake = None;
    for found in container.try_iter()? {
        if found.kind() == ValueKind::Invalid {
            mistake = Some(crate::convert::invalid(&found));
            break;
        }
        if found.is_undefined() {
            mistake = Some(Error::from(ErrorKind::UndefinedError));
            break;
        }
        before.push(found);
    }
    let answer = within(state, item, Value::from(before))?;
    match mistake {
        Some(mistake) if !answer.is_true() => Err(mistake),
        _ => Ok(answer),
    }
}

fn within(state: &mut State<'_, '_>, item: &Value, container: Value) -> Result<Value, Error> {
    let arguments = [item.clone(), container];
    state.perform_test("in", &arguments).map(Value::from)
}

/// `a % b`: the remainder of numbers, printf for texts.
fn remainder(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    if let Some(format) = left.as_str() {
        return percent_format(format, right).map(Value::from);
    }
    if let (Some(left), Some(right)) = (wide(left), wide(right))
        && right != 0
    {
        // Python's remainder has the sign of the divisor.
        let rest = left.checked_rem(right).unwrap_or(0);
        let adjusted = if rest != 0 && (rest < 0) != (right < 0) {
            rest + right
        } else {
            rest
        };
        return whole(Some(adjusted), "remainder");
    }
    let (left, right) = (number(left)?, number(right)?);
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
            let text = python::checked_text(left)? + &python::checked_text(right)?;
            Ok(Value::from(text))
        }
        (ValueKind::Seq, ValueKind::Seq) => {
            let all = left.try_iter()?.chain(right.try_iter()?).collect();
            Ok(like(left, all))
        }
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
    if let (Some(a), Some(b)) = (wide(left), wide(right)) {
        return whole(a.checked_add(b), "sum");
    }
    Ok(Value::from(number(left)? + number(right)?))
}

/// A number, also one that is told as true or false.
pub(crate) fn number(value: &Value) -> Result<f64, Error> {
    match value.kind() {
        ValueKind::Bool => Ok(f64::from(u8::from(value.is_true()))),
        _ => f64::try_from(value.clone()),
    }
}

/// A whole number, also one that is told as true or false.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value.kind() {
        ValueKind::Bool => Some(i64::from(value.is_true())),
        _ if value.is_integer() => value.as_i64(),
        _ => None,
    }
}

/// The same, with those beyond 64 bits, which can be reckoned with but not kept.
fn wide(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        _ if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

/// A whole number that was reckoned, if it has come to no more than 128 bits.
pub(crate) fn whole(found: Option<i128>, what: &str) -> Result<Value, Error> {
    match found {
        Some(number) => Ok(i64::try_from(number).map_or_else(|_| Value::from(number), Value::from)),
        None => refuse(format!("the {what} is too large")),
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
    if let (Some(a), Some(b)) = (wide(left), wide(right)) {
        return whole(a.checked_sub(b), "difference");
    }
    match (number(left), number(right)) {
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
    if left_kind == ValueKind::Number && left.kind() != right.kind() {
        let (left, right) = (number(left)?, number(right)?);
        return Ok(left.total_cmp(&right));
    }
    Ok(match moments {
        (Some(left), Some(right)) => left.cmp_time(right),
        _ => left.cmp(right),
    })
}

/// Begins to count what a block puts out.
fn capture(state: &mut State<'_, '_>) -> Result<(), Error> {
    Run::of(state)?.begin_output();
    Ok(())
}

/// What a block put out.
fn captured(state: &mut State<'_, '_>, text: String) -> Result<Value, Error> {
    let emitted = Run::of(state)?.end_output(usize::MAX);
    Ok(compile::native(emitted, text))
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

/// `-a`.
fn negate(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Number | ValueKind::Bool => multiply(value, &Value::from(-1)),
        ValueKind::Undefined => undefined(),
        _ => refuse(format!("a {} has no negative", type_name(value))),
    }
}

/// How long a repeated text or list may become.
const MAX_REPEATED: usize = 10_000_000;

/// `a * b`: the product of numbers, a text or list so many times.
fn multiply(left: &Value, right: &Value) -> Result<Value, Error> {
    if left.is_undefined() || right.is_undefined() {
        return undefined();
    }
    if let (Some(a), Some(b)) = (wide(left), wide(right)) {
        return whole(a.checked_mul(b), "product");
    }
    match (left.kind(), right.kind()) {
        (ValueKind::String | ValueKind::Seq, _) => repeated(left, right),
        (_, ValueKind::String | ValueKind::Seq) => repeated(right, left),
        (ValueKind::Number | ValueKind::Bool, ValueKind::Number | ValueKind::Bool) => {
            Ok(Value::from(number(left)? * number(right)?))
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
    let Some(count) = integer(count) else {
        let (value, count) = (type_name(value), type_name(count));
        return refuse(format!("cannot repeat {value} by {count}"));
    };
    let count = usize::try_from(count).unwrap_or(0);
    let length = value
        .as_str()
        .map_or_else(|| value.len().unwrap_or(0), str::len);
    if length.saturating_mul(count) > MAX_REPEATED {
        return refuse("the repeated value is too long");
    }
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.repeat(count)));
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    let all = std::iter::repeat_n(&items, count).flatten().cloned();
    Ok(like(value, all.collect()))
}

/// A list, or a tuple if the other value is one.
fn like(value: &Value, items: Vec<Value>) -> Value {
    match value.is_tuple() {
        true => tuple(items),
        false => Value::from(items),
    }
}

/// `value[start:stop:step]`, each of which may be left out.
fn slice(value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    let index = |value: &Value| match integer(value) {
        Some(index) => Ok(Some(index)),
        None if value.is_undefined() => undefined(),
        None if value.is_none() => Ok(None),
        None => refuse(format!("a {} is no place in a list", type_name(value))),
    };
    let (start, stop) = (index(start)?, index(stop)?);
    let step = index(step)?.unwrap_or(1);
    if step == 0 {
        return refuse("a slice cannot have a step of 0");
    }
    let taken = |items: Vec<Value>| {
        let places = places(items.len(), start, stop, step);
        places.map(|at| items[at].clone()).collect::<Vec<_>>()
    };
    if let Some(text) = value.as_str() {
        let letters: Vec<char> = text.chars().collect();
        let places = places(letters.len(), start, stop, step);
        return Ok(Value::from(
            places.map(|at| letters[at]).collect::<String>(),
        ));
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Ok(like(value, taken(value.try_iter()?.collect()))),
        _ => refuse(format!("a {} cannot be sliced", type_name(value))),
    }
}

/// The places that Python's slices take of so many.
fn places(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let place = |index: i64| {
        let counted = if index < 0 {
            index.saturating_add(length)
        } else {
            index
        };
        counted.clamp(lowest, highest)
    };
    let (first, last) = if step > 0 {
        (lowest, highest)
    } else {
        (highest, lowest)
    };
    let start = start.map_or(first, place);
    let stop = stop.map_or(last, place);
    let next = move |at: &i64| at.checked_add(step);
    std::iter::successors(Some(start), next)
        .take_while(move |at| if step > 0 { *at < stop } else { *at > stop })
        .filter_map(|at| usize::try_from(at).ok())
}
