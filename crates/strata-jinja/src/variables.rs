//! Where a template's variables come from, and the few marks that values carry.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};

/// The text that stands for `omit`: an argument with this value is as if it were not given.
///
/// Rendering drops it from mappings and lists; only a whole value that is `omit` comes out as this text.
pub const OMIT: &str = "__omit_place_holder__5f0cfa1c36ac4bb39b2e07f1e8f6a8c3";

/// A mapping with this one key holds a text that is never a template (`!unsafe`).
pub const UNSAFE_KEY: &str = "__ansible_unsafe";

/// A mapping with this one key holds a text that must be decrypted first (`!vault`).
pub const VAULT_KEY: &str = "__ansible_vault";

/// True for the value that stands for `omit`.
pub fn is_omit(value: &Json) -> bool {
    value.as_str() == Some(OMIT)
}

/// Wraps a text so that it is never taken for a template.
pub fn unsafe_text(text: impl Into<String>) -> Json {
    let mut map = Map::new();
    map.insert(UNSAFE_KEY.to_owned(), Json::String(text.into()));
    Json::Object(map)
}

/// The variables that a template sees, by name, looked up only when used.
pub trait Variables: Send + Sync {
    /// The variable of this name, if there is one.
    fn get(&self, name: &str) -> Option<Variable>;

    /// All names, for `lookup('varnames')` and `vars`.
    fn names(&self) -> Vec<String>;

    /// Whether `vars` has this name, of those that there are.
    fn is_in_vars(&self, _name: &str) -> bool {
        true
    }
}

/// What a name stands for.
#[derive(Clone)]
pub enum Variable {
    /// A value out of the user's files: texts in it are templates.
    Template(Arc<Json>),
    /// A value from a host or a module: texts in it stay as they are.
    Plain(Arc<Json>),
    /// An entry of a mapping that others hold, too; it is not copied for a template.
    Entry {
        /// The mapping.
        map: Arc<Map<String, Json>>,
        /// The entry's name, which the mapping has.
        name: Arc<str>,
        /// Whether texts in it are templates.
        templates: bool,
    },
    /// A mapping whose values are variable scopes of their own, as `hostvars`.
    Scopes(Arc<dyn Scopes>),
}

/// Named scopes, as `hostvars` has one for each host.
pub trait Scopes: Send + Sync {
    /// The names, in order.
    fn names(&self) -> Vec<String>;

    /// The scope of this name, if there is one.
    fn get(&self, name: &str) -> Option<Arc<dyn Variables>>;
}

impl Variables for BTreeMap<String, Variable> {
    fn get(&self, name: &str) -> Option<Variable> {
        BTreeMap::get(self, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}
