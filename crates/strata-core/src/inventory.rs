//! The contract of a source of hosts: which of the objects that a provider made can be configured, and how.

use std::{collections::BTreeMap, sync::Arc};

use crate::value::Value;

/// Turns a platform's objects into hosts.
pub trait InventorySource: Send + Sync {
    /// The host that an object of this type is, if it is one.
    fn host(&self, type_name: &str, object: &Value) -> Option<InventoryHost>;
}

/// A host as a platform knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryHost {
    /// Its inventory name.
    pub name: Arc<str>,
    /// Connection variables by Ansible's names: `ansible_connection`, `ansible_host`, `ansible_incus_project`, ...
    pub variables: BTreeMap<Arc<str>, Value>,
}
