//! Disks made larger, moved and given away; machines moved to another node.

use serde_json::json;

use super::{
    super::super::{
        answer::{Answered, Refusal, Started, data, fail, wrong},
        call::Call,
        disk::{self, Drive, print_size, read_size},
        store::{Kind, Store, Volume},
    },
    config,
};

pub(super) fn resize(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    store.guest(Kind::Qemu, call.node(), id)?;
    let (key, size) = (call.need("disk").to_owned(), call.need("size").to_owned());
    let digest = call.text("digest").map(str::to_owned);
    Started::answer("resize", call.node(), id, move |store, log| {
        let Some(guest) = store.guests.get(&id) else {
            return Err("the VM is gone".to_owned());
        };
        if digest.is_some_and(|digest| digest != guest.digest()) {
            return Err("checksum mismatch (file change by other user?)".to_owned());
        }
        if let Some(lock) = guest.lock() {
            return Err(format!("VM is locked ({lock})"));
        }
        grow(store, id, &key, &size, log)
    })
}

fn grow(
    store: &mut Store,
    id: u32,
    key: &str,
    size: &str,
    log: &mut Vec<String>,
) -> Result<(), String> {
    let text = store
        .guests
        .get(&id)
        .and_then(|guest| guest.config.get(key))
        .cloned();
    let text = text.ok_or_else(|| format!("disk '{key}' does not exist"))?;
    let mut drive = Drive::read(&text);
    let base = drive.file.contains(":base-")
        || drive
            .file
            .split('/')
            .next_back()
            .is_some_and(|last| last.starts_with("base-"));
    let old = store
        .volumes
        .get(&drive.file)
        .map_or(0, |volume| volume.size);
    let new = match size.strip_prefix('+') {
        Some(more) => old + read_size(more).unwrap_or(0),
        None => read_size(size).unwrap_or(0),
    };
    if new < old {
        return Err("shrinking disks is not supported".to_owned());
    }
    if base {
        let path = drive.file.split_once(':').map_or("", |(_, path)| path);
        return Err(format!(
            "command '/usr/bin/qemu-img resize '--preallocation=off' -f raw /var/lib/vz/images/{path} {new}' failed: exit code 1"
        ));
    }
    if new == old {
        return Ok(());
    }
    if let Some(volume) = store.volumes.get_mut(&drive.file) {
        volume.size = new;
    }
    log.push("Image resized.".to_owned());
    drive.options.insert("size".to_owned(), print_size(new));
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.config.insert(key.to_owned(), drive.print());
    }
    Ok(())
}

pub(super) fn move_disk(store: &mut Store, call: &Call) -> Answered {
    let (id, key) = (call.vmid(), call.need("disk").to_owned());
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if let Some(lock) = guest.lock() {
        return fail(format!("VM is locked ({lock})"));
    }
    let (storage, other) = (call.text("storage"), call.number("target-vmid"));
    if storage.is_none() && other.is_none() {
        let text = "both 'storage' and 'target-vmid' missing, either needs to be set";
        let errors = ["storage", "target-vmid"].map(|name| (name.to_owned(), text.to_owned()));
        return Err(Refusal::parameters(errors.into()));
    }
    if let Some(other) = other {
        return reassign(store, call, &key, u32::try_from(other).unwrap_or(0));
    }
    let storage = storage.unwrap_or_default().to_owned();
    store.storage(&storage)?;
    let Some(text) = guest.config.get(&key) else {
        return fail(format!("disk '{key}' does not exist"));
    };
    let drive = Drive::read(text);
    let from = store.volumes.get(&drive.file).cloned().unwrap_or_default();
    let format = match (call.text("format"), store.keeps_files(&storage)) {
        (Some(format), true) => format.to_owned(),
        (None, true) => from.format.clone(),
        (_, false) => "raw".to_owned(),
    };
    if from.storage == storage && from.format == format {
        return fail("you can't move to the same storage with same format");
    }
    let delete = call.flag("delete");
    if delete && !guest.snapshots.is_empty() {
        return fail("you can't move a disk with snapshots and delete the source");
    }
    Started::answer("qmmove", call.node(), id, move |store, log| {
        let old = drive.file.clone();
        log.push(format!(
            "copying volume '{old}' from current storage '{}' to target storage '{storage}'",
            from.storage
        ));
        log.push(format!("create full clone of drive {key} ({old})"));
        let mut drive = drive;
        drive.file = store.free_name(&storage, id, "vm", &format);
        log.push(format!("allocated target volume '{}'", drive.file));
        store.make_volume(
            &drive.file,
            Volume {
                format,
                vmid: Some(id),
                parent: None,
                ..from
            },
        );
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
            if !delete {
                config::become_unused(guest, &old);
            }
        }
        if delete {
            store.remove_volume(&old)
        } else {
            Ok(())
        }
    })
}

fn reassign(store: &mut Store, call: &Call, key: &str, other: u32) -> Answered {
    let id = call.vmid();
    let to = call.text("target-disk").unwrap_or(key).to_owned();
    let Some(target) = store.guests.get(&other) else {
        return fail(format!("could not find target VM {other}"));
    };
    if target.config.contains_key(&to) {
        return fail(format!(
            "Target disk key '{to}' is already in use for VM '{other}'"
        ));
    }
    let key = key.to_owned();
    let name = format!("{id}-{key}>{other}-{to}");
    Started::answer("qmmove", call.node(), name, move |store, log| {
        log.push(format!(
            "reassign disk '{key}' from VM '{id}' as '{to}' to VM '{other}'"
        ));
        let text = store
            .guests
            .get_mut(&id)
            .and_then(|guest| guest.config.remove(&key));
        let mut drive = Drive::read(&text.unwrap_or_default());
        let Some(mut volume) = store.volumes.remove(&drive.file) else {
            return Err(format!("disk '{key}' does not exist"));
        };
        log.push(format!("removing disk '{key}' from VM '{id}' config"));
        drive.file = store.free_name(&volume.storage, other, "vm", &volume.format);
        volume.vmid = Some(other);
        store.volumes.insert(drive.file.clone(), volume);
        log.push(format!("update VM {other}: -{to} {}", drive.print()));
        if let Some(guest) = store.guests.get_mut(&other) {
            guest.config.insert(to, drive.print());
        }
        Ok(())
    })
}

pub(super) fn can_migrate(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    let drives = guest.config.iter().filter(|(name, _)| disk::is_drive(name));
    let local = drives.filter_map(|(name, text)| {
        let drive = Drive::read(text);
        let volume = store.volumes.get(&drive.file)?;
        let shared = store
            .storages
            .get(&volume.storage)
            .is_some_and(|storage| storage.get("shared").is_some_and(|text| text == "1"));
        (!shared).then(|| {
            json!({
                "volid": drive.file, "drivename": name, "size": volume.size, "shared": 0,
                "cdrom": u8::from(drive.is_cdrom()), "is_attached": 1, "is_vmstate": 0,
                "is_cloudinit": u8::from(drive.is_cloudinit()), "replicate": 1, "is_unused": 0,
                "is_tpmstate": 0,
            })
        })
    });
    let local: Vec<_> = local.collect();
    data(json!({
        "running": u8::from(guest.running), "local_disks": local, "local_resources": [],
        "mapped-resources": [], "mapped-resource-info": {}, "not_allowed_nodes": {},
        "has-dbus-vmstate": 1, "allowed_nodes": [],
    }))
}

pub(super) fn migrate(store: &mut Store, call: &Call) -> Answered {
    let (id, target) = (call.vmid(), call.need("target").to_owned());
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if !store.nodes.contains_key(&target) {
        return fail(format!("no such cluster node '{target}'"));
    }
    if target == call.node() {
        return wrong("target", "target is local node.");
    }
    if guest.running && !call.flag("online") {
        return fail("can't migrate running VM without --online");
    }
    Started::answer("qmigrate", call.node(), id, move |store, log| {
        log.push(format!("starting migration of VM {id} to node '{target}'"));
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.node = target;
        }
        Ok(())
    })
}

pub(super) fn feature(store: &Store, call: &Call) -> Answered {
    store.guest(Kind::Qemu, call.node(), call.vmid())?;
    let has = call.need("feature") != "snapshot";
    data(json!({ "hasFeature": u8::from(has), "nodes": [call.node()] }))
}
