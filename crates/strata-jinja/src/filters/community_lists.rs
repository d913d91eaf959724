//! Filters of `community.general` over lists: `counter`, `groupby_as_dict`, `keep_keys`, `lists_mergeby`, `version_sort` and
//! the like, as of its release 11. They go by their short names, too.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, HashSet},
};

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{
    collections::list,
    items,
    mapping::{list_merge, merged, pairs},
    option, refuse,
};
use crate::{
    compile::ADD,
    operators::{compare, type_name},
    python, python_regex, versions,
};

pub(super) fn register(environment: &mut Environment<'static>) {
    for collection in ["", "community.general."] {
        let name = |short: &str| format!("{collection}{short}");
        environment.add_filter(name("accumulate"), accumulate);
        environment.add_filter(name("counter"), counter);
        environment.add_filter(name("groupby_as_dict"), groupby_as_dict);
        environment.add_filter(name("keep_keys"), keep_keys);
        environment.add_filter(name("remove_keys"), remove_keys);
        environment.add_filter(name("replace_keys"), replace_keys);
        environment.add_filter(name("lists_mergeby"), lists_mergeby);
        environment.add_filter(name("lists_union"), lists_union);
        environment.add_filter(name("lists_intersect"), lists_intersect);
        environment.add_filter(name("lists_difference"), lists_difference);
        environment.add_filter(
            name("lists_symmetric_difference"),
            lists_symmetric_difference,
        );
        environment.add_filter(name("version_sort"), version_sort);
    }
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// A mapping, or a mistake that says where there is none.
fn mapping(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    match value.kind() {
        ValueKind::Map => pairs(value),
        _ => {
            let text = python::text(value);
            refuse(format!(
                "the items must be dictionaries, and `{text}` is none"
            ))
        }
    }
}

/// What comes of adding each item to all before it.
fn accumulate(state: &mut State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    let mut sums: Vec<Value> = Vec::new();
    for item in list(value)? {
        let sum = match sums.last() {
            Some(before) => state.apply_filter(ADD, &[before.clone(), item])?,
            None => item,
        };
        sums.push(sum);
    }
    Ok(sums)
}

/// How often each item of a list is there, also the letters of a text.
fn counter(value: &Value) -> Result<Value, Error> {
    let mut counts: Vec<(Value, usize)> = Vec::new();
    let mut places = HashMap::new();
    for item in list(value)? {
        if matches!(item.kind(), ValueKind::Map) || is_list(&item) && !item.is_tuple() {
            let kind = type_name(&item);
            return refuse(format!("a {kind} cannot be counted, it has no hash"));
        }
        let place = *places.entry(item.clone()).or_insert(counts.len());
        match counts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => counts.push((item, 1)),
        }
    }
    Ok(Value::from_pairs(counts))
}

/// A mapping of the items by the value of an attribute, which each must have alone.
fn groupby_as_dict(value: &Value, attribute: &str) -> Result<Value, Error> {
    if !is_list(value) && value.as_str().is_none() {
        return refuse("groupby_as_dict needs a list");
    }
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (at, item) in list(value)?.into_iter().enumerate() {
        let own = mapping(&item)?;
        let key = own
            .into_iter()
            .find(|(key, _)| key.as_str() == Some(attribute));
        let Some((_, key)) = key else {
            return refuse(format!("item {at} has no attribute `{attribute}`"));
        };
        if !seen.insert(key.clone()) {
            let key = python::repr(&key);
            return refuse(format!("more than one item has the attribute value {key}"));
        }
        found.push((key, item));
    }
    Ok(Value::from_pairs(found))
}

/// How a key fits what is looked for.
enum Fit {
    Equal,
    Begin,
    End,
    Regex,
}

fn fit(options: &Kwargs) -> Result<Fit, Error> {
    let name = option::<String>(options, "matching_parameter")?;
    Ok(match name.as_deref() {
        None | Some("equal") => Fit::Equal,
        Some("starts_with") => Fit::Begin,
        Some("ends_with") => Fit::End,
        Some("regex") => Fit::Regex,
        Some(other) => {
            return refuse(format!(
                "matching_parameter is `equal`, `starts_with`, `ends_with` or `regex`, not `{other}`"
            ));
        }
    })
}

impl Fit {
    fn fits(&self, key: &str, target: &str) -> Result<bool, Error> {
        Ok(match self {
            Self::Equal => key == target,
            Self::Begin => key.starts_with(target),
            Self::End => key.ends_with(target),
            Self::Regex => {
                let flags = python_regex::Flags::default();
                let pattern = python_regex::compile(&format!("^(?:{target})"), flags)?;
                !pattern.all(key)?.is_empty()
            }
        })
    }
}

/// The mappings of a list, whose keys are texts.
fn mappings(value: &Value) -> Result<Vec<Vec<(String, Value)>>, Error> {
    if !is_list(value) {
        return refuse("the first argument must be a list");
    }
    let named = |(key, value): (Value, Value)| match key.as_str() {
        Some(key) => Ok((key.to_owned(), value)),
        None => refuse("the keys must be texts"),
    };
    items(value)?
        .iter()
        .map(|item| mapping(item)?.into_iter().map(named).collect())
        .collect()
}

fn with_keys(value: &Value, target: &Value, options: &Kwargs, keep: bool) -> Result<Value, Error> {
    let fit = fit(options)?;
    options.assert_all_used()?;
    let targets: Vec<String> = match target.as_str() {
        Some(text) => vec![text.to_owned()],
        None => items(target)?.iter().map(python::text).collect(),
    };
    if targets.is_empty() || targets == [""] {
        return refuse("the target cannot be empty");
    }
    if matches!(fit, Fit::Regex) && targets.len() > 1 {
        return refuse("only one target may be given for `regex`");
    }
    let mut all = Vec::new();
    for own in mappings(value)? {
        let mut kept = Vec::new();
        for (key, value) in own {
            let mut is_target = false;
            for target in &targets {
                is_target |= fit.fits(&key, target)?;
            }
            if is_target == keep {
                kept.push((key, value));
            }
        }
        all.push(Value::from_pairs(kept));
    }
    Ok(Value::from(all))
}

/// `list | keep_keys(target=['a'], matching_parameter='starts_with')`.
fn keep_keys(value: &Value, target: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    with_keys(value, &needed(target, &options)?, &options, true)
}

/// The same, with the other keys.
fn remove_keys(value: &Value, target: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    with_keys(value, &needed(target, &options)?, &options, false)
}

fn needed(target: Option<Value>, options: &Kwargs) -> Result<Value, Error> {
    match option::<Value>(options, "target")?.or(target) {
        Some(target) => Ok(target),
        None => refuse("the target is missing"),
    }
}

/// `list | replace_keys(target=[{'before': 'a', 'after': 'b'}])`.
fn replace_keys(value: &Value, target: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let target = needed(target, &options)?;
    let fit = fit(&options)?;
    options.assert_all_used()?;
    let mut targets = Vec::new();
    for own in mappings(&target)? {
        let text = |name: &str| {
            let found = own.iter().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.as_str().map(str::to_owned))
        };
        match (text("before"), text("after")) {
            (Some(before), Some(after)) => targets.push((before, after)),
            _ => return refuse("each target needs the texts `before` and `after`"),
        }
    }
    if targets.is_empty() {
        return refuse("the target cannot be empty");
    }
    let mut all = Vec::new();
    for own in mappings(value)? {
        let mut replaced = Vec::new();
        for (key, value) in own {
            let mut after = key.clone();
            for (before, new) in &targets {
                if fit.fits(&key, before)? {
                    after.clone_from(new);
                }
            }
            replaced.push((after, value));
        }
        all.push(Value::from_pairs(replaced));
    }
    Ok(Value::from(all))
}

/// The lists of an argument list, of which one may be a list of lists.
fn lists_of(arguments: &[Value], flatten: bool) -> Result<Vec<Value>, Error> {
    let mut lists = Vec::new();
    for argument in arguments {
        if !is_list(argument) {
            let text = python::text(argument);
            return refuse(format!("all arguments must be lists, and `{text}` is none"));
        }
        let own = items(argument)?;
        match flatten && own.iter().all(is_list) {
            true => lists.extend(own),
            false => lists.push(argument.clone()),
        }
    }
    Ok(lists)
}

/// `list | lists_mergeby(other, 'name', recursive=true, list_merge='append')`: lists of mappings joined by a key; those of
/// later lists win.
fn lists_mergeby(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (others, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let recursive = option::<bool>(&options, "recursive")?.unwrap_or(false);
    let merge = list_merge(option::<String>(&options, "list_merge")?.as_deref())?;
    options.assert_all_used()?;
    let Some((key, others)) = others.split_last() else {
        return refuse("lists_mergeby needs at least one list and the key to join by");
    };
    let terms = [std::slice::from_ref(value), others].concat();
    let mut lists = lists_of(&terms, true)?;
    lists.retain(|list| list.is_true());
    let (Some(mut result), Some(key)) = (lists.pop(), key.as_str()) else {
        return match key.as_str() {
            Some(_) => Ok(Value::from(Vec::<Value>::new())),
            None => refuse("the last argument must be the key to join by, a text"),
        };
    };
    for lower in lists.into_iter().rev() {
        let mut found: Vec<(Value, Value)> = Vec::new();
        let mut places = HashMap::new();
        for item in items(&lower)?.into_iter().chain(items(&result)?) {
            let own = mapping(&item)?;
            let id = own.into_iter().find(|(name, _)| name.as_str() == Some(key));
            let Some((_, id)) = id else { continue };
            let place = *places.entry(id.clone()).or_insert(found.len());
            match found.get_mut(place) {
                Some((_, known)) => *known = merged(known, &item, recursive, merge)?,
                None => found.push((id, item)),
            }
        }
        sort(&mut found, |one, other| compare(&one.0, &other.0, "<"))?;
        result = found.into_iter().map(|(_, item)| item).collect();
    }
    Ok(result)
}

/// Sorts by what may fail.
fn sort<T>(
    list: &mut [T],
    compare: impl Fn(&T, &T) -> Result<Ordering, Error>,
) -> Result<(), Error> {
    let mut wrong = None;
    list.sort_by(|one, other| {
        compare(one, other).unwrap_or_else(|error| {
            wrong = Some(error);
            Ordering::Equal
        })
    });
    wrong.map_or(Ok(()), Err)
}

/// What two lists come to, by what is in the second.
type Combine = fn(Vec<Value>, &[Value]) -> Vec<Value>;

fn combined(value: &Value, arguments: Rest<ValueOrKwargs>, by: Combine) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (others, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let flatten = option::<bool>(&options, "flatten")?.unwrap_or(false);
    options.assert_all_used()?;
    let lists = lists_of(&[std::slice::from_ref(value), others].concat(), flatten)?;
    let mut lists = lists.into_iter().filter(|list| !flatten || list.is_true());
    let Some(first) = lists.next() else {
        return Ok(Value::from(Vec::<Value>::new()));
    };
    let rest: Vec<Value> = lists.collect();
    if rest.is_empty() {
        return Ok(first);
    }
    let mut result = once_each(items(&first)?);
    for other in rest {
        result = by(result, &items(&other)?);
    }
    Ok(Value::from(result))
}

fn once_each(list: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut list = list;
    list.retain(|item| seen.insert(item.clone()));
    list
}

fn lists_union(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    combined(value, arguments, |one, other| {
        once_each(one.into_iter().chain(other.iter().cloned()).collect())
    })
}

fn lists_intersect(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    combined(value, arguments, |mut one, other| {
        let other: BTreeSet<_> = other.iter().collect();
        one.retain(|item| other.contains(item));
        one
    })
}

fn lists_difference(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    combined(value, arguments, |mut one, other| {
        let other: BTreeSet<_> = other.iter().collect();
        one.retain(|item| !other.contains(item));
        one
    })
}

fn lists_symmetric_difference(
    value: &Value,
    arguments: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    combined(value, arguments, |one, other| {
        let own: BTreeSet<_> = one.iter().collect();
        let theirs: BTreeSet<_> = other.iter().collect();
        let only_own = one.iter().filter(|item| !theirs.contains(item));
        let only_theirs = other.iter().filter(|item| !own.contains(item));
        once_each(only_own.chain(only_theirs).cloned().collect())
    })
}

/// `list | version_sort(reverse)`: `2.9` before `2.10`.
fn version_sort(
    value: &Value,
    reverse: Option<bool>,
    options: Kwargs,
) -> Result<Vec<Value>, Error> {
    let reverse = option::<bool>(&options, "reverse")?
        .or(reverse)
        .unwrap_or(false);
    options.assert_all_used()?;
    let mut sorted: Vec<(String, Value)> = list(value)?
        .into_iter()
        .map(|item| (python::text(&item), item))
        .collect();
    sort(&mut sorted, |one, other| {
        let order = versions::loose(&one.0, &other.0)?;
        Ok(if reverse { order.reverse() } else { order })
    })?;
    Ok(sorted.into_iter().map(|(_, item)| item).collect())
}
