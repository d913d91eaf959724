//! Lists and mappings that a template changes in place (`.append()`, `.update()`), as Python's are.
//!
//! Values of minijinja never change. In a template that calls such a method, what is assigned, looped over or named
//! is laid into a [`Changing`] first; what is inside of it follows when it is touched. Such a value is one thing under
//! all its names, as in Python. Templates that change nothing never meet one.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Kwargs, Object, ObjectRepr, ValueKind},
};

use crate::{
    bound,
    lazy::Lazy,
    operators, python,
    run::Run,
    scope::{ScopeMap, VariableMap},
};

/// How many items one list or mapping may have.
const MOST: usize = 1_000_000;

/// How deep they are looked into for themselves.
const MAX_DEPTH: usize = 200;

/// The methods that change a value.
const METHODS: [&str; 11] = [
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
];

/// A list or mapping that can be changed.
pub(crate) struct Changing(Mutex<Content>);

enum Content {
    List(Vec<Value>),
    Mapping(Entries),
}

/// The entries of a mapping in their order.
#[derive(Default)]
struct Entries {
    all: Vec<(Value, Value)>,
    places: BTreeMap<Value, usize>,
}

impl Entries {
    fn get(&self, key: &Value) -> Option<&Value> {
        self.places.get(key).map(|place| &self.all[*place].1)
    }

    fn put(&mut self, key: Value, value: Value) {
        match self.places.get(&key) {
            Some(place) => self.all[*place].1 = value,
            None => {
                self.places.insert(key.clone(), self.all.len());
                self.all.push((key, value));
            }
        }
    }

    fn remove(&mut self, key: &Value) -> Option<Value> {
        let place = self.places.remove(key)?;
        for other in self.places.values_mut().filter(|other| **other > place) {
            *other -= 1;
        }
        Some(self.all.remove(place).1)
    }
}

/// True if a template calls a method that changes a value.
pub(crate) fn is_changing(source: &str) -> bool {
    METHODS.iter().any(|method| {
        let mut calls = source.match_indices(method);
        calls.any(|(at, _)| {
            let rest = source[at + method.len()..].trim_start();
            source[..at].trim_end().ends_with('.') && rest.starts_with('(')
        })
    })
}

/// The filter behind what is assigned and looped over.
pub(crate) fn filter(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    Ok(match Run::of(state)?.changes() {
        true => changing(value),
        false => value.clone(),
    })
}

/// The value as one that can be changed, if it is a list or a mapping.
pub(crate) fn changing(value: &Value) -> Value {
    let own = value.downcast_object_ref::<Changing>().is_some()
        || value.downcast_object_ref::<ScopeMap>().is_some()
        || value.downcast_object_ref::<VariableMap>().is_some();
    if own || value.is_tuple() {
        return value.clone();
    }
    // A namespace can be assigned to as it is, and what it holds was made changeable when it was filled.
    if value.kind() == ValueKind::Map && !bound::is_mapping(value) {
        return value.clone();
    }
    let Ok(items) = value.try_iter() else {
        return value.clone();
    };
    let content = match value.kind() {
        ValueKind::Seq => Content::List(items.collect()),
        ValueKind::Map => {
            let mut entries = Entries::default();
            for key in items {
                let item = value.get_item(&key).unwrap_or_default();
                entries.put(key, item);
            }
            Content::Mapping(entries)
        }
        _ => return value.clone(),
    };
    Value::from_object(Changing(Mutex::new(content)))
}

/// Calls a method that changes the value; none if it is no such value, or no such method.
pub(crate) fn call(
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Option<Result<Value, Error>> {
    if !METHODS.contains(&method) {
        return None;
    }
    let own = value.downcast_object_ref::<Changing>()?;
    if arguments.iter().any(|argument| holds(argument, own, 0)) {
        return Some(refuse("a list or mapping cannot be put into itself"));
    }
    // Templates in what is added are rendered before the value is held.
    let arguments = plain_arguments(arguments);
    let (arguments, named) = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return Some(Err(error)),
    };
    let mut content = own.content();
    match &mut *content {
        Content::List(items) => change_list(items, method, &arguments, &named),
        Content::Mapping(entries) => change_mapping(entries, method, &arguments, &named),
    }
}

type Pairs = Vec<(Value, Value)>;

fn plain_arguments(arguments: &[Value]) -> Result<(Vec<Value>, Pairs), Error> {
    let mut plain = Vec::new();
    let mut named = Pairs::new();
    for argument in arguments {
        if argument.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        if !argument.is_kwargs() {
            plain.push(argument.clone());
            continue;
        }
        let given = Kwargs::try_from(argument.clone())?;
        for name in given.args() {
            named.push((Value::from(name), given.get(name)?));
        }
    }
    Ok((plain, named))
}

fn change_list(
    items: &mut Vec<Value>,
    method: &str,
    arguments: &[Value],
    named: &Pairs,
) -> Option<Result<Value, Error>> {
    let first = arguments.first();
    Some(match method {
        "append" => first.map_or_else(missing, |item| add(items, vec![item.clone()])),
        "extend" => first.map_or_else(missing, |more| match more.try_iter() {
            Ok(more) => add(items, more.take(MOST + 1).collect()),
            Err(error) => Err(error),
        }),
        "insert" => match (first.and_then(Value::as_i64), arguments.get(1)) {
            (Some(at), Some(item)) => {
                let at = place(at, items.len());
                items.insert(at.min(items.len()), item.clone());
                nothing()
            }
            _ => missing(),
        },
        "pop" => {
            let at = first.and_then(Value::as_i64).unwrap_or(-1);
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            match (-length..length).contains(&at) {
                true => Ok(items.remove(place(at, items.len()))),
                false => refuse("pop index out of range"),
            }
        }
        "remove" => first.map_or_else(missing, |item| {
            match items.iter().position(|one| one == item) {
                Some(at) => {
                    items.remove(at);
                    nothing()
                }
                None => refuse(format!("{} is not in list", python::repr(item))),
            }
        }),
        "reverse" => {
            items.reverse();
            nothing()
        }
        "sort" => sort(items, named),
        "clear" => {
            items.clear();
            nothing()
        }
        _ => return None,
    })
}

fn change_mapping(
    entries: &mut Entries,
    method: &str,
    arguments: &[Value],
    named: &Pairs,
) -> Option<Result<Value, Error>> {
    let first = arguments.first();
    let fallback = || arguments.get(1).cloned();
    Some(match method {
        "update" => {
            let more = first.map_or(Ok(Pairs::new()), pairs);
            more.and_then(|more| {
                for (key, value) in more.into_iter().chain(named.iter().cloned()) {
                    entries.put(key, value);
                }
                bounded(entries.all.len())
            })
        }
        "setdefault" => first.map_or_else(missing, |key| {
            let none = || Value::from(());
            if entries.get(key).is_none() {
                entries.put(key.clone(), changing(&fallback().unwrap_or_else(none)));
            }
            bounded(entries.all.len())?;
            Ok(entries.get(key).cloned().unwrap_or_else(none))
        }),
        "pop" => first.map_or_else(missing, |key| {
            let gone = entries.remove(key).or_else(fallback);
            gone.map_or_else(|| refuse(python::repr(key)), Ok)
        }),
        "popitem" => match entries.all.last().cloned() {
            Some((key, value)) => {
                entries.remove(&key);
                Ok(Value::from(vec![key, value]))
            }
            None => refuse("popitem(): dictionary is empty"),
        },
        "clear" => {
            *entries = Entries::default();
            nothing()
        }
        _ => return None,
    })
}

fn add(items: &mut Vec<Value>, more: Vec<Value>) -> Result<Value, Error> {
    bounded(items.len().saturating_add(more.len()))?;
    items.extend(more);
    nothing()
}

fn bounded(length: usize) -> Result<Value, Error> {
    match length > MOST {
        true => refuse(format!("a list or mapping has more than {MOST} items")),
        false => nothing(),
    }
}

/// Where Python's index points to; behind the end if it is too great.
fn place(at: i64, length: usize) -> usize {
    match usize::try_from(at) {
        Ok(at) => at,
        Err(_) => length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

fn sort(items: &mut [Value], named: &Pairs) -> Result<Value, Error> {
    let mut reverse = false;
    for (name, value) in named {
        match name.as_str() {
            Some("reverse") => reverse = value.is_true(),
            _ => return refuse(format!("`.sort()` does not take `{name}` in Strata")),
        }
    }
    // What cannot be compared must not come to a sort, which needs an order of all.
    for pair in items.windows(2) {
        operators::compare(&pair[0], &pair[1], "<")?;
    }
    items.sort();
    if reverse {
        items.reverse();
    }
    nothing()
}

/// The entries of a mapping, or pairs.
fn pairs(value: &Value) -> Result<Pairs, Error> {
    let mut found = Pairs::new();
    for item in value.try_iter()?.take(MOST + 1) {
        if value.kind() == ValueKind::Map {
            found.push((item.clone(), value.get_item(&item)?));
            continue;
        }
        let parts: Vec<Value> = item.try_iter()?.take(3).collect();
        match <[Value; 2]>::try_from(parts) {
            Ok([key, value]) => found.push((key, value)),
            Err(_) => return refuse("`.update()` takes a mapping, or pairs"),
        }
    }
    Ok(found)
}

/// True if a value has this one somewhere inside, or is it.
fn holds(value: &Value, wanted: &Changing, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    let inside: Vec<Value> = match value.downcast_object_ref::<Changing>() {
        Some(own) if std::ptr::eq(own, wanted) => return true,
        Some(own) => own.content().values(),
        // Variables as they stand were there before anything was changed.
        None if value.downcast_object_ref::<Lazy>().is_some() => return false,
        None if value.kind() == ValueKind::Seq => value.try_iter().into_iter().flatten().collect(),
        None if value.kind() == ValueKind::Map && !value.is_kwargs() => {
            let keys = value.try_iter().into_iter().flatten();
            keys.filter_map(|key| value.get_item(&key).ok()).collect()
        }
        None => return false,
    };
    inside.iter().any(|inner| holds(inner, wanted, depth + 1))
}

fn nothing() -> Result<Value, Error> {
    Ok(Value::from(()))
}

fn missing() -> Result<Value, Error> {
    Err(Error::from(ErrorKind::MissingArgument))
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

impl Content {
    fn values(&self) -> Vec<Value> {
        match self {
            Self::List(items) => items.clone(),
            Self::Mapping(entries) => entries.all.iter().map(|(_, value)| value.clone()).collect(),
        }
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match self {
            Self::List(items) => items.get(key.as_usize()?).cloned(),
            Self::Mapping(entries) => entries.get(key).cloned(),
        }
    }

    fn put(&mut self, key: &Value, value: Value) {
        match self {
            Self::List(items) => {
                if let Some(item) = key.as_usize().and_then(|at| items.get_mut(at)) {
                    *item = value;
                }
            }
            Self::Mapping(entries) => entries.put(key.clone(), value),
        }
    }
}

impl Changing {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changing")
    }
}

impl Object for Changing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match *self.content() {
            Content::List(_) => ObjectRepr::Seq,
            Content::Mapping(_) => ObjectRepr::Map,
        }
    }

    /// An item; a list or mapping in it can be changed from now on.
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = self.content().get(key)?;
        // Not while the content is held: a template in it may look at this very value.
        let own = changing(&found);
        if own.downcast_object_ref::<Self>().is_some()
            && found.downcast_object_ref::<Self>().is_none()
        {
            self.content().put(key, own.clone());
        }
        Some(own)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &*self.content() {
            Content::List(items) => Enumerator::Seq(items.len()),
            Content::Mapping(entries) => {
                Enumerator::Values(entries.all.iter().map(|(key, _)| key.clone()).collect())
            }
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&python::text(&Value::from_dyn_object(self.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::{Value as Json, json};

    use crate::{Engine, NoSurroundings, Templar, TemplateError, Variable};

    fn render(template: &str) -> Result<Json, TemplateError> {
        let source = Arc::new(json!({"x": [1]}));
        let variables = BTreeMap::from([("source".to_owned(), Variable::Template(source))]);
        let surroundings = Arc::new(NoSurroundings::default());
        Templar::new(&Engine::new(), Arc::new(variables), surroundings).render_text(template)
    }

    #[test]
    fn lists_and_mappings_change_as_they_do_in_ansible() {
        let cases = [
            (
                "{% set l = [] %}{% for i in [1,2,3] %}{% set _ = l.append(i) %}{% endfor %}{{ l }}",
                json!([1, 2, 3]),
            ),
            (
                "{% set d = {} %}{% for i in 'abc' %}{% set _ = d.update({i:loop.index}) %}{% endfor %}{{ d }}",
                json!({"a": 1, "b": 2, "c": 3}),
            ),
            (
                "{% set d = {} %}{% set _ = d.setdefault('k', []).append(3) %}{{ d }}",
                json!({"k": [3]}),
            ),
            (
                "{% set l = [3,1,2] %}{{ l.sort() }}{{ l }}",
                json!([1, 2, 3]),
            ),
            (
                "{% set l = [3,1,2] %}{{ l.pop() }} {{ l }} {{ l.pop(0) }} {{ l }}",
                json!("2 [3, 1] 3 [1]"),
            ),
            (
                "{% set l = [3,1,2] %}{{ l.insert(1, 7) }}{{ l.reverse() }}{{ l }}{{ l.remove(7) }}{{ l }}{{ l.extend([5,6]) }}{{ l }}",
                json!("[2, 1, 7, 3][2, 1, 3][2, 1, 3, 5, 6]"),
            ),
            (
                "{% set d = {'a':1,'b':2} %}{{ d.pop('a') }} {{ d }} {{ d.pop('zz', 5) }} {{ d.popitem() }} {{ d }}",
                json!("1 {'b': 2} 5 ['b', 2] {}"),
            ),
            (
                "{% set ns = namespace(l=[]) %}{% for i in [1,2] %}{% set _ = ns.l.append({'x':i}) %}{% endfor %}{{ ns.l }}",
                json!([{"x": 1}, {"x": 2}]),
            ),
            (
                "{% set a = [] %}{% set b = a %}{% set _ = b.append(1) %}{{ a }}",
                json!([1]),
            ),
            (
                "{% set l = [1] %}{% if l.append(2) %}{% endif %}{{ l }}",
                json!([1, 2]),
            ),
            (
                "{% set d = source %}{% set _ = d.x.append(2) %}{{ d }} {{ source }}",
                json!("{'x': [1, 2]} {'x': [1, 2]}"),
            ),
            (
                "{% set d = source %}{% set _ = d.update(y=2) %}{{ d }} {{ source }}",
                json!("{'x': [1], 'y': 2} {'x': [1], 'y': 2}"),
            ),
            ("{% set l = [] %}{{ l.append(1) or l }}", json!([1])),
            (
                "{% set l = [] %}{% for i in [1,2] %}{{ l.append(i) }}{% endfor %}{{ l }}",
                json!([1, 2]),
            ),
            (
                "{% set l = [] %}{% set _ = l.append(1) %}{{ l is sequence }} {{ l + [2] }} {{ l | length }} {{ 1 in l }} {{ l == [1] }}",
                json!("True [1, 2] 1 True True"),
            ),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn what_would_hold_itself_or_grow_without_end_is_refused() {
        for template in [
            "{% set l = [] %}{{ l.append(l) }}",
            "{% set l = [] %}{% set m = [l] %}{{ l.append(m) }}",
            "{% set l = [1] %}{% set d = {'l': l} %}{{ l.extend([d]) }}",
            "{% set l = [1] %}{% for i in range(40) %}{{ l.extend(l + []) }}{% endfor %}",
            "{% set l = [] %}{{ l.append(nothing) }}",
            "{% set l = [1] %}{{ l.pop(3) }}",
        ] {
            assert!(render(template).is_err(), "{template}");
        }
    }
}
