//! Lists as sets, in order: `unique`, `union`, `intersect`, `difference`, `symmetric_difference`.

use std::collections::BTreeSet;

use minijinja::{Environment, Error, State, Value, value::Kwargs};

use super::{add, items, option, refuse};
use crate::compile::ITEM;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "unique", unique);
    add(environment, "union", union);
    add(environment, "intersect", intersect);
    add(environment, "difference", difference);
    add(environment, "symmetric_difference", symmetric_difference);
}

fn unique(
    state: &mut State<'_, '_>,
    value: &Value,
    case_sensitive: Option<bool>,
    attribute: Option<String>,
    options: Kwargs,
) -> Result<Vec<Value>, Error> {
    let named_case = option::<bool>(&options, "case_sensitive")?;
    let attribute = option::<String>(&options, "attribute")?.or(attribute);
    options.assert_all_used()?;
    let fold = named_case.or(case_sensitive) != Some(true);
    let mut seen = Seen::default();
    let mut result = Vec::new();
    for item in items(value)? {
        let mut key = item.clone();
        for step in attribute.iter().flat_map(|path| path.split('.')) {
            key = state.apply_filter(ITEM, &[key, Value::from(step)])?;
        }
        if key.is_undefined() {
            return Err(Error::from(minijinja::ErrorKind::UndefinedError));
        }
        if fold && let Some(text) = key.as_str() {
            key = Value::from(text.to_lowercase());
        }
        if seen.add(key) {
            result.push(item);
        }
    }
    Ok(result)
}

/// Values that were met: texts, of which there may be many, are found by their order.
#[derive(Default)]
struct Seen {
    texts: BTreeSet<String>,
    others: Vec<Value>,
}

impl Seen {
    fn of(values: Vec<Value>) -> Self {
        let mut seen = Self::default();
        for value in values {
            seen.add(value);
        }
        seen
    }

    fn has(&self, value: &Value) -> bool {
        match value.as_str() {
            Some(text) => self.texts.contains(text),
            None => self.others.contains(value),
        }
    }

    /// Gives true if it was not there before.
    fn add(&mut self, value: Value) -> bool {
        if self.has(&value) {
            return false;
        }
        match value.as_str() {
            Some(text) => drop(self.texts.insert(text.to_owned())),
            None => self.others.push(value),
        }
        true
    }
}

fn without_repeats(values: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut seen = Seen::default();
    let mut result: Vec<Value> = values.into_iter().collect();
    result.retain(|value| seen.add(value.clone()));
    result
}

/// The items of a list; nothing has none, and is none.
fn there(value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_none() {
        return refuse("nothing is no list");
    }
    items(value)
}

fn union(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let (left, right) = (there(left)?, there(right)?);
    Ok(without_repeats(left.into_iter().chain(right)))
}

fn intersect(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let right = Seen::of(items(right)?);
    Ok(without_repeats(
        items(left)?.into_iter().filter(|item| right.has(item)),
    ))
}

fn difference(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let right = Seen::of(items(right)?);
    Ok(without_repeats(
        items(left)?.into_iter().filter(|item| !right.has(item)),
    ))
}

fn symmetric_difference(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let (left, right) = (items(left)?, items(right)?);
    let (in_left, in_right) = (Seen::of(left.clone()), Seen::of(right.clone()));
    let only_left = left.iter().filter(|item| !in_right.has(item));
    let only_right = right.iter().filter(|item| !in_left.has(item));
    Ok(without_repeats(only_left.chain(only_right).cloned()))
}
