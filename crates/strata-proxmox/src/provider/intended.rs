//! What the plan at hand will make: a guest may use what comes before it.
//!
//! Every plan of one run goes through one session. What is planned first is noted here, so that a
//! storage, bridge, template or pool of the same configuration is not refused as unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::guest::{id_of, text, texts};

/// A storage as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    /// The nodes that will have it; all if empty.
    nodes: Vec<String>,
    /// What it will take; anything if empty.
    content: Vec<String>,
}

/// What was planned until now.
#[derive(Debug, Default)]
pub(crate) struct Intended {
    storages: BTreeMap<String, Storage>,
    /// Bridges by node and name; one of the whole cluster has no node.
    bridges: BTreeSet<(Option<String>, String)>,
    /// Guests by id: `qemu` or `lxc`.
    guests: BTreeMap<u32, &'static str>,
    /// Names of guests.
    names: BTreeSet<String>,
    /// Addresses by network and address, and whose they are.
    addresses: BTreeMap<(String, String), String>,
    /// What guests want of a node's memory in MiB, by node and guest.
    memory: BTreeMap<String, BTreeMap<String, i64>>,
    /// What disks want of a storage in GiB, by node and storage, and by guest.
    space: BTreeMap<(String, String), BTreeMap<String, i64>>,
}

impl Intended {
    /// Notes an object that was planned, by the name of its kind.
    pub(crate) fn note(&mut self, kind: &str, object: &Json) {
        match kind {
            "proxmox_network_linux_bridge" => {
                self.bridge(text(object, "node_name"), object, "name")
            }
            "proxmox_sdn_vnet" => self.bridge(None, object, "id"),
            "proxmox_virtual_environment_vm" | "proxmox_vm" | "proxmox_cloned_vm" => {
                self.guest(object, "qemu", "name");
            }
            "proxmox_virtual_environment_container" => self.guest(object, "lxc", "hostname"),
            "proxmox_vm_qemu" => self.guest(object, "qemu", "name"),
            "proxmox_lxc" => self.guest(object, "lxc", "hostname"),
            "proxmox_node_disk_zfs" if object["add_storage"] == true => {
                self.storage(object, "name")
            }
            "proxmox_ceph_pool" if object["add_storages"] == true => self.storage(object, "name"),
            _ if kind.starts_with("proxmox_storage_") => self.storage(object, "id"),
            _ => {}
        }
    }

    fn bridge(&mut self, node: Option<&str>, object: &Json, name: &str) {
        if let Some(name) = text(object, name) {
            self.bridges
                .insert((node.map(str::to_owned), name.to_owned()));
        }
    }

    fn guest(&mut self, object: &Json, kind: &'static str, name: &str) {
        let id = id_of(object).or_else(|| {
            super::value::number(&object["vmid"]).and_then(|id| u32::try_from(id).ok())
        });
        self.guests
            .extend(id.filter(|id| *id > 0).map(|id| (id, kind)));
        self.names.extend(text(object, name).map(str::to_owned));
    }

    fn storage(&mut self, object: &Json, name: &str) {
        if let Some(name) = text(object, name) {
            let storage = Storage {
                nodes: texts(object, "nodes"),
                content: texts(object, "content"),
            };
            self.storages.insert(name.to_owned(), storage);
        }
    }

    /// What a storage will take on a node; none if nothing is planned of it there.
    pub(crate) fn content(&self, node: &str, storage: &str) -> Option<Vec<String>> {
        let storage = self.storages.get(storage)?;
        let serves = storage.nodes.is_empty() || storage.nodes.iter().any(|own| own == node);
        serves.then(|| storage.content.clone())
    }

    /// True if a bridge will be on a node.
    pub(crate) fn has_bridge(&self, node: &str, name: &str) -> bool {
        let has = |node: Option<&str>| {
            let key = (node.map(str::to_owned), name.to_owned());
            self.bridges.contains(&key)
        };
        has(None) || has(Some(node))
    }

    /// True if a guest of a kind will have an id.
    pub(crate) fn has_guest(&self, id: u32, kind: &str) -> bool {
        self.guests.get(&id).is_some_and(|own| *own == kind)
    }

    /// True if a guest will have a name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Takes an address in a network for a guest; the other who has it if it is taken.
    pub(crate) fn claim(&mut self, network: &str, address: &str, who: &str) -> Option<String> {
        let key = (network.to_owned(), address.to_owned());
        let owner = self.addresses.entry(key).or_insert_with(|| who.to_owned());
        (owner != who).then(|| owner.clone())
    }

    /// Adds what a guest wants of a node's memory, and gives what all want.
    pub(crate) fn memory(&mut self, node: &str, who: &str, megabytes: i64) -> i64 {
        let wanted = self.memory.entry(node.to_owned()).or_default();
        wanted.insert(who.to_owned(), megabytes);
        wanted.values().sum()
    }

    /// Adds what a guest wants of a storage's space, and gives what all want.
    pub(crate) fn space(&mut self, node: &str, storage: &str, who: &str, gigabytes: i64) -> i64 {
        let key = (node.to_owned(), storage.to_owned());
        let wanted = self.space.entry(key).or_default();
        wanted.insert(who.to_owned(), gigabytes);
        wanted.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_planned_storage_serves_its_nodes_with_its_content() {
        let mut intended = Intended::default();
        let storage = json!({ "id": "nfs", "nodes": ["pve"], "content": ["images"] });
        intended.note("proxmox_storage_nfs", &storage);
        assert_eq!(
            intended.content("pve", "nfs"),
            Some(vec!["images".to_owned()])
        );
        assert_eq!(intended.content("pve2", "nfs"), None);
    }

    #[test]
    fn a_virtual_network_is_a_bridge_on_every_node() {
        let mut intended = Intended::default();
        intended.note("proxmox_sdn_vnet", &json!({ "id": "v1" }));
        intended.note(
            "proxmox_network_linux_bridge",
            &json!({ "node_name": "pve", "name": "vmbr9" }),
        );
        assert!(intended.has_bridge("pve2", "v1"));
        assert!(intended.has_bridge("pve", "vmbr9") && !intended.has_bridge("pve2", "vmbr9"));
    }

    #[test]
    fn an_address_has_one_owner_in_its_network() {
        let mut intended = Intended::default();
        assert_eq!(intended.claim("vmbr0", "10.0.0.5", "a"), None);
        assert_eq!(intended.claim("vmbr0", "10.0.0.5", "a"), None);
        assert_eq!(intended.claim("vmbr1", "10.0.0.5", "b"), None);
        assert_eq!(
            intended.claim("vmbr0", "10.0.0.5", "b"),
            Some("a".to_owned())
        );
    }
}
