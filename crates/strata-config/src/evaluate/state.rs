//! What has been computed of one module instance.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use strata_core::{
    Type, Value,
    addr::{self, ResourceMode},
    hash::HashMap,
};

use super::{Expansion, cell::Cell, table::Table};
use crate::{
    module::{Module, ResourceKey},
    tree::NodeId,
};

/// Which module instance; the root is 0.
pub(super) type StateId = usize;

/// The cells of one module instance.
pub(super) struct ModuleState {
    pub(super) id: StateId,
    pub(super) node: NodeId,
    pub(super) module: Arc<Module>,
    pub(super) address: addr::ModuleInstance,
    pub(super) parent: Option<StateId>,
    pub(super) repetition: Repetition,
    pub(super) variables: HashMap<Arc<str>, Cell<Value>>,
    pub(super) locals: HashMap<Arc<str>, Cell<Value>>,
    pub(super) outputs: HashMap<Arc<str>, Cell<Value>>,
    pub(super) calls: HashMap<Arc<str>, CallState>,
    managed: Resources,
    data: Resources,
    ephemeral: Resources,
}

type Resources = HashMap<Arc<str>, HashMap<Arc<str>, ResourceState>>;

/// A resource in one module instance.
pub(super) struct ResourceState {
    pub(super) key: ResourceKey,
    pub(super) expansion: Cell<Expansion>,
    pub(super) table: Mutex<Table>,
    /// What an instance without a value reads as.
    pub(super) missing: OnceLock<Value>,
    /// True if its schema calls something in it sensitive.
    pub(super) has_sensitive: OnceLock<bool>,
}

/// A module call in one module instance.
#[derive(Default)]
pub(super) struct CallState {
    pub(super) children: Cell<Arc<Children>>,
    pub(super) whole: Cell<Value>,
}

/// The instances that a module call makes.
pub(super) enum Children {
    Once(StateId),
    Count(Vec<StateId>),
    ForEach(BTreeMap<Arc<str>, StateId>),
    /// `enabled` is false.
    Disabled,
    /// `count` or `for_each` is not known; this one stands for all of them.
    Unknown(StateId),
}

/// What `count` and `each` give.
#[derive(Clone, Debug)]
pub(super) enum Repetition {
    Once,
    Count(Value),
    Each { key: Value, value: Value },
}

impl ModuleState {
    pub(super) fn new(
        id: StateId,
        node: NodeId,
        module: Arc<Module>,
        address: addr::ModuleInstance,
        parent: Option<StateId>,
        repetition: Repetition,
    ) -> Self {
        let empty = |name: &Arc<str>| (name.clone(), Cell::default());
        Self {
            id,
            node,
            address,
            parent,
            repetition,
            variables: module.variables.keys().map(empty).collect(),
            locals: module.locals.keys().map(empty).collect(),
            outputs: module.outputs.keys().map(empty).collect(),
            calls: module
                .calls
                .keys()
                .map(|name| (name.clone(), CallState::default()))
                .collect(),
            managed: resources(&module, ResourceMode::Managed),
            data: resources(&module, ResourceMode::Data),
            ephemeral: resources(&module, ResourceMode::Ephemeral),
            module,
        }
    }

    pub(super) fn resource(
        &self,
        mode: ResourceMode,
        type_name: &str,
        name: &str,
    ) -> Option<&ResourceState> {
        let all = match mode {
            ResourceMode::Managed => &self.managed,
            ResourceMode::Data => &self.data,
            ResourceMode::Ephemeral => &self.ephemeral,
        };
        all.get(type_name)?.get(name)
    }
}

fn resources(module: &Module, mode: ResourceMode) -> Resources {
    let mut found = Resources::default();
    for key in module.resources.keys().filter(|key| key.mode == mode) {
        let state = ResourceState {
            key: key.clone(),
            expansion: Cell::default(),
            table: Mutex::default(),
            missing: OnceLock::new(),
            has_sensitive: OnceLock::new(),
        };
        found
            .entry(key.type_name.clone())
            .or_default()
            .insert(key.name.clone(), state);
    }
    found
}

impl Children {
    /// The instances that are known.
    pub(super) fn known(&self) -> Vec<StateId> {
        match self {
            Children::Once(id) => vec![*id],
            Children::Count(ids) => ids.clone(),
            Children::ForEach(ids) => ids.values().copied().collect(),
            Children::Disabled | Children::Unknown(_) => Vec::new(),
        }
    }

    /// The instance of a key. For an unknown number of instances any key gives the one that stands for all.
    pub(super) fn get(&self, key: Option<&addr::InstanceKey>) -> Option<StateId> {
        match (self, key) {
            (Children::Once(id), None) | (Children::Unknown(id), _) => Some(*id),
            (Children::Count(ids), Some(addr::InstanceKey::Int(at))) => {
                ids.get(usize::try_from(*at).ok()?).copied()
            }
            (Children::ForEach(ids), Some(addr::InstanceKey::String(key))) => ids.get(key).copied(),
            _ => None,
        }
    }
}

impl Repetition {
    /// What an instance of an expansion has; nothing for a key that is not among its keys.
    pub(super) fn of(expansion: &Expansion, key: Option<&addr::InstanceKey>) -> Self {
        match (expansion, key) {
            (Expansion::Count(_), Some(addr::InstanceKey::Int(at))) => {
                Repetition::Count(Value::from(*at))
            }
            (Expansion::ForEach(entries), Some(addr::InstanceKey::String(key))) => {
                match entries.get(key) {
                    Some(value) => Repetition::Each {
                        key: Value::string(key.clone()),
                        value: value.clone(),
                    },
                    None => Repetition::Once,
                }
            }
            _ => Repetition::Once,
        }
    }

    /// What an instance has where nothing is known of the number.
    pub(super) fn unknown(repeat: &crate::module::Repeat) -> Self {
        match repeat {
            crate::module::Repeat::Once | crate::module::Repeat::Enabled(_) => Repetition::Once,
            crate::module::Repeat::Count(_) => Repetition::Count(Value::unknown(Type::Number)),
            crate::module::Repeat::ForEach(_) => Repetition::Each {
                key: Value::unknown(Type::String),
                value: Value::unknown(Type::Dynamic),
            },
        }
    }
}
