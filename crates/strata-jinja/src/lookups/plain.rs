//! Lookups that turn values into values, and those for variables and the environment.

use std::sync::Arc;

use minijinja::{Error, ErrorKind, Value, value::ValueKind};

use super::{Options, refuse};
use crate::{python, run::Run};

/// Runs one of these lookups, if the name is one of theirs.
pub(super) fn run(
    run: &Arc<Run>,
    name: &str,
    terms: &[Value],
    options: &Options<'_>,
) -> Option<Result<Vec<Value>, Error>> {
    Some(match name {
        "items" => flat_once(terms),
        "list" => Ok(terms.to_vec()),
        "flattened" => flattened(terms),
        "indexed_items" => flat_once(terms).map(|items| {
            let numbered = |(at, item)| Value::from(vec![Value::from(at), item]);
            items.into_iter().enumerate().map(numbered).collect()
        }),
        "dict" => dict(terms),
        "together" => together(terms),
        "nested" | "cartesian" => nested(terms),
        "sequence" => terms.iter().try_fold(Vec::new(), |mut all, term| {
            all.extend(super::sequence::numbers(&python::text(term))?);
            Ok(all)
        }),
        "subelements" => subelements(run, terms),
        "random_choice" => random_choice(run, terms),
        "vars" => vars(run, terms, options),
        "varnames" => varnames(run, terms),
        "env" => env(run, terms, options),
        "inventory_hostnames" => super::hosts::inventory_hostnames(run, terms, options),
        _ => return None,
    })
}

/// Lists in the list are taken apart once, as `with_items` does.
fn flat_once(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for term in terms {
        match term.kind() {
            ValueKind::Seq => flat.extend(term.try_iter()?),
            _ => flat.push(term.clone()),
        }
    }
    Ok(flat)
}

fn flattened(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for term in terms {
        match term.kind() {
            ValueKind::Seq => flat.extend(flattened(&term.try_iter()?.collect::<Vec<_>>())?),
            _ => flat.push(term.clone()),
        }
    }
    Ok(flat)
}

fn dict(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let mut entries = Vec::new();
    for term in terms {
        if term.kind() != ValueKind::Map {
            return Err(refuse("with_dict expects a dict"));
        }
        for key in term.try_iter()? {
            let value = term.get_item(&key)?;
            entries.push(Value::from_pairs([("key", key), ("value", value)]));
        }
    }
    Ok(entries)
}

fn lists(terms: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
    terms
        .iter()
        .map(|term| match term.kind() {
            ValueKind::Seq => term.try_iter().map(Iterator::collect),
            _ => Ok(vec![term.clone()]),
        })
        .collect()
}

fn together(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let lists = lists(terms)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or_default();
    let none = Value::from(());
    let row = |at: usize| -> Vec<Value> {
        lists
            .iter()
            .map(|list| list.get(at).unwrap_or(&none).clone())
            .collect()
    };
    Ok((0..length).map(row).map(Value::from).collect())
}

fn nested(terms: &[Value]) -> Result<Vec<Value>, Error> {
    let lists = lists(terms)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        if rows.len().saturating_mul(list.len()) > 1_000_000 {
            return Err(refuse("the lists have too many combinations"));
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                list.iter()
                    .map(|item| [row.as_slice(), std::slice::from_ref(item)].concat())
            })
            .collect();
    }
    Ok(rows.into_iter().map(Value::from).collect())
}

/// `with_subelements: [list, 'path', {skip_missing: true}]`.
fn subelements(run: &Arc<Run>, terms: &[Value]) -> Result<Vec<Value>, Error> {
    let (Some(list), Some(path)) = (terms.first(), terms.get(1)) else {
        return Err(refuse(
            "subelements needs a list and the name of a list in its items",
        ));
    };
    let skip = match terms.get(2) {
        Some(flags) => flags.get_attr("skip_missing")?.is_true(),
        None => false,
    };
    // The filter asks for the run that it belongs to.
    let names = Value::from_pairs([
        ("list", list.clone()),
        ("path", path.clone()),
        ("skip", Value::from(skip)),
        (crate::run::RUN, Value::from_dyn_object(run.clone())),
    ]);
    let environment = &run.templar.engine.environment;
    let found = environment
        .compile_expression("list | subelements(path, skip)")?
        .eval(names)?;
    let name = python::text(path);
    let last = name.rsplit('.').next().unwrap_or(&name);
    found
        .try_iter()?
        .map(|pair| without_list(&pair, last))
        .collect()
}

/// Unlike the filter of that name, the lookup takes the list out of the items that it gives.
fn without_list(pair: &Value, list: &str) -> Result<Value, Error> {
    let item = pair.get_item_by_index(0)?;
    let mut rest = Vec::new();
    for key in item.try_iter()? {
        if key.as_str() != Some(list) {
            let value = item.get_item(&key)?;
            rest.push((key, value));
        }
    }
    Ok(Value::from(vec![
        Value::from_pairs(rest),
        pair.get_item_by_index(1)?,
    ]))
}

fn random_choice(run: &Arc<Run>, terms: &[Value]) -> Result<Vec<Value>, Error> {
    let chance = run.templar.surroundings.random();
    let count = terms.len() as u64;
    Ok(match chance.checked_rem(count) {
        Some(at) => vec![terms[at as usize].clone()],
        None => Vec::new(),
    })
}

fn vars(run: &Arc<Run>, terms: &[Value], options: &Options<'_>) -> Result<Vec<Value>, Error> {
    options.only(&["default"])?;
    // As in Ansible, where nothing is not a default.
    let default = options.get("default").filter(|value| !value.is_none());
    let mut found = Vec::new();
    for term in terms {
        let name = python::text(term);
        match (run.variable(&name), default) {
            (Some(value), _) if value.kind() == ValueKind::Invalid => {
                return Err(crate::convert::invalid(&value));
            }
            (Some(value), _) => found.push(value),
            (None, Some(default)) => found.push(default.clone()),
            (None, None) => return Err(Error::from(ErrorKind::UndefinedError)),
        }
    }
    Ok(found)
}

fn varnames(run: &Arc<Run>, terms: &[Value]) -> Result<Vec<Value>, Error> {
    let names = run.templar.variables.names();
    let mut found = Vec::new();
    for term in terms {
        let pattern = crate::python_regex::compile(&python::text(term), Default::default())?;
        for name in &names {
            if pattern.start(name)?.is_some() {
                found.push(Value::from(name.as_str()));
            }
        }
    }
    Ok(found)
}

fn env(run: &Arc<Run>, terms: &[Value], options: &Options<'_>) -> Result<Vec<Value>, Error> {
    options.only(&["default"])?;
    let fallback = options
        .get("default")
        .cloned()
        .unwrap_or_else(|| Value::from(""));
    let value = |term: &Value| {
        let name = python::text(term);
        let found = run.templar.surroundings.environment_variable(name.trim());
        found.map_or_else(|| fallback.clone(), Value::from)
    };
    Ok(terms.iter().map(value).collect())
}
