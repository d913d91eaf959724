//! Reading a module's arguments strictly.
//!
//! A module declares a [`Spec`]; [`Spec::read`] turns what the task gave into [`Arguments`] whose
//! values have the declared types, or says what is wrong in the words Ansible's users know. An
//! argument that Ansible has and we lack is declared too, so that it is refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::module::ModuleError;

/// What a module takes.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The module's name.
    pub module: &'static str,
    /// Its own arguments.
    pub fields: &'static [Field],
    /// Whether it also takes `owner`, `group`, `mode` and what belongs to them.
    pub file_attributes: bool,
    /// Sets of which at most one may be given.
    pub mutually_exclusive: &'static [&'static [&'static str]],
    /// Sets of which at least one must be given.
    pub required_one_of: &'static [&'static [&'static str]],
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: FieldKind,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The values it may have; empty for any.
    pub choices: &'static [&'static str],
    /// Whether it must be given.
    pub required: bool,
    /// Its value when it is not given.
    pub default: Option<&'static str>,
    /// Ansible has it, we do not: a value is refused by name.
    pub unsupported: bool,
}

/// The types of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldKind {
    Str,
    /// A string in which `~` and `$NAME` are expanded.
    Path,
    Bool,
    Int,
    Float,
    /// A list of strings; a single string is split at commas.
    List,
    Dict,
    /// Taken as it is.
    Raw,
}

impl Field {
    /// An argument of a kind, optional and without a default.
    pub const fn new(name: &'static str, kind: FieldKind) -> Field {
        Field {
            name,
            kind,
            aliases: &[],
            choices: &[],
            required: false,
            default: None,
            unsupported: false,
        }
    }

    /// A string.
    pub const fn str(name: &'static str) -> Field {
        Field::new(name, FieldKind::Str)
    }

    /// A path.
    pub const fn path(name: &'static str) -> Field {
        Field::new(name, FieldKind::Path)
    }

    /// A boolean with its default.
    pub const fn bool(name: &'static str, default: bool) -> Field {
        let field = Field::new(name, FieldKind::Bool);
        Field {
            default: Some(if default { "true" } else { "false" }),
            ..field
        }
    }

    /// A boolean that may be left open.
    pub const fn maybe(name: &'static str) -> Field {
        Field::new(name, FieldKind::Bool)
    }

    /// A whole number.
    pub const fn int(name: &'static str) -> Field {
        Field::new(name, FieldKind::Int)
    }

    /// A list of strings.
    pub const fn list(name: &'static str) -> Field {
        Field::new(name, FieldKind::List)
    }

    /// Something that Ansible has and we do not have yet.
    pub const fn unsupported(name: &'static str) -> Field {
        Field {
            unsupported: true,
            ..Field::new(name, FieldKind::Raw)
        }
    }

    /// Something that may only be given the value it has anyhow.
    pub const fn fixed(name: &'static str, value: &'static str) -> Field {
        Field {
            unsupported: true,
            default: Some(value),
            ..Field::new(name, FieldKind::Raw)
        }
    }

    /// Gives it other names.
    pub const fn alias(self, aliases: &'static [&'static str]) -> Field {
        Field { aliases, ..self }
    }

    /// Limits its values.
    pub const fn choices(self, choices: &'static [&'static str]) -> Field {
        Field { choices, ..self }
    }

    /// Gives it a value for when it is not given.
    pub const fn default(self, default: &'static str) -> Field {
        Field {
            default: Some(default),
            ..self
        }
    }

    /// Makes it required.
    pub const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// What every module that makes files takes.
const FILE_ATTRIBUTES: &[Field] = &[
    Field::new("mode", FieldKind::Raw),
    Field::str("owner"),
    Field::str("group"),
    Field::unsupported("seuser"),
    Field::unsupported("serole"),
    Field::unsupported("setype"),
    Field::unsupported("selevel"),
    Field::unsupported("attributes").alias(&["attr"]),
    Field::unsupported("unsafe_writes"),
];

/// Arguments with the declared types. Asking for a name that the spec lacks is a bug of ours and
/// answers as if nothing had been given.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    values: BTreeMap<&'static str, Value>,
}

impl Spec {
    /// A module with these arguments and no rules among them.
    pub const fn new(module: &'static str, fields: &'static [Field]) -> Spec {
        Spec {
            module,
            fields,
            file_attributes: false,
            mutually_exclusive: &[],
            required_one_of: &[],
        }
    }

    /// The same that also takes `owner`, `group` and `mode`.
    pub const fn with_file_attributes(self) -> Spec {
        Spec {
            file_attributes: true,
            ..self
        }
    }

    /// The same with sets of arguments that exclude each other.
    pub const fn exclusive(self, sets: &'static [&'static [&'static str]]) -> Spec {
        Spec {
            mutually_exclusive: sets,
            ..self
        }
    }

    /// The same with sets of which one must be given.
    pub const fn one_of(self, sets: &'static [&'static [&'static str]]) -> Spec {
        Spec {
            required_one_of: sets,
            ..self
        }
    }

    fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        let common = if self.file_attributes {
            FILE_ATTRIBUTES
        } else {
            &[]
        };
        self.fields.iter().chain(common)
    }

    /// Reads what a task gave; `environment` is for the expansion of paths.
    pub fn read(
        &self,
        given: &Map<String, Value>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Arguments, ModuleError> {
        self.refuse_unknown(given)?;
        let mut values = BTreeMap::new();
        for field in self.all_fields() {
            if let Some(value) = given_value(field, given) {
                if field.unsupported && asks_for_nothing(field, value) {
                    continue;
                }
                if field.unsupported {
                    return Err(self.unsupported(field));
                }
                values.insert(field.name, convert(field, value, environment)?);
            }
        }
        self.check_sets(&values)?;
        self.check_required(&values)?;
        for field in self.all_fields() {
            let default = field.default.filter(|_| !field.unsupported);
            if let (Some(default), false) = (default, values.contains_key(field.name)) {
                let default = Value::from(default);
                values.insert(field.name, convert(field, &default, environment)?);
            }
        }
        Ok(Arguments { values })
    }

    fn refuse_unknown(&self, given: &Map<String, Value>) -> Result<(), ModuleError> {
        let known: BTreeSet<&str> = self.all_fields().flat_map(Field::names).collect();
        let mut unknown: Vec<&str> = given
            .keys()
            .map(String::as_str)
            .filter(|name| !known.contains(name))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        let mut supported: Vec<String> = self
            .all_fields()
            .filter(|field| !field.unsupported)
            .map(describe)
            .collect();
        supported.sort_unstable();
        Err(ModuleError::new(format!(
            "Unsupported parameters for ({}) module: {}. Supported parameters include: {}.",
            self.module,
            unknown.join(", "),
            supported.join(", "),
        )))
    }

    fn unsupported(&self, field: &Field) -> ModuleError {
        ModuleError::new(format!(
            "the argument `{}` of the module `{}` is not supported by Strata yet",
            field.name, self.module
        ))
    }

    fn check_sets(&self, values: &BTreeMap<&str, Value>) -> Result<(), ModuleError> {
        let count = |set: &[&str]| {
            set.iter()
                .filter(|name| values.contains_key(**name))
                .count()
        };
        if let Some(set) = self.mutually_exclusive.iter().find(|set| count(set) > 1) {
            let names = set.join("|");
            return Err(ModuleError::new(format!(
                "parameters are mutually exclusive: {names}"
            )));
        }
        if let Some(set) = self.required_one_of.iter().find(|set| count(set) == 0) {
            let names = set.join(", ");
            return Err(ModuleError::new(format!(
                "one of the following is required: {names}"
            )));
        }
        Ok(())
    }

    fn check_required(&self, values: &BTreeMap<&str, Value>) -> Result<(), ModuleError> {
        let mut missing: Vec<&str> = self
            .all_fields()
            .filter(|field| field.required && !values.contains_key(field.name))
            .map(|field| field.name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        let names = missing.join(", ");
        Err(ModuleError::new(format!(
            "missing required arguments: {names}"
        )))
    }
}

/// Whether a value of an argument that we lack is the one it has anyhow.
fn asks_for_nothing(field: &Field, value: &Value) -> bool {
    match field.default.map(Value::from) {
        None => boolean(value) == Some(false),
        Some(default) => match boolean(&default) {
            Some(wanted) if integer(&default).is_none() => boolean(value) == Some(wanted),
            _ => text(value) == text(&default),
        },
    }
}

/// The field's value; a null counts as not given.
fn given_value<'a>(field: &Field, given: &'a Map<String, Value>) -> Option<&'a Value> {
    field
        .names()
        .filter_map(|name| given.get(name))
        .find(|value| !value.is_null())
}

fn describe(field: &Field) -> String {
    if field.aliases.is_empty() {
        return field.name.to_owned();
    }
    let mut aliases = field.aliases.to_vec();
    aliases.sort_unstable();
    format!("{} ({})", field.name, aliases.join(", "))
}

fn convert(
    field: &Field,
    value: &Value,
    environment: &BTreeMap<String, String>,
) -> Result<Value, ModuleError> {
    let converted = match field.kind {
        FieldKind::Raw => Some(value.clone()),
        FieldKind::Str => text(value).map(Value::from),
        FieldKind::Path => text(value).map(|text| Value::from(expand(&text, environment))),
        FieldKind::Bool => boolean(value).map(Value::from),
        FieldKind::Int => integer(value).map(Value::from),
        FieldKind::Float => float(value).map(Value::from),
        FieldKind::List => list(value),
        FieldKind::Dict => value.is_object().then(|| value.clone()),
    };
    let Some(converted) = converted else {
        return Err(ModuleError::new(format!(
            "argument '{}' is of type {} and we were unable to convert to {}: {}",
            field.name,
            type_name(value),
            kind_name(field.kind),
            why(field.kind, value),
        )));
    };
    check_choices(field, &converted)?;
    Ok(converted)
}

fn check_choices(field: &Field, value: &Value) -> Result<(), ModuleError> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    if field.choices.is_empty() || field.choices.contains(&text) {
        return Ok(());
    }
    let choices = field.choices.join(", ");
    let name = field.name;
    Err(ModuleError::new(format!(
        "value of {name} must be one of: {choices}, got: {text}"
    )))
}

/// A value as Ansible turns it into a string.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => serde_json::to_string(value).ok(),
        Value::Null => None,
    }
}

/// A boolean as Ansible reads it.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            let whole = |float: &f64| float.fract() == 0.0 && float.abs() < 9.0e15;
            number
                .as_i64()
                .or_else(|| number.as_f64().filter(whole).map(|float| float as i64))
        }
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Value> {
    let items = match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        Value::String(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        Value::Number(_) | Value::Bool(_) => vec![text(value)?],
        _ => return None,
    };
    Some(Value::from(items))
}

/// Expands a leading `~` and `$NAME` or `${NAME}`, as the shell would; what is not set stays.
fn expand(path: &str, environment: &BTreeMap<String, String>) -> String {
    let mut rest = path;
    let mut expanded = String::new();
    if let (Some(after), Some(home)) = (path.strip_prefix('~'), environment.get("HOME"))
        && (after.is_empty() || after.starts_with('/'))
    {
        expanded.push_str(home);
        rest = after;
    }
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let (name, length) = variable_name(&rest[at + 1..]);
        match environment.get(name) {
            Some(value) if !name.is_empty() => expanded.push_str(value),
            _ => expanded.push_str(&rest[at..=at + length]),
        }
        rest = &rest[at + 1 + length..];
    }
    expanded + rest
}

/// The name of a variable after its `$`, and how many bytes it takes.
fn variable_name(text: &str) -> (&str, usize) {
    if let Some((name, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return (name, name.len() + 2);
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (&text[..end], end)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "None",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Str => "str",
        FieldKind::Path => "path",
        FieldKind::Bool => "bool",
        FieldKind::Int => "int",
        FieldKind::Float => "float",
        FieldKind::List => "list",
        FieldKind::Dict => "dict",
        FieldKind::Raw => "raw",
    }
}

fn why(kind: FieldKind, value: &Value) -> String {
    let shown = text(value).unwrap_or_default();
    match kind {
        FieldKind::Bool => format!(
            "The value '{shown}' is not a valid boolean. Valid booleans include: yes, no, on, off, \
             true, false, 1, 0"
        ),
        kind => format!(
            "'{shown}' cannot be converted to {}",
            article(kind_name(kind))
        ),
    }
}

fn article(kind: &str) -> String {
    if kind == "int" {
        format!("an {kind}")
    } else {
        format!("a {kind}")
    }
}

impl Arguments {
    /// A string that may be missing.
    pub fn string(&self, name: &str) -> Option<String> {
        self.values
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    /// A string that the spec requires or gives a default.
    pub fn text(&self, name: &str) -> String {
        self.string(name).unwrap_or_default()
    }

    /// A path that may be missing.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.string(name).map(PathBuf::from)
    }

    /// A boolean; false when it was not given and has no default.
    pub fn bool(&self, name: &str) -> bool {
        self.maybe(name).unwrap_or(false)
    }

    /// A boolean that may be missing.
    pub fn maybe(&self, name: &str) -> Option<bool> {
        self.values.get(name).and_then(Value::as_bool)
    }

    /// A whole number that may be missing.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.values.get(name).and_then(Value::as_i64)
    }

    /// A whole number that cannot be below zero; a negative one counts as zero.
    pub fn seconds(&self, name: &str) -> u64 {
        self.int(name)
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0)
    }

    /// A list of strings that may be missing.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.values.get(name)?.as_array()?;
        Some(
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// A value as it was given.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    const SPEC: Spec = Spec::new(
        "sample",
        &[
            Field::path("path").alias(&["dest", "name"]).required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("force", false),
            Field::int("uid"),
            Field::list("groups"),
            Field::str("content"),
            Field::str("src"),
            Field::unsupported("local"),
            Field::fixed("wait", "10"),
            Field::fixed("quick", "true"),
        ],
    )
    .exclusive(&[&["content", "src"]]);

    fn check(given: Value, expected: Expect) {
        let environment = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
        let read = SPEC.read(given.as_object().unwrap(), &environment);
        let shown = match read {
            Ok(arguments) => serde_json::to_string(&arguments.values).unwrap(),
            Err(error) => error.msg,
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn values_get_their_types_and_defaults() {
        check(
            json!({"dest": "~/a/$HOME/${HOME}b$NONE", "uid": "12", "force": "yes", "groups": "a, b"}),
            expect![[
                r#"{"force":true,"groups":["a","b"],"path":"/root/a//root//rootb$NONE","state":"present","uid":12}"#
            ]],
        );
    }

    #[test]
    fn mistakes_are_told_as_ansible_does() {
        check(json!({}), expect!["missing required arguments: path"]);
        check(
            json!({"path": "/a", "pth": 1}),
            expect![
                "Unsupported parameters for (sample) module: pth. Supported parameters include: content, force, groups, path (dest, name), src, state, uid."
            ],
        );
        check(
            json!({"path": "/a", "state": "gone"}),
            expect!["value of state must be one of: absent, present, got: gone"],
        );
        check(
            json!({"path": "/a", "content": "x", "src": "y"}),
            expect!["parameters are mutually exclusive: content|src"],
        );
        check(
            json!({"path": "/a", "force": "maybe"}),
            expect![
                "argument 'force' is of type str and we were unable to convert to bool: The value 'maybe' is not a valid boolean. Valid booleans include: yes, no, on, off, true, false, 1, 0"
            ],
        );
        check(
            json!({"path": "/a", "local": true}),
            expect!["the argument `local` of the module `sample` is not supported by Strata yet"],
        );
    }

    #[test]
    fn what_cannot_be_changed_may_be_given_as_it_is() {
        check(
            json!({"path": "/a", "wait": 10, "quick": "yes"}),
            expect![[r#"{"force":false,"path":"/a","state":"present"}"#]],
        );
        check(
            json!({"path": "/a", "wait": 11}),
            expect!["the argument `wait` of the module `sample` is not supported by Strata yet"],
        );
        check(
            json!({"path": "/a", "quick": false}),
            expect!["the argument `quick` of the module `sample` is not supported by Strata yet"],
        );
    }

    #[test]
    fn null_counts_as_not_given() {
        check(
            json!({"path": "/a", "uid": null, "local": null}),
            expect![[r#"{"force":false,"path":"/a","state":"present"}"#]],
        );
    }
}
