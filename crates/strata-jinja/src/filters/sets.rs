//! Lists as sets, in order: `unique`, `union`, `intersect`, `difference`, `symmetric_difference`.

use minijinja::{Environment, Error, State, Value, value::Kwargs};

use super::{add, items, option};
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
    let mut seen: Vec<Value> = Vec::new();
    let mut result = Vec::new();
    for item in items(value)? {
        let mut key = item.clone();
        for step in attribute.iter().flat_map(|path| path.split('.')) {
            key = state.apply_filter(ITEM, &[key, Value::from(step)])?;
        }
        if fold && let Some(text) = key.as_str() {
            key = Value::from(text.to_lowercase());
        }
        if !seen.contains(&key) {
            seen.push(key);
            result.push(item);
        }
    }
    Ok(result)
}

fn without_repeats(values: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut result: Vec<Value> = Vec::new();
    for value in values {
        if !result.contains(&value) {
            result.push(value);
        }
    }
    result
}

fn union(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    Ok(without_repeats(
        items(left)?.into_iter().chain(items(right)?),
    ))
}

fn intersect(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let right = items(right)?;
    Ok(without_repeats(
        items(left)?.into_iter().filter(|item| right.contains(item)),
    ))
}

fn difference(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let right = items(right)?;
    Ok(without_repeats(
        items(left)?
            .into_iter()
            .filter(|item| !right.contains(item)),
    ))
}

fn symmetric_difference(left: &Value, right: &Value) -> Result<Vec<Value>, Error> {
    let (left, right) = (items(left)?, items(right)?);
    let only_left = left.iter().filter(|item| !right.contains(item));
    let only_right = right.iter().filter(|item| !left.contains(item));
    Ok(without_repeats(only_left.chain(only_right).cloned()))
}
