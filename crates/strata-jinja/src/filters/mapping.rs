//! Filters over mappings: `combine`, `dict2items`, `items2dict`, `dictsort`, `extract`.

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{add, items, option, refuse};
use crate::{operators::type_name, python};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "combine", combine);
    add(environment, "dict2items", dict2items);
    add(environment, "items2dict", items2dict);
    add(environment, "extract", extract);
    add(environment, "dictsort", dictsort);
    add(environment, "items", |value: &Value| {
        match value.is_undefined() {
            true => Ok(Value::from(Vec::<Value>::new())),
            false => items_of(value),
        }
    });
    add(environment, "subelements", subelements);
}

/// Pairs of a mapping.
pub(crate) fn pairs(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if value.kind() != ValueKind::Map {
        return refuse(format!("a dict is needed here, not a {}", type_name(value)));
    }
    value
        .try_iter()?
        .map(|key| Ok((key.clone(), checked(value.get_item(&key)?)?)))
        .collect()
}

fn checked(value: Value) -> Result<Value, Error> {
    if value.kind() == ValueKind::Invalid {
        return Err(crate::convert::invalid(&value));
    }
    Ok(value)
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendNew,
    PrependNew,
}

/// `a | combine(b, c, recursive=true, list_merge='append')`.
fn combine(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (others, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let recursive = option::<bool>(&options, "recursive")?.unwrap_or(false);
    let merge = list_merge(option::<String>(&options, "list_merge")?.as_deref())?;
    options.assert_all_used()?;
    let mut result = None;
    for mapping in flattened(std::iter::once(value).chain(others))? {
        result = Some(match result {
            None => mapping,
            Some(base) => merged(&base, &mapping, recursive, merge)?,
        });
    }
    Ok(result.unwrap_or_else(|| Value::from_pairs(std::iter::empty::<(Value, Value)>())))
}

/// Lists of mappings may be given in place of mappings; what is nothing is passed over.
fn flattened<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for value in values {
        match value.kind() {
            ValueKind::Map => flat.push(value.clone()),
            ValueKind::None => {}
            ValueKind::Seq => flat.extend(flattened(items(value)?.iter())?),
            ValueKind::Undefined => return Err(Error::from(minijinja::ErrorKind::UndefinedError)),
            _ => return refuse(format!("combine needs dicts, not a {}", type_name(value))),
        }
    }
    Ok(flat)
}

pub(super) fn list_merge(name: Option<&str>) -> Result<ListMerge, Error> {
    Ok(match name.unwrap_or("replace") {
        "replace" => ListMerge::Replace,
        "keep" => ListMerge::Keep,
        "append" => ListMerge::Append,
        "prepend" => ListMerge::Prepend,
        "append_rp" => ListMerge::AppendNew,
        "prepend_rp" => ListMerge::PrependNew,
        other => return refuse(format!("`{other}` is no way to merge lists")),
    })
}

pub(super) fn merged(
    base: &Value,
    over: &Value,
    recursive: bool,
    lists: ListMerge,
) -> Result<Value, Error> {
    let mut result = pairs(base)?;
    for (key, value) in pairs(over)? {
        match result.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = merged_value(old, value, recursive, lists)?,
            None => result.push((key, value)),
        }
    }
    Ok(Value::from_pairs(result))
}

fn merged_value(
    old: &Value,
    new: Value,
    recursive: bool,
    lists: ListMerge,
) -> Result<Value, Error> {
    match (old.kind(), new.kind()) {
        (ValueKind::Map, ValueKind::Map) if recursive => merged(old, &new, recursive, lists),
        (ValueKind::Seq, ValueKind::Seq) => merged_lists(&items(old)?, &items(&new)?, lists),
        _ => Ok(new),
    }
}

fn merged_lists(old: &[Value], new: &[Value], lists: ListMerge) -> Result<Value, Error> {
    let without = |list: &[Value], other: &[Value]| -> Vec<Value> {
        list.iter()
            .filter(|item| !other.contains(item))
            .cloned()
            .collect()
    };
    Ok(Value::from(match lists {
        ListMerge::Replace => new.to_vec(),
        ListMerge::Keep => old.to_vec(),
        ListMerge::Append => [old, new].concat(),
        ListMerge::Prepend => [new, old].concat(),
        ListMerge::AppendNew => [without(old, new), new.to_vec()].concat(),
        ListMerge::PrependNew => [new.to_vec(), without(old, new)].concat(),
    }))
}

/// `mapping | dict2items(key_name='k', value_name='v')`.
fn dict2items(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let key_name = option::<String>(&options, "key_name")?.unwrap_or_else(|| "key".to_owned());
    let value_name =
        option::<String>(&options, "value_name")?.unwrap_or_else(|| "value".to_owned());
    options.assert_all_used()?;
    let entry =
        |(key, value)| Value::from_pairs([(key_name.clone(), key), (value_name.clone(), value)]);
    Ok(Value::from(
        pairs(value)?.into_iter().map(entry).collect::<Vec<_>>(),
    ))
}

/// `list | items2dict(key_name='k', value_name='v')`.
fn items2dict(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let key_name = option::<String>(&options, "key_name")?.unwrap_or_else(|| "key".to_owned());
    let value_name =
        option::<String>(&options, "value_name")?.unwrap_or_else(|| "value".to_owned());
    options.assert_all_used()?;
    let mut result = Vec::new();
    for item in items(value)? {
        let (key, value) = (item.get_attr(&key_name)?, item.get_attr(&value_name)?);
        if key.is_undefined() || value.is_undefined() {
            return refuse(format!(
                "items2dict needs the keys `{key_name}` and `{value_name}` in each item, which {} lacks",
                python::repr(&item)
            ));
        }
        result.retain(|(other, _): &(Value, Value)| *other != key);
        result.push((key, checked(value)?));
    }
    Ok(Value::from_pairs(result))
}

/// `key | extract(container, [more, keys])`.
fn extract(
    state: &mut State<'_, '_>,
    key: &Value,
    container: &Value,
    more: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let more = match option::<Value>(&options, "morekeys")? {
        Some(named) => Some(named),
        None => more,
    };
    options.assert_all_used()?;
    let mut keys = vec![key.clone()];
    match more {
        Some(more) if more.kind() == ValueKind::Seq => keys.extend(items(&more)?),
        Some(more) => keys.push(more),
        None => {}
    }
    let mut found = container.clone();
    for key in &keys {
        found = state.apply_filter(crate::compile::ITEM, &[found, key.clone()])?;
    }
    Ok(found)
}

fn rows(pairs: Vec<(Value, Value)>) -> Value {
    let row = |(key, value)| super::tuple(vec![key, value]);
    Value::from(pairs.into_iter().map(row).collect::<Vec<_>>())
}

/// The keys with their values, also what `mapping.items()` gives.
pub(crate) fn items_of(value: &Value) -> Result<Value, Error> {
    pairs(value).map(rows)
}

/// `mapping | dictsort(case_sensitive, by, reverse)`.
fn dictsort(
    value: &Value,
    case_sensitive: Option<bool>,
    by: Option<String>,
    reverse: Option<bool>,
    options: Kwargs,
) -> Result<Value, Error> {
    let case_sensitive = option::<bool>(&options, "case_sensitive")?
        .or(case_sensitive)
        .unwrap_or(false);
    let by = option::<String>(&options, "by")?
        .or(by)
        .unwrap_or_else(|| "key".to_owned());
    let reverse = option::<bool>(&options, "reverse")?
        .or(reverse)
        .unwrap_or(false);
    options.assert_all_used()?;
    let mut pairs = pairs(value)?;
    let folded = |value: &Value| match value.as_str() {
        Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
        _ => value.clone(),
    };
    let sorted_by = |(key, value): &(Value, Value)| folded(if by == "value" { value } else { key });
    // What is equal keeps its order, also backwards.
    pairs.sort_by(|one, other| match reverse {
        true => sorted_by(other).cmp(&sorted_by(one)),
        false => sorted_by(one).cmp(&sorted_by(other)),
    });
    Ok(rows(pairs))
}

/// `list | subelements('path.to.list', skip_missing=true)`.
fn subelements(
    state: &mut State<'_, '_>,
    value: &Value,
    path: &Value,
    skip: Option<bool>,
    options: Kwargs,
) -> Result<Value, Error> {
    let skip = option::<bool>(&options, "skip_missing")?
        .or(skip)
        .unwrap_or(false);
    options.assert_all_used()?;
    let steps: Vec<String> = match path.as_str() {
        Some(path) => path.split('.').map(str::to_owned).collect(),
        None => items(path)?.iter().map(python::text).collect(),
    };
    let elements = match value.kind() {
        ValueKind::Map => pairs(value)?.into_iter().map(|(_, value)| value).collect(),
        _ => items(value)?,
    };
    let mut result = Vec::new();
    for element in elements {
        let mut inner = element.clone();
        for step in &steps {
            inner =
                state.apply_filter(crate::compile::ITEM, &[inner, Value::from(step.as_str())])?;
        }
        if inner.is_undefined() {
            if skip {
                continue;
            }
            return refuse(format!(
                "could not find `{}` in an element",
                steps.join(".")
            ));
        }
        if inner.kind() != ValueKind::Seq {
            return refuse(format!("`{}` must be a list", steps.join(".")));
        }
        for item in items(&inner)? {
            result.push(Value::from(vec![element.clone(), item]));
        }
    }
    Ok(Value::from(result))
}
