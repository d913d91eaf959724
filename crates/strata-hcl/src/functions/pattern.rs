//! Regular expressions: `regex`, `regexall`, `replace`.

use regex::{Captures, Regex};
use strata_core::{Type, Value};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns,
    re2::{translated, written},
    re2_syntax::refusal,
    text,
};

const PATTERN: Parameter = Parameter::new("pattern", Kind::String);
const STRING: Parameter = Parameter::new("string", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "regex",
        &[PATTERN, STRING],
        Returns::By(found_type),
        "Gives the first match of a pattern, or its groups.",
        find,
    ),
    Function::new(
        "regexall",
        &[PATTERN, STRING],
        Returns::By(|given| Ok(Type::list(found_type(given)?))),
        "Gives all matches of a pattern, or their groups.",
        find_all,
    ),
    Function::new(
        "replace",
        &[
            Parameter::new("str", Kind::String),
            Parameter::new("substr", Kind::String),
            Parameter::new("replace", Kind::String),
        ],
        Returns::String,
        "Replaces a text, or a pattern between slashes, wherever it is found.",
        replace,
    ),
];

fn compile(pattern: &str, argument: usize) -> Result<Regex, FunctionError> {
    let refused = |why: &str| {
        let told = format!("invalid regexp pattern: {why}");
        // The pattern of `replace` is no argument of its own in Terraform.
        match argument {
            0 => FunctionError::argument(0, told),
            _ => FunctionError::new(told),
        }
    };
    if let Some(why) = refusal(pattern) {
        return Err(refused(&why));
    }
    let invalid = |error: regex::Error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or("invalid").trim();
        let last = last.strip_prefix("error: ").unwrap_or(last);
        let last = match last {
            "unclosed group" => format!("missing closing ) in {pattern}"),
            last => last.to_owned(),
        };
        refused(&last)
    };
    Regex::new(&translated(pattern)).map_err(invalid)
}

fn found_type(given: Given<'_>) -> Result<Type, FunctionError> {
    let Some(pattern) = given.first().and_then(Value::as_str) else {
        return Ok(Type::Dynamic);
    };
    shape(&compile(pattern, 0)?)
}

/// Text without groups, a tuple with groups, an object with named groups.
fn shape(pattern: &Regex) -> Result<Type, FunctionError> {
    let names: Vec<_> = pattern.capture_names().skip(1).collect();
    let named: Vec<_> = names.iter().copied().flatten().collect();
    if names.is_empty() {
        Ok(Type::String)
    } else if named.is_empty() {
        Ok(Type::tuple(names.iter().map(|_| Type::String)))
    } else if named.len() == names.len() {
        Ok(Type::object(
            named.into_iter().map(|name| (written(name), Type::String)),
        ))
    } else {
        Err(FunctionError::argument(
            0,
            "invalid regexp pattern: cannot mix both named and unnamed capture groups",
        ))
    }
}

fn captured(ty: &Type, pattern: &Regex, captures: &Captures<'_>) -> Value {
    let group = |found: Option<regex::Match<'_>>| match found {
        Some(found) => Value::from(found.as_str()),
        None => Value::Null(Type::String),
    };
    match ty {
        Type::Tuple(_) => Value::tuple(captures.iter().skip(1).map(group).collect()),
        Type::Object(_) => Value::object(
            pattern
                .capture_names()
                .flatten()
                .map(|name| (written(name), group(captures.name(name)))),
        ),
        _ => group(captures.get(0)),
    }
}

fn find(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let pattern = compile(text(given, 0), 0)?;
    let ty = shape(&pattern)?;
    match pattern.captures(text(given, 1)) {
        Some(captures) => Ok(captured(&ty, &pattern, &captures)),
        None => Err(FunctionError::new(
            "pattern did not match any part of the given string",
        )),
    }
}

fn find_all(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let pattern = compile(text(given, 0), 0)?;
    let ty = shape(&pattern)?;
    let found = pattern
        .captures_iter(text(given, 1))
        .map(|captures| captured(&ty, &pattern, &captures));
    let found = found.collect();
    Ok(Value::list(ty, found))
}

fn replace(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (whole, search, with) = (text(given, 0), text(given, 1), text(given, 2));
    let pattern = search
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    Ok(Value::from(match pattern {
        Some(pattern) => compile(pattern, 1)?.replace_all(whole, with).into_owned(),
        None => whole.replace(search, with),
    }))
}
