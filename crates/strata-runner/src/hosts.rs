//! What is known of each host during a run: its variables as tasks change them.
//!
//! Only the batch's loop writes; templates of any host read it through `hostvars`. The lock is held for the
//! copying of one pointer. A snapshot for each task instead would cost hosts times hosts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard},
};

use serde_json::Value as Json;
use strata_playbook::{Inventory, inventory::LOCAL, variables::InventoryVariables};

use crate::JsonMap;

/// The variables of one host that do not depend on play and task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HostData {
    /// Inventory, `group_vars` and `host_vars`.
    pub(crate) inventory: Arc<JsonMap>,
    /// `ansible_facts`, and each fact under its own name.
    pub(crate) facts: Arc<JsonMap>,
    /// `include_vars`.
    pub(crate) include_vars: Arc<JsonMap>,
    /// `set_fact` and registered results.
    pub(crate) set_facts: Arc<JsonMap>,
    /// Those of them whose values are not known in a rehearsal.
    pub(crate) unknown: Arc<BTreeSet<String>>,
}

/// All hosts of a run.
#[derive(Debug)]
pub(crate) struct HostTable {
    hosts: RwLock<BTreeMap<Arc<str>, Arc<HostData>>>,
    inventory: RwLock<Growing>,
    wishes: Mutex<Wishes>,
}

/// What a task wants of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// That a host is in a group, or in one of those in it.
    Member { group: String, host: String },
    /// That a group stands in another.
    Child { parent: String, group: String },
    /// That there is a host.
    Host(String),
}

/// What tasks wished for. The inventory has it only when its task is done, but what one item of a loop has wished for,
/// or one host of a task, is no change for the next.
#[derive(Debug, Default)]
struct Wishes {
    made: BTreeSet<Wish>,
    /// The variables of hosts, by host and name.
    values: BTreeMap<(String, String), Json>,
}

/// The inventory, and what tasks have added to it since somebody looked at it last. To merge an addition takes as long as
/// there are hosts: a loop that adds a thousand of them is merged once.
#[derive(Debug)]
struct Growing {
    merged: Arc<Inventory>,
    added: Vec<Inventory>,
}

/// To which level of variables new facts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FactLevel {
    /// Found on the host: `setup`, `package_facts`.
    Gathered,
    /// `set_fact` and registered results.
    Set,
    /// `set_fact` with `cacheable`: both of the above.
    SetAndGathered,
    /// `include_vars`.
    Included,
}

impl HostTable {
    pub(crate) fn new(inventory: Arc<Inventory>, variables: &InventoryVariables) -> Self {
        let names = inventory.hosts().iter().map(|host| host.name.as_str());
        let hosts = names.chain(LOCAL).map(|host| {
            let data = HostData {
                inventory: variables.of(host),
                ..HostData::default()
            };
            (Arc::from(host), Arc::new(data))
        });
        Self {
            hosts: RwLock::new(hosts.collect()),
            inventory: RwLock::new(Growing {
                merged: inventory,
                added: Vec::new(),
            }),
            wishes: Mutex::default(),
        }
    }

    pub(crate) fn inventory(&self) -> Arc<Inventory> {
        let guard = self.inventory.read();
        let growing = guard.unwrap_or_else(PoisonError::into_inner);
        if growing.added.is_empty() {
            return growing.merged.clone();
        }
        drop(growing);
        let mut growing = self.growing();
        let added = std::mem::take(&mut growing.added);
        Arc::make_mut(&mut growing.merged).merge_all(&added);
        growing.merged.clone()
    }

    fn growing(&self) -> RwLockWriteGuard<'_, Growing> {
        let guard = self.inventory.write();
        guard.unwrap_or_else(PoisonError::into_inner)
    }

    /// The inventory without what was added since it was last asked for as a whole: what the hosts of one task add is
    /// merged once, and not for each of them.
    pub(crate) fn inventory_before(&self) -> Arc<Inventory> {
        let guard = self.inventory.read();
        let growing = guard.unwrap_or_else(PoisonError::into_inner);
        growing.merged.clone()
    }

    /// Adds hosts and groups to the inventory, for `add_host` and `group_by`.
    pub(crate) fn add_to_inventory(&self, addition: Inventory) {
        self.growing().added.push(addition);
    }

    /// Whether a wish changes the inventory: it has that not yet, and nobody wished for it before.
    pub(crate) fn is_news(&self, wish: Wish) -> bool {
        let inventory = self.inventory_before();
        let is_there = match &wish {
            Wish::Member { group, host } => {
                let mut groups = inventory.groups_of(host).into_iter();
                groups.any(|of| of.name == *group)
            }
            Wish::Child { parent, group } => inventory
                .group(parent)
                .is_some_and(|parent| parent.children.contains(group)),
            Wish::Host(name) => inventory.host(name).is_some(),
        };
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.made.insert(wish) && !is_there
    }

    /// The same for a variable of a host.
    pub(crate) fn is_new_value(&self, host: &str, name: &str, value: &Json) -> bool {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), name.to_owned());
        let before = wishes.values.insert(key, value.clone());
        let before = before.or_else(|| self.get(host)?.inventory.get(name).cloned());
        before.as_ref() != Some(value)
    }

    /// Takes another inventory, for `meta: refresh_inventory`. What tasks found out about hosts stays.
    pub(crate) fn replace(&self, inventory: Inventory, variables: &InventoryVariables) {
        let names = inventory.hosts().iter().map(|host| host.name.as_str());
        for host in names.chain(LOCAL) {
            self.change(host, |data| data.inventory = variables.of(host));
        }
        *self.growing() = Growing {
            merged: Arc::new(inventory),
            added: Vec::new(),
        };
        *self.wishes.lock().unwrap_or_else(PoisonError::into_inner) = Wishes::default();
    }

    /// What is known of a host; nothing for one that nobody named before.
    pub(crate) fn get(&self, host: &str) -> Option<Arc<HostData>> {
        let guard = self.hosts.read();
        guard
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let guard = self.hosts.read();
        let hosts = guard.unwrap_or_else(PoisonError::into_inner);
        hosts.keys().map(|name| name.to_string()).collect()
    }

    pub(crate) fn change(&self, host: &str, change: impl FnOnce(&mut HostData)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let data = hosts.entry(host.into()).or_default();
        change(Arc::make_mut(data));
    }
}

impl HostData {
    /// Says of variables that were set just now whether their values are known.
    pub(crate) fn mark_unknown<'a>(
        &mut self,
        names: impl Iterator<Item = &'a String>,
        is_unknown: bool,
    ) {
        for name in names {
            if is_unknown {
                Arc::make_mut(&mut self.unknown).insert(name.clone());
            } else if self.unknown.contains(name) {
                Arc::make_mut(&mut self.unknown).remove(name);
            }
        }
    }

    /// Adds facts at their level.
    pub(crate) fn add(&mut self, level: FactLevel, facts: &JsonMap) {
        match level {
            FactLevel::Gathered => self.add_gathered(facts),
            FactLevel::Set => extend(&mut self.set_facts, facts),
            FactLevel::Included => extend(&mut self.include_vars, facts),
            FactLevel::SetAndGathered => {
                self.add_gathered(facts);
                extend(&mut self.set_facts, facts);
            }
        }
    }

    /// Facts are seen under their own names, and in `ansible_facts` without the prefix `ansible_`.
    fn add_gathered(&mut self, facts: &JsonMap) {
        let all = Arc::make_mut(&mut self.facts);
        let slot = all
            .entry("ansible_facts")
            .or_insert_with(|| Json::Object(JsonMap::new()));
        if let Json::Object(inside) = slot {
            for (name, value) in facts {
                let short = name.strip_prefix("ansible_").unwrap_or(name);
                inside.insert(short.to_owned(), value.clone());
            }
        }
        for (name, value) in facts {
            // A module could otherwise take over how the host is reached.
            if name != "ansible_facts" && !is_connection_variable(name) {
                all.insert(name.clone(), value.clone());
            }
        }
    }

    /// The facts as templates see them: each under its own name, too, unless the settings say otherwise; those of
    /// `facts.d` always.
    pub(crate) fn seen_facts(&self, inject: bool) -> Arc<JsonMap> {
        if inject {
            return self.facts.clone();
        }
        let none = JsonMap::from_iter([("ansible_local".to_owned(), JsonMap::new().into())]);
        let seen = self.facts.iter();
        let seen =
            seen.filter(|(name, _)| matches!(name.as_str(), "ansible_facts" | "ansible_local"));
        let seen = seen.map(|(name, value)| (name.clone(), value.clone()));
        Arc::new(none.into_iter().chain(seen).collect())
    }

    /// The facts by the names that modules gave them.
    pub(crate) fn named_facts(&self) -> JsonMap {
        let facts = self
            .facts
            .iter()
            .filter(|(name, _)| *name != "ansible_facts");
        facts
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// `meta: clear_facts`.
    pub(crate) fn clear_facts(&mut self) {
        self.facts = Arc::default();
    }
}

fn extend(map: &mut Arc<JsonMap>, with: &JsonMap) {
    let map = Arc::make_mut(map);
    for (name, value) in with {
        map.insert(name.clone(), value.clone());
    }
}

/// True for the variables by which a host is reached; facts must not set them.
fn is_connection_variable(name: &str) -> bool {
    [
        "ansible_become",
        "ansible_ssh_",
        "ansible_connection",
        "ansible_password",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || matches!(name, "ansible_host" | "ansible_port" | "ansible_user")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Json) -> JsonMap {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn gathered_facts_are_seen_under_both_names() {
        let mut data = HostData::default();
        data.add(
            FactLevel::Gathered,
            &map(json!({"ansible_system": "Linux", "packages": {}})),
        );
        assert_eq!(
            Json::Object((*data.facts).clone()),
            json!({"ansible_facts": {"system": "Linux", "packages": {}}, "ansible_system": "Linux", "packages": {}})
        );
    }

    #[test]
    fn what_many_hosts_add_is_merged_when_somebody_asks_for_it() {
        use strata_playbook::inventory::{GroupInput, InventoryInput};
        let added = |host: &str| {
            let own = GroupInput {
                hosts: vec![host.to_owned()],
                ..GroupInput::default()
            };
            Inventory::from_input(InventoryInput {
                groups: BTreeMap::from([("web".to_owned(), own)]),
                ..InventoryInput::default()
            })
        };
        let table = HostTable::new(Arc::new(added("a")), &InventoryVariables::default());
        let before = table.inventory_before();
        let wish = |host: &str| Wish::Member {
            group: "web".to_owned(),
            host: host.to_owned(),
        };
        for host in ["b", "c", "d"] {
            assert!(table.is_news(wish(host)));
            table.add_to_inventory(added(host));
            assert!(!table.is_news(wish(host)));
            assert!(Arc::ptr_eq(&before, &table.inventory_before()));
        }
        assert!(!table.is_news(wish("a")));
        let hosts = table.inventory().hosts_in("web");
        assert_eq!(hosts, ["a", "b", "c", "d"]);
    }

    #[test]
    fn facts_cannot_change_how_a_host_is_reached() {
        let mut data = HostData::default();
        data.add(
            FactLevel::Gathered,
            &map(json!({"ansible_host": "evil", "ansible_ssh_common_args": "-x"})),
        );
        assert!(data.facts.get("ansible_host").is_none());
        assert!(data.facts.get("ansible_ssh_common_args").is_none());
    }

    #[test]
    fn facts_that_are_not_injected_are_seen_in_ansible_facts_alone() {
        let mut data = HostData::default();
        assert_eq!(
            Json::Object((*data.seen_facts(false)).clone()),
            json!({"ansible_local": {}})
        );
        let facts = json!({"ansible_system": "Linux", "ansible_local": {"a": 1}});
        data.add(FactLevel::Gathered, &map(facts));
        assert_eq!(
            Json::Object((*data.seen_facts(false)).clone()),
            json!({"ansible_facts": {"system": "Linux", "local": {"a": 1}}, "ansible_local": {"a": 1}})
        );
        assert_eq!(
            data.named_facts().len(),
            2,
            "what is kept for later has its names"
        );
    }
}
