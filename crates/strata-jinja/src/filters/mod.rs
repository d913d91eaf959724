//! The filters that Ansible adds to Jinja, or that mean something else there: one file a family.
//!
//! A filter may be called by its short name or by `ansible.builtin.NAME`. Those of collections are refused by
//! name, but for the few that everybody uses.

pub(crate) mod addresses;
pub(crate) mod collections;
pub(crate) mod community;
mod community_lists;
mod encoding;
mod hashing;
mod html;
mod links;
mod logic;
pub(crate) mod mapping;
mod missing;
mod number;
mod paths;
mod regex;
mod serialization;
mod sets;
mod text;
mod time;
mod vault;
mod wrap;

use minijinja::{
    Environment, Error, ErrorKind, Value,
    functions::Function,
    value::{FunctionArgs, FunctionResult, Kwargs, Tuple},
};

/// Adds all filters.
pub(crate) fn register(environment: &mut Environment<'static>) {
    logic::register(environment);
    mapping::register(environment);
    sets::register(environment);
    collections::register(environment);
    text::register(environment);
    html::register(environment);
    links::register(environment);
    regex::register(environment);
    paths::register(environment);
    encoding::register(environment);
    hashing::register(environment);
    serialization::register(environment);
    number::register(environment);
    time::register(environment);
    addresses::register(environment);
    community::register(environment);
    community_lists::register(environment);
    vault::register(environment);
    wrap::register(environment);
    missing::register(environment);
    for name in BUILTIN {
        alias(environment, name);
    }
}

/// minijinja's own filters that Ansible users also call by the full name.
const BUILTIN: &[&str] = &["split"];

fn alias(environment: &mut Environment<'static>, name: &'static str) {
    environment.add_filter(
        format!("ansible.builtin.{name}"),
        move |state: &mut minijinja::State<'_, '_>, arguments: minijinja::value::Rest<Value>| {
            state.apply_filter(name, &arguments)
        },
    );
}

/// Adds a filter under its short and its full name.
fn add<F, Rv, Args>(environment: &mut Environment<'static>, name: &'static str, filter: F)
where
    F: Function<Rv, Args> + Copy,
    Rv: FunctionResult,
    Args: for<'a> FunctionArgs<'a>,
{
    environment.add_filter(name, filter);
    environment.add_filter(format!("ansible.builtin.{name}"), filter);
}

/// A filter's refusal.
pub(crate) fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

/// A row of values that Python would have as a tuple.
pub(crate) fn tuple(values: Vec<Value>) -> Value {
    Value::from(Tuple::from(values))
}

/// The values of a list, none of them a mistake.
fn items(value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    value.try_iter()?.checked().collect()
}

/// An argument that may be missing, by its place or by its name.
pub(crate) fn argument<T>(
    given: &[Value],
    options: &Kwargs,
    at: usize,
    name: &str,
) -> Result<Option<T>, Error>
where
    T: for<'a> minijinja::value::ArgType<'a, Output = T>,
{
    let named = || match options.has(name) {
        true => options.get::<Value>(name).map(Some),
        false => Ok(None),
    };
    let value = match given.get(at) {
        Some(value) => Some(value.clone()),
        None => named()?,
    };
    match value.filter(|value| !value.is_none()) {
        Some(value) => T::from_value(Some(&value)).map(Some),
        None => Ok(None),
    }
}

/// A named argument that may be missing.
fn option<'a, T>(options: &'a Kwargs, name: &'a str) -> Result<Option<T>, Error>
where
    T: minijinja::value::ArgType<'a, Output = T>,
{
    if options.has(name) {
        options.get(name).map(Some)
    } else {
        Ok(None)
    }
}
