//! `version`: compares versions of several kinds.

use std::cmp::Ordering;

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, Rest, ValueOrKwargs, from_args},
};

use super::add;
use crate::{filters::refuse, python, versions};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "version", version);
    add(environment, "version_compare", version);
}

fn version(value: &Value, other: &Value, more: Rest<ValueOrKwargs>) -> Result<bool, Error> {
    let more = more.into_values();
    let (operator, strict, kind, options) =
        from_args::<(Option<String>, Option<Value>, Option<String>, Kwargs)>(&more)?;
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
    let strict = strict.filter(|strict| !strict.is_none());
    let kind = named(&options, "version_type")?.or(kind);
    options.assert_all_used()?;
    if strict.is_some() && kind.is_some() {
        return refuse("only one of `strict` and `version_type` may be given");
    }
    if !value.is_true() || !other.is_true() {
        return refuse("one of the versions is empty");
    }
    let (left, right) = (python::text(value), python::text(other));
    let is_strict = strict.is_some_and(|strict| strict.is_true());
    let ordering = match kind.as_deref() {
        None if is_strict => versions::strict(&left, &right)?,
        Some("strict") => versions::strict(&left, &right)?,
        None | Some("loose") => versions::loose(&left, &right)?,
        Some("semver" | "semantic") => versions::semantic(&left, &right)?,
        Some("pep440") => versions::pep440(&left, &right)?,
        Some(other) => return refuse(format!("`{other}` is no type of version")),
    };
    holds(ordering, &operator)
}

fn named(options: &Kwargs, name: &str) -> Result<Option<String>, Error> {
    match options.has(name) {
        true => options.get(name),
        false => Ok(None),
    }
}

fn holds(ordering: Ordering, operator: &str) -> Result<bool, Error> {
    Ok(match operator {
        "==" | "=" | "eq" => ordering.is_eq(),
        "<" | "lt" => ordering.is_lt(),
        "<=" | "le" => ordering.is_le(),
        ">" | "gt" => ordering.is_gt(),
        ">=" | "ge" => ordering.is_ge(),
        "!=" | "<>" | "ne" => ordering.is_ne(),
        other => return refuse(format!("`{other}` does not compare versions")),
    })
}
