//! Decides what an object will look like by the facts of its type: defaults, replacement.

use serde_json::{Map, Value as Json};
use strata_core::{AttributePath, PathStep, Value, schema::Nesting, value::Number};

use super::{schema, value};

/// The proposed object with defaults where configuration says nothing.
pub(crate) fn with_defaults(args: &Map<String, Json>, config: &Value, proposed: &Value) -> Value {
    let (Some(entries), false) = (proposed.as_entries(), proposed.is_null()) else {
        return proposed.clone();
    };
    Value::object(entries.iter().map(|(name, proposed)| {
        let unset = config.get(name).is_none_or(Value::is_null);
        let Some(arg) = args.get(&**name) else {
            return (name.clone(), proposed.clone());
        };
        let value = match (arg["b"].is_object(), arg.get("d")) {
            (true, _) => nested(arg, config.get(name), proposed),
            (false, Some(default)) if unset => value::from_json(default, &proposed.ty()),
            _ => proposed.clone(),
        };
        (name.clone(), value)
    }))
}

fn nested(arg: &Json, config: Option<&Value>, proposed: &Value) -> Value {
    let args = schema::inside(arg);
    if proposed.is_null() || !proposed.is_known() {
        return proposed.clone();
    }
    match proposed {
        Value::Object(_) => match config {
            Some(config) => with_defaults(args, config, proposed),
            None => proposed.clone(),
        },
        // In a set nothing tells which configured element is which: it is its own configuration.
        Value::Set(ty, items) => {
            let is_known = config.is_some_and(Value::is_wholly_known);
            let items = items.iter().map(|item| match is_known {
                // What is unknown there is what nobody said.
                true => with_defaults(args, &without_unknown(item), item),
                false => with_defaults(args, item, item),
            });
            Value::set(ty.clone(), items.collect::<Vec<_>>())
        }
        Value::List(ty, items) => {
            let configured = config.and_then(Value::as_sequence).unwrap_or_default();
            let items = items
                .iter()
                .enumerate()
                .map(|(at, item)| with_defaults(args, configured.get(at).unwrap_or(item), item));
            Value::list(ty.clone(), items.collect())
        }
        Value::Map(ty, entries) => {
            let entries = entries.iter().map(|(name, item)| {
                let configured = config.and_then(|config| config.get(name)).unwrap_or(item);
                (name.clone(), with_defaults(args, configured, item))
            });
            Value::map(ty.clone(), entries)
        }
        other => other.clone(),
    }
}

/// The plan without what is sent and never kept.
pub(crate) fn without_secrets(facts: &schema::Facts, planned: Value) -> Value {
    let secrets: Vec<&str> = facts.write_only().collect();
    let Some(entries) = planned.as_entries().filter(|_| !secrets.is_empty()) else {
        return planned;
    };
    Value::object(entries.iter().map(|(name, value)| {
        let value = match secrets.contains(&&**name) {
            true => Value::Null(value.ty()),
            false => value.clone(),
        };
        (name.clone(), value)
    }))
}

fn without_unknown(item: &Value) -> Value {
    let entries = item.as_entries().into_iter().flatten();
    Value::object(entries.map(|(name, value)| {
        let value = match value.is_known() {
            true => value.clone(),
            false => Value::Null(value.ty()),
        };
        (name.clone(), value)
    }))
}

/// The paths whose change needs a new object.
pub(crate) fn replaced(
    args: &Map<String, Json>,
    prior: &Value,
    planned: &Value,
) -> Vec<AttributePath> {
    let mut paths = Vec::new();
    walk(args, prior, planned, &AttributePath::root(), &mut paths);
    paths
}

/// The plan for an imported object without what it was made of, which no server tells: it stays unsaid.
pub(crate) fn without_untold(args: &Map<String, Json>, prior: &Value, planned: &Value) -> Value {
    let (Some(entries), false) = (planned.as_entries(), prior.is_null()) else {
        return planned.clone();
    };
    Value::object(entries.iter().map(|(name, after)| {
        let value = match (args.get(&**name), prior.get(name)) {
            (Some(arg), Some(before)) if arg["f"] == 1 && is_empty(before) => before.clone(),
            (Some(arg), Some(before)) if arg["b"].is_object() => untold_inside(arg, before, after),
            _ => after.clone(),
        };
        (name.clone(), value)
    }))
}

fn untold_inside(arg: &Json, before: &Value, after: &Value) -> Value {
    let args = schema::inside(arg);
    match (before, after) {
        (Value::Object(_), Value::Object(_)) => without_untold(args, before, after),
        (Value::List(_, before), Value::List(ty, after)) if before.len() == after.len() => {
            let pairs = before.iter().zip(after.iter());
            let items = pairs.map(|(before, after)| without_untold(args, before, after));
            Value::list(ty.clone(), items.collect())
        }
        _ => after.clone(),
    }
}

/// True for what says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null(_) => true,
        Value::String(text) => text.is_empty(),
        other => other.as_sequence().is_some_and(<[Value]>::is_empty),
    }
}

fn walk(
    args: &Map<String, Json>,
    prior: &Value,
    planned: &Value,
    at: &AttributePath,
    paths: &mut Vec<AttributePath>,
) {
    for (name, arg) in args {
        let (Some(before), Some(after)) = (prior.get(name), planned.get(name)) else {
            continue;
        };
        if before == after {
            continue;
        }
        let path = at.then(PathStep::Attribute(name.as_str().into()));
        if arg["f"] == 1 {
            // A value that only apply can tell is the old one as long as nobody sets another.
            let by_provider = arg["p"] == "oc" || arg["p"] == "c";
            if after.is_wholly_known() || !by_provider {
                paths.push(path);
            }
        } else if arg["b"].is_object() {
            inner(arg, before, after, &path, paths);
        }
    }
}

fn inner(
    arg: &Json,
    before: &Value,
    after: &Value,
    path: &AttributePath,
    paths: &mut Vec<AttributePath>,
) {
    let args = schema::inside(arg);
    match (
        schema::nesting(arg),
        before.as_sequence(),
        after.as_sequence(),
    ) {
        (Nesting::List, Some(before), Some(after)) => {
            for (at, (before, after)) in before.iter().zip(after).enumerate() {
                let index = Number::from(i64::try_from(at).unwrap_or(i64::MAX));
                walk(
                    args,
                    before,
                    after,
                    &path.then(PathStep::Index(index)),
                    paths,
                );
            }
        }
        (Nesting::Single, ..) if !before.is_null() && !after.is_null() => {
            walk(args, before, after, path, paths);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strata_core::Type;

    use super::*;

    fn args() -> Map<String, Json> {
        let args = json!({
            "name": { "t": "string", "p": "r", "f": 1 },
            "size": { "t": "number", "p": "o", "d": 8 },
            "disk": { "t": "list", "p": "o", "b": { "bus": { "t": "string", "p": "o", "d": "scsi" }, "file": { "t": "string", "p": "o", "f": 1 } } },
        });
        args.as_object().unwrap().clone()
    }

    fn object(json: Json) -> Value {
        let disk = Type::object([("bus", Type::String), ("file", Type::String)]);
        let ty = Type::object([
            ("name", Type::String),
            ("size", Type::Number),
            ("disk", Type::list(disk)),
        ]);
        value::from_json(&json, &ty)
    }

    #[test]
    fn defaults_fill_what_is_not_said_also_inside_blocks() {
        let config = object(json!({ "name": "a", "disk": [{ "file": "x" }] }));
        let planned = with_defaults(&args(), &config, &config);
        let expected = json!({ "name": "a", "size": 8, "disk": [{ "bus": "scsi", "file": "x" }] });
        assert_eq!(value::to_json(&planned), expected);
    }

    #[test]
    fn what_an_import_cannot_tell_is_no_change() {
        let before = object(json!({ "name": "a", "size": 8, "disk": [{ "bus": "scsi" }] }));
        let same =
            object(json!({ "name": "a", "size": 8, "disk": [{ "bus": "scsi", "file": "x" }] }));
        assert_eq!(without_untold(&args(), &before, &same), before);
        let other =
            object(json!({ "name": "a", "size": 9, "disk": [{ "bus": "scsi", "file": "x" }] }));
        let told = without_untold(&args(), &before, &other);
        assert_ne!(told, before);
        assert!(replaced(&args(), &before, &told).is_empty());
    }

    #[test]
    fn a_change_of_what_cannot_change_names_its_path() {
        let before = object(json!({ "name": "a", "disk": [{ "file": "x" }] }));
        let after = object(json!({ "name": "a", "disk": [{ "file": "y" }] }));
        let paths: Vec<String> = replaced(&args(), &before, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["disk[0].file"]);
    }
}
