//! Whether providers keep their word: a plan must agree with configuration, a result with its plan.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    AttributePath, PathStep, Value,
    schema::{Attribute, Block, Presence},
};

/// Where a planned value contradicts configuration, beyond what the provider may decide.
pub(crate) fn plan_against_config(
    block: &Block,
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
) -> Vec<AttributePath> {
    let mut wrong = Vec::new();
    check_object(
        &block.attributes,
        Some(block),
        prior,
        config,
        planned,
        &AttributePath::root(),
        &mut wrong,
    );
    wrong
}

fn check_object(
    attributes: &BTreeMap<Arc<str>, Attribute>,
    block: Option<&Block>,
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    wrong: &mut Vec<AttributePath>,
) {
    let (Some(config), Some(planned_entries)) = (config.as_entries(), planned.as_entries()) else {
        if config.is_null() != planned.is_null() && config.is_known() && planned.is_known() {
            wrong.push(path.clone());
        }
        return;
    };
    for (name, configured) in config {
        let before = prior.and_then(|prior| prior.get(name));
        let planned = planned_entries.get(name);
        if let (Some(attribute), Some(planned)) = (attributes.get(&**name), planned)
            && is_as_may_be(attribute, before, configured, planned)
        {
            continue;
        }
        let path = path.then(PathStep::Attribute(name.clone()));
        let Some(planned) = planned else {
            wrong.push(path);
            continue;
        };
        if let Some(attribute) = attributes.get(&**name) {
            check_attribute(attribute, before, configured, planned, &path, wrong);
        } else if let Some(nested) = block.and_then(|block| block.blocks.get(&**name)) {
            let one = |before: Option<&Value>,
                       configured: &Value,
                       planned: &Value,
                       path: &AttributePath,
                       wrong: &mut Vec<_>| {
                check_object(
                    &nested.block.attributes,
                    Some(&nested.block),
                    before,
                    configured,
                    planned,
                    path,
                    wrong,
                );
            };
            check_each(before, configured, planned, &path, wrong, &one);
        }
    }
}

/// True if it needs no closer look: the provider may decide on it, or it is as configuration or as before.
fn is_as_may_be(
    attribute: &Attribute,
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
) -> bool {
    attribute.presence == Presence::Computed || planned == config || Some(planned) == prior
}

fn check_attribute(
    attribute: &Attribute,
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    wrong: &mut Vec<AttributePath>,
) {
    if is_as_may_be(attribute, prior, config, planned) {
        return;
    }
    if config.is_null() {
        if !attribute.presence.is_computed() {
            wrong.push(path.clone());
        }
        return;
    }
    match &attribute.nested {
        Some(nested) => {
            let one = |before: Option<&Value>,
                       config: &Value,
                       planned: &Value,
                       path: &AttributePath,
                       wrong: &mut Vec<_>| {
                check_object(
                    &nested.attributes,
                    None,
                    before,
                    config,
                    planned,
                    path,
                    wrong,
                );
            };
            check_each(prior, config, planned, path, wrong, &one);
        }
        // Configuration that is not known yet may be planned as anything of its type.
        None if !config.is_wholly_known() => {}
        None => wrong.push(path.clone()),
    }
}

type CheckOne<'a> =
    &'a dyn Fn(Option<&Value>, &Value, &Value, &AttributePath, &mut Vec<AttributePath>);

fn check_each(
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
    path: &AttributePath,
    wrong: &mut Vec<AttributePath>,
    one: CheckOne<'_>,
) {
    match (config, planned) {
        (Value::Object(_), Value::Object(_)) => one(prior, config, planned, path, wrong),
        (Value::List(_, left), Value::List(_, right)) if left.len() == right.len() => {
            for ((step, left), right) in config.children().zip(right.iter()) {
                let before = prior.and_then(|prior| prior.at(std::slice::from_ref(&step)));
                one(before, left, right, &path.then(step), wrong);
            }
        }
        (Value::Map(_, left), Value::Map(_, right)) if left.keys().eq(right.keys()) => {
            for ((step, left), right) in config.children().zip(right.values()) {
                let before = prior.and_then(|prior| prior.at(std::slice::from_ref(&step)));
                one(before, left, right, &path.then(step), wrong);
            }
        }
        // Which element of a set became which cannot be told.
        (Value::Set(_, left), Value::Set(_, right)) if left.len() == right.len() => {}
        (left, right) if !left.is_wholly_known() || !right.is_known() || left == right => {}
        (Value::Null(_), Value::Null(_)) => {}
        _ => wrong.push(path.clone()),
    }
}

/// Where a result contradicts what was planned: what was known must be as it was said.
pub(crate) fn result_against_plan(planned: &Value, result: &Value) -> Vec<AttributePath> {
    let mut wrong = Vec::new();
    check_result(planned, result, &AttributePath::root(), &mut wrong);
    wrong
}

fn check_result(
    planned: &Value,
    result: &Value,
    path: &AttributePath,
    wrong: &mut Vec<AttributePath>,
) {
    if planned == result || !planned.is_known() {
        return;
    }
    match (planned, result) {
        // Of a value of any type, null is the same in all of them.
        (Value::Null(_), Value::Null(_)) => {}
        (Value::Set(_, left), Value::Set(..))
            if left.iter().any(|item| !item.is_wholly_known()) => {}
        (Value::Object(left), Value::Object(right))
        | (Value::Map(_, left), Value::Map(_, right))
            if left.keys().eq(right.keys()) =>
        {
            for ((step, left), right) in planned.children().zip(right.values()) {
                check_result(left, right, &path.then(step), wrong);
            }
        }
        (
            Value::List(_, left) | Value::Tuple(left),
            Value::List(_, right) | Value::Tuple(right),
        ) if left.len() == right.len() => {
            for ((step, left), right) in planned.children().zip(right.iter()) {
                check_result(left, right, &path.then(step), wrong);
            }
        }
        _ => wrong.push(path.clone()),
    }
}

/// True if two values differ in what a path leads to; inside a set, if the sets differ.
pub(crate) fn differs_at(path: &AttributePath, before: &Value, after: &Value) -> bool {
    let named = path
        .0
        .iter()
        .take_while(|step| **step != PathStep::Element)
        .count();
    before.at(&path.0[..named]) != after.at(&path.0[..named])
}
