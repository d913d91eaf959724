//! Containers made, cloned and removed.

use std::collections::BTreeMap;

use super::{
    super::{
        super::{
            answer::{Answered, Refusal, Started, fail, null, wrong},
            call::Call,
            disk::Drive,
            store::{Guest, Kind, Store},
        },
        qemu::{
            clone::{make_template, own_disks},
            config::words,
            create::{discard, join_pool, may_allocate},
        },
    },
    change,
};

/// Parameters of the call that are no settings of the container.
const CONTROL: [&str; 16] = [
    "node",
    "vmid",
    "ostemplate",
    "bwlimit",
    "force",
    "ignore-unpack-errors",
    "password",
    "pool",
    "restore",
    "ssh-public-keys",
    "start",
    "storage",
    "unique",
    "skiplock",
    "digest",
    "ha-managed",
];

pub(super) fn create(store: &mut Store, call: &Call) -> Answered {
    let (id, node) = (call.vmid(), call.node().to_owned());
    may_allocate(store, call, id)?;
    let mut set = call.rest(&CONTROL);
    let privileged = set.get("unprivileged").is_some_and(|text| text == "0");
    let mut checked = set.clone();
    if let Some(keys) = call.text("ssh-public-keys") {
        checked.insert("ssh-public-keys".to_owned(), keys.to_owned());
    }
    change::rights(store, call, &checked, privileged)?;
    if let Some(other) = store.guests.get(&id)
        && !(call.flag("restore") && call.flag("force"))
    {
        let what = if call.flag("restore") { "CT" } else { "VM" };
        return fail(format!(
            "{what} {id} already exists on node '{}'",
            other.node
        ));
    }
    let storage = call.text("storage").unwrap_or("local").to_owned();
    let root = set
        .entry("rootfs".to_owned())
        .or_insert_with(|| format!("{storage}:4"))
        .clone();
    if let Some((name, _)) = Drive::read(&root).wanted() {
        let content = store
            .storage(name)?
            .get("content")
            .cloned()
            .unwrap_or_default();
        if !content.contains("rootdir") {
            return wrong(
                "storage",
                format!("storage '{name}' does not support container directories"),
            );
        }
    }
    let template = call.need("ostemplate").to_owned();
    if store.lenient && !store.volumes.contains_key(&template) {
        store.imagine(&template);
    }
    let config = BTreeMap::from([("lock".to_owned(), "create".to_owned())]);
    store.guests.insert(
        id,
        Guest {
            kind: Kind::Lxc,
            node: node.clone(),
            config,
            ..Guest::default()
        },
    );
    join_pool(store, call, id);
    let start = call.flag("start");
    let kind = if call.flag("restore") {
        "vzrestore"
    } else {
        "vzcreate"
    };
    Started::answer(kind, &node, id, move |store, log| {
        let outcome = match store
            .volumes
            .get(&template)
            .and_then(|from| from.archived.clone())
        {
            Some(held) => restore(store, id, *held, set, log),
            None => build(store, id, &template, set, log),
        };
        if let Err(refusal) = outcome {
            discard(store, id);
            return Err(format!("unable to create CT {id} - {}", words(&refusal)));
        }
        if start {
            super::super::qemu::power::switch_on(store, id);
        }
        Ok(())
    })
}

fn build(
    store: &mut Store,
    id: u32,
    template: &str,
    mut set: BTreeMap<String, String>,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    if !store.volumes.contains_key(template) {
        return fail(format!("volume '{template}' does not exist"));
    }
    let known = [
        "debian",
        "ubuntu",
        "alpine",
        "fedora",
        "centos",
        "archlinux",
        "devuan",
        "gentoo",
        "nixos",
        "opensuse",
    ];
    let system = known
        .iter()
        .find(|name| template.contains(*name))
        .unwrap_or(&"unmanaged");
    for (name, text) in [
        ("hostname", format!("CT{id}")),
        ("memory", "512".to_owned()),
        ("swap", "512".to_owned()),
        ("arch", "amd64".to_owned()),
        ("ostype", (*system).to_owned()),
        ("unprivileged", "1".to_owned()),
    ] {
        set.entry(name.to_owned()).or_insert(text);
    }
    // What is switched off is not written down.
    if set.get("unprivileged").is_some_and(|text| text == "0") {
        set.remove("unprivileged");
    }
    // The root comes first: the others are mounted in it.
    let mut set: Vec<(String, String)> = set.into_iter().collect();
    set.sort_by_key(|(name, _)| name != "rootfs");
    for (name, text) in set {
        let text = change::made(store, id, &name, &text, log)?;
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.config.insert(name, text);
        }
    }
    if let Some(guest) = store.guests.get_mut(&id) {
        guest.config.remove("lock");
    }
    Ok(())
}

/// Makes a container of what an archive holds.
fn restore(
    store: &mut Store,
    id: u32,
    held: Guest,
    set: BTreeMap<String, String>,
    log: &mut Vec<String>,
) -> Result<(), Refusal> {
    let node = store.guests.get(&id).map(|guest| guest.node.clone());
    let mut guest = held;
    guest.node = node.unwrap_or_default();
    guest.running = false;
    guest.snapshots.clear();
    let root = set.get("rootfs").map(|text| Drive::read(text));
    let storage = root.and_then(|root| Some(root.place()?.0.to_owned()));
    store.guests.insert(id, guest);
    own_disks(store, id, storage.as_deref(), None, log).map_err(Refusal::fail)?;
    for (name, text) in set.into_iter().filter(|(name, _)| name != "rootfs") {
        change::set_one(store, id, &name, &text, log)?;
    }
    Ok(())
}

pub(super) fn delete(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if guest
        .config
        .get("protection")
        .is_some_and(|text| text == "1")
    {
        return fail(format!("can't remove CT {id} - protection mode enabled"));
    }
    let managed = store
        .objects
        .get("ha-resource")
        .is_some_and(|all| all.contains_key(&format!("ct:{id}")));
    if managed && !call.flag("purge") {
        return fail(format!(
            "unable to remove CT {id} - used in HA resources and purge parameter not set."
        ));
    }
    if let Some(lock) = guest.lock() {
        return fail(format!("CT is locked ({lock})"));
    }
    if guest.running && !call.flag("force") {
        return fail(format!("unable to destroy CT {id} - container is running"));
    }
    let purge = call.flag("purge");
    Started::answer("vzdestroy", call.node(), id, move |store, log| {
        discard(store, id);
        store.firewalls.remove(&format!("guest/{id}"));
        let path = format!("/vms/{id}");
        store.acl.retain(|entry| entry.path != path);
        if purge {
            log.push(format!("purging CT {id} from related configurations.."));
            super::super::objects::purge(store, id, "ct");
        }
        Ok(())
    })
}

pub(super) fn clone(store: &mut Store, call: &Call) -> Answered {
    let (id, new) = (call.vmid(), call.need("newid").parse().unwrap_or_default());
    let mut node = call.node().to_owned();
    if store.lenient {
        match store.guests.get(&id) {
            None => imagine_template(store, id, &node)?,
            // An imagined one is wherever it is asked for.
            Some(guest) if guest.config.get("hostname") == Some(&imagined(id)) => {
                node.clone_from(&guest.node);
            }
            Some(_) => {}
        }
    }
    if let Some(pool) = call
        .text("pool")
        .filter(|pool| !store.pools.contains_key(*pool))
    {
        return Err(Refusal::denied(&format!("pool '{pool}' does not exist")));
    }
    let source = store.guest(Kind::Lxc, &node, id)?;
    if let Some(lock) = source.lock() {
        return fail(format!("CT is locked ({lock})"));
    }
    if store.guests.contains_key(&new) {
        return fail(format!(
            "CT {new} already exists on node '{}'",
            store.guests[&new].node
        ));
    }
    let full = call
        .text("full")
        .map_or(!source.is_template(), |text| text == "1");
    if source.running && full {
        return fail("Cannot do full clones on a running container without snapshots");
    }
    let root = Drive::read(source.config.get("rootfs").map_or("", String::as_str)).file;
    let linked = source.is_template()
        && store
            .volumes
            .get(&root)
            .is_some_and(|volume| volume.format != "raw" || !store.keeps_files(&volume.storage));
    if !full && !linked && !store.lenient {
        return fail(format!(
            "Linked clone feature for '{root}' is not available"
        ));
    }
    let mut guest = source.clone();
    guest.node = call.text("target").unwrap_or(call.node()).to_owned();
    guest.running = false;
    guest.snapshots.clear();
    guest
        .config
        .retain(|name, _| name != "template" && !name.starts_with("unused"));
    for name in ["hostname", "description"] {
        if let Some(text) = call.text(name) {
            let newline = if name == "description" { "\n" } else { "" };
            guest
                .config
                .insert(name.to_owned(), format!("{text}{newline}"));
        }
    }
    store.guests.insert(new, guest);
    join_pool(store, call, new);
    let storage = call.text("storage").map(str::to_owned);
    Started::answer("vzclone", call.node(), id, move |store, log| {
        own_disks(store, new, storage.as_deref(), None, log)?;
        let nets: Vec<String> = (0..32).map(|number| format!("net{number}")).collect();
        for name in nets {
            let mac = store.mac();
            if let Some(text) = store
                .guests
                .get_mut(&new)
                .and_then(|guest| guest.config.get_mut(&name))
            {
                let parts = text
                    .split(',')
                    .map(|part| match part.starts_with("hwaddr=") {
                        true => format!("hwaddr={mac}"),
                        false => part.to_owned(),
                    });
                *text = parts.collect::<Vec<_>>().join(",");
            }
        }
        Ok(())
    })
}

/// The host name of an imagined template.
fn imagined(id: u32) -> String {
    format!("template-{id}")
}

/// Lets a template be there, for a rehearsal.
fn imagine_template(store: &mut Store, id: u32, node: &str) -> Result<(), Refusal> {
    const ARCHIVE: &str = "local:vztmpl/imagined.tar.zst";
    store.imagine(ARCHIVE);
    let guest = Guest {
        kind: Kind::Lxc,
        node: node.to_owned(),
        ..Guest::default()
    };
    store.guests.insert(id, guest);
    let storage = match store.storages.contains_key("local-lvm") {
        true => "local-lvm",
        false => "local",
    };
    let set = BTreeMap::from([
        ("hostname".to_owned(), imagined(id)),
        ("rootfs".to_owned(), format!("{storage}:4")),
    ]);
    let built = build(store, id, ARCHIVE, set, &mut Vec::new());
    match &built {
        Ok(_) => make_template(store, id),
        // Half of it would be taken for somebody's guest.
        Err(_) => drop(store.guests.remove(&id)),
    }
    built.map(drop)
}

pub(super) fn template(store: &mut Store, call: &Call) -> Answered {
    let id = call.vmid();
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if guest.running {
        return fail("you can't convert a CT to template if the CT is running");
    }
    if guest.is_template() {
        return fail("you can't convert a template to a template");
    }
    make_template(store, id);
    null()
}

pub(super) fn migrate(store: &mut Store, call: &Call) -> Answered {
    let (id, target) = (call.vmid(), call.need("target").to_owned());
    let guest = store.guest(Kind::Lxc, call.node(), id)?;
    if !store.nodes.contains_key(&target) {
        return fail(format!("no such cluster node '{target}'"));
    }
    if target == call.node() {
        return wrong("target", "target is local node.");
    }
    if guest.running && !call.flag("restart") && !call.flag("online") {
        return fail("can't migrate running container without --online or --restart");
    }
    Started::answer("vzmigrate", call.node(), id, move |store, _| {
        if let Some(guest) = store.guests.get_mut(&id) {
            guest.node = target;
        }
        Ok(())
    })
}
