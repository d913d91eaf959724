//! Checks of a configuration that its schema alone does not make.
//!
//! What is unknown passes: it is checked again when it is known. No message shows a value, since any
//! value may be sensitive to the user.

use std::ops::{Bound, RangeBounds};

use strata_core::{AttributePath, Diagnostic, Diagnostics, PathStep, Value};

use crate::spec::{BlockSpec, FieldKind, FieldSpec};

/// A check of one value.
#[derive(Clone, Debug)]
pub enum Check {
    /// One of these words; of a collection, each element.
    OneOf(&'static [&'static str]),
    /// A number's bounds; of a collection, each element's.
    Range(Bounds),
    /// How many characters a text, or how many elements a collection may have.
    Length(Bounds),
    /// Says what is wrong, without showing the value.
    Function(fn(&Value) -> Result<(), String>),
}

/// A rule between fields.
#[derive(Clone, Debug)]
pub enum Rule {
    /// One of them must be set, and no other.
    ExactlyOneOf(&'static [&'static str]),
    /// One of them must be set.
    AtLeastOneOf(&'static [&'static str]),
    /// Not more than one may be set.
    Conflicts(&'static [&'static str]),
    /// All are set or none.
    Together(&'static [&'static str]),
}

/// The least and the greatest, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
}

/// Bounds out of a range such as `1..=64`.
pub fn bounds(range: impl RangeBounds<i64>) -> Bounds {
    let min = match range.start_bound() {
        Bound::Included(min) => Some(*min),
        Bound::Excluded(min) => Some(min.saturating_add(1)),
        Bound::Unbounded => None,
    };
    let max = match range.end_bound() {
        Bound::Included(max) => Some(*max),
        Bound::Excluded(max) => Some(max.saturating_sub(1)),
        Bound::Unbounded => None,
    };
    Bounds { min, max }
}

impl Bounds {
    fn hold(self, number: i64) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }

    fn told(self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "any".to_owned(),
        }
    }
}

impl Check {
    fn run(&self, value: &Value) -> Result<(), String> {
        match self {
            Check::OneOf(words) => each(value, &|item| match item.as_str() {
                Some(text) if !words.contains(&text) => {
                    Err(format!("must be one of: {}", quoted(words)))
                }
                _ => Ok(()),
            }),
            Check::Range(bounds) => each(value, &|item| match item.as_number() {
                Some(number) if !number.as_i64().is_none_or(|number| bounds.hold(number)) => {
                    Err(format!("must be {}", bounds.told()))
                }
                _ => Ok(()),
            }),
            Check::Length(bounds) => match length(value) {
                Some((length, what)) if !bounds.hold(length) => {
                    Err(format!("must have {} {what}", bounds.told()))
                }
                _ => Ok(()),
            },
            Check::Function(function) => function(value),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn each(value: &Value, check: &dyn Fn(&Value) -> Result<(), String>) -> Result<(), String> {
    match value.as_sequence() {
        Some(items) => items.iter().try_for_each(check),
        None => match value.as_entries() {
            Some(entries) => entries.values().try_for_each(check),
            None => check(value),
        },
    }
}

fn length(value: &Value) -> Option<(i64, &'static str)> {
    let (length, what) = match value {
        Value::String(text) => (text.chars().count(), "characters"),
        value => match value.as_sequence() {
            Some(items) => (items.len(), "elements"),
            None => (value.as_entries()?.len(), "elements"),
        },
    };
    Some((i64::try_from(length).unwrap_or(i64::MAX), what))
}

/// Checks a configuration.
pub(crate) fn check(spec: &BlockSpec, config: &Value, diags: &mut Diagnostics) {
    check_object(spec, config, &AttributePath::root(), diags);
}

fn check_object(spec: &BlockSpec, config: &Value, path: &AttributePath, diags: &mut Diagnostics) {
    if config.as_entries().is_none() {
        return;
    }
    for field in &spec.fields {
        if let Some(value) = config.get(field.name) {
            let path = path.then(PathStep::Attribute(field.name.into()));
            check_field(field, value, &path, diags);
        }
    }
    for rule in &spec.rules {
        if let Err(detail) = rule.check(spec, config) {
            diags.push(wrong("Invalid combination of arguments", path, detail));
        }
    }
}

fn check_field(field: &FieldSpec, value: &Value, path: &AttributePath, diags: &mut Diagnostics) {
    if value.is_null() || !value.is_known() {
        return;
    }
    for check in &field.checks {
        if let Err(detail) = check.run(value) {
            diags.push(wrong(
                "Invalid attribute value",
                path,
                format!("`{path}` {detail}."),
            ));
            return;
        }
    }
    let Some((_, inner)) = field.inner() else {
        return;
    };
    if matches!(value, Value::Object(_)) {
        check_object(inner, value, path, diags);
    } else {
        for (step, child) in value.children() {
            check_object(inner, child, &path.then(step), diags);
        }
    }
}

fn wrong(summary: &str, path: &AttributePath, detail: String) -> Diagnostic {
    let place = match path.0.is_empty() {
        true => String::new(),
        false => format!(" in `{path}`"),
    };
    Diagnostic::error("invalid-attribute-value", format!("{summary}{place}")).detail(detail)
}

impl Rule {
    fn check(&self, spec: &BlockSpec, config: &Value) -> Result<(), String> {
        let (Rule::ExactlyOneOf(names)
        | Rule::AtLeastOneOf(names)
        | Rule::Conflicts(names)
        | Rule::Together(names)) = self;
        let set = names
            .iter()
            .filter(|name| is_set(spec, config, name))
            .count();
        let open = names
            .iter()
            .any(|name| config.get(name).is_some_and(|value| !value.is_known()));
        let names = quoted(names);
        match self {
            Rule::ExactlyOneOf(_) if set == 0 && !open => {
                Err(format!("One of {names} must be specified."))
            }
            Rule::ExactlyOneOf(_) if set > 1 => {
                Err(format!("Only one of {names} can be specified."))
            }
            Rule::AtLeastOneOf(_) if set == 0 && !open => {
                Err(format!("At least one of {names} must be specified."))
            }
            Rule::Conflicts(_) if set > 1 => Err(format!("{names} cannot be specified together.")),
            Rule::Together(all) if set > 0 && set < all.len() && !open => {
                Err(format!("{names} must be specified together."))
            }
            _ => Ok(()),
        }
    }
}

/// True if configuration sets a field: an attribute that is known and not null, a block that is there.
fn is_set(spec: &BlockSpec, config: &Value, name: &str) -> bool {
    let Some(value) = config.get(name).filter(|value| value.is_known()) else {
        return false;
    };
    let field = spec.fields.iter().find(|field| field.name == name);
    let is_block = field.is_some_and(|field| matches!(field.kind, FieldKind::Block { .. }));
    match value.as_sequence() {
        Some(items) if is_block => !items.is_empty(),
        _ => !value.is_null(),
    }
}
