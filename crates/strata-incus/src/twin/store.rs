//! All objects of the twin, by kind, project and name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::images;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Instance,
    Network,
    Profile,
    Project,
    Pool,
    /// Named `POOL/NAME`.
    Volume,
    Image,
    Acl,
    AddressSet,
    Zone,
    /// Named `ZONE/NAME`.
    Record,
    /// Named `NETWORK/ADDRESS`, as are load balancers.
    Forward,
    LoadBalancer,
    /// Named `NETWORK/NAME`.
    Peer,
    Integration,
    /// Named `POOL/NAME`.
    Bucket,
    /// Named `POOL/BUCKET/NAME`.
    BucketKey,
    /// Named `INSTANCE/NAME`.
    Snapshot,
    Certificate,
    /// A member of the cluster.
    Member,
    Group,
    /// Named by the path of what holds it and its name, as are snapshots of volumes.
    Backup,
    VolumeSnapshot,
    /// Named by what holds it and its path there.
    File,
    /// The keys of the server itself, under no name.
    Server,
}

/// Everything that a daemon would keep in its database.
#[derive(Serialize, Deserialize)]
pub(super) struct Store {
    /// By `PROJECT/NAME`, where projects and pools are in no project.
    objects: BTreeMap<Kind, BTreeMap<String, Value>>,
    /// Counts what was made, for times that grow.
    made: u64,
    /// Counts how often it was written whole.
    #[serde(default)]
    pub(super) number: u64,
    /// Pools and networks that somebody took away: what has their name now is not what it began with.
    #[serde(default)]
    gone: BTreeSet<(Kind, String)>,
    /// What was changed since it was written.
    #[serde(skip)]
    changes: Vec<Change>,
    /// True if it has whatever image is asked for, and hands over what it began with.
    #[serde(skip)]
    pub(super) lends: bool,
}

/// An object that was put somewhere, or taken away.
#[derive(Serialize, Deserialize)]
pub(super) struct Change {
    kind: Kind,
    key: String,
    object: Option<Value>,
}

impl Store {
    /// A daemon after `incus admin init --minimal`, with the images of [`images`].
    pub(super) fn new() -> Self {
        let mut store = Self {
            objects: BTreeMap::new(),
            made: 0,
            number: 0,
            gone: BTreeSet::new(),
            changes: Vec::new(),
            lends: false,
        };
        let features = [
            "features.images",
            "features.profiles",
            "features.storage.buckets",
            "features.storage.volumes",
            "features.networks",
            "features.networks.zones",
        ];
        let config: Map<String, Value> = features
            .map(|feature| (feature.to_owned(), json!("true")))
            .into_iter()
            .collect();
        store.put(
            Kind::Project,
            "",
            "default",
            json!({ "name": "default", "description": "Default Incus project", "config": config }),
        );
        store.put(Kind::Pool, "", "default", json!({ "name": "default", "description": "", "driver": "dir", "status": "Created", "locations": ["none"], "config": { "source": "/var/lib/incus/storage-pools/default" } }));
        store.put(Kind::Network, "default", "incusbr0", json!({
            "name": "incusbr0", "description": "", "type": "bridge", "managed": true, "status": "Created", "locations": ["none"], "project": "default",
            "config": { "ipv4.address": "10.99.0.1/24", "ipv4.nat": "true", "ipv6.address": "none" },
        }));
        store.put(Kind::Profile, "default", "default", json!({
            "name": "default", "description": "Default Incus profile", "config": {}, "project": "default",
            "devices": { "eth0": { "name": "eth0", "network": "incusbr0", "type": "nic" }, "root": { "path": "/", "pool": "default", "type": "disk" } },
        }));
        for (name, image) in images::all() {
            store.put(Kind::Image, "default", name, image);
        }
        store
    }

    /// The members of the cluster; none if the daemon is alone.
    pub(super) fn members(&self) -> Vec<String> {
        let members = self.list(Kind::Member, Some(""));
        members.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Makes a cluster of the daemon.
    pub(super) fn form_cluster(&mut self, members: &[&str]) {
        for (number, name) in members.iter().enumerate() {
            let roles = if number == 0 {
                json!(["database-leader", "database"])
            } else {
                json!(["database"])
            };
            self.put(Kind::Member, "", name, json!({
                "server_name": name, "url": format!("https://10.99.1.{}:8443", number + 1), "database": true, "status": "Online",
                "message": "Fully operational", "architecture": "x86_64", "description": "", "failure_domain": "default",
                "roles": roles, "groups": ["default"], "config": {},
            }));
        }
        let group = json!({ "name": "default", "description": "Default cluster group", "members": members, "config": {} });
        self.put(Kind::Group, "", "default", group);
        for kind in [Kind::Pool, Kind::Network] {
            for object in self.objects.entry(kind).or_default().values_mut() {
                object["locations"] = json!(members);
            }
        }
    }

    fn key(project: &str, name: &str) -> String {
        if project.is_empty() {
            name.to_owned()
        } else {
            format!("{project}/{name}")
        }
    }

    pub(super) fn get(&self, kind: Kind, project: &str, name: &str) -> Option<&Value> {
        self.objects.get(&kind)?.get(&Self::key(project, name))
    }

    pub(super) fn put(&mut self, kind: Kind, project: &str, name: &str, object: Value) {
        let key = Self::key(project, name);
        self.changes.push(Change {
            kind,
            key: key.clone(),
            object: Some(object.clone()),
        });
        self.objects.entry(kind).or_default().insert(key, object);
    }

    /// Lets go of a pool or network that it began with, and that nobody changed, for somebody who makes one of that
    /// name: a server that was set up otherwise would not have it. Only once: then it is theirs.
    pub(super) fn hand_over(&mut self, kind: Kind, project: &str, name: &str) {
        let is_gone = || self.gone.contains(&(kind, Self::key(project, name)));
        if !self.lends || !has_begun(kind) || is_gone() {
            return;
        }
        let fresh = Self::new();
        let begun = fresh.get(kind, project, name).map(|begun| &begun["config"]);
        if begun.is_some() && self.get(kind, project, name).map(|now| &now["config"]) == begun {
            self.remove(kind, project, name);
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, project: &str, name: &str) -> Option<Value> {
        let key = Self::key(project, name);
        let removed = self.objects.get_mut(&kind)?.remove(&key)?;
        self.note_gone(kind, &key);
        self.changes.push(Change {
            kind,
            key,
            object: None,
        });
        Some(removed)
    }

    fn note_gone(&mut self, kind: Kind, key: &str) {
        if has_begun(kind) {
            self.gone.insert((kind, key.to_owned()));
        }
    }

    /// What was changed since this was asked last.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether anything was changed since then.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Makes changes again that were written down, without writing them down once more.
    pub(super) fn redo(&mut self, changes: Vec<Change>, made: u64) {
        self.made = made;
        for Change { kind, key, object } in changes {
            if object.is_none() {
                self.note_gone(kind, &key);
            }
            let objects = self.objects.entry(kind).or_default();
            match object {
                Some(object) => drop(objects.insert(key, object)),
                None => drop(objects.remove(&key)),
            }
        }
    }

    /// How much was made.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// All of a kind in a project, by name; of all projects if `project` is none.
    pub(super) fn list(&self, kind: Kind, project: Option<&str>) -> Vec<(&str, &Value)> {
        let all = self.objects.get(&kind).into_iter().flatten();
        let name = |key: &'_ str| match project {
            None => Some(key.find('/').map_or(0, |slash| slash + 1)),
            Some("") => Some(0),
            Some(project) => key
                .strip_prefix(project)?
                .starts_with('/')
                .then_some(project.len() + 1),
        };
        all.filter_map(|(key, object)| Some((&key[name(key)?..], object)))
            .collect()
    }

    /// The project whose objects of a kind a project uses: its own, or those of `default`.
    pub(super) fn home(&self, kind: Kind, project: &str) -> String {
        let feature = match kind {
            Kind::Instance | Kind::Snapshot | Kind::Backup | Kind::VolumeSnapshot | Kind::File => {
                return project.to_owned();
            }
            Kind::Project
            | Kind::Pool
            | Kind::Integration
            | Kind::Certificate
            | Kind::Member
            | Kind::Group
            | Kind::Server => return String::new(),
            Kind::Zone | Kind::Record => "features.networks.zones",
            Kind::Bucket | Kind::BucketKey => "features.storage.buckets",
            Kind::Network
            | Kind::Acl
            | Kind::AddressSet
            | Kind::Forward
            | Kind::LoadBalancer
            | Kind::Peer => "features.networks",
            Kind::Profile => "features.profiles",
            Kind::Volume => "features.storage.volumes",
            Kind::Image => "features.images",
        };
        let own = self
            .get(Kind::Project, "", project)
            .is_some_and(|object| object["config"][feature] == "true");
        // Images of the twin are everywhere, as if each project had copied them.
        if own && kind != Kind::Image {
            project.to_owned()
        } else {
            "default".to_owned()
        }
    }

    /// A time for something new, later than all before.
    pub(super) fn now(&mut self) -> String {
        self.made += 1;
        let (minutes, seconds) = (self.made / 60 % 60, self.made % 60);
        format!(
            "2026-01-01T{:02}:{minutes:02}:{seconds:02}Z",
            self.made / 3600 % 24
        )
    }

    /// Config and devices of an instance with those of its profiles under them.
    pub(super) fn expanded(
        &self,
        project: &str,
        instance: &Value,
        field: &str,
    ) -> Map<String, Value> {
        let home = self.home(Kind::Profile, project);
        let mut expanded = Map::new();
        for profile in instance["profiles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let from = self
                .get(Kind::Profile, &home, profile)
                .and_then(|profile| profile[field].as_object());
            expanded.extend(
                from.into_iter()
                    .flatten()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        expanded.extend(
            instance[field]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        expanded
    }
}

/// True if a daemon begins with something of a kind that others may want to make themselves.
fn has_begun(kind: Kind) -> bool {
    matches!(kind, Kind::Pool | Kind::Network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_began_with_is_handed_over_once() {
        let mut store = Store::new();
        store.lends = true;
        let network = store.get(Kind::Network, "default", "incusbr0").cloned();
        store.hand_over(Kind::Network, "default", "incusbr0");
        assert!(store.get(Kind::Network, "default", "incusbr0").is_none());
        // Made as it was, it is somebody's: also in the next run, and where the file was not written since.
        let network = network.expect("it began with one");
        store.put(Kind::Network, "default", "incusbr0", network);
        let written = serde_json::to_vec(&store).expect("it can be written");
        let mut again: Store = serde_json::from_slice(&written).expect("it can be read");
        let mut replayed = Store::new();
        replayed.redo(store.take_changes(), store.made());
        for store in [&mut store, &mut again, &mut replayed] {
            store.lends = true;
            store.hand_over(Kind::Network, "default", "incusbr0");
            assert!(store.get(Kind::Network, "default", "incusbr0").is_some());
        }
    }
}
