//! The values of one resource's instances, as the engine hands them in.
//!
//! Setting and reading one instance takes constant time however many there are; the tuple or object of all of them
//! is made when somebody asks for the whole, and again only after a change.

use std::sync::Arc;

use strata_core::{Value, addr::InstanceKey, hash::HashMap};

use super::Expansion;

/// The values that are there so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    single: Option<Value>,
    by_index: HashMap<i64, Value>,
    by_key: HashMap<Arc<str>, Value>,
    whole: Option<Value>,
}

impl Table {
    pub(super) fn set(&mut self, key: &Option<InstanceKey>, value: Value) {
        self.whole = None;
        match key {
            None => self.single = Some(value),
            Some(InstanceKey::Int(at)) => {
                self.by_index.insert(*at, value);
            }
            Some(InstanceKey::String(key)) => {
                self.by_key.insert(key.clone(), value);
            }
        }
    }

    pub(super) fn single(&self) -> Option<&Value> {
        self.single.as_ref()
    }

    pub(super) fn at(&self, index: usize) -> Option<&Value> {
        self.by_index.get(&i64::try_from(index).ok()?)
    }

    pub(super) fn key(&self, key: &str) -> Option<&Value> {
        self.by_key.get(key)
    }

    /// All instances together; those that are not there yet are `missing`.
    pub(super) fn whole(&mut self, expansion: &Expansion, missing: &Value) -> Value {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let or_missing = |value: Option<&Value>| value.unwrap_or(missing).clone();
        let whole = match expansion {
            Expansion::Single => or_missing(self.single()),
            Expansion::Count(count) => {
                Value::tuple((0..*count).map(|at| or_missing(self.at(at))).collect())
            }
            Expansion::ForEach(entries) => Value::object(
                entries
                    .keys()
                    .map(|key| (key.clone(), or_missing(self.key(key)))),
            ),
            Expansion::Disabled => Value::Null(strata_core::Type::Dynamic),
            Expansion::Unknown => return Value::unknown(strata_core::Type::Dynamic),
        };
        self.whole = Some(whole.clone());
        whole
    }
}
