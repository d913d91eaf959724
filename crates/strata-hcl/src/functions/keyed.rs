//! Maps and objects.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Text, Type, Value, value::Entries};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, items, text,
};

const MAP: Parameter = Parameter::new("inputMap", Kind::Any).shallow();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "keys",
        &[MAP],
        Returns::Dynamic,
        "Gives the keys of a map, sorted.",
        keys,
    ),
    Function::new(
        "lookup",
        &[MAP, Parameter::new("key", Kind::String)],
        Returns::By(lookup_type),
        "Gives the element of a key, or a default.",
        lookup,
    )
    .variadic(Parameter::new("default", Kind::Any).nullable().raw())
    .or_null(),
    Function::new(
        "merge",
        &[],
        Returns::Dynamic,
        "Joins maps; of one key the last value counts.",
        merge,
    )
    .variadic(Parameter::new("maps", Kind::Any).nullable().shallow()),
    Function::new(
        "transpose",
        &[Parameter::new("values", Kind::MapOfListOfString)],
        Returns::By(|_| Ok(Type::map(Type::list(Type::String)))),
        "Swaps the keys of a map of lists with the lists' elements.",
        transpose,
    ),
    Function::new(
        "values",
        &[Parameter::new("mapping", Kind::Any).shallow()],
        Returns::Dynamic,
        "Gives the elements of a map in the order of its keys.",
        values,
    ),
    Function::new(
        "zipmap",
        &[
            Parameter::new("keys", Kind::ListOfString),
            Parameter::new("values", Kind::Any).shallow(),
        ],
        Returns::Dynamic,
        "Makes a map of a list of keys and a list of values.",
        zipmap,
    ),
];

fn entries(given: Given<'_>, at: usize) -> Result<&Entries, FunctionError> {
    given
        .get(at)
        .and_then(Value::as_entries)
        .ok_or_else(|| FunctionError::argument(at, "must have map or object type"))
}

fn keys(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let keys = entries(given, 0)?
        .keys()
        .map(|key| Value::String(key.clone()));
    Ok(match &given[0] {
        Value::Object(_) => Value::tuple(keys.collect()),
        _ => Value::list(Type::String, keys.collect()),
    })
}

fn values(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let values = entries(given, 0)?.values().cloned().collect();
    Ok(match &given[0] {
        Value::Map(element, _) => Value::list(element.clone(), values),
        _ => Value::tuple(values),
    })
}

fn lookup_type(given: Given<'_>) -> Result<Type, FunctionError> {
    Ok(match given[0].unmarked() {
        Value::Map(element, _) => element.clone(),
        Value::Unknown(unknown) => unknown.ty.element().cloned().unwrap_or(Type::Dynamic),
        _ => Type::Dynamic,
    })
}

fn lookup(given: Given<'_>, _: &Context<'_>) -> Result_ {
    if given.len() > 3 {
        let count = given.len();
        let message = format!("lookup() takes two or three arguments, got {count}");
        return Err(FunctionError::new(message));
    }
    let key = text(given, 1);
    if let Some(found) = entries(given, 0)?.get(key) {
        return Ok(found.clone());
    }
    let Some(default) = given.get(2) else {
        return Err(match &given[0] {
            Value::Object(_) => {
                FunctionError::argument(0, format!("the given object has no attribute {key:?}"))
            }
            _ => FunctionError::new(format!(
                "the given map does not have the key {key:?}, and there is no default"
            )),
        });
    };
    match &given[0] {
        Value::Map(element, _) if *element != Type::Dynamic => {
            default.convert(element).map_err(|error| {
                FunctionError::argument(
                    2,
                    format!(
                        "the default value must have the same type as the map elements: {error}"
                    ),
                )
            })
        }
        _ => Ok(default.clone()),
    }
}

fn merge(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut merged = Vec::with_capacity(
        given
            .iter()
            .filter_map(Value::as_entries)
            .map(Entries::len)
            .sum(),
    );
    let mut elements: Vec<Type> = Vec::new();
    let mut only_maps = true;
    for (at, argument) in given.iter().enumerate() {
        if argument.is_null() {
            continue;
        }
        let entries = argument.as_entries().ok_or_else(|| {
            let ty = argument.ty().friendly_name();
            let message = format!("arguments must be maps or objects, got {ty:?}");
            FunctionError::argument(at, message)
        })?;
        merged.extend(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        match argument {
            Value::Map(element, _) => elements.push(element.clone()),
            _ => only_maps = false,
        }
    }
    let merged = Arc::new(Entries::from(merged));
    let same = elements.windows(2).all(|pair| pair[0] == pair[1]);
    Ok(match elements.into_iter().next() {
        Some(element) if only_maps && same => Value::Map(element, merged),
        _ => Value::Object(merged),
    })
}

fn transpose(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut turned: BTreeMap<Text, Vec<Value>> = BTreeMap::new();
    for (key, list) in entries(given, 0)? {
        for item in list.as_sequence().unwrap_or(&[]) {
            let Value::String(item) = item else {
                return Err(FunctionError::new(
                    "input list must not contain null string",
                ));
            };
            turned
                .entry(item.clone())
                .or_default()
                .push(Value::String(key.clone()));
        }
    }
    let list = Type::list(Type::String);
    let entries = turned
        .into_iter()
        .map(|(key, list)| (key, Value::list(Type::String, list)));
    Ok(Value::map(list, entries))
}

fn zipmap(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let values = given[1]
        .as_sequence()
        .ok_or_else(|| FunctionError::argument(1, "a list is required"))?;
    let keys = items(given, 0);
    if keys.len() != values.len() {
        return Err(FunctionError::new(format!(
            "number of keys ({}) does not match number of values ({})",
            keys.len(),
            values.len()
        )));
    }
    let mut made = Vec::with_capacity(keys.len());
    for (index, (key, value)) in keys.iter().zip(values).enumerate() {
        let Value::String(key) = key else {
            return Err(FunctionError::new(format!(
                "keys list has null value at index {index}"
            )));
        };
        made.push((key.clone(), value.clone()));
    }
    let made = Arc::new(Entries::from(made));
    Ok(match &given[1] {
        Value::List(element, _) | Value::Set(element, _) => Value::Map(element.clone(), made),
        _ => Value::Object(made),
    })
}
