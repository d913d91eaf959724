//! `version`: compares versions, loosely as Python's old `LooseVersion` or strictly.

use std::cmp::Ordering;

use minijinja::{Environment, Error, ErrorKind, Value, value::Kwargs};

use super::add;
use crate::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "version", version);
    add(environment, "version_compare", version);
}

fn version(
    value: &Value,
    other: &Value,
    operator: Option<String>,
    strict: Option<Value>,
    options: Kwargs,
) -> Result<bool, Error> {
    if value.is_undefined() || other.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let operator = named(&options, "operator")?
        .or(operator)
        .unwrap_or_else(|| "==".to_owned());
    let strict = match options.has("strict") {
        true => Some(options.get::<Value>("strict")?),
        false => strict,
    };
    let kind = named(&options, "version_type")?;
    options.assert_all_used()?;
    let (left, right) = (python::text(value), python::text(other));
    let strict = strict.is_some_and(|strict| strict.is_true());
    let ordering = match kind.as_deref() {
        None if strict => exact(&left)?.cmp(&exact(&right)?),
        Some("strict") => exact(&left)?.cmp(&exact(&right)?),
        None | Some("loose" | "pep440") => loose(&left, &right),
        Some("semver" | "semantic") => semantic(&left, &right),
        Some(other) => return Err(refused(format!("`{other}` is no type of version"))),
    };
    holds(ordering, &operator)
}

fn named(options: &Kwargs, name: &str) -> Result<Option<String>, Error> {
    if options.has(name) {
        options.get(name).map(Some)
    } else {
        Ok(None)
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn holds(ordering: Ordering, operator: &str) -> Result<bool, Error> {
    Ok(match operator {
        "==" | "=" | "eq" => ordering.is_eq(),
        "<" | "lt" => ordering.is_lt(),
        "<=" | "le" => ordering.is_le(),
        ">" | "gt" => ordering.is_gt(),
        ">=" | "ge" => ordering.is_ge(),
        "!=" | "<>" | "ne" => ordering.is_ne(),
        other => return Err(refused(format!("`{other}` does not compare versions"))),
    })
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u128),
    Text(String),
}

/// Runs of digits and of letters; everything else separates.
fn parts(version: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut run = String::new();
    let push = |run: &mut String, parts: &mut Vec<Part>| {
        if !run.is_empty() {
            let text = std::mem::take(run);
            parts.push(match text.parse() {
                Ok(number) => Part::Number(number),
                Err(_) => Part::Text(text),
            });
        }
    };
    for character in version.chars() {
        let continues = run
            .chars()
            .last()
            .is_none_or(|last| last.is_ascii_digit() == character.is_ascii_digit());
        if character == '.' || character.is_whitespace() || !continues {
            push(&mut run, &mut parts);
        }
        if character != '.' && !character.is_whitespace() {
            run.push(character);
        }
    }
    push(&mut run, &mut parts);
    parts
}

fn loose(left: &str, right: &str) -> Ordering {
    parts(left).cmp(&parts(right))
}

/// Numbers first; a version with a suffix comes before the one without.
fn semantic(left: &str, right: &str) -> Ordering {
    let split = |version: &str| -> (String, Option<String>) {
        let version = version.split('+').next().unwrap_or_default();
        match version.split_once('-') {
            Some((core, suffix)) => (core.to_owned(), Some(suffix.to_owned())),
            None => (version.to_owned(), None),
        }
    };
    let ((left, left_suffix), (right, right_suffix)) = (split(left), split(right));
    loose(&left, &right).then_with(|| match (left_suffix, right_suffix) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => loose(&left, &right),
    })
}

/// Python's old `StrictVersion`: two or three numbers, perhaps with `a1` or `b2`, which comes before the version itself.
fn exact(version: &str) -> Result<(Vec<u64>, (char, u64)), Error> {
    let wrong = || refused(format!("`{version}` is no strict version"));
    let (numbers, suffix) = match version.find(['a', 'b']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let mut parts = numbers
        .split('.')
        .map(|part| part.parse::<u64>().map_err(|_| wrong()))
        .collect::<Result<Vec<_>, _>>()?;
    if !(2..=3).contains(&parts.len()) {
        return Err(wrong());
    }
    parts.resize(3, 0);
    let mut letters = suffix.chars();
    let suffix = match letters.next() {
        Some(letter) => (letter, letters.as_str().parse().map_err(|_| wrong())?),
        None => ('z', 0),
    };
    Ok((parts, suffix))
}
