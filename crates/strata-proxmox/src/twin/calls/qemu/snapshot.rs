//! Snapshots.

use serde_json::{Value as Json, json};

use super::super::super::{
    answer::{Answered, Refusal, Started, data, fail, null},
    call::Call,
    disk::{self, Drive},
    store::{Guest, Kind, Snapshot, Store},
};

pub(super) fn answer(store: &mut Store, call: &Call, path: &str) -> Option<Answered> {
    let rest = path.strip_prefix("/{vmid}/snapshot")?;
    answer_for(store, call, Kind::Qemu, rest)
}

/// Answers for either kind of guest.
pub(in super::super) fn answer_for(
    store: &mut Store,
    call: &Call,
    kind: Kind,
    rest: &str,
) -> Option<Answered> {
    Some(match (call.method.verb.as_str(), rest) {
        ("GET", "") => list(store, call, kind),
        ("POST", "") => take(store, call, kind),
        ("DELETE", "/{snapname}") => delete(store, call, kind),
        ("GET", "/{snapname}/config") => one(store, call, kind).and_then(|snapshot| {
            let mut shown =
                json!({ "snaptime": snapshot.time, "description": snapshot.description });
            for (name, text) in &snapshot.config {
                shown[name] = json!(text);
            }
            data(shown)
        }),
        ("PUT", "/{snapname}/config") => describe(store, call, kind),
        ("POST", "/{snapname}/rollback") => rollback(store, call, kind),
        _ => return None,
    })
}

fn one<'a>(store: &'a Store, call: &Call, kind: Kind) -> Result<&'a Snapshot, Refusal> {
    let guest = store.guest(kind, call.node(), call.vmid())?;
    let name = call.need("snapname");
    let found = guest.snapshots.get(name);
    found.ok_or_else(|| Refusal::fail(format!("snapshot '{name}' does not exist")))
}

fn list(store: &Store, call: &Call, kind: Kind) -> Answered {
    let guest = store.guest(kind, call.node(), call.vmid())?;
    let rows = guest.snapshots.iter().map(|(name, snapshot)| {
        let mut row = json!({
            "name": name, "description": snapshot.description, "snaptime": snapshot.time,
            "vmstate": u8::from(snapshot.with_memory),
        });
        if kind == Kind::Lxc {
            row.as_object_mut()
                .expect("a row is an object")
                .remove("vmstate");
        }
        if let Some(parent) = &snapshot.parent {
            row["parent"] = json!(parent);
        }
        row
    });
    let mut rows: Vec<Json> = rows.collect();
    let mut current = json!({
        "name": "current", "description": "You are here!", "digest": guest.digest(),
        "running": u8::from(guest.running),
    });
    if let Some(parent) = &guest.parent {
        current["parent"] = json!(parent);
    }
    rows.push(current);
    data(Json::Array(rows))
}

/// True if all its disks can keep snapshots: not raw files.
fn can(store: &Store, guest: &Guest) -> bool {
    guest.config.iter().all(|(name, text)| {
        let drive = Drive::read(text);
        let counts = (disk::is_drive(name) || disk::is_mount(name))
            && !drive.is_cdrom()
            && !name.starts_with("unused");
        let volume = store.volumes.get(&drive.file).filter(|_| counts);
        volume.is_none_or(|volume| volume.format != "raw" || !store.keeps_files(&volume.storage))
    })
}

fn take(store: &mut Store, call: &Call, kind: Kind) -> Answered {
    let id = call.vmid();
    store.guest(kind, call.node(), id)?;
    let name = call.need("snapname").to_owned();
    if name == "current" {
        return fail("unable to use snapshot name 'current' (reserved name)");
    }
    let description = call.need("description").to_owned();
    let with_memory = call.flag("vmstate");
    let task = if kind == Kind::Qemu {
        "qmsnapshot"
    } else {
        "vzsnapshot"
    };
    Started::answer(task, call.node(), id, move |store, _| {
        let Some(guest) = store.guests.get(&id) else {
            return Err("the guest is gone".to_owned());
        };
        if let Some(lock) = guest.lock() {
            return Err(format!("{} is locked ({lock})", kind.short()));
        }
        if guest.snapshots.contains_key(&name) {
            return Err(format!("snapshot name '{name}' already used"));
        }
        if !can(store, guest) {
            return Err("snapshot feature is not available".to_owned());
        }
        if guest.running && kind == Kind::Qemu && !store.can("savevm") {
            return Err(format!(
                "VM {id} qmp command 'savevm-start' failed - The command savevm-start has not been found "
            ));
        }
        let time = store.now();
        if let Some(guest) = store.guests.get_mut(&id) {
            let with_memory = with_memory && guest.running;
            // What is written about a guest belongs to none of its states.
            let mut config = guest.config.clone();
            config.remove("description");
            let snapshot = Snapshot {
                config,
                time,
                description,
                parent: guest.parent.take(),
                with_memory,
            };
            guest.snapshots.insert(name.clone(), snapshot);
            guest.parent = Some(name);
        }
        Ok(())
    })
}

fn delete(store: &mut Store, call: &Call, kind: Kind) -> Answered {
    let (id, name) = (call.vmid(), call.need("snapname").to_owned());
    store.guest(kind, call.node(), id)?;
    let task = if kind == Kind::Qemu {
        "qmdelsnapshot"
    } else {
        "vzdelsnapshot"
    };
    Started::answer(task, call.node(), id, move |store, _| {
        let Some(guest) = store.guests.get_mut(&id) else {
            return Err("the guest is gone".to_owned());
        };
        let Some(gone) = guest.snapshots.remove(&name) else {
            return Err(format!("snapshot '{name}' does not exist"));
        };
        let parents = guest
            .snapshots
            .values_mut()
            .map(|snapshot| &mut snapshot.parent);
        for parent in parents.chain([&mut guest.parent]) {
            if parent.as_deref() == Some(name.as_str()) {
                parent.clone_from(&gone.parent);
            }
        }
        Ok(())
    })
}

fn describe(store: &mut Store, call: &Call, kind: Kind) -> Answered {
    one(store, call, kind)?;
    let (name, text) = (
        call.need("snapname").to_owned(),
        call.text("description").map(str::to_owned),
    );
    let guest = store.guest_mut(kind, call.node(), call.vmid())?;
    if let (Some(snapshot), Some(text)) = (guest.snapshots.get_mut(&name), text) {
        snapshot.description = text;
    }
    null()
}

fn rollback(store: &mut Store, call: &Call, kind: Kind) -> Answered {
    let (id, name) = (call.vmid(), call.need("snapname").to_owned());
    store.guest(kind, call.node(), id)?;
    let start = call.flag("start");
    let task = if kind == Kind::Qemu {
        "qmrollback"
    } else {
        "vzrollback"
    };
    Started::answer(task, call.node(), id, move |store, _| {
        let Some(guest) = store.guests.get_mut(&id) else {
            return Err("the guest is gone".to_owned());
        };
        let Some(snapshot) = guest.snapshots.get(&name) else {
            return Err(format!("snapshot '{name}' does not exist"));
        };
        let mut config = snapshot.config.clone();
        if let Some(text) = guest.config.remove("description") {
            config.insert("description".to_owned(), text);
        }
        if let Some(generation) = config.get_mut("vmgenid") {
            *generation = uuid::Uuid::new_v4().to_string();
        }
        guest.config = config;
        guest.pending.clear();
        guest.parent = Some(name);
        guest.running = false;
        if start {
            super::power::switch_on(store, id);
        }
        Ok(())
    })
}
