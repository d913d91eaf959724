//! All that a cluster remembers, as one value that can be written down.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sha1::{Digest, Sha1};

use super::{answer::Refusal, task::Task};

/// Settings of an object as PVE's files hold them: texts by name.
pub(super) type Settings = BTreeMap<String, String>;

/// A cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Store {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) guests: BTreeMap<u32, Guest>,
    pub(super) storages: BTreeMap<String, Settings>,
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) users: BTreeMap<String, Settings>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) groups: BTreeMap<String, Settings>,
    pub(super) roles: BTreeMap<String, BTreeSet<String>>,
    pub(super) acl: Vec<AclEntry>,
    pub(super) pools: BTreeMap<String, Pool>,
    /// Firewalls by scope: `cluster`, `node/NAME`, `guest/ID`, `group/NAME`.
    pub(super) firewalls: BTreeMap<String, Firewall>,
    /// Simple objects by kind: realms, HA resources and rules, backup jobs, replication, mappings, SDN, ….
    pub(super) objects: BTreeMap<String, BTreeMap<String, Json>>,
    /// Options of the whole cluster.
    pub(super) options: Settings,
    pub(super) tasks: Vec<Task>,
    /// Tickets that were given out: ticket → user.
    pub(super) tickets: BTreeMap<String, String>,
    /// What makes names and addresses that repeat in no cluster of the same history.
    pub(super) counter: u64,
    /// True if what a configuration names is there although nobody made it: a rehearsal knows no cluster.
    pub(super) lenient: bool,
    /// True if guests with the agent switched on have one.
    pub(super) guests_answer: bool,
    /// What this installation cannot do, for tests: `savevm` of a QEMU without the patches of Proxmox,
    /// `cgroups` of containers that run, `addresses` of guests, `cloud-init` that succeeds.
    #[serde(default)]
    pub(super) lacks: BTreeSet<String>,
    /// What lies on the web, for tests: size and SHA-256 by URL. If nothing does, everything is there.
    #[serde(default)]
    pub(super) web: BTreeMap<String, (u64, String)>,
    /// The time that stands still, for tests; else the clock is asked.
    pub(super) frozen: Option<u64>,
    /// The release that the cluster is.
    #[serde(default = "newest")]
    pub(super) release: (u32, u32),
}

fn newest() -> (u32, u32) {
    super::release::NEWEST
}

/// A node.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) offline: bool,
    pub(super) memory: u64,
    pub(super) cores: u32,
    pub(super) dns: Settings,
    pub(super) hosts: String,
    pub(super) timezone: String,
    pub(super) config: Settings,
    /// Network interfaces as they are, and as they will be once applied.
    pub(super) network: BTreeMap<String, Settings>,
    pub(super) staged: Option<BTreeMap<String, Settings>>,
    pub(super) certificate: Option<String>,
    /// APT repositories: file → entries.
    pub(super) repositories: BTreeMap<String, Vec<Json>>,
}

/// What a guest is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    #[default]
    Qemu,
    Lxc,
}

impl Kind {
    /// As paths and lists name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Qemu => "qemu",
            Kind::Lxc => "lxc",
        }
    }

    /// As messages name it.
    pub(super) fn short(self) -> &'static str {
        match self {
            Kind::Qemu => "VM",
            Kind::Lxc => "CT",
        }
    }

    /// The folder of its configuration files.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Kind::Qemu => "qemu-server",
            Kind::Lxc => "lxc",
        }
    }
}

/// A virtual machine or container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Guest {
    pub(super) kind: Kind,
    pub(super) node: String,
    pub(super) config: Settings,
    /// What waits for the next start: a value, or none for a deletion.
    pub(super) pending: BTreeMap<String, Option<String>>,
    pub(super) running: bool,
    pub(super) paused: bool,
    /// When it was started.
    pub(super) since: u64,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    /// The snapshot that the present state stands on.
    pub(super) parent: Option<String>,
    /// Cloud-init settings as they are on the drive.
    pub(super) on_drive: Settings,
    /// True while a task works on it.
    #[serde(default, skip)]
    pub(super) busy: bool,
}

/// A guest's state at a time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) config: Settings,
    pub(super) time: u64,
    pub(super) description: String,
    pub(super) parent: Option<String>,
    pub(super) with_memory: bool,
}

/// What lies in a storage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) storage: String,
    pub(super) content: String,
    pub(super) format: String,
    pub(super) size: u64,
    pub(super) vmid: Option<u32>,
    pub(super) parent: Option<String>,
    pub(super) ctime: u64,
    pub(super) notes: Option<String>,
    pub(super) protected: bool,
    /// For archives: what they hold.
    pub(super) archived: Option<Box<Guest>>,
    /// For texts such as snippets.
    #[serde(default)]
    pub(super) text: Option<String>,
    /// For a file of a storage that each node has for itself: on whose it lies.
    #[serde(default)]
    pub(super) node: Option<String>,
    /// The files of the same name on other nodes.
    #[serde(default)]
    pub(super) elsewhere: BTreeMap<String, Volume>,
}

impl Volume {
    /// What a node sees under its name.
    pub(super) fn on(&self, node: &str) -> Option<&Volume> {
        match &self.node {
            Some(own) if own != node => self.elsewhere.get(node),
            _ => Some(self),
        }
    }
}

/// An API token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) secret: String,
    pub(super) settings: Settings,
}

/// Who may do what where.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct AclEntry {
    pub(super) path: String,
    /// `user`, `group` or `token`.
    pub(super) kind: String,
    pub(super) who: String,
    pub(super) role: String,
    pub(super) propagate: bool,
}

/// A pool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    pub(super) comment: Option<String>,
    pub(super) guests: BTreeSet<u32>,
    pub(super) storages: BTreeSet<String>,
}

/// One firewall.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Firewall {
    pub(super) options: Settings,
    pub(super) rules: Vec<Settings>,
    pub(super) aliases: BTreeMap<String, Settings>,
    pub(super) ipsets: BTreeMap<String, IpSet>,
    pub(super) comment: Option<String>,
}

/// A set of addresses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct IpSet {
    pub(super) comment: Option<String>,
    pub(super) members: Vec<Settings>,
}

impl Store {
    /// Seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.frozen.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        })
    }

    /// The next number that was not there before.
    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A new MAC address with the prefix of Proxmox.
    pub(super) fn mac(&mut self) -> String {
        let number = self.next();
        format!(
            "BC:24:11:{:02X}:{:02X}:{:02X}",
            number >> 16 & 0xff,
            number >> 8 & 0xff,
            number & 0xff
        )
    }

    /// A guest of a kind on a node, or the words of PVE that there is none.
    pub(super) fn guest(&self, kind: Kind, node: &str, id: u32) -> Result<&Guest, Refusal> {
        let guest = self
            .guests
            .get(&id)
            .filter(|guest| guest.kind == kind && guest.node == node);
        guest.ok_or_else(|| Refusal::fail(no_guest(kind, node, id)))
    }

    pub(super) fn guest_mut(
        &mut self,
        kind: Kind,
        node: &str,
        id: u32,
    ) -> Result<&mut Guest, Refusal> {
        let guest = self
            .guests
            .get_mut(&id)
            .filter(|guest| guest.kind == kind && guest.node == node);
        guest.ok_or_else(|| Refusal::fail(no_guest(kind, node, id)))
    }

    /// A storage that is there and switched on.
    pub(super) fn storage(&self, name: &str) -> Result<&Settings, Refusal> {
        let storage = self.storages.get(name);
        let storage =
            storage.ok_or_else(|| Refusal::fail(format!("storage '{name}' does not exist")))?;
        match storage.get("disable").map(String::as_str) {
            Some("1") => Err(Refusal::fail(format!("storage '{name}' is disabled"))),
            _ => Ok(storage),
        }
    }

    /// Objects of a kind.
    pub(super) fn kind(&mut self, kind: &str) -> &mut BTreeMap<String, Json> {
        self.objects.entry(kind.to_owned()).or_default()
    }

    /// True if the installation can do it.
    pub(super) fn can(&self, what: &str) -> bool {
        !self.lacks.contains(what)
    }

    /// The pool of a guest.
    pub(super) fn pool_of(&self, id: u32) -> Option<&str> {
        let pool = self
            .pools
            .iter()
            .find(|(_, pool)| pool.guests.contains(&id));
        pool.map(|(name, _)| name.as_str())
    }
}

/// The words of PVE for a guest that is not there.
pub(super) fn no_guest(kind: Kind, node: &str, id: u32) -> String {
    format!(
        "Configuration file 'nodes/{node}/{}/{id}.conf' does not exist",
        kind.folder()
    )
}

impl Guest {
    /// The settings as they will be after the next start.
    pub(super) fn coming(&self) -> Settings {
        let mut config = self.config.clone();
        for (name, value) in &self.pending {
            match value {
                Some(value) => config.insert(name.clone(), value.clone()),
                None => config.remove(name),
            };
        }
        config
    }

    pub(super) fn digest(&self) -> String {
        digest(&json!([self.config, self.pending]))
    }

    pub(super) fn is_template(&self) -> bool {
        self.config.get("template").is_some_and(|text| text == "1")
    }

    pub(super) fn lock(&self) -> Option<&str> {
        self.config.get("lock").map(String::as_str)
    }

    pub(super) fn name(&self, id: u32) -> String {
        let key = match self.kind {
            Kind::Qemu => "name",
            Kind::Lxc => "hostname",
        };
        let known = self.config.get(key).cloned();
        known.unwrap_or_else(|| {
            format!(
                "{}{id}",
                match self.kind {
                    Kind::Qemu => "VM ",
                    Kind::Lxc => "CT",
                }
            )
        })
    }
}

/// SHA-1 in hexadecimal, as PVE's digests are.
pub(super) fn digest(value: &Json) -> String {
    hex(&Sha1::digest(value.to_string()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Settings as JSON, numbers as numbers where the description says that they are.
pub(super) fn typed(parameters: &Map<String, Json>, settings: &Settings) -> Map<String, Json> {
    let typed = settings.iter().map(|(name, text)| {
        let facts = super::api::parameter(parameters, name);
        let ty = facts
            .and_then(|facts| facts["type"].as_str())
            .unwrap_or("string");
        (name.clone(), value(ty, text))
    });
    typed.collect()
}

/// A text as the JSON that PVE makes of it: only integers and booleans are numbers.
pub(super) fn value(ty: &str, text: &str) -> Json {
    match (ty, text.parse::<i64>()) {
        ("integer" | "boolean", Ok(number)) => json!(number),
        _ => json!(text),
    }
}
