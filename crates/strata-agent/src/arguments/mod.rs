//! Reading a module's arguments strictly.
//!
//! A module declares a [`Spec`]; [`Spec::read`] turns what the task gave into [`Arguments`] whose
//! values have the declared types, or says what is wrong in the words Ansible's users know. An
//! argument that Ansible has and we lack is declared too, so that it is refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::module::ModuleError;
pub(crate) use convert::expand;
use convert::{convert, integer};
use field::FILE_ATTRIBUTES;

pub use convert::{boolean, text};
pub use field::{Field, FieldKind};

mod convert;
mod field;
mod homes;

/// What a module takes.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The module's name.
    pub module: &'static str,
    /// Its own arguments.
    pub fields: &'static [Field],
    /// Those that it shares with its family.
    pub shared: &'static [Field],
    /// Those that it shares with a wider family.
    pub more: &'static [Field],
    /// Whether it also takes `owner`, `group`, `mode` and what belongs to them.
    pub file_attributes: bool,
    /// Sets of which at most one may be given.
    pub mutually_exclusive: &'static [&'static [&'static str]],
    /// Sets of which at least one must be given.
    pub required_one_of: &'static [&'static [&'static str]],
}

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
            shared: &[],
            more: &[],
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

    /// The same with arguments that a family of modules shares.
    pub const fn with(self, shared: &'static [Field]) -> Spec {
        Spec { shared, ..self }
    }

    /// The same with those that a second family shares.
    pub const fn and(self, more: &'static [Field]) -> Spec {
        Spec { more, ..self }
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
        let own = self.fields.iter().chain(self.shared).chain(self.more);
        own.chain(common)
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

/// The field's value: that of an alias goes before, as in Ansible, and of several the last; a null counts as not given.
fn given_value<'a>(field: &Field, given: &'a Map<String, Value>) -> Option<&'a Value> {
    let aliases = field.aliases.iter().rev().copied();
    aliases
        .chain([field.name])
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

impl Arguments {
    /// A string that may be missing.
    pub fn string(&self, name: &str) -> Option<String> {
        self.values
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    /// A string that may be missing, and is where it is empty: roles write `default('')` for nothing, and Ansible
    /// asks of many arguments only whether they are true.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.string(name).filter(|text| !text.is_empty())
    }

    /// A string that the spec requires or gives a default.
    pub fn text(&self, name: &str) -> String {
        self.string(name).unwrap_or_default()
    }

    /// A path that may be missing.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.string(name).map(PathBuf::from)
    }

    /// A path that may be missing, and is where it is empty.
    pub fn filled_path(&self, name: &str) -> Option<PathBuf> {
        self.filled(name).map(PathBuf::from)
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

    /// A map whose values are texts; what is true is `on`, as properties of file systems have it.
    pub fn texts(&self, name: &str) -> BTreeMap<String, String> {
        let map = self.raw(name).and_then(Value::as_object);
        let texts = map.into_iter().flatten().filter_map(|(name, value)| {
            let value = match value {
                Value::Bool(true) => "on".to_owned(),
                Value::Bool(false) => "off".to_owned(),
                value => text(value)?,
            };
            Some((name.clone(), value))
        });
        texts.collect()
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
    fn an_alias_goes_before_the_name() {
        let both = json!({"path": "/a", "dest": "/b"});
        let environment = BTreeMap::new();
        let path = |given: Value| SPEC.read(given.as_object().unwrap(), &environment);
        assert_eq!(path(both).unwrap().text("path"), "/b");
        let all = json!({"name": "/c", "path": "/a", "dest": "/b"});
        assert_eq!(path(all).unwrap().text("path"), "/c");
        let null = json!({"path": "/a", "dest": null});
        assert_eq!(path(null).unwrap().text("path"), "/a");
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
