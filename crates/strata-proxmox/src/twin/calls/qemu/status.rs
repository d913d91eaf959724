//! How virtual machines are: the list and the state of one.

use serde_json::{Value as Json, json};

use super::super::super::{
    answer::{Answered, data},
    call::Call,
    disk::{self, Drive},
    permission,
    store::{Guest, Kind, Store},
};

pub(super) fn list(store: &Store, call: &Call) -> Answered {
    let rows = store.guests.iter().filter(|(id, guest)| {
        guest.kind == Kind::Qemu
            && guest.node == call.node()
            && permission::sees_guest(store, &call.who, **id)
    });
    data(rows.map(|(id, guest)| short(store, *id, guest)).collect())
}

/// A guest's row in a node's list.
fn short(store: &Store, id: u32, guest: &Guest) -> Json {
    let mut row = base(store, id, guest);
    if guest.is_template() {
        row["template"] = json!(1);
    }
    row
}

fn base(store: &Store, id: u32, guest: &Guest) -> Json {
    let config = &guest.config;
    let number = |name: &str| config.get(name).and_then(|text| text.parse::<u64>().ok());
    let memory = number("memory").unwrap_or(512) << 20;
    let cpus = number("vcpus")
        .unwrap_or_else(|| number("cores").unwrap_or(1) * number("sockets").unwrap_or(1));
    let mut row = json!({
        "vmid": id, "name": guest.name(id), "cpus": cpus, "maxmem": memory,
        "maxdisk": boot_disk_size(store, guest),
        "status": if guest.running { "running" } else { "stopped" },
        "uptime": if guest.running { store.now().saturating_sub(guest.since) } else { 0 },
        "cpu": 0, "mem": 0, "memhost": 0, "disk": 0, "netin": 0, "netout": 0,
    });
    for (name, from) in [("tags", "tags"), ("lock", "lock")] {
        if let Some(text) = config.get(from) {
            row[name] = json!(text);
        }
    }
    if let Some(shares) = number("shares") {
        row["shares"] = json!(shares);
    }
    if let Some(least) = number("balloon").filter(|least| *least > 0) {
        row["balloon_min"] = json!(least << 20);
        row["shares"] = json!(number("shares").unwrap_or(1000));
    }
    if config.keys().any(|name| name.starts_with("serial")) {
        row["serial"] = json!(1);
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
            row[format!("pressure{name}")] = json!(0);
        }
    }
    row
}

/// The size of the disk that it boots from.
fn boot_disk_size(store: &Store, guest: &Guest) -> u64 {
    let drives = ["ide", "scsi", "virtio", "sata"]
        .iter()
        .flat_map(|bus| (0..31).map(move |number| format!("{bus}{number}")));
    let order = guest.config.get("boot").map_or("", String::as_str);
    let ordered = order
        .strip_prefix("order=")
        .unwrap_or_default()
        .split(';')
        .map(str::to_owned);
    for key in ordered.chain(drives) {
        let Some(text) = guest.config.get(&key).filter(|_| disk::is_drive(&key)) else {
            continue;
        };
        let drive = Drive::read(text);
        if drive.is_cdrom() {
            continue;
        }
        let size = drive
            .options
            .get("size")
            .and_then(|size| disk::read_size(size));
        return size
            .or_else(|| store.volumes.get(&drive.file).map(|volume| volume.size))
            .unwrap_or(0);
    }
    0
}

pub(super) fn current(store: &Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    let mut row = base(store, id, guest);
    row["qmpstatus"] = json!(match (guest.running, guest.paused) {
        (false, _) => "stopped",
        (true, false) => "running",
        (true, true) => "paused",
    });
    row["ha"] = ha(store, id, "vm");
    if guest.is_template() {
        row["template"] = json!(1);
    }
    let agent = guest.config.get("agent").map_or("", String::as_str);
    if super::agent::is_on(agent) {
        row["agent"] = json!(1);
    }
    if guest.config.contains_key("vga") {
        row["clipboard"] = Json::Null;
    }
    if guest.running {
        nics(guest, id, &mut row);
    }
    data(row)
}

fn nics(guest: &Guest, id: u32, row: &mut Json) {
    let mut nics = serde_json::Map::new();
    for name in guest.config.keys() {
        if let Some(number) = name
            .strip_prefix("net")
            .filter(|number| number.parse::<u8>().is_ok())
        {
            nics.insert(
                format!("tap{id}i{number}"),
                json!({ "netin": 0, "netout": 0 }),
            );
        }
    }
    if !nics.is_empty() {
        row["nics"] = Json::Object(nics);
    }
}

/// Whether the guest is in the care of the HA manager.
pub(super) fn ha(store: &Store, id: u32, kind: &str) -> Json {
    let name = format!("{kind}:{id}");
    let resource = store
        .objects
        .get("ha-resource")
        .and_then(|all| all.get(&name));
    match resource {
        Some(resource) => {
            // What the manager makes of it is known where guests live.
            let state = store
                .guests_answer
                .then(|| resource["state"].as_str().unwrap_or("started"));
            json!({ "managed": 1, "state": state })
        }
        None => json!({ "managed": 0 }),
    }
}

/// A guest's row in the list of the cluster.
pub(crate) fn row(store: &Store, id: u32, guest: &Guest) -> Json {
    let mut row = base(store, id, guest);
    let members = row.as_object_mut().expect("a row is an object");
    members.retain(|name, _| {
        !(name.starts_with("pressure")
            || matches!(name.as_str(), "pid" | "serial" | "shares" | "balloon_min"))
    });
    if let Some(cpus) = members.remove("cpus") {
        members.insert("maxcpu".to_owned(), cpus);
    }
    for name in ["diskread", "diskwrite"] {
        members.insert(name.to_owned(), json!(0));
    }
    row["id"] = json!(format!("qemu/{id}"));
    row["type"] = json!("qemu");
    row["node"] = json!(guest.node);
    row["template"] = json!(u8::from(guest.is_template()));
    if let Some(pool) = store.pool_of(id) {
        row["pool"] = json!(pool);
    }
    row
}
