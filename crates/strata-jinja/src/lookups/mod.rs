//! Lookups: `lookup('NAME', ...)` and the `with_NAME` loops.
//!
//! Those that only turn values into values stand in [`plain`], those that read the controller's files in
//! [`files`]. All others are asked of the surroundings; what is unknown there, too, is refused by name.

pub(crate) mod files;
mod hosts;
mod ini;
mod plain;
mod sequence;

use std::sync::Arc;

use minijinja::{Error, ErrorKind, Value};
use serde_json::{Map, Value as Json};

use crate::{TemplateError, TemplateErrorKind, convert, run::Run};

/// What a lookup was given by name.
pub(crate) struct Options<'a>(&'a [(String, Value)]);

impl Options<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(crate::python::text)
    }

    fn flag(&self, name: &str, usual: bool) -> bool {
        self.get(name).map_or(usual, Value::is_true)
    }

    /// Refuses options that the lookup does not have.
    fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self
            .0
            .iter()
            .find(|(key, _)| !known.contains(&key.as_str()))
        {
            Some((key, _)) => Err(refuse(format!("the lookup has no option `{key}`"))),
            None => Ok(()),
        }
    }
}

pub(crate) fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Runs a lookup.
pub(crate) fn run(
    run: &Arc<Run>,
    name: &str,
    terms: &[Value],
    options: &[(String, Value)],
) -> Result<Vec<Value>, Error> {
    if terms.iter().any(Value::is_undefined) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let short = short_name(name);
    let own = Options(options);
    if let Some(found) = plain::run(run, short, terms, &own) {
        return found;
    }
    if let Some(found) = files::run(run, short, terms, &own) {
        return found;
    }
    elsewhere(run, short, &files::located(run, short, terms), options)
}

/// The name of a lookup without the collection in which Ansible has it, of those that are done here.
fn short_name(name: &str) -> &str {
    let moved = name.strip_prefix("community.general.");
    let moved = moved.filter(|name| ["cartesian", "filetree", "flattened"].contains(name));
    moved
        .or(name.strip_prefix("ansible.builtin."))
        .unwrap_or(name)
}

fn elsewhere(
    run: &Arc<Run>,
    name: &str,
    terms: &[Value],
    options: &[(String, Value)],
) -> Result<Vec<Value>, Error> {
    let terms = terms
        .iter()
        .map(convert::to_json)
        .collect::<Result<Vec<Json>, _>>()?;
    let mut map = Map::new();
    for (key, value) in options {
        map.insert(key.clone(), convert::to_json(value)?);
    }
    match run.templar.surroundings.lookup(name, &terms, &map) {
        Some(Ok(found)) => Ok(found.iter().map(convert::from_json).collect()),
        Some(Err(message)) => Err(refuse(format!("the lookup `{name}` failed: {message}"))),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    let message = format!("the lookup `{name}` is not supported by Strata");
    let source = TemplateError::new(TemplateErrorKind::Unsupported, message.clone());
    Error::new(ErrorKind::UnknownFunction, message).with_source(source)
}
