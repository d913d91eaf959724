//! Over what a task repeats: `loop`, `with_*`.

use serde_json::Value as Json;
use strata_jinja::{Templar, TemplateError, TemplateErrorKind, WITH_FIRST_FOUND};
use strata_playbook::play::Loop;

use super::Job;
use crate::scope::with_local;

/// The items of a task's loop; none if it has no loop.
pub(super) fn items(job: &Job, templar: &Templar) -> Result<Option<Vec<Json>>, TemplateError> {
    match &job.task.r#loop {
        None => Ok(None),
        Some(Loop::Loop(list)) => match templar.render(&list.value)? {
            Json::Array(items) => Ok(Some(items)),
            other => Err(TemplateError::new(
                TemplateErrorKind::Failed,
                format!("`loop` needs a list, not {}", kind(&other)),
            )),
        },
        Some(Loop::With { lookup, terms }) => {
            if lookup.value == "first_found" {
                let names = defined(templar, &terms.value)?.unwrap_or_default();
                let kind = first_found_in(&job.task.written);
                let terms = [vec![kind.into()], listed(names)].concat();
                return ask(job, WITH_FIRST_FOUND, terms).map(Some);
            }
            let terms = templar.render(&terms.value)?;
            with_lookup(job, &lookup.value, listed(terms)).map(Some)
        }
    }
}

/// The folder in which `with_first_found` looks, as Ansible chooses it: by the name of the action.
fn first_found_in(action: &str) -> &'static str {
    if action.contains("template") {
        "templates"
    } else if action.contains("var") {
        "vars"
    } else {
        "files"
    }
}

/// What of the terms of `with_first_found` is defined: names that are not known, such as that of a variable which only
/// some systems have, are passed over. Loading bounds how deep they are nested.
fn defined(templar: &Templar, terms: &Json) -> Result<Option<Json>, TemplateError> {
    Ok(match terms {
        Json::Array(items) => {
            let items = items
                .iter()
                .filter_map(|item| defined(templar, item).transpose());
            Some(items.collect::<Result<_, _>>()?)
        }
        Json::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| {
                let value = defined(templar, value).transpose()?;
                Some(value.map(|value| (name.clone(), value)))
            });
            Some(fields.collect::<Result<_, _>>()?)
        }
        text => match templar.render(text) {
            Err(error) if error.kind == TemplateErrorKind::Undefined => None,
            rendered => Some(rendered?),
        },
    })
}

/// A lookup's terms are a list; a single one may stand without brackets.
fn listed(terms: Json) -> Vec<Json> {
    match terms {
        Json::Array(items) => items,
        other => vec![other],
    }
}

fn with_lookup(job: &Job, lookup: &str, terms: Vec<Json>) -> Result<Vec<Json>, TemplateError> {
    match lookup {
        "items" => Ok(flat(terms)),
        "list" => Ok(terms),
        _ => ask(job, lookup, terms),
    }
}

/// `with_items` flattens one level.
fn flat(terms: Vec<Json>) -> Vec<Json> {
    let inner = terms.into_iter().map(listed);
    inner.flatten().collect()
}

/// Calls the lookup inside a template, where the language has it.
fn ask(job: &Job, lookup: &str, terms: Vec<Json>) -> Result<Vec<Json>, TemplateError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if !lookup.chars().all(plain) {
        return Err(TemplateError::new(
            TemplateErrorKind::Unsupported,
            format!("`with_{lookup}` is not a lookup"),
        ));
    }
    let arguments: Vec<String> = (0..terms.len())
        .map(|at| format!(", strata_terms[{at}]"))
        .collect();
    let variables = with_local(
        &job.variables,
        [("strata_terms".to_owned(), Json::Array(terms))],
    );
    let expression = format!("query('{lookup}'{})", arguments.concat());
    let found = job.templates.templar(&variables).expression(&expression)?;
    Ok(listed(found))
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a mapping",
    }
}
