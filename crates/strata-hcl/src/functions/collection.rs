//! Lists, and what works on any collection.

use strata_core::{Marks, Number, Type, Value, value::unify};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, items, strings,
    whole,
};
use crate::evaluate::equal;

const LIST: Parameter = Parameter::new("list", Kind::Any).shallow();
const VALUES: Parameter = Parameter::new("vals", Kind::Any).nullable().raw();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "alltrue",
        &[Parameter::new("list", Kind::ListOfBool).shallow()],
        Returns::Bool,
        "Tells whether all elements are true.",
        all_true,
    ),
    Function::new(
        "anytrue",
        &[Parameter::new("list", Kind::ListOfBool).shallow()],
        Returns::Bool,
        "Tells whether any element is true.",
        any_true,
    ),
    Function::new(
        "chunklist",
        &[
            Parameter::new("list", Kind::List).shallow(),
            Parameter::new("size", Kind::Number),
        ],
        Returns::By(|given| {
            let list = given.first().map_or(Type::list(Type::Dynamic), Value::ty);
            Ok(Type::list(list))
        }),
        "Splits a list into lists of one size.",
        chunklist,
    ),
    Function::new(
        "coalesce",
        &[],
        Returns::Dynamic,
        "Gives the first value that is neither null nor empty text.",
        coalesce,
    )
    .variadic(VALUES),
    Function::new(
        "coalescelist",
        &[],
        Returns::Dynamic,
        "Gives the first list that has elements.",
        coalescelist,
    )
    .variadic(Parameter::new("vals", Kind::Any).nullable().raw()),
    Function::new(
        "compact",
        &[Parameter::new("list", Kind::ListOfString)],
        Returns::ListOfString,
        "Takes null and empty text out of a list.",
        |given, _| {
            let full = |item: &&Value| item.as_str().is_some_and(|text| !text.is_empty());
            Ok(strings(items(given, 0).iter().filter(full).cloned()))
        },
    ),
    Function::new(
        "concat",
        &[],
        Returns::Dynamic,
        "Puts lists one after another.",
        concat,
    )
    .variadic(Parameter::new("seqs", Kind::Any).shallow()),
    Function::new(
        "contains",
        &[LIST, Parameter::new("value", Kind::Any).raw()],
        Returns::Typed(Kind::Bool),
        "Tells whether a list has an element.",
        contains,
    ),
    Function::new(
        "distinct",
        &[Parameter::new("list", Kind::List)],
        Returns::Same(0),
        "Takes repeated elements out of a list.",
        distinct,
    ),
    Function::new(
        "element",
        &[LIST, Parameter::new("index", Kind::Number)],
        Returns::Dynamic,
        "Gives an element, counting on from the beginning after the last.",
        element,
    )
    .or_null(),
    Function::new(
        "flatten",
        &[LIST],
        Returns::Dynamic,
        "Puts the elements of nested lists into one list.",
        flatten,
    ),
    Function::new(
        "index",
        &[LIST, Parameter::new("value", Kind::Any)],
        Returns::Typed(Kind::Number),
        "Gives the place of an element.",
        index,
    ),
    Function::new(
        "length",
        &[Parameter::new("value", Kind::Any).raw()],
        Returns::Number,
        "Counts elements, or the characters of a text.",
        length,
    ),
    Function::new(
        "matchkeys",
        &[
            Parameter::new("values", Kind::List),
            Parameter::new("keys", Kind::List),
            Parameter::new("searchset", Kind::List),
        ],
        Returns::By(matched_type),
        "Gives those values whose keys are searched for.",
        matchkeys,
    ),
    Function::new(
        "one",
        &[LIST],
        Returns::Dynamic,
        "Gives the only element, or null if there is none.",
        one,
    )
    .or_null(),
    Function::new(
        "range",
        &[],
        Returns::By(|_| Ok(Type::list(Type::Number))),
        "Counts from a start to a limit in steps.",
        range,
    )
    .variadic(Parameter::new("params", Kind::Number)),
    Function::new(
        "reverse",
        &[LIST],
        Returns::Dynamic,
        "Turns the order of a list around.",
        reverse,
    ),
    Function::new(
        "slice",
        &[
            LIST,
            Parameter::new("start_index", Kind::Number),
            Parameter::new("end_index", Kind::Number),
        ],
        Returns::Dynamic,
        "Takes a part of a list.",
        slice,
    ),
    Function::new(
        "sort",
        &[Parameter::new("list", Kind::ListOfString).shallow()],
        Returns::ListOfString,
        "Sorts a list of texts.",
        sort,
    ),
];

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// The elements of a list, set or tuple.
fn sequence(given: Given<'_>, at: usize) -> Result<&[Value], FunctionError> {
    given
        .get(at)
        .and_then(Value::as_sequence)
        .ok_or_else(|| FunctionError::argument(at, "argument must be list, tuple, or set"))
}

/// Some of a value's elements, in a list if it was one.
fn like(value: &Value, elements: Vec<Value>) -> Value {
    match value {
        Value::List(element, _) | Value::Set(element, _) => Value::list(element.clone(), elements),
        _ => Value::tuple(elements),
    }
}

/// A whole number; what is wrong with it is said by this name.
fn whole_named(given: Given<'_>, at: usize, name: &str) -> Result<i64, FunctionError> {
    whole(given, at).map_err(|error| FunctionError {
        message: format!("invalid {name}: {}", error.message),
        ..error
    })
}

fn chunklist(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let size = usize::try_from(whole_named(given, 1, "size")?)
        .map_err(|_| FunctionError::argument(1, "the size argument must be positive"))?;
    let elements = items(given, 0);
    let list = match &given[0] {
        Value::List(element, _) => Type::list(element.clone()),
        _ => Type::list(Type::Dynamic),
    };
    let size = if size == 0 {
        elements.len().max(1)
    } else {
        size
    };
    let chunks = elements
        .chunks(size)
        .map(|chunk| like(&given[0], chunk.to_vec()));
    Ok(Value::list(list, chunks.collect()))
}

fn coalesce(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let types: Vec<Type> = given.iter().map(Value::ty).collect();
    let Some(ty) = unify(&types).filter(|_| !given.is_empty()) else {
        return Err(FunctionError::new("all arguments must have the same type"));
    };
    let mut marks = Marks::NONE;
    for value in given {
        marks |= value.marks();
    }
    for value in given {
        if !value.is_known() {
            return Ok(Value::unknown(ty).with_marks(marks));
        }
        let converted = value
            .convert(&ty)
            .map_err(|error| FunctionError::new(error.to_string()))?;
        if converted.is_null() || converted.as_str() == Some("") {
            continue;
        }
        return Ok(converted.with_marks(marks));
    }
    Err(FunctionError::new(
        "no non-null, non-empty-string arguments",
    ))
}

/// What comes after the first list with elements is not looked at, but for its marks.
fn coalescelist(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut marks = Marks::NONE;
    if given.is_empty() {
        return Err(FunctionError::new("at least one argument is required"));
    }
    for value in given {
        marks |= value.marks();
        let ty = value.ty();
        if value.is_null() || !matches!(ty, Type::List(_) | Type::Tuple(_) | Type::Dynamic) {
            return Err(FunctionError::new(
                "coalescelist arguments must be lists or tuples",
            ));
        }
    }
    let plain: Vec<Value> = given.iter().map(|value| value.unmarked().clone()).collect();
    for (at, value) in plain.iter().enumerate() {
        if !value.is_known() {
            return Ok(Value::unknown(Type::Dynamic).with_marks(marks));
        }
        if !sequence(&plain, at)?.is_empty() {
            return Ok(value.clone().with_marks(marks));
        }
    }
    Err(FunctionError::new("no non-null arguments"))
}

fn concat(given: Given<'_>, _: &Context<'_>) -> Result_ {
    if given.is_empty() {
        return Err(FunctionError::new("at least one argument is required"));
    }
    let mut all = Vec::new();
    let mut elements = Some(Vec::new());
    for (at, value) in given.iter().enumerate() {
        let items = value.as_sequence().ok_or_else(|| {
            let ty = value.ty().friendly_name();
            let message = format!("all arguments must be lists or tuples; got {ty}");
            FunctionError::argument(at, message)
        })?;
        all.extend_from_slice(items);
        match (value, &mut elements) {
            (Value::List(element, _), Some(elements)) => elements.push(element.clone()),
            _ => elements = None,
        }
    }
    let Some(element) = elements.and_then(|elements| unify(&elements)) else {
        return Ok(Value::tuple(all));
    };
    let converted: Result<Vec<_>, _> = all.iter().map(|item| item.convert(&element)).collect();
    Ok(match converted {
        Ok(converted) => Value::list(element, converted),
        Err(_) => Value::tuple(all),
    })
}

/// The first that is not true decides; of what comes after it nothing need be known.
fn all_true(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (items, marks) = with_marks_of(items(given, 0));
    let result = match items.clone().find(|item| !is_true(item)) {
        None => Value::Bool(true),
        Some(item) if item.is_known() => Value::Bool(false),
        Some(_) => Value::unknown(Type::Bool),
    };
    Ok(result.with_marks(marks))
}

/// Elements without their marks, and these.
fn with_marks_of(items: &[Value]) -> (impl Iterator<Item = &Value> + Clone, Marks) {
    let marks = items
        .iter()
        .fold(Marks::NONE, |marks, item| marks | item.marks());
    (items.iter().map(Value::unmarked), marks)
}

/// One that is true decides, whatever the others turn out to be.
fn any_true(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (mut items, marks) = with_marks_of(items(given, 0));
    let result = match items.clone().any(is_true) {
        true => Value::Bool(true),
        false if items.all(Value::is_known) => Value::Bool(false),
        false => Value::unknown(Type::Bool),
    };
    Ok(result.with_marks(marks))
}

fn contains(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut unknown = false;
    let items = sequence(given, 0)?;
    // Not to be there tells of all that is, and to be there of what was asked for.
    let mut marks = items.iter().fold(given[1].marks_deep(), |marks, item| {
        marks | item.marks_deep()
    });
    if !given[1].is_known() && given[1].ty() != Type::Dynamic {
        return Ok(Value::unknown(Type::Bool).with_marks(marks));
    }
    for item in items {
        match equal(item, &given[1], &mut marks) {
            Some(true) => return Ok(Value::Bool(true).with_marks(marks)),
            Some(false) => {}
            None => unknown = true,
        }
    }
    let result = match (unknown, given[1].ty()) {
        (false, _) => Value::Bool(false),
        // As in Terraform, which waits for the type, too.
        (true, Type::Dynamic) => Value::unknown(Type::Dynamic),
        (true, _) => Value::unknown(Type::Bool),
    };
    Ok(result.with_marks(marks))
}

fn distinct(given: Given<'_>, _: &Context<'_>) -> Result_ {
    // Sorting finds what is repeated without comparing each with each; of equals the first stays.
    let elements = items(given, 0);
    let mut order: Vec<usize> = (0..elements.len()).collect();
    order.sort_by(|a, b| elements[*a].order(&elements[*b]));
    order.dedup_by(|later, earlier| elements[*later].order(&elements[*earlier]).is_eq());
    order.sort_unstable();
    Ok(like(
        &given[0],
        order.into_iter().map(|at| elements[at].clone()).collect(),
    ))
}

fn element(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let at = whole_named(given, 1, "index")?;
    if matches!(given[0], Value::Set(..)) {
        return Err(FunctionError::argument(
            0,
            "a set has no order; convert it with tolist or sort",
        ));
    }
    let elements = sequence(given, 0)?;
    if elements.is_empty() {
        return Err(FunctionError::argument(
            0,
            "cannot use element function with an empty list",
        ));
    }
    // A negative one counts from the end.
    let at = at.rem_euclid(elements.len() as i64);
    Ok(elements[at as usize].clone())
}

fn flatten(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut flat = Vec::new();
    let mut marks = Marks::NONE;
    if given[0].as_sequence().is_none() {
        let message = "can only flatten lists, sets and tuples";
        return Err(FunctionError::argument(0, message));
    }
    if !flatten_into(&given[0], &mut flat, &mut marks) {
        return Ok(Value::unknown(Type::Dynamic).with_marks(marks));
    }
    Ok(Value::tuple(flat).with_marks(marks))
}

/// False if an unknown element may be a list, so that the result's length is not known.
fn flatten_into(value: &Value, flat: &mut Vec<Value>, marks: &mut Marks) -> bool {
    for item in value.as_sequence().unwrap_or(&[]) {
        match item.unmarked() {
            Value::List(..) | Value::Set(..) | Value::Tuple(_) => {
                *marks |= item.marks();
                if !flatten_into(item.unmarked(), flat, marks) {
                    return false;
                }
            }
            Value::Unknown(unknown)
                if !unknown.ty.is_primitive()
                    && !matches!(unknown.ty, Type::Map(_) | Type::Object(_)) =>
            {
                *marks |= item.marks();
                return false;
            }
            _ => flat.push(item.clone()),
        }
    }
    true
}

fn index(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let elements = sequence(given, 0)?;
    if elements.is_empty() {
        return Err(FunctionError::new("cannot search an empty list"));
    }
    let mut marks = Marks::NONE;
    for (at, item) in elements.iter().enumerate() {
        match equal(item, &given[1], &mut marks) {
            Some(true) => return Ok(Value::number(at).with_marks(marks)),
            Some(false) => {}
            None => return Ok(Value::unknown(Type::Number).with_marks(marks)),
        }
    }
    Err(FunctionError::new("item not found"))
}

fn length(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let value = &given[0];
    let count = match value.unmarked() {
        // Of ASCII only a line break of two characters counts as one.
        Value::String(text) if text.is_ascii() => text.len() - text.matches("\r\n").count(),
        Value::String(text) => text.graphemes(true).count(),
        // Elements that are not known may turn out to be the same.
        Value::Set(_, items) if items.len() > 1 && !value.is_wholly_known() => {
            return Ok(Value::unknown(Type::Number).with_marks(value.marks()));
        }
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => items.len(),
        Value::Map(_, entries) | Value::Object(entries) => entries.len(),
        Value::Unknown(unknown) => match &unknown.ty {
            Type::Tuple(items) => items.len(),
            Type::Object(attributes) => attributes.len(),
            Type::Bool | Type::Number => return Err(no_length()),
            _ => return Ok(Value::unknown(Type::Number).with_marks(value.marks())),
        },
        _ => return Err(no_length()),
    };
    Ok(Value::number(count).with_marks(value.marks()))
}

fn no_length() -> FunctionError {
    FunctionError::argument(
        0,
        "argument must be a string, a collection type, or a structural type",
    )
}

/// The type of the values; there must be as many as keys, whether their elements are known or not.
fn matched_type(given: Given<'_>) -> Result<Type, FunctionError> {
    let length = |at: usize| {
        given
            .get(at)
            .and_then(Value::as_sequence)
            .map(<[Value]>::len)
    };
    match (length(0), length(1)) {
        (Some(values), Some(keys)) if values != keys => Err(FunctionError::new(
            "length of keys and values should be equal",
        )),
        _ => Ok(given.first().map_or(Type::list(Type::Dynamic), Value::ty)),
    }
}

fn matchkeys(given: Given<'_>, _: &Context<'_>) -> Result_ {
    matched_type(given)?;
    let (values, keys, wanted) = (items(given, 0), items(given, 1), items(given, 2));
    let mut sorted: Vec<&Value> = wanted.iter().collect();
    sorted.sort_by(|a, b| a.order(b));
    let found = |key: &Value| sorted.binary_search_by(|probe| probe.order(key)).is_ok();
    let chosen = values.iter().zip(keys).filter(|(_, key)| found(key));
    Ok(like(
        &given[0],
        chosen.map(|(value, _)| value.clone()).collect(),
    ))
}

fn one(given: Given<'_>, _: &Context<'_>) -> Result_ {
    match sequence(given, 0)? {
        [] => Ok(Value::Null(
            given[0].ty().element().cloned().unwrap_or(Type::Dynamic),
        )),
        [only] => Ok(only.clone()),
        _ => Err(FunctionError::argument(
            0,
            "must be a list, set, or tuple value with either zero or one elements",
        )),
    }
}

/// As in Terraform; more is taken for a mistake.
const MAX_RANGE: usize = 1024;

fn range(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let numbers: Vec<&Number> = given.iter().filter_map(Value::as_number).collect();
    let one = Number::from(1_i64);
    let minus_one = Number::from(-1_i64);
    let zero = Number::ZERO;
    let down = |start: &Number, end: &Number| end < start;
    let (start, end, step) = match numbers.as_slice() {
        [end] => (
            &zero,
            *end,
            if down(&zero, end) { &minus_one } else { &one },
        ),
        [start, end] => (
            *start,
            *end,
            if down(start, end) { &minus_one } else { &one },
        ),
        [start, end, step] => (*start, *end, *step),
        _ => return Err(FunctionError::new("must have one, two, or three arguments")),
    };
    let falling = *step < zero;
    if step.is_zero() && start != end {
        return Err(too_many());
    }
    if falling && end > start || !falling && end < start {
        let message = if falling {
            "end must be less than start when step is negative"
        } else {
            "end must be greater than start when step is positive"
        };
        let named = if given.len() == 3 { 2 } else { 1 };
        return Err(FunctionError::argument(named, message));
    }
    let mut made = Vec::new();
    let mut at = start.clone();
    while if falling { at > *end } else { at < *end } {
        if made.len() >= MAX_RANGE {
            return Err(too_many());
        }
        let Some(next) = at.add(step) else { break };
        made.push(Value::Number(at));
        at = next;
    }
    Ok(Value::list(Type::Number, made))
}

fn too_many() -> FunctionError {
    FunctionError::new(format!(
        "more than {MAX_RANGE} values were generated; either decrease the difference between start and end or use a smaller step"
    ))
}

fn reverse(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let turned = sequence(given, 0)?.iter().rev().cloned().collect();
    Ok(like(&given[0], turned))
}

fn slice(given: Given<'_>, _: &Context<'_>) -> Result_ {
    if matches!(given[0], Value::Set(..)) {
        return Err(FunctionError::argument(
            0,
            "cannot slice a set, because its elements do not have indices; use tolist or sort",
        ));
    }
    let elements = sequence(given, 0)?;
    let place = |at: usize, name: &str| {
        let wrong = |why: &str| FunctionError::argument(at, format!("{name} {why}"));
        let place = usize::try_from(whole_named(given, at, name)?)
            .map_err(|_| wrong("must not be less than zero"))?;
        match place <= elements.len() {
            true => Ok(place),
            false => Err(wrong("must not be greater than the length of the list")),
        }
    };
    let (start, end) = (place(1, "start index")?, place(2, "end index")?);
    if start > end {
        return Err(FunctionError::argument(
            1,
            "start index must not be greater than end index",
        ));
    }
    Ok(like(&given[0], elements[start..end].to_vec()))
}

fn sort(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut marks = Marks::NONE;
    let unmarked = items(given, 0)
        .iter()
        .map(|item| item.unmark_deep(&mut marks));
    let mut sorted: Vec<Value> = unmarked.collect();
    if !sorted.iter().all(Value::is_wholly_known) {
        // Nothing is known but how many there are.
        let unknown = vec![Value::unknown(Type::String); sorted.len()];
        return Ok(Value::list(Type::String, unknown).with_marks(marks));
    }
    if let Some(at) = sorted.iter().position(Value::is_null) {
        return Err(FunctionError::argument(
            0,
            format!("given list element {at} is null; a null string cannot be sorted"),
        ));
    }
    sorted.sort_by(Value::order);
    Ok(Value::list(Type::String, sorted).with_marks(marks))
}
