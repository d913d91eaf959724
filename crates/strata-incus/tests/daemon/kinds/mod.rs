//! Every type of the provider, the same way: made with the least, each argument changed and changed back,
//! replaced, imported, drifted, removed behind our back, deleted. A second plan is empty after each step,
//! and at the end what is there is what was there before.
//!
//! A [`Kind`] says what a type needs for that; [`table`] has them all. [`harness`] does it. That no
//! argument of `lxc/incus` is left out is checked against `arguments.txt`.

mod arguments;
mod harness;
mod here;
mod instances;
mod networks;
mod others;
mod storage;

use serde_json::Value as Json;
use strata_core::{Type, Value};

pub(crate) use self::{harness::same, here::Here};

/// Attributes of a configuration.
pub(crate) type Attributes = Vec<(&'static str, Value)>;

/// One type: how it is made, and what may be changed of it.
pub(crate) struct Kind {
    pub(crate) type_name: &'static str,
    /// The least that makes one.
    pub(crate) minimal: Attributes,
    pub(super) changes: Vec<Change>,
    /// Its id for an import, in which `FINGERPRINT` stands for its own; none if it has none.
    pub(super) id: Option<String>,
    /// Arguments that an import does not tell: no server keeps them, or it has keys there of its own, too.
    pub(super) untold: &'static [&'static str],
    /// Where it is.
    pub(crate) path: String,
    /// What somebody else changes of it; none if nothing can be changed.
    pub(super) drift: Option<Json>,
    /// Arguments that are tried elsewhere, or cannot be tried, and where or why.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

/// One argument that gets another value.
pub(super) struct Change {
    pub(super) argument: &'static str,
    pub(super) value: Value,
    /// What must change with it.
    pub(super) with: Attributes,
    pub(super) how: How,
}

/// What another value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The object is changed.
    InPlace,
    /// Another object is made in its place.
    Anew,
    /// Another object would be made, but that cannot be done where this runs.
    AnewInPlan,
}

impl Kind {
    pub(super) fn new(type_name: &'static str, path: String, minimal: Attributes) -> Self {
        Self {
            type_name,
            minimal,
            changes: Vec::new(),
            id: None,
            untold: &[],
            path,
            drift: Some(
                serde_json::json!({ "description": "changed by somebody else", "config": {} }),
            ),
            elsewhere: &[],
        }
    }

    pub(super) fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    pub(super) fn drifts(mut self, drift: impl Into<Option<Json>>) -> Self {
        self.drift = drift.into();
        self
    }

    pub(super) fn untold(mut self, names: &'static [&'static str]) -> Self {
        self.untold = names;
        self
    }

    pub(super) fn elsewhere(mut self, names: &'static [(&'static str, &'static str)]) -> Self {
        self.elsewhere = names;
        self
    }

    fn change(mut self, argument: &'static str, value: impl Into<Value>, how: How) -> Self {
        let (value, with) = (value.into(), Vec::new());
        self.changes.push(Change {
            argument,
            value,
            with,
            how,
        });
        self
    }

    /// Another value changes the object.
    pub(super) fn changes(self, argument: &'static str, value: impl Into<Value>) -> Self {
        self.change(argument, value, How::InPlace)
    }

    /// Another value makes the object anew.
    pub(super) fn replaces(self, argument: &'static str, value: impl Into<Value>) -> Self {
        self.change(argument, value, How::Anew)
    }

    /// Another value would make the object anew, which is only planned.
    pub(super) fn would_replace(self, argument: &'static str, value: impl Into<Value>) -> Self {
        self.change(argument, value, How::AnewInPlan)
    }

    /// What must change with the argument before.
    pub(super) fn with(mut self, with: Attributes) -> Self {
        self.changes.last_mut().expect("a change goes before").with = with;
        self
    }

    /// The description, which nearly all have, and the remote.
    pub(super) fn described(self) -> Self {
        self.changes("description", "what it is for").remote()
    }

    pub(super) fn remote(self) -> Self {
        self.replaces("remote", "other")
    }

    /// The configuration with a change that needs one call; none if nothing of it is changed so.
    pub(crate) fn updated(&self) -> Option<Attributes> {
        let simple = ["description", "config"];
        let mut changes = self.changes.iter();
        let change = changes
            .find(|change| simple.contains(&change.argument) && change.how == How::InPlace)?;
        Some(self.changed(change))
    }

    /// The same, made of a backup, if that is a way to make one.
    pub(crate) fn of_a_backup(mut self) -> Option<Self> {
        let mut changes = self.changes.iter();
        let backup = changes.find(|change| change.argument == "source_file")?;
        self.minimal = self.changed(backup);
        Some(self)
    }

    /// The configuration with a change.
    pub(super) fn changed(&self, change: &Change) -> Attributes {
        let mut attributes = self.minimal.clone();
        let changes = change.with.iter().cloned();
        for (name, value) in changes.chain([(change.argument, change.value.clone())]) {
            attributes.retain(|(other, _)| *other != name);
            attributes.push((name, value));
        }
        attributes
    }
}

/// All types, as they can be tried here.
pub(crate) fn table(here: &Here) -> Vec<Kind> {
    let mut all = others::kinds(here);
    all.extend(networks::kinds(here));
    all.extend(storage::kinds(here));
    all.extend(instances::kinds(here));
    all
}

pub(super) fn text(text: impl AsRef<str>) -> Value {
    Value::from(text.as_ref())
}

pub(super) fn texts_of(items: &[&str]) -> Value {
    Value::list(Type::String, items.iter().map(text).collect())
}

pub(super) fn object(cells: &[(&'static str, &str)]) -> Value {
    Value::object(cells.iter().map(|(name, cell)| (*name, text(cell))))
}

pub(super) fn rows(rows: impl Into<Vec<Value>>) -> Value {
    Value::tuple(rows.into())
}
