//! What happened on the recorded machine without being recorded: its state at the beginning, and what was
//! cleaned up or made by hand between two exchanges.
//!
//! All of it is written down here; none of it is taken from an answer that is compared. Guests of other
//! recordings that ran on the same machine at the same time are here only for their tags.

use serde_json::Value as Json;

use super::super::{
    Twin, begin,
    store::{AclEntry, Guest, Kind, Pool, Store, Volume},
};

/// Files that were in the machine's storage before the recordings began.
const FILES: [(&str, &str, &str, u64); 3] = [
    (
        "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst",
        "vztmpl",
        "tzst",
        1 << 20,
    ),
    ("local:iso/x.iso", "iso", "iso", 133_120),
    ("local:iso/dl.iso", "iso", "iso", 1000),
];

/// The SHA-256 of the file that was there to be downloaded, as the requests name it.
const SUM: &str = "8bd50e5eaec9af0cca616ba81c5d402dbfd11161212d45f67d70927a8d5c070c";

/// The server before the recording began.
pub(super) fn machine(area: &str, twin: &Twin) {
    let mut store = twin.shared.store();
    let local = store.storages.get_mut("local").expect("there is `local`");
    local.insert("prune-backups".to_owned(), "keep-all=1".to_owned());
    let dir1 = [
        ("type", "dir"),
        ("path", "/var/lib/dir1"),
        ("content", "images,iso"),
    ];
    store
        .storages
        .insert("dir1".to_owned(), begin::settings(&dir1));
    if let Some(node) = store.nodes.get_mut("pve1") {
        node.cores = 2;
        node.memory = 25_276_514_304;
    }
    if area != "lists-clean" {
        for (name, content, format, size) in FILES {
            let volume = Volume {
                content: content.to_owned(),
                format: format.to_owned(),
                size,
                ..Volume::default()
            };
            store.make_volume(name, volume);
        }
    }
    // As its README says: QEMU without the patches of Proxmox, containers without their cgroups.
    store.lacks = ["savevm", "cgroups"].map(str::to_owned).into();
    store.web.insert(
        "http://10.99.0.1:8123/rec.iso".to_owned(),
        (36_775, SUM.to_owned()),
    );
    if let Some(node) = store.nodes.get_mut("pve1") {
        let debian = serde_json::json!({
            "Types": ["deb"], "URIs": ["http://deb.debian.org/debian"], "Suites": ["trixie"],
            "Components": ["main"], "Enabled": 1, "FileType": "list",
        });
        node.repositories
            .insert("/etc/apt/sources.list".to_owned(), vec![debian]);
    }
    match area {
        "base" => {
            guest(&mut store, 900, "perm", &[]);
            store.acl.push(AclEntry {
                path: "/".to_owned(),
                kind: "user".to_owned(),
                who: "rec1@pve".to_owned(),
                role: "PVEAdmin".to_owned(),
                propagate: true,
            });
        }
        "access" => {
            guest(&mut store, 700, "pm", &[]);
            guest(&mut store, 701, "pm2", &[]);
            store
                .users
                .insert("ra2@nope".to_owned(), begin::settings(&[("enable", "1")]));
        }
        "firewall" => guest(&mut store, 600, "fw", &[]),
        "concurrency" => template(&mut store),
        "cluster-node" => {
            // A zone that another recording had applied and then taken away.
            let zone = serde_json::json!({ "zone": "z1", "type": "simple" });
            store.kind("running-sdn-zone").insert("z1".to_owned(), zone);
        }
        _ => {}
    }
    if matches!(area, "access" | "cluster-node") {
        guest(&mut store, 400, "renamed", &[("tags", "x")]);
        guest(&mut store, 500, "ct-u", &[("tags", "a;b")]);
    }
}

/// What was done by hand before an exchange.
pub(super) fn by_hand(area: &str, exchange: &Json, store: &mut Store) {
    let scenario = exchange["scenario"].as_str().unwrap_or_default();
    let step = exchange["step"].as_u64().unwrap_or_default();
    match (area, scenario, step) {
        ("qemu", "qemu-cloudinit", 1) => {
            gone(store, 300);
            gone(store, 301);
        }
        ("qemu", "qemu-template-clone", 1) => {
            gone(store, 300);
            store.pools.insert("recpool".to_owned(), Pool::default());
        }
        ("qemu-runtime", "qemu-pending-hotplug", 1) => {
            // The machine was made anew, without an agent.
            if let Some(guest) = store.guests.get_mut(&400) {
                guest.config.remove("agent");
                guest.pending.remove("agent");
            }
        }
        ("qemu-runtime", "qemu-backup-restore", 1) => {
            if let Some(guest) = store.guests.get_mut(&400) {
                guest.config.remove("lock");
                guest.running = false;
            }
        }
        ("qemu-runtime", "agent-absent", 1) => gone(store, 400),
        ("qemu-runtime", "qemu-template-linked-clone-qcow2", 1) => {
            gone(store, 410);
            store.pools.insert("recpool2".to_owned(), Pool::default());
        }
        ("firewall", "fw-rules", 28) => clear_rules(store, "cluster"),
        ("firewall", "fw-rules", 56) => clear_rules(store, "node/pve1"),
        ("firewall", "fw-aliases-ipsets" | "fw-groups", 1) => clear_rules(store, "guest/600"),
        ("lxc", "lxc-create-privileged-and-errors", 6) => gone(store, 501),
        ("lxc", "lxc-locks", 17) => {
            if let Some(guest) = store.guests.get_mut(&510) {
                guest.config.remove("lock");
            }
        }
        ("errors", "errors-generic", 32 | 38) | ("errors", "nodes-cluster-read", 1) => {
            gone(store, 100);
        }
        ("errors", "nextid", 3) => guest(store, 100, "next", &[]),
        ("access", "pools-tags", 33) => drop(store.pools.insert("rp9".to_owned(), Pool::default())),
        ("base", "root-token-root-only-options", 1) => guest(store, 900, "perm", &[]),
        ("cluster-node", "ha", 1) => guest(store, 790, "ha", &[]),
        ("concurrency", _, 1) => race(store, exchange),
        _ => {}
    }
}

fn clear_rules(store: &mut Store, scope: &str) {
    if let Some(firewall) = store.firewalls.get_mut(scope) {
        firewall.rules.clear();
    }
}

fn gone(store: &mut Store, id: u32) {
    store.guests.remove(&id);
    store.volumes.retain(|_, volume| volume.vmid != Some(id));
    for pool in store.pools.values_mut() {
        pool.guests.remove(&id);
    }
}

/// A machine that was made before anybody recorded.
fn guest(store: &mut Store, id: u32, name: &str, more: &[(&str, &str)]) {
    let mut config = begin::settings(&[
        ("name", name),
        ("memory", "32"),
        ("boot", " "),
        ("meta", "m"),
        ("smbios1", "u"),
        ("vmgenid", "v"),
    ]);
    config.extend(begin::settings(more));
    let guest = Guest {
        kind: Kind::Qemu,
        node: "pve1".to_owned(),
        config,
        ..Guest::default()
    };
    store.guests.insert(id, guest);
}

fn with_disk(store: &mut Store, id: u32, name: &str, disk: &str, more: &[(&str, &str)]) {
    let volume = Volume {
        content: "images".to_owned(),
        format: "qcow2".to_owned(),
        size: 1 << 30,
        vmid: Some(id),
        ..Volume::default()
    };
    store.make_volume(disk, volume);
    let drive = format!("{disk},size=1G");
    guest(store, id, name, more);
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.config.insert("scsi0".to_owned(), drive);
    }
}

/// Each race had a machine of its own; what was left of the one before was removed.
fn race(store: &mut Store, exchange: &Json) {
    let all: Vec<u32> = store.guests.keys().copied().collect();
    all.into_iter()
        .filter(|id| *id != 2000)
        .for_each(|id| gone(store, id));
    let path = exchange["request"]["path"].as_str().unwrap_or_default();
    let id = path.split('/').find_map(|part| part.parse::<u32>().ok());
    if let Some(id) = id.filter(|id| *id != 2000) {
        let disk = format!("local:{id}/vm-{id}-disk-0.qcow2");
        with_disk(store, id, "src", &disk, &[("boot", "order=scsi0")]);
    }
}

/// The template that twenty clones were made of.
fn template(store: &mut Store) {
    let more = [
        ("template", "1"),
        ("boot", "order=scsi0;net0"),
        ("net0", "virtio=BC:24:11:00:20:00,bridge=vmbr0"),
    ];
    with_disk(
        store,
        2000,
        "ctpl",
        "local:2000/base-2000-disk-0.qcow2",
        &more,
    );
}
