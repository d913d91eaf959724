//! Filters over lists: `flatten`, `zip`, `product`, `join`, `first`, `sort`, `shuffle` and the like.

use std::{cmp::Ordering, sync::Arc};

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{add, items, option, refuse, tuple};
use crate::{compile::ITEM, operators::compare, python, python_random::PythonRandom, run::Run};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "flatten", flatten);
    add(environment, "zip", zip);
    add(environment, "zip_longest", zip_longest);
    add(environment, "product", product);
    add(environment, "combinations", combinations);
    add(environment, "permutations", permutations);
    add(environment, "join", join);
    add(environment, "first", first);
    add(environment, "last", last);
    add(environment, "random", random);
    add(environment, "shuffle", shuffle);
    add(environment, "batch", batch);
    add(environment, "slice", slice);
    add(environment, "list", list);
    add(environment, "reverse", reverse);
    add(environment, "sort", sort);
    add(environment, "sum", sum);
    add(environment, "max", max);
    add(environment, "min", min);
    add(environment, "rekey_on_member", rekey_on_member);
}

fn flatten(value: &Value, levels: Option<i64>, options: Kwargs) -> Result<Vec<Value>, Error> {
    let levels = option::<i64>(&options, "levels")?.or(levels);
    let skip_nulls = option::<bool>(&options, "skip_nulls")?.unwrap_or(true);
    options.assert_all_used()?;
    let mut result = Vec::new();
    flatten_into(value, levels, skip_nulls, &mut result)?;
    Ok(result)
}

fn flatten_into(
    value: &Value,
    levels: Option<i64>,
    skip: bool,
    out: &mut Vec<Value>,
) -> Result<(), Error> {
    for item in items(value)? {
        // Ansible drops what YAML users write for nothing.
        let nothing = item.is_none() || matches!(item.as_str(), Some("None" | "null"));
        if nothing && skip {
            continue;
        }
        match (item.kind(), levels) {
            (ValueKind::Seq, None) => flatten_into(&item, None, skip, out)?,
            (ValueKind::Seq, Some(left)) if left >= 1 => {
                flatten_into(&item, Some(left - 1), skip, out)?
            }
            _ => out.push(item),
        }
    }
    Ok(())
}

fn lists(first: &Value, others: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
    std::iter::once(first).chain(others).map(items).collect()
}

fn zip(value: &Value, others: Rest<Value>) -> Result<Vec<Value>, Error> {
    let lists = lists(value, &others)?;
    let length = lists.iter().map(Vec::len).min().unwrap_or_default();
    let row = |at: usize| tuple(lists.iter().map(|list| list[at].clone()).collect());
    Ok((0..length).map(row).collect())
}

fn zip_longest(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let arguments = arguments.into_values();
    let (others, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let fill = option::<Value>(&options, "fillvalue")?.unwrap_or_else(|| Value::from(()));
    options.assert_all_used()?;
    let lists = lists(value, others)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or_default();
    let row = |at: usize| {
        let items = lists.iter().map(|list| list.get(at).unwrap_or(&fill));
        tuple(items.cloned().collect())
    };
    Ok((0..length).map(row).collect())
}

/// How many combinations are made at most.
const MAX_ROWS: usize = 1_000_000;

fn product(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let arguments = arguments.into_values();
    let (others, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let repeat = option::<usize>(&options, "repeat")?.unwrap_or(1).min(32);
    options.assert_all_used()?;
    let lists = lists(value, others)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in std::iter::repeat_n(&lists, repeat).flatten() {
        if rows.len().saturating_mul(list.len()) > MAX_ROWS {
            return refuse("the product is too large");
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                list.iter()
                    .map(|item| [row.as_slice(), std::slice::from_ref(item)].concat())
            })
            .collect();
    }
    Ok(rows.into_iter().map(tuple).collect())
}

fn combinations(value: &Value, size: usize) -> Result<Vec<Value>, Error> {
    let list = items(value)?;
    let mut rows = Vec::new();
    choose(&list, size, 0, true, &mut Vec::new(), &mut rows)?;
    Ok(rows)
}

fn permutations(value: &Value, size: Option<usize>) -> Result<Vec<Value>, Error> {
    let list = items(value)?;
    let mut rows = Vec::new();
    choose(
        &list,
        size.unwrap_or(list.len()),
        0,
        false,
        &mut Vec::new(),
        &mut rows,
    )?;
    Ok(rows)
}

fn choose(
    list: &[Value],
    size: usize,
    from: usize,
    in_order: bool,
    chosen: &mut Vec<usize>,
    rows: &mut Vec<Value>,
) -> Result<(), Error> {
    if rows.len() > MAX_ROWS || size > 64 {
        return refuse("there are too many combinations");
    }
    if chosen.len() == size {
        rows.push(tuple(chosen.iter().map(|at| list[*at].clone()).collect()));
        return Ok(());
    }
    for at in from..list.len() {
        if chosen.contains(&at) {
            continue;
        }
        chosen.push(at);
        choose(
            list,
            size,
            if in_order { at + 1 } else { 0 },
            in_order,
            chosen,
            rows,
        )?;
        chosen.pop();
    }
    Ok(())
}

/// The value at a dotted path.
pub(super) fn at_path(
    state: &mut State<'_, '_>,
    value: &Value,
    path: &str,
) -> Result<Value, Error> {
    let mut found = value.clone();
    for step in path.split('.') {
        let key = step
            .parse::<i64>()
            .map_or_else(|_| Value::from(step), Value::from);
        found = state.apply_filter(ITEM, &[found, key])?;
    }
    Ok(found)
}

fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    separator: Option<String>,
    attribute: Option<String>,
    options: Kwargs,
) -> Result<String, Error> {
    let separator = option::<String>(&options, "d")?
        .or(separator)
        .unwrap_or_default();
    let attribute = option::<String>(&options, "attribute")?.or(attribute);
    options.assert_all_used()?;
    let mut texts = Vec::new();
    for item in items(value)? {
        let item = match &attribute {
            Some(path) => at_path(state, &item, path)?,
            None => item,
        };
        if item.is_undefined() {
            return Err(Error::from(minijinja::ErrorKind::UndefinedError));
        }
        texts.push(python::text(&item));
    }
    Ok(texts.join(&separator))
}

fn first(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    one_of(state, value, false)
}

fn last(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    one_of(state, value, true)
}

fn one_of(state: &State<'_, '_>, value: &Value, last: bool) -> Result<Value, Error> {
    let mut list: Vec<Value> = match value.as_str() {
        Some(text) => text
            .chars()
            .map(|character| Value::from(character.to_string()))
            .collect(),
        None if value.is_undefined() => {
            return Err(Error::from(minijinja::ErrorKind::UndefinedError));
        }
        // That another item is a mistake is no matter.
        None => value.try_iter()?.collect(),
    };
    let found = if last {
        list.pop()
    } else {
        list.into_iter().next()
    };
    found.map_or_else(
        || {
            let which = if last { "last" } else { "first" };
            Run::of(state)?.note_missing(format!("the list is empty, there is no {which} item"));
            Ok(Value::UNDEFINED)
        },
        Ok,
    )
}

/// Where chance comes from: Python's generator where there is a seed, so that a choice is what it is in Ansible.
pub(super) enum Chance {
    Seeded(Box<PythonRandom>),
    Free(Arc<Run>),
}

impl Chance {
    pub(super) fn new(state: &State<'_, '_>, seed: Option<&Value>) -> Result<Self, Error> {
        Ok(match seed.filter(|seed| !seed.is_none()) {
            Some(seed) => Self::Seeded(Box::new(PythonRandom::new(seed))),
            None => Self::Free(Run::of(state)?),
        })
    }

    /// A number below another one, which must not be 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        match self {
            Self::Seeded(random) => random.below(end),
            Self::Free(run) => run.templar.surroundings.random() % end,
        }
    }
}

fn random(
    state: &mut State<'_, '_>,
    value: &Value,
    start: Option<i64>,
    step: Option<i64>,
    options: Kwargs,
) -> Result<Value, Error> {
    let seed = option::<Value>(&options, "seed")?;
    let start = option::<i64>(&options, "start")?.or(start).unwrap_or(0);
    let step = option::<i64>(&options, "step")?
        .or(step)
        .unwrap_or(1)
        .max(1);
    options.assert_all_used()?;
    let mut chance = Chance::new(state, seed.as_ref())?;
    if let Some(end) = value.as_i64() {
        let width = end.saturating_sub(start).saturating_add(step - 1);
        let count = u64::try_from(width / step).unwrap_or(0);
        if count == 0 {
            return refuse("there is no number in that range");
        }
        let steps = i64::try_from(chance.below(count)).unwrap_or(0);
        return Ok(Value::from(start + steps * step));
    }
    let list = items(value)?;
    if list.is_empty() {
        return refuse("an empty list has no random item");
    }
    Ok(list[chance.below(list.len() as u64) as usize].clone())
}

/// `list | shuffle(seed)`; what is no list is left as it is.
fn shuffle(state: &mut State<'_, '_>, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let seed = option::<Value>(&options, "seed")?;
    options.assert_all_used()?;
    let mut list = match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number => return Ok(value.clone()),
        _ => list(value)?,
    };
    // Ansible takes a seed that counts as false for none.
    let mut chance = Chance::new(state, seed.as_ref().filter(|seed| seed.is_true()))?;
    for at in (1..list.len()).rev() {
        let other = chance.below(at as u64 + 1);
        list.swap(at, other as usize);
    }
    Ok(Value::from(list))
}

/// `list | batch(3, fill)`: rows of so many items.
fn batch(value: &Value, size: i64, fill: Option<Value>) -> Result<Vec<Value>, Error> {
    let size = row_count(size)?;
    let mut rows: Vec<Vec<Value>> = items(value)?.chunks(size).map(<[_]>::to_vec).collect();
    if let (Some(last), Some(fill)) = (rows.last_mut(), fill) {
        last.resize(size, fill);
    }
    Ok(rows.into_iter().map(Value::from).collect())
}

/// `list | slice(3, fill)`: so many rows, as even as can be.
fn slice(value: &Value, count: i64, fill: Option<Value>) -> Result<Vec<Value>, Error> {
    let count = row_count(count)?;
    let list = items(value)?;
    let (even, longer) = (list.len() / count, list.len() % count);
    let mut rest = list.as_slice();
    let mut rows = Vec::with_capacity(count);
    for at in 0..count {
        let (row, after) = rest.split_at(even + usize::from(at < longer));
        rest = after;
        let mut row = row.to_vec();
        if let Some(fill) = fill.as_ref().filter(|_| at >= longer) {
            row.push(fill.clone());
        }
        rows.push(Value::from(row));
    }
    Ok(rows)
}

fn row_count(count: i64) -> Result<usize, Error> {
    match usize::try_from(count) {
        Ok(count) if (1..=MAX_ROWS).contains(&count) => Ok(count),
        _ => refuse(format!("`{count}` is no number of rows")),
    }
}

/// The items of a list, the letters of a text, the keys of a mapping.
pub(super) fn list(value: &Value) -> Result<Vec<Value>, Error> {
    match value.as_str() {
        Some(text) => Ok(text
            .chars()
            .map(|character| Value::from(character.to_string()))
            .collect()),
        None => items(value),
    }
}

/// `list | reverse`: texts stay texts, of a mapping the keys.
fn reverse(value: &Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut list = items(value)?;
    list.reverse();
    Ok(Value::from(list))
}

fn sort(
    state: &mut State<'_, '_>,
    value: &Value,
    reverse: Option<bool>,
    case_sensitive: Option<bool>,
    options: Kwargs,
) -> Result<Vec<Value>, Error> {
    let reverse = option::<bool>(&options, "reverse")?
        .or(reverse)
        .unwrap_or(false);
    let case_sensitive = option::<bool>(&options, "case_sensitive")?
        .or(case_sensitive)
        .unwrap_or(false);
    let attribute = option::<String>(&options, "attribute")?;
    options.assert_all_used()?;
    let mut keyed = Vec::new();
    for item in items(value)? {
        let mut key = Vec::new();
        for path in attribute.as_deref().unwrap_or_default().split(',') {
            let found = if path.is_empty() {
                item.clone()
            } else {
                at_path(state, &item, path)?
            };
            if found.is_undefined() {
                return Err(Error::from(minijinja::ErrorKind::UndefinedError));
            }
            key.push(match found.as_str() {
                Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
                _ => found,
            });
        }
        keyed.push((key, item));
    }
    if keyed
        .windows(2)
        .any(|pair| !comparable(&pair[0].0, &pair[1].0))
    {
        return refuse("values of different types cannot be sorted");
    }
    keyed.sort_by(|a, b| {
        if reverse {
            b.0.cmp(&a.0)
        } else {
            a.0.cmp(&b.0)
        }
    });
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

fn comparable(left: &[Value], right: &[Value]) -> bool {
    let kind = |value: &Value| match value.kind() {
        ValueKind::Bool => ValueKind::Number,
        kind => kind,
    };
    left.iter()
        .zip(right)
        .all(|(left, right)| kind(left) == kind(right))
}

/// `list | max(case_sensitive, attribute)`: undefined where the list is empty.
fn max(
    state: &mut State<'_, '_>,
    value: &Value,
    case_sensitive: Option<Value>,
    attribute: Option<String>,
    options: Kwargs,
) -> Result<Value, Error> {
    extreme(
        state,
        value,
        case_sensitive,
        attribute,
        &options,
        Ordering::Greater,
    )
}

/// The same for the least.
fn min(
    state: &mut State<'_, '_>,
    value: &Value,
    case_sensitive: Option<Value>,
    attribute: Option<String>,
    options: Kwargs,
) -> Result<Value, Error> {
    extreme(
        state,
        value,
        case_sensitive,
        attribute,
        &options,
        Ordering::Less,
    )
}

/// The first item that lies so beside all others.
fn extreme(
    state: &mut State<'_, '_>,
    value: &Value,
    case_sensitive: Option<Value>,
    attribute: Option<String>,
    options: &Kwargs,
    wanted: Ordering,
) -> Result<Value, Error> {
    let case_sensitive = option::<Value>(options, "case_sensitive")?
        .or(case_sensitive)
        .is_some_and(|value| value.is_true());
    let attribute = option::<String>(options, "attribute")?.or(attribute);
    options.assert_all_used()?;
    let mut best: Option<(Value, Value)> = None;
    for item in list(value)? {
        let key = match &attribute {
            Some(path) => at_path(state, &item, path)?,
            None => item.clone(),
        };
        let key = match key.as_str() {
            Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
            _ => key,
        };
        let is_better = match &best {
            Some((_, best)) => compare(&key, best, "<")? == wanted,
            None => true,
        };
        if is_better {
            best = Some((item, key));
        }
    }
    match best {
        Some((item, _)) => Ok(item),
        None => {
            Run::of(state)?.note_missing("the list is empty, there is no item in it".to_owned());
            Ok(Value::UNDEFINED)
        }
    }
}

fn sum(
    state: &mut State<'_, '_>,
    value: &Value,
    attribute: Option<String>,
    start: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let attribute = option::<String>(&options, "attribute")?.or(attribute);
    let start = option::<Value>(&options, "start")?.or(start);
    options.assert_all_used()?;
    let mut total = start.unwrap_or_else(|| Value::from(0));
    for item in items(value)? {
        let item = match &attribute {
            Some(path) => at_path(state, &item, path)?,
            None => item,
        };
        total = state.apply_filter(crate::compile::ADD, &[total, item])?;
    }
    Ok(total)
}

fn rekey_on_member(value: &Value, key: String) -> Result<Value, Error> {
    if value.is_none() {
        return refuse("rekey_on_member needs a list or a mapping");
    }
    let list = match value.kind() {
        ValueKind::Map => super::mapping::pairs(value)?
            .into_iter()
            .map(|(_, item)| item)
            .collect(),
        _ => items(value)?,
    };
    let mut result = Vec::new();
    for item in list {
        let member = item.get_attr(&key)?;
        if member.is_undefined() {
            return refuse(format!("an item lacks the key `{key}`"));
        }
        result.push((member, item));
    }
    Ok(Value::from_pairs(result))
}
