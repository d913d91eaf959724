//! Hosts and groups.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostics, files::Files};

use crate::play::JsonMap;

/// Hosts and groups as another program computed them, such as from the outputs of an infrastructure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InventoryInput {
    /// Groups by name.
    pub groups: BTreeMap<String, GroupInput>,
    /// Variables of hosts by name; a host only named here is in `ungrouped`.
    pub hosts: BTreeMap<String, JsonMap>,
}

/// A group of an [`InventoryInput`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupInput {
    /// Its hosts, in order.
    pub hosts: Vec<String>,
    /// Its variables.
    pub vars: JsonMap,
    /// The groups in it.
    pub children: Vec<String>,
}

/// All hosts and groups with their variables.
#[derive(Clone, Debug)]
pub struct Inventory {
    hosts: Vec<Arc<Host>>,
    groups: Vec<Arc<Group>>,
}

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its inventory name.
    pub name: String,
    /// The variables that stand beside it in the inventory.
    pub vars: JsonMap,
    /// The groups it is directly in.
    pub groups: Vec<String>,
    /// Where it was named: `inventory_file`.
    pub source: Option<PathBuf>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its variables.
    pub vars: JsonMap,
    /// Its direct hosts.
    pub hosts: Vec<String>,
    /// Its direct children.
    pub children: Vec<String>,
    /// Its direct parents.
    pub parents: Vec<String>,
    /// How far it is from `all`.
    pub depth: usize,
    /// `ansible_group_priority`.
    pub priority: i64,
}

impl Inventory {
    /// Reads inventory files and folders; `group_vars` and `host_vars` beside them are read, too.
    pub fn load(files: &dyn Files, sources: &[PathBuf], diags: &mut Diagnostics) -> Self {
        unimplemented!(
            "{sources:?} {diags:?} {}",
            files.kind(Path::new("")).is_some()
        )
    }

    /// Makes one out of data.
    pub fn from_input(input: InventoryInput) -> Self {
        unimplemented!("{input:?}")
    }

    /// A host list as `-i a,b,` gives it.
    pub fn from_names(names: &[String]) -> Self {
        unimplemented!("{names:?}")
    }

    /// Adds hosts and groups of another (a second `-i`, `add_host`); what it says wins.
    pub fn merge(&mut self, other: Inventory) {
        unimplemented!("{other:?}")
    }

    /// All hosts in order.
    pub fn hosts(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// All groups, `all` first.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Option<&Arc<Host>> {
        self.hosts.iter().find(|host| host.name == name)
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The names of the hosts that a pattern means, in the inventory's order; `localhost` is always known.
    pub fn matching(&self, pattern: &str) -> Result<Vec<String>, String> {
        Err(pattern.to_owned())
    }

    /// The names of all hosts of a group, those of its children too.
    pub fn hosts_in(&self, group: &str) -> Vec<String> {
        unimplemented!("{group}")
    }

    /// `group_names` of a host: all groups it is in, sorted, without `all`.
    pub fn group_names(&self, host: &str) -> Vec<String> {
        unimplemented!("{host}")
    }
}
