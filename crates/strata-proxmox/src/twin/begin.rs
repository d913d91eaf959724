//! What a cluster is like before anybody has used it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Options,
    store::{Node, Settings, Store, Token},
};

const ALL: &str = "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit,Group.Allocate,Mapping.Audit,Mapping.Modify,Mapping.Use,Permissions.Modify,Pool.Allocate,Pool.Audit,Realm.Allocate,Realm.AllocateUser,SDN.Allocate,SDN.Audit,SDN.Use,Sys.AccessNetwork,Sys.Audit,Sys.Console,Sys.Incoming,Sys.Modify,Sys.PowerMgmt,Sys.Syslog,User.Modify,VM.Allocate,VM.Audit,VM.Backup,VM.Clone,VM.Config.CDROM,VM.Config.CPU,VM.Config.Cloudinit,VM.Config.Disk,VM.Config.HWType,VM.Config.Memory,VM.Config.Network,VM.Config.Options,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.GuestAgent.Unrestricted,VM.Migrate,VM.PowerMgmt,VM.Replicate,VM.Snapshot,VM.Snapshot.Rollback";

/// Privileges that only `Administrator` has.
const HIGHEST: [&str; 7] = [
    "Permissions.Modify",
    "Realm.Allocate",
    "Sys.AccessNetwork",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Mapping.Modify",
];

/// The other roles that are there from the beginning.
const ROLES: [(&str, &str); 14] = [
    ("NoAccess", ""),
    (
        "PVEAuditor",
        "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit,VM.Audit,VM.GuestAgent.Audit",
    ),
    (
        "PVEDatastoreAdmin",
        "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit",
    ),
    (
        "PVEDatastoreUser",
        "Datastore.AllocateSpace,Datastore.Audit",
    ),
    (
        "PVEMappingAdmin",
        "Mapping.Audit,Mapping.Modify,Mapping.Use",
    ),
    ("PVEMappingUser", "Mapping.Audit,Mapping.Use"),
    ("PVEPoolAdmin", "Pool.Allocate,Pool.Audit"),
    ("PVEPoolUser", "Pool.Audit"),
    ("PVESDNAdmin", "SDN.Allocate,SDN.Audit,SDN.Use"),
    ("PVESDNUser", "SDN.Audit,SDN.Use"),
    ("PVESysAdmin", "Sys.Audit,Sys.Console,Sys.Syslog"),
    ("PVETemplateUser", "VM.Audit,VM.Clone"),
    (
        "PVEUserAdmin",
        "Group.Allocate,Realm.AllocateUser,User.Modify",
    ),
    (
        "PVEVMUser",
        "VM.Audit,VM.Backup,VM.Config.CDROM,VM.Config.Cloudinit,VM.Console,VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,VM.PowerMgmt",
    ),
];

/// True for a role that nobody made.
pub(super) fn is_built_in(role: &str) -> bool {
    matches!(role, "Administrator" | "PVEAdmin" | "PVEVMAdmin")
        || ROLES.iter().any(|(name, _)| *name == role)
}

/// True for the name of a privilege.
pub(super) fn is_privilege(name: &str) -> bool {
    ALL.split(',').any(|known| known == name)
}

/// A cluster with its nodes, two storages, root and its tokens.
pub(super) fn cluster(options: &Options) -> Store {
    let mut store = Store {
        lenient: options.lenient,
        guests_answer: options.guests_answer,
        ..Store::default()
    };
    for name in &options.nodes {
        store.nodes.insert(name.clone(), node());
    }
    store.storages.insert("local".to_owned(), local());
    if options.lenient {
        store.storages.insert("local-lvm".to_owned(), lvm());
    }
    roles(&mut store);
    let root = [
        ("enable", "1"),
        ("password", options.password.as_str()),
        ("realm-type", "pam"),
    ];
    store.users.insert("root@pam".to_owned(), settings(&root));
    for (name, secret) in &options.tokens {
        let token = Token {
            secret: secret.clone(),
            settings: settings(&[("privsep", "0")]),
        };
        store.tokens.insert(format!("root@pam!{name}"), token);
    }
    for (realm, comment) in [
        ("pam", "Linux PAM standard authentication"),
        ("pve", "Proxmox VE authentication server"),
    ] {
        let value = json!({ "realm": realm, "type": realm, "comment": comment });
        store.kind("realm").insert(realm.to_owned(), value);
    }
    store
}

fn roles(store: &mut Store) {
    let set = |text: &str| {
        text.split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    store.roles = ROLES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), set(text)))
        .collect();
    let all: std::collections::BTreeSet<String> = set(ALL);
    let admin = all
        .iter()
        .filter(|name| !HIGHEST.contains(&name.as_str()))
        .cloned()
        .collect();
    let of_guests = all
        .iter()
        .filter(|name| name.starts_with("VM."))
        .cloned()
        .collect();
    store.roles.insert("PVEAdmin".to_owned(), admin);
    store.roles.insert("PVEVMAdmin".to_owned(), of_guests);
    store.roles.insert("Administrator".to_owned(), all);
}

pub(super) fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

/// The storage that every installation has.
pub(super) fn local() -> Settings {
    settings(&[
        ("type", "dir"),
        ("path", "/var/lib/vz"),
        (
            "content",
            "images,rootdir,vztmpl,iso,backup,snippets,import",
        ),
    ])
}

/// A folder on the node that takes everything, for a storage that nobody made.
pub(super) fn folder(name: &str) -> Settings {
    let mut made = local();
    made.insert("path".to_owned(), format!("/mnt/pve/{name}"));
    made
}

fn lvm() -> Settings {
    settings(&[
        ("type", "lvmthin"),
        ("thinpool", "data"),
        ("vgname", "pve"),
        ("content", "images,rootdir"),
    ])
}

/// A node as it is installed.
pub(super) fn node() -> Node {
    let port = settings(&[
        ("type", "eth"),
        ("active", "1"),
        ("method", "manual"),
        ("method6", "manual"),
        ("priority", "3"),
    ]);
    let bridge = settings(&[
        ("type", "bridge"),
        ("active", "1"),
        ("autostart", "1"),
        ("bridge_ports", "eth0"),
        ("bridge_stp", "off"),
        ("bridge_fd", "0"),
        ("method", "static"),
        ("method6", "manual"),
        ("address", "10.99.0.2"),
        ("netmask", "24"),
        ("cidr", "10.99.0.2/24"),
        ("gateway", "10.99.0.1"),
        ("priority", "4"),
    ]);
    Node {
        memory: 256 << 30,
        cores: 64,
        timezone: "UTC".to_owned(),
        dns: settings(&[("search", "lan"), ("dns1", "10.99.0.1")]),
        hosts: "127.0.0.1 localhost.localdomain localhost\n".to_owned(),
        network: BTreeMap::from([("eth0".to_owned(), port), ("vmbr0".to_owned(), bridge)]),
        ..Node::default()
    }
}
