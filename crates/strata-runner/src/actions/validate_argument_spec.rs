//! `validate_argument_spec`: whether variables are as a role's `meta/argument_specs.yml` demands.

use serde_json::{Map, Value as Json, json};
use strata_jinja::Variables as _;

use crate::{
    outcome::{text, truth},
    session::TaskError,
    task::{ActionResult, Call},
};

/// How deep specifications are followed.
const DEEPEST: usize = 32;

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&[
        "argument_spec",
        "provided_arguments",
        "validate_args_context",
    ])?;
    let spec = match call.arguments.get("argument_spec") {
        Some(Json::Object(spec)) => spec.clone(),
        Some(other) => {
            return Err(TaskError::Failed(format!(
                "Incorrect type for argument_spec, expected dict and got {other}"
            )));
        }
        None => {
            return Err(TaskError::Failed(
                "\"argument_spec\" arg is required in args: {}".to_owned(),
            ));
        }
    };
    let mut given = provided(call, &spec)?;
    if let Some(Json::Object(more)) = call.arguments.get("provided_arguments") {
        given.extend(more.clone());
    }
    let mut errors = Vec::new();
    check(&spec, &given, "", 0, &mut errors);
    let context = call.arguments.get("validate_args_context").cloned();
    let mut values = json!({
        "changed": false,
        "validate_args_context": context.unwrap_or_else(|| json!({})),
    });
    let map = values.as_object_mut().expect("it is a mapping");
    if errors.is_empty() {
        map.insert("msg".to_owned(), "The arg spec validation passed".into());
    } else {
        let message = format!("Validation of arguments failed:\n{}", errors.join("\n"));
        map.insert("failed".to_owned(), true.into());
        map.insert("msg".to_owned(), message.into());
        map.insert("argument_errors".to_owned(), errors.into());
        map.insert("argument_spec_data".to_owned(), Json::Object(spec));
    }
    Ok(ActionResult::values(values))
}

/// The variables that the specification names, as far as they are there.
fn provided(call: &Call<'_>, spec: &Map<String, Json>) -> Result<Map<String, Json>, TaskError> {
    let mut given = Map::new();
    for name in spec.keys() {
        if call.variables.get(name).is_some() {
            let value = call.templar.render_text(&format!("{{{{ {name} }}}}"))?;
            given.insert(name.clone(), value);
        }
    }
    Ok(given)
}

fn check(
    spec: &Map<String, Json>,
    given: &Map<String, Json>,
    within: &str,
    depth: usize,
    errors: &mut Vec<String>,
) {
    if depth > DEEPEST {
        return;
    }
    let set = |name: &&String| given.get(*name).is_some_and(|value| !value.is_null());
    let required = spec
        .iter()
        .filter(|(_, option)| option.get("required").is_some_and(truth));
    let missing: Vec<&str> = required
        .map(|(name, _)| name)
        .filter(|name| !set(name))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        errors.push(format!(
            "missing required arguments: {}{}",
            missing.join(", "),
            found_in(within)
        ));
    }
    for (name, option) in spec {
        if let Some(value) = given.get(name).filter(|value| !value.is_null()) {
            one(name, option, value, within, depth, errors);
        }
    }
}

fn found_in(within: &str) -> String {
    if within.is_empty() {
        String::new()
    } else {
        format!(" found in {within}")
    }
}

fn one(
    name: &str,
    option: &Json,
    value: &Json,
    within: &str,
    depth: usize,
    errors: &mut Vec<String>,
) {
    let kind = option.get("type").and_then(Json::as_str).unwrap_or("str");
    if let Err(reason) = fits(kind, value) {
        errors.push(format!(
            "argument '{name}' is of type {} and we were unable to convert to {kind}: {reason}{}",
            python_type(value),
            found_in(within)
        ));
        return;
    }
    choices(name, option, value, within, errors);
    elements(name, option, value, errors);
    let Some(Json::Object(inner)) = option.get("options") else {
        return;
    };
    let path = if within.is_empty() {
        name.to_owned()
    } else {
        format!("{within} -> {name}")
    };
    let maps = match value {
        Json::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    for map in maps.iter().filter_map(Json::as_object) {
        let known: Vec<&str> = inner.keys().map(String::as_str).collect();
        let unknown = map
            .keys()
            .filter(|key| !inner.contains_key(*key) && !is_alias(inner, key));
        for key in unknown {
            errors.push(format!(
                "{path}.{key}. Supported parameters include: {}.",
                known.join(", ")
            ));
        }
        check(inner, map, &path, depth + 1, errors);
    }
}

fn is_alias(options: &Map<String, Json>, key: &str) -> bool {
    let aliases = options
        .values()
        .filter_map(|option| option.get("aliases")?.as_array());
    aliases.flatten().any(|alias| alias.as_str() == Some(key))
}

fn choices(name: &str, option: &Json, value: &Json, within: &str, errors: &mut Vec<String>) {
    let Some(Json::Array(choices)) = option.get("choices") else {
        return;
    };
    let shown: Vec<String> = choices.iter().map(spelled).collect();
    let known = |value: &Json| {
        let value = spelled(value);
        shown.contains(&value) || is_only_truth(&value, &shown)
    };
    let wrong: Vec<String> = match value {
        Json::Array(items) => items
            .iter()
            .filter(|item| !known(item))
            .map(spelled)
            .collect(),
        value if known(value) => Vec::new(),
        value => vec![spelled(value)],
    };
    if wrong.is_empty() {
        return;
    }
    let how = if value.is_array() {
        "one or more of"
    } else {
        "one of"
    };
    errors.push(format!(
        "value of {name} must be {how}: {}, got: {}{}",
        shown.join(", "),
        wrong.join(", "),
        found_in(within)
    ));
}

/// A value as Python makes text of it.
fn spelled(value: &Json) -> String {
    match value {
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        value => text(value),
    }
}

/// Whether a boolean stands for the one choice that YAML may have made it of, such as `no` for `False`.
fn is_only_truth(value: &str, choices: &[String]) -> bool {
    let words: &[&str] = match value {
        "True" => &["y", "yes", "on", "1", "true", "t", "True"],
        "False" => &["n", "no", "off", "0", "false", "f", "False"],
        _ => return false,
    };
    let meant = choices
        .iter()
        .filter(|choice| words.contains(&choice.as_str()));
    meant.count() == 1
}

fn elements(name: &str, option: &Json, value: &Json, errors: &mut Vec<String>) {
    let (Some(kind), Json::Array(items)) = (option.get("elements").and_then(Json::as_str), value)
    else {
        return;
    };
    for item in items {
        if let Err(reason) = fits(kind, item) {
            errors.push(format!(
                "Elements value for option '{name}' is of type {} and we were unable to convert to {kind}: {reason}",
                python_type(item)
            ));
        }
    }
}

/// Whether a value is of a type, or can be made one as Ansible does.
fn fits(kind: &str, value: &Json) -> Result<(), String> {
    let good = match kind {
        "bool" => match value {
            Json::Bool(_) => true,
            Json::String(word) => matches!(
                word.to_ascii_lowercase().as_str(),
                "yes" | "true" | "on" | "1" | "y" | "t" | "no" | "false" | "off" | "0" | "n" | "f"
            ),
            Json::Number(number) => matches!(number.as_f64(), Some(0.0 | 1.0)),
            _ => false,
        },
        "int" => match value {
            Json::Number(number) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
            Json::String(word) => word.trim().parse::<i64>().is_ok(),
            _ => false,
        },
        "float" => match value {
            Json::Number(_) => true,
            Json::String(word) => word.trim().parse::<f64>().is_ok(),
            _ => false,
        },
        "list" => !value.is_object() && !value.is_boolean(),
        "dict" => match value {
            Json::Object(_) => true,
            Json::String(word) => word.contains('=') || word.trim_start().starts_with('{'),
            _ => false,
        },
        "path" => value.is_string(),
        "bytes" => is_size(value, false),
        "bits" => is_size(value, true),
        _ => true,
    };
    if good {
        return Ok(());
    }
    let python = python_type(value);
    Err(match kind {
        "list" => format!("{python} cannot be converted to a list"),
        "dict" => format!("{python} cannot be converted to a dict"),
        _ => format!("{python} cannot be converted to {}", article(kind)),
    })
}

/// A number, perhaps with the letter of a unit and what it counts: `1K`, `1.5MB`, of bits `1Kb`.
fn is_size(value: &Json, bits: bool) -> bool {
    let text = match value {
        Json::Number(_) => return true,
        Json::String(text) => text.trim(),
        _ => return false,
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim();
    let counted = if bits { "b" } else { "B" };
    let word = if bits { "bit" } else { "byte" };
    let mut letters = unit.chars();
    let is_unit = match letters.next() {
        None => true,
        Some(letter) => {
            let rest = letters.as_str();
            let known = "YZEPTGMK".contains(letter.to_ascii_uppercase());
            let named = |rest: &str| rest == counted || rest.eq_ignore_ascii_case(word);
            known && (rest.is_empty() || named(rest)) || named(unit)
        }
    };
    number.parse::<f64>().is_ok() && is_unit
}

fn article(kind: &str) -> String {
    let word = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{word} {kind}")
}

fn python_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "<class 'NoneType'>",
        Json::Bool(_) => "<class 'bool'>",
        Json::Number(number) if number.is_f64() => "<class 'float'>",
        Json::Number(_) => "<class 'int'>",
        Json::String(_) => "<class 'str'>",
        Json::Array(_) => "<class 'list'>",
        Json::Object(_) => "<class 'dict'>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(spec: Json, given: Json) -> Vec<String> {
        let (Json::Object(spec), Json::Object(given)) = (spec, given) else {
            panic!("two mappings")
        };
        let mut errors = Vec::new();
        check(&spec, &given, "", 0, &mut errors);
        errors
    }

    #[test]
    fn required_types_choices_and_nested_options_are_checked() {
        let spec = json!({
            "name": {"type": "str", "required": true},
            "port": {"type": "int"},
            "state": {"choices": ["on", "off"]},
            "users": {"type": "list", "elements": "dict", "options": {"id": {"type": "int", "required": true}}},
        });
        assert_eq!(
            errors(
                spec.clone(),
                json!({"port": "x", "state": "up", "users": [{"id": 1}, {}]})
            ),
            [
                "missing required arguments: name",
                "argument 'port' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int",
                "value of state must be one of: on, off, got: up",
                "missing required arguments: id found in users",
            ]
        );
        let spelled = json!({
            "a": {"choices": ["all", "False"]}, "b": {"choices": ["no", "later"]}, "c": {"choices": ["no", "off"]},
        });
        assert_eq!(
            errors(spelled, json!({"a": false, "b": false, "c": false})),
            ["value of c must be one of: no, off, got: False"]
        );
        assert!(
            errors(
                spec,
                json!({"name": "x", "port": "80", "state": "on", "users": []})
            )
            .is_empty()
        );
    }
}
