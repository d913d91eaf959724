//! A container's settings: reading, changing, disks.

use serde_json::{Map, Value as Json, json};

use super::super::{
    super::{
        answer::{Answered, Refusal, Started, data, fail, null, wrong},
        api,
        call::Call,
        disk::{self, Drive, print_size, read_size},
        permission,
        store::{Kind, Settings, Store, typed},
    },
    qemu::config::{become_unused, pending_rows, tags, words},
};

pub(super) fn facts() -> &'static Map<String, Json> {
    api::parameters("PUT", "/nodes/{node}/lxc/{vmid}/config")
}

pub(super) fn read(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Lxc, call.node(), call.vmid())?;
    let config = match call.text("snapshot") {
        Some(name) => match guest.snapshots.get(name) {
            Some(snapshot) => snapshot.config.clone(),
            None => return fail(format!("snapshot '{name}' does not exist")),
        },
        None if call.flag("current") => guest.config.clone(),
        None => guest.coming(),
    };
    let mut shown = typed(facts(), &config);
    // Numbers that only making a container takes.
    for name in ["unprivileged", "template"] {
        if let Some(number) = config.get(name).and_then(|text| text.parse::<u8>().ok()) {
            shown.insert(name.to_owned(), json!(number));
        }
    }
    shown.insert("digest".to_owned(), json!(guest.digest()));
    data(Json::Object(shown))
}

pub(super) fn pending(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Lxc, call.node(), call.vmid())?;
    data(pending_rows(facts(), guest))
}

/// Checks what a token may not set.
pub(super) fn rights(
    store: &Store,
    call: &Call,
    set: &Settings,
    privileged: bool,
) -> Result<(), Refusal> {
    for (name, text) in set {
        if name == "features" && !call.who.is_root() {
            if privileged {
                return Err(Refusal::denied(
                    "changing feature flags for privileged container is only allowed for root@pam",
                ));
            }
            if text.split(',').any(|part| !part.starts_with("nesting")) {
                return Err(Refusal::denied(
                    "changing feature flags (except nesting) is only allowed for root@pam",
                ));
            }
        }
        if !disk::is_mount(name) || name.starts_with("unused") {
            continue;
        }
        let drive = Drive::read(text);
        if drive.file.starts_with('/') && !call.who.is_root() {
            return Err(Refusal::denied(
                "mount point type bind is only allowed for root@pam",
            ));
        }
        if let Some((storage, _)) = drive.wanted() {
            store.storage(storage)?;
            permission::one(
                store,
                &call.who,
                &format!("/storage/{storage}"),
                "Datastore.AllocateSpace",
            )?;
        }
    }
    if let Some(keys) = set.get("ssh-public-keys")
        && !keys
            .lines()
            .filter(|line| !line.trim().is_empty())
            .all(|line| line.split_whitespace().count() > 1)
    {
        return fail("SSH public key validation error");
    }
    Ok(())
}

pub(super) fn change(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    let set = call.rest(&["node", "vmid", "digest", "delete", "revert"]);
    let (delete, revert) = (call.list("delete"), call.list("revert"));
    if set.is_empty() && delete.is_empty() && revert.is_empty() {
        return fail("no options specified");
    }
    let privileged = guest
        .config
        .get("unprivileged")
        .is_none_or(|text| text != "1");
    rights(store, call, &set, privileged)?;
    for name in &delete {
        if matches!(name.as_str(), "rootfs" | "hostname" | "memory" | "swap") && name == "rootfs" {
            return fail(format!("unable to delete required option '{name}'"));
        }
        if api::parameter(facts(), name).is_none() {
            return wrong("delete", format!("unknown option '{name}'"));
        }
    }
    if set.contains_key("unprivileged") {
        return fail("unable to modify read-only option: 'unprivileged'");
    }
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if call
        .text("digest")
        .is_some_and(|digest| digest != guest.digest())
    {
        return fail("detected modified configuration - file changed by other user? Try again.");
    }
    if guest.busy {
        return fail(format!(
            "can't lock file '/run/lock/lxc/pve-config-{id}.lock' - got timeout"
        ));
    }
    if let Some(lock) = guest.lock() {
        return fail(format!("CT is locked ({lock})"));
    }
    if guest.running && !store.can("cgroups") {
        if set.contains_key("memory") {
            return wrong(
                "memory",
                "unable to hotplug memory: trying to change memory cgroup values: container not running\n",
            );
        }
        if let Some(name) = set.keys().find(|name| name.starts_with("mp")) {
            return wrong(
                name,
                format!(
                    "unable to hotplug {name}: failed to change apparmor profile: Invalid argument\n"
                ),
            );
        }
    }
    for name in revert {
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.pending.remove(&name);
        }
    }
    for name in &delete {
        remove(store, id, name);
    }
    for (name, text) in &set {
        set_one(store, id, name, text, &mut Vec::new())?;
    }
    null()
}

fn remove(store: &mut Store, id: u32, name: &str) {
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    if !guest.config.contains_key(name) {
        // What only waits goes on waiting.
        return;
    }
    guest.pending.remove(name);
    if guest.running && waits(name) {
        guest.pending.insert(name.to_owned(), None);
        return;
    }
    detach(store, id, name);
}

/// Takes a setting away; a volume becomes unused, or is removed if it was.
pub(in super::super) fn detach(store: &mut Store, id: u32, name: &str) {
    let Some(text) = store
        .guests
        .get_mut(&id)
        .and_then(|guest| guest.config.remove(name))
    else {
        return;
    };
    let drive = Drive::read(&text);
    if !disk::is_mount(name) || !store.owns(id, &drive.file) {
        return;
    }
    if name.starts_with("unused") {
        store.remove_volume(&drive.file).ok();
    } else if let Some(guest) = store.guests.get_mut(&id) {
        become_unused(guest, &drive.file);
    }
}

/// True for what a running container takes only at its next start.
fn waits(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(
        stem,
        "features"
            | "rootfs"
            | "tty"
            | "cmode"
            | "console"
            | "arch"
            | "ostype"
            | "entrypoint"
            | "env"
            | "dev"
            | "nameserver"
            | "searchdomain"
            | "timezone"
    )
}

/// Makes a setting, at once or for the next start.
pub(super) fn set_one(
    store: &mut Store,
    id: u32,
    name: &str,
    text: &str,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    let running = store.guests.get(&id).is_some_and(|guest| guest.running);
    if running && waits(name) {
        if let Some(guest) = store.guests.get_mut(&id) {
            match guest.config.get(name).is_some_and(|known| known == text) {
                true => guest.pending.remove(name),
                false => guest.pending.insert(name.to_owned(), Some(text.to_owned())),
            };
        }
        return Ok(());
    }
    let made = made(store, id, name, text, log)?;
    if let Some(guest) = store.guests.get_mut(&id) {
        let file = Drive::read(&made).file;
        guest
            .config
            .retain(|key, value| !(key.starts_with("unused") && *value == file));
        let old = guest.config.insert(name.to_owned(), made);
        let old = old
            .map(|old| Drive::read(&old).file)
            .filter(|old| disk::is_mount(name) && *old != file);
        if let Some(old) = old.filter(|old| store.owns(id, old))
            && let Some(guest) = store.guests.get_mut(&id)
        {
            become_unused(guest, &old);
        }
    }
    Ok(())
}

/// A setting as it reads back.
pub(super) fn made(
    store: &mut Store,
    id: u32,
    name: &str,
    text: &str,
    log: &mut Vec<String>,
) -> Result<String, Refusal> {
    if disk::is_mount(name) {
        return Ok(store
            .allocate(Kind::Lxc, id, name, &Drive::read(text), log)?
            .print());
    }
    if name
        .strip_prefix("net")
        .is_some_and(|number| number.parse::<u8>().is_ok())
    {
        let format = api::parameter(facts(), name).map(|facts| api::resolve(&facts["format"]));
        return Ok(disk::net(
            store,
            Kind::Lxc,
            format.unwrap_or(&Json::Null),
            text,
        ));
    }
    Ok(match name {
        "tags" => tags(store, text),
        "description" if !text.is_empty() && !text.ends_with('\n') => format!("{text}\n"),
        _ => text.to_owned(),
    })
}

pub(super) fn resize(store: &mut Store, call: &Call) -> Answered {
    let (id, key) = (call.vmid(), call.need("disk").to_owned());
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if let Some(lock) = guest.lock() {
        return fail(format!("CT is locked ({lock})"));
    }
    let Some(text) = guest.config.get(&key) else {
        let missing = "property is missing and it is not optional".to_owned();
        return Err(Refusal {
            status: 500,
            message: "format error".to_owned(),
            errors: [
                ("mp".to_owned(), missing.clone()),
                ("volume".to_owned(), missing),
            ]
            .into(),
            bare: false,
            plain: false,
        });
    };
    let mut drive = Drive::read(text);
    let old = store
        .volumes
        .get(&drive.file)
        .map_or(0, |volume| volume.size);
    let size = call.need("size");
    let new = match size.strip_prefix('+') {
        Some(more) => old + read_size(more).unwrap_or(0),
        None => read_size(size).unwrap_or(0),
    };
    if new < old {
        return fail("unable to shrink disk size");
    }
    Started::answer("resize", call.node(), id, move |store, log| {
        log.push("Image resized.".to_owned());
        if let Some(volume) = store.volumes.get_mut(&drive.file) {
            volume.size = new;
        }
        drive.options.insert("size".to_owned(), print_size(new));
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
        }
        Ok(())
    })
}

pub(super) fn move_volume(store: &mut Store, call: &Call) -> Answered {
    let (id, key) = (call.vmid(), call.need("volume").to_owned());
    store.guest(Kind::Lxc, call.node(), id)?;
    if let Some(other) = call.number("target-vmid") {
        let other = u32::try_from(other).unwrap_or(0);
        let to = call.text("target-volume").unwrap_or(&key).to_owned();
        return Started::answer(
            "move_volume",
            call.node(),
            format!("{id}-{key}>{other}-{to}"),
            move |store, log| give(store, (id, &key), (other, &to), log),
        );
    }
    let storage = call.need("storage").to_owned();
    let delete = call.flag("delete");
    Started::answer("move_volume", call.node(), id, move |store, _| {
        let content = store
            .storages
            .get(&storage)
            .and_then(|storage| storage.get("content"));
        if !content.is_some_and(|content| content.contains("rootdir")) {
            return Err(format!(
                "content type 'rootdir' is not available or configured on storage '{storage}'"
            ));
        }
        let text = store
            .guests
            .get(&id)
            .and_then(|guest| guest.config.get(&key))
            .cloned();
        let mut drive = Drive::read(&text.unwrap_or_default());
        let old = drive.file.clone();
        let from = store
            .volumes
            .get(&old)
            .cloned()
            .ok_or_else(|| words(&Refusal::fail("no such volume")))?;
        drive.file = store.free_name(&storage, id, "vm", "raw");
        store.make_volume(&drive.file, from);
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(key, drive.print());
            if !delete {
                become_unused(guest, &old);
            }
        }
        if delete {
            store.remove_volume(&old)
        } else {
            Ok(())
        }
    })
}

fn give(
    store: &mut Store,
    from: (u32, &str),
    to: (u32, &str),
    log: &mut Vec<String>,
) -> Result<(), String> {
    log.push(format!(
        "moving volume '{}' from container '{}' to '{}'",
        from.1, from.0, to.0
    ));
    let text = store
        .guests
        .get_mut(&from.0)
        .and_then(|guest| guest.config.remove(from.1));
    let mut drive = Drive::read(&text.unwrap_or_default());
    let Some(mut volume) = store.volumes.remove(&drive.file) else {
        return Err(format!("volume '{}' does not exist", from.1));
    };
    log.push(format!(
        "removing volume '{}' from container '{}' config",
        from.1, from.0
    ));
    drive.file = store.free_name(&volume.storage, to.0, "vm", "raw");
    volume.vmid = Some(to.0);
    store.volumes.insert(drive.file.clone(), volume);
    if let Some(guest) = store.guests.get_mut(&to.0) {
        guest.config.insert(to.1.to_owned(), drive.print());
    }
    log.push(format!(
        "target container '{}' updated with '{}'",
        to.0, to.1
    ));
    Ok(())
}
