//! A virtual machine's settings: reading, changing, what waits for the next start.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Map, Value as Json, json};

use super::super::super::{
    answer::{Answered, Refusal, Started, data, fail, null, wrong},
    api,
    call::{Call, split},
    disk::{self, Drive},
    permission,
    store::{Guest, Kind, Settings, Store, typed},
};

/// Parameters of the call that are no settings.
const CONTROL: [&str; 10] = [
    "node",
    "vmid",
    "digest",
    "delete",
    "revert",
    "force",
    "skiplock",
    "background_delay",
    "import-working-storage",
    "create",
];

/// Settings that only root itself may change.
const ROOT_ONLY: [&str; 8] = [
    "args",
    "affinity",
    "lock",
    "hugepages",
    "keephugepages",
    "vmgenid",
    "parallel",
    "ivshmem",
];

fn facts() -> &'static Map<String, Json> {
    api::parameters("PUT", "/nodes/{node}/qemu/{vmid}/config")
}

pub(super) fn read(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    if let Some(name) = call.text("snapshot") {
        let snapshot = guest.snapshots.get(name);
        let snapshot =
            snapshot.ok_or_else(|| Refusal::fail(format!("snapshot '{name}' does not exist")))?;
        let mut told = shown(&snapshot.config, &guest.digest());
        told["snaptime"] = json!(snapshot.time);
        if !snapshot.description.is_empty() {
            told["description"] = json!(snapshot.description);
        }
        if let Some(parent) = &snapshot.parent {
            told["parent"] = json!(parent);
        }
        return data(told);
    }
    let config = if call.flag("current") {
        guest.config.clone()
    } else {
        guest.coming()
    };
    let mut told = shown(&config, &guest.digest());
    if let Some(parent) = &guest.parent {
        told["parent"] = json!(parent);
    }
    data(told)
}

/// Settings as they are shown: typed, with passwords hidden.
pub(super) fn shown(config: &Settings, digest: &str) -> Json {
    let mut config = config.clone();
    hide(&mut config);
    let mut shown = typed(facts(), &config);
    shown.insert("digest".to_owned(), json!(digest));
    Json::Object(shown)
}

fn hide(config: &mut Settings) {
    if let Some(password) = config.get_mut("cipassword") {
        "**********".clone_into(password);
    }
}

pub(super) fn pending(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    data(pending_rows(facts(), guest))
}

/// Settings one by one, each with what waits for the next start.
pub(in super::super) fn pending_rows(facts: &Map<String, Json>, guest: &Guest) -> Json {
    let mut current = guest.config.clone();
    hide(&mut current);
    let current = typed(facts, &current);
    let coming: Settings = guest
        .pending
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect();
    let coming = typed(facts, &coming);
    let mut rows = Vec::new();
    for (name, value) in &current {
        let mut row = json!({ "key": name, "value": value });
        if let Some(value) = coming.get(name) {
            row["pending"] = value.clone();
        } else if guest.pending.contains_key(name) {
            row["delete"] = json!(1);
        }
        rows.push(row);
    }
    for (name, value) in &coming {
        if !current.contains_key(name) {
            rows.push(json!({ "key": name, "pending": value }));
        }
    }
    for (name, value) in &guest.pending {
        if value.is_none() && !current.contains_key(name) {
            rows.push(json!({ "key": name, "delete": 1 }));
        }
    }
    rows.push(json!({ "key": "digest", "value": guest.digest() }));
    Json::Array(rows)
}

/// What a change asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) set: BTreeMap<String, String>,
    pub(super) delete: Vec<String>,
    pub(super) revert: Vec<String>,
    pub(super) force: bool,
}

pub(super) fn change(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let change = Change {
        set: call.rest(&CONTROL),
        delete: call.list("delete"),
        revert: call.list("revert"),
        force: call.flag("force"),
    };
    if call.text("skiplock").is_some() && !call.who.is_root() {
        return wrong("skiplock", "Only root may use this option.");
    }
    check(store, call, &change)?;
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if let Some(digest) = call.text("digest")
        && digest != guest.digest()
    {
        return fail("checksum mismatch (file change by other user?)");
    }
    if guest.busy {
        return fail(format!(
            "can't lock file '/var/lock/qemu-server/lock-{id}.conf' - got timeout"
        ));
    }
    let locked = guest.lock().map(str::to_owned);
    if let Some(lock) = locked.filter(|_| !call.flag("skiplock")) {
        return fail(format!("VM is locked ({lock})"));
    }
    if call.method.verb == Method::POST.as_str() {
        let shown = change
            .set
            .iter()
            .map(|(name, text)| format!(" -{name} {text}"));
        let first = format!("update VM {id}:{}", shown.collect::<String>());
        return Started::answer("qmconfig", call.node(), id, move |store, log| {
            log.push(first);
            apply(store, id, &change, log).map_err(|refusal| words(&refusal))
        });
    }
    apply(store, id, &change, &mut Vec::new())?;
    null()
}

/// A refusal as a task's end.
pub(in super::super) fn words(refusal: &Refusal) -> String {
    match refusal.errors.iter().next() {
        Some((name, text)) => format!("{} {name}: {}", refusal.message, text.trim_end()),
        None => refusal.message.clone(),
    }
}

/// Checks a change before it begins: rights, names, and what cannot be.
pub(super) fn check(store: &Store, call: &Call, change: &Change) -> Result<(), Refusal> {
    let names = change
        .set
        .keys()
        .chain(&change.delete)
        .chain(&change.revert);
    if change.set.is_empty() && change.delete.is_empty() && change.revert.is_empty() {
        return fail("no options specified");
    }
    for name in names {
        if api::parameter(facts(), name).is_none() || CONTROL.contains(&name.as_str()) {
            return wrong("delete", format!("unknown option '{name}'"));
        }
    }
    if let Some(name) = change
        .delete
        .iter()
        .find(|name| change.set.contains_key(*name))
    {
        let text = format!("you can't use '-{name}' and -delete {name}' at the same time");
        return wrong("delete", text);
    }
    rights(store, call, change)?;
    protected(store, call, change)?;
    for (name, text) in &change.set {
        check_setting(store, call, name, text)?;
    }
    memory(store, call, change)
}

/// A protected machine keeps its disks.
fn protected(store: &Store, call: &Call, change: &Change) -> Result<(), Refusal> {
    let guest = store.guests.get(&call.vmid());
    let is_protected = guest
        .and_then(|guest| guest.config.get("protection"))
        .is_some_and(|text| text == "1");
    let drive = change.delete.iter().find(|name| disk::is_drive(name));
    if let Some((guest, file)) = guest.zip(drive).and_then(|(guest, name)| {
        let file = name
            .starts_with("unused")
            .then(|| guest.config.get(name))??;
        Some((guest, file))
    }) && guest.snapshots.values().any(|snapshot| {
        snapshot
            .config
            .iter()
            .any(|(name, text)| disk::is_drive(name) && Drive::read(text).file == *file)
    }) {
        return fail(format!(
            "unable to delete '{file}' - volume is still in use (snapshot?)"
        ));
    }
    match drive.filter(|_| is_protected) {
        Some(name) => fail(format!(
            "can't remove drive '{name}' - protection mode enabled"
        )),
        None => Ok(()),
    }
}

fn memory(store: &Store, call: &Call, change: &Change) -> Result<(), Refusal> {
    let guest = store.guests.get(&call.vmid());
    let number = |name: &str| {
        let known = change
            .set
            .get(name)
            .or_else(|| guest.and_then(|guest| guest.config.get(name)));
        known.and_then(|text| text.parse::<u64>().ok())
    };
    let asked = change.set.contains_key("balloon") || change.set.contains_key("memory");
    let memory = number("memory").unwrap_or(512);
    match number("balloon") {
        Some(balloon) if asked && balloon > memory => {
            fail("balloon value too large (must be smaller than assigned memory)")
        }
        _ => Ok(()),
    }
}

/// Refuses what the caller may not change.
pub(super) fn rights(store: &Store, call: &Call, change: &Change) -> Result<(), Refusal> {
    let path = format!("/vms/{}", call.vmid());
    let pool = call.text("pool").map(|pool| format!("/pool/{pool}"));
    for name in change
        .set
        .keys()
        .chain(&change.delete)
        .chain(&change.revert)
    {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let text = change.set.get(name).map_or("", String::as_str);
        if !call.who.is_root() {
            root_only(name, stem, text)?;
        }
        let wanted = privilege(name, stem, text);
        let outcome = permission::one(store, &call.who, &path, wanted);
        if outcome.is_err()
            && pool
                .as_ref()
                .is_none_or(|pool| permission::one(store, &call.who, pool, wanted).is_err())
        {
            return outcome;
        }
    }
    Ok(())
}

fn root_only(name: &str, stem: &str, text: &str) -> Result<(), Refusal> {
    let mapped = text.contains("mapping=");
    if ROOT_ONLY.contains(&stem) {
        return fail(format!("only root can set '{name}' config"));
    }
    match stem {
        "hostpci" if !text.is_empty() && !mapped => fail(format!(
            "only root can set '{name}' config for non-mapped devices"
        )),
        "usb" if !text.is_empty() && !mapped && !text.contains("spice") => fail(format!(
            "only root can set '{name}' config for real devices"
        )),
        "serial" if !text.is_empty() && text != "socket" => fail(format!(
            "only root can modify '{name}' config for real devices"
        )),
        _ => Ok(()),
    }
}

fn privilege(name: &str, stem: &str, text: &str) -> &'static str {
    match stem {
        "cores" | "sockets" | "cpu" | "cpulimit" | "cpuunits" | "vcpus" | "numa" => "VM.Config.CPU",
        "memory" | "balloon" | "shares" => "VM.Config.Memory",
        "net" | "nameserver" | "searchdomain" => "VM.Config.Network",
        "ipconfig" | "ciuser" | "cipassword" | "sshkeys" | "cicustom" | "citype" | "ciupgrade" => {
            "VM.Config.Cloudinit"
        }
        "ide" | "sata" | "scsi" | "virtio"
            if text.contains("media=cdrom") || text.ends_with(":cloudinit") =>
        {
            "VM.Config.CDROM"
        }
        "ide" | "sata" | "scsi" | "virtio" | "efidisk" | "tpmstate" | "unused" => "VM.Config.Disk",
        "bios" | "acpi" | "kvm" | "machine" | "scsihw" | "vga" | "watchdog" | "tablet"
        | "audio" | "rng" | "hostpci" | "usb" | "serial" | "arch" | "keyboard" | "ostype"
        | "hotplug"
            if name != "ostype" && name != "hotplug" =>
        {
            "VM.Config.HWType"
        }
        _ => "VM.Config.Options",
    }
}

/// Checks one setting for what the description does not say.
pub(super) fn check_setting(
    store: &Store,
    call: &Call,
    name: &str,
    text: &str,
) -> Result<(), Refusal> {
    if disk::is_drive(name) {
        let drive = Drive::read(text);
        if drive.file.ends_with(":cloudinit")
            && let Some(guest) = store.guests.get(&call.vmid())
        {
            second_cloudinit(guest, name)?;
        }
        return store.check_drive(call, name, &drive);
    }
    if name == "sshkeys" {
        return ssh_keys(text);
    }
    if name == "hookscript" && !store.volumes.contains_key(text) && !store.lenient {
        return wrong("hookscript", format!("script '{text}' does not exist\n"));
    }
    let is_net = name
        .strip_prefix("net")
        .is_some_and(|number| number.parse::<u8>().is_ok());
    if is_net && call.who.user != "root@pam" {
        let parts = call.parts(name, text)?;
        if let Some(bridge) = parts.get("bridge") {
            let path = format!("/sdn/zones/localnetwork/{bridge}");
            permission::one(store, &call.who, &path, "SDN.Use")?;
        }
    }
    Ok(())
}

fn second_cloudinit(guest: &Guest, name: &str) -> Result<(), Refusal> {
    let other = guest.config.iter().find(|(key, text)| {
        disk::is_drive(key) && *key != name && Drive::read(text).is_cloudinit()
    });
    match other {
        Some((other, _)) => fail(format!(
            "{name} - cloud-init drive is already attached at '{other}'"
        )),
        None => Ok(()),
    }
}

fn ssh_keys(text: &str) -> Result<(), Refusal> {
    let keys = crate::client::unpercent(text, false);
    let formed = |line: &str| {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default();
        (kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-"))
            && words.next().is_some_and(|key| key.len() > 10)
    };
    match keys
        .lines()
        .filter(|line| !line.trim().is_empty())
        .all(formed)
    {
        true => Ok(()),
        false => fail("SSH public key validation error"),
    }
}

/// Makes a change: at once where that can be, else when the machine starts next.
pub(super) fn apply(
    store: &mut Store,
    id: u32,
    change: &Change,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    for name in &change.revert {
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.pending.remove(name);
        }
    }
    // All that is to go is noted before the first failure is told.
    let mut failed = Ok(());
    for name in &change.delete {
        let outcome = remove(store, id, name, change.force);
        if failed.is_ok() {
            failed = outcome;
        }
    }
    failed?;
    for (name, text) in &change.set {
        set(store, id, name, text, log)?;
    }
    Ok(())
}

fn remove(store: &mut Store, id: u32, name: &str, force: bool) -> Result<(), Refusal> {
    let answers = store.guests_answer;
    let Some(guest) = store.guests.get_mut(&id) else {
        return Ok(());
    };
    guest.pending.remove(name);
    if !guest.config.contains_key(name) {
        return Ok(());
    }
    if guest.running && !is_live(name) {
        guest.pending.insert(name.to_owned(), None);
        return Ok(());
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if guest.running && stem == "net" && !answers {
        guest.pending.insert(name.to_owned(), None);
        let text = format!(
            "hotplug problem - error on hot-unplugging device '{name}' - still busy in guest?\n"
        );
        return wrong(name, text);
    }
    detach(store, id, name, force);
    Ok(())
}

/// Takes a setting away; a disk becomes unused, or is removed if `force` says so.
pub(super) fn detach(store: &mut Store, id: u32, name: &str, force: bool) {
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    let Some(text) = guest.config.remove(name) else {
        return;
    };
    leave_boot(guest, name);
    if !disk::is_drive(name) {
        return;
    }
    let drive = Drive::read(&text);
    if !store.owns(id, &drive.file) {
        return;
    }
    if drive.is_cloudinit() || name.starts_with("unused") || force {
        // A base that others stand on stays; the setting is gone all the same.
        store.remove_volume(&drive.file).ok();
        return;
    }
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    become_unused(guest, &drive.file);
}

/// Keeps a volume that nothing uses any more.
pub(in super::super) fn become_unused(guest: &mut Guest, file: &str) {
    let known = guest
        .config
        .iter()
        .any(|(name, text)| name.starts_with("unused") && text == file);
    let mut free = (0..256).map(|number| format!("unused{number}"));
    let free = free.find(|name| !guest.config.contains_key(name));
    if let Some(name) = free.filter(|_| !known) {
        guest.config.insert(name, file.to_owned());
    }
}

fn leave_boot(guest: &mut Guest, name: &str) {
    let Some(order) = guest
        .config
        .get("boot")
        .and_then(|boot| boot.strip_prefix("order="))
    else {
        return;
    };
    let left: Vec<&str> = order.split(';').filter(|device| *device != name).collect();
    let text = if left.is_empty() {
        " ".to_owned()
    } else {
        format!("order={}", left.join(";"))
    };
    guest.config.insert("boot".to_owned(), text);
}

fn set(
    store: &mut Store,
    id: u32,
    name: &str,
    text: &str,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    let text = made(store, id, name, text, log)?;
    let Some(guest) = store.guests.get_mut(&id) else {
        return Ok(());
    };
    guest.pending.remove(name);
    if guest.config.get(name) == Some(&text) {
        return Ok(());
    }
    if guest.running && !is_live(name) {
        guest.pending.insert(name.to_owned(), Some(text));
        return Ok(());
    }
    put(store, id, name, text);
    Ok(())
}

/// Writes a setting into a guest's configuration.
pub(super) fn put(store: &mut Store, id: u32, name: &str, text: String) {
    let Some(guest) = store.guests.get_mut(&id) else {
        return;
    };
    if name == "description" && text.is_empty() {
        guest.config.remove(name);
        return;
    }
    let old = guest.config.insert(name.to_owned(), text.clone());
    if !disk::is_drive(name) {
        return;
    }
    let new = Drive::read(&text);
    // A volume that was unused and is used again is unused no more.
    guest
        .config
        .retain(|key, value| !(key.starts_with("unused") && key != name && *value == new.file));
    let old = old
        .map(|old| Drive::read(&old))
        .filter(|old| old.file != new.file);
    let was_cdrom = old.as_ref().is_some_and(Drive::is_cdrom);
    if new.is_cdrom() && !new.is_cloudinit() && !was_cdrom {
        join_boot(guest, name);
    }
    let Some(old) = old else {
        return;
    };
    if store.owns(id, &old.file) {
        if old.is_cloudinit() {
            store.remove_volume(&old.file).ok();
        } else if let Some(guest) = store.guests.get_mut(&id) {
            become_unused(guest, &old.file);
        }
    }
}

/// A new CD drive is put last in the order of booting; one for cloud-init is not.
fn join_boot(guest: &mut Guest, name: &str) {
    let Some(order) = guest
        .config
        .get("boot")
        .and_then(|boot| boot.strip_prefix("order="))
    else {
        return;
    };
    if !order.split(';').any(|device| device == name) {
        let text = format!("order={order};{name}");
        guest.config.insert("boot".to_owned(), text);
    }
}

/// A setting as it reads back: disks are made, network devices get an address, tags are sorted.
pub(super) fn made(
    store: &mut Store,
    id: u32,
    name: &str,
    text: &str,
    log: &mut Vec<String>,
) -> Result<String, Refusal> {
    if disk::is_drive(name) {
        let drive = store.allocate(Kind::Qemu, id, name, &Drive::read(text), log)?;
        return Ok(drive.print());
    }
    let is_net = name
        .strip_prefix("net")
        .is_some_and(|number| number.parse::<u8>().is_ok());
    if is_net {
        let format = api::parameter(facts(), name).map(|facts| api::resolve(&facts["format"]));
        return Ok(disk::net(
            store,
            Kind::Qemu,
            format.unwrap_or(&Json::Null),
            text,
        ));
    }
    if name == "tags" {
        return Ok(tags(store, text));
    }
    if name == "cipassword" {
        return Ok(hashed(text));
    }
    Ok(text.to_owned())
}

/// A password as it is kept; which hash it is matters to no caller.
pub(super) fn hashed(text: &str) -> String {
    use sha2::Digest as _;
    let sum = sha2::Sha256::digest(text.as_bytes());
    format!("$5$twin${}", super::super::super::store::hex(&sum))
}

/// Tags in the order of PVE, each once; the cluster's options may ask for another order.
pub(in super::super) fn tags(store: &Store, text: &str) -> String {
    let style = store.options.get("tag-style").map_or("", String::as_str);
    let has = |part: &str| style.split(',').any(|own| own == part);
    let mut tags = split(text);
    if !has("case-sensitive=1") {
        tags.iter_mut().for_each(|tag| *tag = tag.to_lowercase());
    }
    if !has("ordering=config") {
        tags.sort();
    }
    let mut met = std::collections::BTreeSet::new();
    tags.retain(|tag| met.insert(tag.clone()));
    tags.join(";")
}

/// True for what a running machine takes at once.
fn is_live(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(
        stem,
        "name"
            | "description"
            | "tags"
            | "onboot"
            | "startup"
            | "protection"
            | "lock"
            | "cpulimit"
            | "cpuunits"
            | "shares"
            | "balloon"
            | "hotplug"
            | "scsi"
            | "virtio"
            | "net"
            | "usb"
            | "unused"
            | "template"
            | "hookscript"
            | "parent"
    )
}

pub(super) fn unlink(store: &mut Store, call: &Call) -> Answered {
    let change = Change {
        delete: call.list("idlist"),
        force: call.flag("force"),
        ..Change::default()
    };
    store.guest(Kind::Qemu, call.node(), call.vmid())?;
    check(store, call, &change)?;
    apply(store, call.vmid(), &change, &mut Vec::new())?;
    null()
}
