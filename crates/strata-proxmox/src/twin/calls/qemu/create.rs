//! Virtual machines made and removed.

use std::collections::BTreeMap;

use super::{
    super::super::{
        answer::{Answered, Refusal, Started, fail, wrong},
        call::Call,
        disk::{self, Drive},
        permission,
        store::{Guest, Kind, Store},
    },
    config::{self, Change},
};

/// Parameters of the call that are no settings of the machine.
const CONTROL: [&str; 14] = [
    "node",
    "vmid",
    "archive",
    "bwlimit",
    "force",
    "live-restore",
    "pool",
    "start",
    "storage",
    "unique",
    "import-working-storage",
    "ha-managed",
    "skiplock",
    "digest",
];

pub(super) fn create(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    may_allocate(store, call, id)?;
    let change = Change {
        set: call.rest(&CONTROL),
        ..Change::default()
    };
    config::rights(store, call, &change)?;
    for text in change
        .set
        .iter()
        .filter(|(name, _)| disk::is_drive(name))
        .map(|(_, text)| text)
    {
        if let Some((storage, _)) = Drive::read(text).wanted() {
            let content = store.storage(storage)?.get("content").cloned();
            if !store.lenient && content.is_some_and(|content| !content.contains("images")) {
                return wrong(
                    "storage",
                    format!("storage '{storage}' does not support vm images"),
                );
            }
        }
    }
    if let Some(other) = store.guests.get(&id) {
        let restored = call.flag("force") && call.text("archive").is_some();
        if !restored {
            return fail(format!(
                "unable to create VM {id} - VM {id} already exists on node '{}'",
                other.node
            ));
        }
    }
    if let Some(archive) = call.text("archive") {
        return restore(store, call, archive.to_owned());
    }
    if !change.set.is_empty() {
        config::check(store, call, &change)?;
    }
    let guest = Guest {
        kind: Kind::Qemu,
        node: node.clone(),
        ..Guest::default()
    };
    store.guests.insert(
        id,
        Guest {
            config: locked(),
            ..guest
        },
    );
    join_pool(store, call, id);
    let start = call.flag("start");
    Started::answer("qmcreate", &node, id, move |store, log| {
        let outcome = build(store, id, &change.set, log);
        if let Err(refusal) = outcome {
            discard(store, id);
            return Err(format!(
                "unable to create VM {id} - {}",
                config::words(&refusal)
            ));
        }
        if start {
            super::power::switch_on(store, id);
        }
        Ok(())
    })
}

fn locked() -> BTreeMap<String, String> {
    BTreeMap::from([("lock".to_owned(), "create".to_owned())])
}

/// Refuses unless the caller may make a guest of this id.
pub(in super::super) fn may_allocate(store: &Store, call: &Call, id: u32) -> Result<(), Refusal> {
    if let Some(pool) = call.text("pool") {
        if !store.pools.contains_key(pool) {
            return Err(Refusal::denied(&format!("pool '{pool}' does not exist")));
        }
        if permission::one(store, &call.who, &format!("/pool/{pool}"), "VM.Allocate").is_ok() {
            return Ok(());
        }
    }
    permission::one(store, &call.who, &format!("/vms/{id}"), "VM.Allocate")
        .map_err(|_| Refusal::status(403, "Permission check failed"))
}

/// Puts a new guest into the pool that the call names.
pub(in super::super) fn join_pool(store: &mut Store, call: &Call, id: u32) {
    if let Some(pool) = call.text("pool").and_then(|pool| store.pools.get_mut(pool)) {
        pool.guests.insert(id);
    }
}

/// Forgets a guest and its volumes.
pub(in super::super) fn discard(store: &mut Store, id: u32) {
    store.guests.remove(&id);
    store
        .pools
        .values_mut()
        .for_each(|pool| pool.guests.retain(|own| *own != id));
    store
        .volumes
        .retain(|_, volume| volume.vmid != Some(id) || volume.content == "backup");
}

fn build(
    store: &mut Store,
    id: u32,
    settings: &BTreeMap<String, String>,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    identify(store, id);
    for (name, text) in settings {
        let text = match name.as_str() {
            // A new machine keeps these as they came in.
            "tags" | "cipassword" => text.clone(),
            name => config::made(store, id, name, text, log)?,
        };
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(name.clone(), text);
        }
    }
    if !settings.contains_key("boot")
        && let Some(guest) = store.guests.get_mut(&id)
    {
        let boot = default_boot(guest);
        guest.config.insert("boot".to_owned(), boot);
    }
    if let Some(guest) = store.guests.get_mut(&id) {
        guest
            .config
            .retain(|name, text| name != "lock" && !(name == "description" && text.is_empty()));
        guest.on_drive = guest.config.clone();
    }
    Ok(())
}

/// Gives a machine the names by which its system knows it.
pub(super) fn identify(store: &mut Store, id: u32) {
    let now = store.now();
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    let unique = || uuid::Uuid::new_v4().to_string();
    guest
        .config
        .entry("smbios1".to_owned())
        .or_insert_with(|| format!("uuid={}", unique()));
    guest.config.insert("vmgenid".to_owned(), unique());
    guest.config.insert(
        "meta".to_owned(),
        format!("creation-qemu=10.0.13,ctime={now}"),
    );
}

/// What a machine boots from if nobody says: its first disk, CD drive and network device.
pub(super) fn default_boot(guest: &Guest) -> String {
    let drives = ["ide", "scsi", "virtio", "sata"]
        .iter()
        .flat_map(|bus| (0..31).map(move |number| format!("{bus}{number}")));
    let (mut first_disk, mut first_cd) = (None, None);
    for name in drives {
        let Some(text) = guest.config.get(&name) else {
            continue;
        };
        let slot = if Drive::read(text).is_cdrom() {
            &mut first_cd
        } else {
            &mut first_disk
        };
        slot.get_or_insert(name);
    }
    let mut net = (0..32).map(|number| format!("net{number}"));
    let net = net.find(|name| guest.config.contains_key(name));
    let order: Vec<String> = [first_disk, first_cd, net].into_iter().flatten().collect();
    if order.is_empty() {
        " ".to_owned()
    } else {
        format!("order={}", order.join(";"))
    }
}

fn restore(store: &mut Store, call: &Call, archive: String) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    let rest = archive.split_once(':').map_or("", |(_, rest)| rest);
    if !rest.starts_with("backup/vzdump-") {
        return fail(format!("unable to parse directory volume name '{rest}'"));
    }
    let Some(volume) = store.volumes.get(&archive) else {
        return fail(format!("volume '{archive}' does not exist"));
    };
    let Some(held) = volume.archived.clone() else {
        return fail("unable to read the archive");
    };
    let set = call.rest(&CONTROL);
    Started::answer("qmrestore", &node.clone(), id, move |store, log| {
        discard(store, id);
        let mut guest = *held;
        guest.node = node;
        guest.running = false;
        guest.snapshots.clear();
        store.guests.insert(id, guest);
        super::clone::own_disks(store, id, None, None, log)?;
        let change = Change {
            set,
            ..Change::default()
        };
        config::apply(store, id, &change, log).map_err(|refusal| config::words(&refusal))
    })
}

pub(super) fn delete(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if guest
        .config
        .get("protection")
        .is_some_and(|text| text == "1")
    {
        return fail(format!("can't remove VM {id} - protection mode enabled"));
    }
    let managed = store
        .objects
        .get("ha-resource")
        .is_some_and(|all| all.contains_key(&format!("vm:{id}")));
    if managed && !call.flag("purge") {
        return fail(format!(
            "unable to remove VM {id} - used in HA resources and purge parameter not set."
        ));
    }
    if guest.running {
        return fail(format!("VM {id} is running - destroy failed"));
    }
    let purge = call.flag("purge");
    Started::answer("qmdestroy", call.node(), id, move |store, log| {
        let Some(guest) = store.guests.get(&id) else {
            return Err(super::super::super::store::no_guest(Kind::Qemu, "pve1", id));
        };
        if let Some(lock) = guest.lock() {
            return Err(format!("VM is locked ({lock})"));
        }
        let files = guest.config.iter().filter(|(name, _)| disk::is_drive(name));
        let files: Vec<String> = files.map(|(_, text)| Drive::read(text).file).collect();
        for file in &files {
            let stands = store
                .volumes
                .values()
                .any(|volume| volume.parent.as_ref() == Some(file));
            if stands && store.owns(id, file) {
                return Err(format!(
                    "base volume '{file}' is still in use by linked cloned"
                ));
            }
        }
        discard(store, id);
        store.firewalls.remove(&format!("guest/{id}"));
        let path = format!("/vms/{id}");
        store.acl.retain(|entry| entry.path != path);
        if purge {
            log.push(format!("purging VM {id} from related configurations.."));
            super::super::objects::purge(store, id, "vm");
        }
        Ok(())
    })
}
