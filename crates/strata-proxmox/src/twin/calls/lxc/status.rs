//! How containers are: the list, the state of one, and its addresses.

use serde_json::{Value as Json, json};

use super::super::super::{
    answer::{Answered, data},
    call::Call,
    disk::{Drive, read_size},
    permission,
    store::{Guest, Kind, Store},
};

pub(super) fn list(store: &Store, call: &Call) -> Answered {
    let rows = store.guests.iter().filter(|(id, guest)| {
        guest.kind == Kind::Lxc
            && guest.node == call.node()
            && permission::sees_guest(store, &call.who, **id)
    });
    data(rows.map(|(id, guest)| base(store, *id, guest)).collect())
}

fn base(store: &Store, id: u32, guest: &Guest) -> Json {
    let config = &guest.config;
    let number = |name: &str| config.get(name).and_then(|text| text.parse::<u64>().ok());
    let root = Drive::read(config.get("rootfs").map_or("", String::as_str));
    let size = root
        .options
        .get("size")
        .and_then(|size| read_size(size))
        .unwrap_or(0);
    let mut row = json!({
        "vmid": id, "name": guest.name(id), "type": "lxc",
        "cpus": number("cores").unwrap_or(2),
        "maxmem": number("memory").unwrap_or(512) << 20,
        "maxswap": number("swap").unwrap_or(512) << 20,
        "maxdisk": size,
        "status": if guest.running { "running" } else { "stopped" },
        "uptime": if guest.running { store.now().saturating_sub(guest.since) } else { 0 },
        "cpu": 0, "mem": 0, "swap": 0, "disk": 0, "netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
    });
    for name in ["tags", "lock"] {
        if let Some(text) = config.get(name) {
            row[name] = json!(text);
        }
    }
    if guest.is_template() {
        row["template"] = json!(1);
    }
    if guest.running {
        row["pid"] = json!(7000 + id);
        for name in [
            "cpusome",
            "cpufull",
            "iosome",
            "iofull",
            "memorysome",
            "memoryfull",
        ] {
            row[format!("pressure{name}")] = json!("0.00");
        }
    }
    row
}

pub(super) fn current(store: &Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    let mut row = base(store, id, guest);
    let name = format!("ct:{id}");
    let managed = store
        .objects
        .get("ha-resource")
        .is_some_and(|all| all.contains_key(&name));
    row["ha"] = json!({ "managed": u8::from(managed) });
    data(row)
}

/// What its volumes allow: raw files know neither snapshots nor linked clones.
pub(super) fn feature(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Lxc, call.node(), call.vmid())?;
    let raw = guest.config.iter().any(|(name, text)| {
        let volume = store.volumes.get(&Drive::read(text).file);
        crate::twin::disk::is_mount(name)
            && volume
                .is_some_and(|volume| volume.format == "raw" && store.keeps_files(&volume.storage))
    });
    let has = call.need("feature") == "copy" || !raw;
    data(json!({ "hasFeature": u8::from(has) }))
}

pub(super) fn can_migrate(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Lxc, call.node(), call.vmid())?;
    let others: Vec<&String> = store
        .nodes
        .keys()
        .filter(|name| **name != guest.node)
        .collect();
    data(json!({
        "running": u8::from(guest.running), "allowed-nodes": others, "not-allowed-nodes": {},
    }))
}

/// A guest's row in the list of the cluster.
pub(crate) fn row(store: &Store, id: u32, guest: &Guest) -> Json {
    let mut row = base(store, id, guest);
    let members = row.as_object_mut().expect("a row is an object");
    members.retain(|name, _| {
        !name.starts_with("pressure") && !matches!(name.as_str(), "pid" | "swap" | "maxswap")
    });
    if let Some(cpus) = members.remove("cpus") {
        members.insert("maxcpu".to_owned(), cpus);
    }
    row["id"] = json!(format!("lxc/{id}"));
    row["node"] = json!(guest.node);
    row["memhost"] = json!(0);
    row["template"] = json!(u8::from(guest.is_template()));
    if let Some(pool) = store.pool_of(id) {
        row["pool"] = json!(pool);
    }
    row
}

pub(super) fn interfaces(store: &Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if !guest.running {
        return data(Json::Null);
    }
    let mut all = vec![interface(
        "lo",
        "00:00:00:00:00:00",
        &[("127.0.0.1", "inet", 8), ("::1", "inet6", 128)],
    )];
    for number in 0..32 {
        let Some(net) = guest.config.get(&format!("net{number}")) else {
            continue;
        };
        let part = |key: &str| {
            net.split(',')
                .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
                .unwrap_or_default()
        };
        let setting = format!("ip={},ip6={}", part("ip"), part("ip6"));
        let found = super::super::qemu::agent::addresses(&setting, id, number);
        let addresses: Vec<(&str, &str, u64)> = found
            .iter()
            .filter_map(|found| {
                let address = found["ip-address"].as_str()?;
                let family = if found["ip-address-type"] == "ipv4" {
                    "inet"
                } else {
                    "inet6"
                };
                Some((address, family, found["prefix"].as_u64()?))
            })
            .collect();
        all.push(interface(
            part("name"),
            &part("hwaddr").to_lowercase(),
            &addresses,
        ));
    }
    data(Json::Array(all))
}

fn interface(name: &str, mac: &str, addresses: &[(&str, &str, u64)]) -> Json {
    let list = addresses.iter().map(|(address, family, prefix)| {
        json!({ "ip-address": address, "ip-address-type": family, "prefix": prefix.to_string() })
    });
    let mut interface = json!({
        "name": name, "hwaddr": mac, "hardware-address": mac, "ip-addresses": list.collect::<Vec<_>>(),
    });
    for (address, family, prefix) in addresses {
        interface[*family] = json!(format!("{address}/{prefix}"));
    }
    interface
}
