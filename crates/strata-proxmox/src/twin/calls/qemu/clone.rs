//! Machines made from machines, and machines made templates.

use super::{
    super::super::{
        answer::{Answered, Started, fail},
        call::Call,
        disk::{self, Drive, print_size},
        store::{Guest, Kind, Store, Volume},
    },
    create,
};

pub(super) fn clone(store: &mut Store, call: &Call) -> Answered {
    let (id, mut node) = (call.vmid(), call.node().to_owned());
    let new: u32 = call.need("newid").parse().unwrap_or_default();
    if let Some(pool) = call
        .text("pool")
        .filter(|pool| !store.pools.contains_key(*pool))
    {
        return Err(super::super::super::answer::Refusal::denied(&format!(
            "pool '{pool}' does not exist"
        )));
    }
    let target = call.text("target").unwrap_or(&node).to_owned();
    if store.lenient {
        match store.guests.get(&id) {
            None => imagine_template(store, id, &node),
            // An imagined one is wherever it is asked for.
            Some(guest) if guest.config.get("name") == Some(&imagined(id)) => {
                node.clone_from(&guest.node);
            }
            Some(_) => {}
        }
    }
    if !store.nodes.contains_key(&target) {
        return fail(format!("no such cluster node '{target}'"));
    }
    let Ok(source) = store.guest(Kind::Qemu, &node, id) else {
        return fail(format!(
            "unable to find configuration file for VM {id} on node '{node}'"
        ));
    };
    let full = call
        .text("full")
        .map_or(!source.is_template(), |text| text == "1");
    if let Some(storage) = call.text("storage") {
        store.storage(storage)?;
    }
    for name in ["storage", "format"] {
        if !full && call.text(name).is_some() {
            return fail(format!("parameter '{name}' not allowed for linked clones"));
        }
    }
    if let Some(name) = call
        .text("snapname")
        .filter(|name| !source.snapshots.contains_key(*name))
    {
        return fail(format!("snapshot '{name}' does not exist"));
    }
    if store.guests.contains_key(&new) {
        return fail(format!(
            "unable to create VM {new}: config file already exists"
        ));
    }
    if let Some(lock) = source.lock() {
        return fail(format!("VM is locked ({lock})"));
    }
    if !full && !source.is_template() {
        let first = source.config.iter().find(|(name, text)| {
            disk::is_drive(name) && !Drive::read(text).is_cdrom() && !name.starts_with("unused")
        });
        if let Some((name, text)) = first {
            let file = Drive::read(text).file;
            return fail(format!(
                "Linked clone feature is not supported for '{file}' ({name})"
            ));
        }
    }
    let mut guest = from_source(source, call, &target);
    guest.config.insert("lock".to_owned(), "clone".to_owned());
    store.guests.insert(new, guest);
    create::join_pool(store, call, new);
    let (storage, format) = (
        call.text("storage").map(str::to_owned),
        call.text("format").map(str::to_owned),
    );
    let of_snapshot = call.text("snapname").map(str::to_owned);
    Started::answer("qmclone", &node, id, move |store, log| {
        log.push(format!("creating a clone of VM {id} with ID {new}"));
        if let Some(name) = of_snapshot.filter(|_| !store.can("savevm")) {
            create::discard(store, new);
            let disk = |id: u32| format!("/var/lib/vz/images/{id}/vm-{id}-disk-0.qcow2");
            return Err(format!(
                "clone failed: copy failed: command '/usr/bin/qemu-img convert -p -n -l 'snapshot.name={name}' -f qcow2 -O qcow2 {} zeroinit:{}' failed: exit code 1",
                disk(id),
                disk(new)
            ));
        }
        let outcome = if full {
            own_disks(store, new, storage.as_deref(), format.as_deref(), log)
        } else {
            linked_disks(store, new, log)
        };
        if outcome.is_err() {
            create::discard(store, new);
            return outcome;
        }
        new_names(store, new);
        Ok(())
    })
}

fn from_source(source: &Guest, call: &Call, target: &str) -> Guest {
    let mut config = match call
        .text("snapname")
        .and_then(|name| source.snapshots.get(name))
    {
        Some(snapshot) => snapshot.config.clone(),
        None => source.config.clone(),
    };
    config.retain(|name, _| {
        !matches!(name.as_str(), "template" | "lock") && !name.starts_with("unused")
    });
    config.remove("name");
    for name in ["name", "description"] {
        if let Some(text) = call.text(name) {
            config.insert(name.to_owned(), text.to_owned());
        }
    }
    if !config.contains_key("name") {
        let id = call.vmid().to_string();
        let name = format!("Copy-of-VM-{}", source.config.get("name").unwrap_or(&id));
        config.insert("name".to_owned(), name);
    }
    Guest {
        kind: Kind::Qemu,
        node: target.to_owned(),
        config,
        ..Guest::default()
    }
}

/// A clone's system must not take itself for the original.
fn new_names(store: &mut Store, id: u32) {
    let Some(guest) = store.guests.get(&id) else {
        return;
    };
    let nets: Vec<(String, String)> = guest
        .config
        .iter()
        .filter(|(name, _)| {
            name.strip_prefix("net")
                .is_some_and(|number| number.parse::<u8>().is_ok())
        })
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    for (name, text) in nets {
        let mac = store.mac();
        let (model, rest) = text.split_once('=').unwrap_or((&text, ""));
        let rest = rest
            .split_once(',')
            .map_or(String::new(), |(_, rest)| format!(",{rest}"));
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(name, format!("{model}={mac}{rest}"));
        }
    }
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.config.remove("smbios1");
        guest.config.remove("lock");
    }
    let meta = store
        .guests
        .get(&id)
        .and_then(|guest| guest.config.get("meta").cloned());
    create::identify(store, id);
    if let Some(guest) = store.guests.get_mut(&id) {
        if let Some(meta) = meta {
            guest.config.insert("meta".to_owned(), meta);
        }
        guest.on_drive = guest.config.clone();
    }
}

/// The drives of a guest: key and setting.
fn drives(store: &Store, id: u32) -> Vec<(String, Drive)> {
    let Some(guest) = store.guests.get(&id) else {
        return Vec::new();
    };
    let is_volume = |name: &str| match guest.kind {
        Kind::Qemu => disk::is_drive(name),
        Kind::Lxc => disk::is_mount(name),
    };
    let all = guest.config.iter().filter(|(name, _)| is_volume(name));
    all.map(|(name, text)| (name.clone(), Drive::read(text)))
        .collect()
}

/// Gives a guest whose settings name another's volumes copies of its own.
pub(in super::super) fn own_disks(
    store: &mut Store,
    id: u32,
    storage: Option<&str>,
    format: Option<&str>,
    log: &mut Vec<String>,
) -> Result<(), String> {
    for (key, mut drive) in drives(store, id) {
        let known = store.volumes.get(&drive.file).cloned();
        let Some(from) =
            known.filter(|volume| matches!(volume.content.as_str(), "images" | "rootdir"))
        else {
            continue;
        };
        let what = if disk::is_mount(&key) {
            "mountpoint"
        } else {
            "drive"
        };
        log.push(format!(
            "create full clone of {what} {key} ({})",
            drive.file
        ));
        let target = storage.unwrap_or(&from.storage).to_owned();
        copy(store, id, &mut drive, &from, &target, format);
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
        }
    }
    Ok(())
}

fn copy(
    store: &mut Store,
    id: u32,
    drive: &mut Drive,
    from: &Volume,
    storage: &str,
    format: Option<&str>,
) {
    let format = match store.keeps_files(storage) {
        true if drive.is_cloudinit() => "qcow2".to_owned(),
        true => format.unwrap_or(&from.format).to_owned(),
        false => "raw".to_owned(),
    };
    let name = match (drive.is_cloudinit(), store.keeps_files(storage)) {
        (true, true) => format!("{storage}:{id}/vm-{id}-cloudinit.{format}"),
        (true, false) => format!("{storage}:vm-{id}-cloudinit"),
        (false, _) => store.free_name(storage, id, "vm", &format),
    };
    let volume = Volume {
        format,
        vmid: Some(id),
        parent: None,
        ..from.clone()
    };
    store.make_volume(&name, volume);
    drive.file = name;
    drive
        .options
        .insert("size".to_owned(), print_size(from.size));
}

fn linked_disks(store: &mut Store, id: u32, log: &mut Vec<String>) -> Result<(), String> {
    for (key, mut drive) in drives(store, id) {
        let Some(from) = store
            .volumes
            .get(&drive.file)
            .cloned()
            .filter(|volume| volume.vmid.is_some())
        else {
            continue;
        };
        if drive.is_cloudinit() {
            log.push(format!("create full clone of drive {key} ({})", drive.file));
            copy(store, id, &mut drive, &from, &from.storage.clone(), None);
        } else {
            log.push(format!(
                "create linked clone of drive {key} ({})",
                drive.file
            ));
            let base = drive.file.clone();
            let own = store.free_name(&from.storage, id, "vm", "qcow2");
            let own = own.split_once(':').map_or("", |(_, own)| own).to_owned();
            let files = store.keeps_files(&from.storage);
            let name = if files {
                format!("{base}/{own}")
            } else {
                format!("{}:{own}", from.storage)
            };
            let format = if files { "qcow2" } else { "raw" };
            store.make_volume(
                &name,
                Volume {
                    format: format.to_owned(),
                    vmid: Some(id),
                    parent: Some(base),
                    ..from.clone()
                },
            );
            drive.file = name;
        }
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
        }
    }
    Ok(())
}

pub(super) fn template(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if let Some(lock) = guest.lock() {
        return fail(format!("VM is locked ({lock})"));
    }
    if guest.is_template() {
        return fail("you can't convert a template to a template");
    }
    if !guest.snapshots.is_empty() {
        return fail("unable to create template, because VM contains snapshots");
    }
    if guest.running {
        return fail("you can't convert a VM to template if VM is running");
    }
    Started::answer("qmtemplate", call.node(), id, move |store, _| {
        make_template(store, id);
        Ok(())
    })
}

/// Makes a guest a template: its disks become bases.
pub(in super::super) fn make_template(store: &mut Store, id: u32) {
    for (key, mut drive) in drives(store, id) {
        if drive.is_cloudinit() || key.starts_with("unused") || !store.owns(id, &drive.file) {
            continue;
        }
        let base = drive
            .file
            .replace(&format!("vm-{id}-"), &format!("base-{id}-"));
        if let Some(volume) = store.volumes.remove(&drive.file) {
            store.volumes.insert(base.clone(), volume);
        }
        drive.file = base;
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
        }
    }
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.config.insert("template".to_owned(), "1".to_owned());
    }
}

/// The name of an imagined template.
fn imagined(id: u32) -> String {
    format!("template-{id}")
}

/// Lets a template be there, for a rehearsal.
fn imagine_template(store: &mut Store, id: u32, node: &str) {
    let storage = if store.storages.contains_key("local-lvm") {
        "local-lvm"
    } else {
        "local"
    };
    let mut log = Vec::new();
    let guest = Guest {
        kind: Kind::Qemu,
        node: node.to_owned(),
        ..Guest::default()
    };
    store.guests.insert(id, guest);
    create::identify(store, id);
    let settings = [
        ("name", imagined(id)),
        ("memory", "2048".to_owned()),
        ("scsi0", format!("{storage}:4")),
        ("ide2", format!("{storage}:cloudinit")),
        ("net0", "virtio,bridge=vmbr0".to_owned()),
        ("agent", "1".to_owned()),
    ];
    for (name, text) in settings {
        if let Ok(text) = super::config::made(store, id, name, &text, &mut log)
            && let Some(guest) = store.guests.get_mut(&id)
        {
            guest.config.insert(name.to_owned(), text);
        }
    }
    make_template(store, id);
}
