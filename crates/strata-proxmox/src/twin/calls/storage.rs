//! Storages: their settings, and how they are on a node.

use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, data, fail, null, wrong},
    api,
    call::{Call, split},
    disk::is_shared,
    permission,
    store::{Settings, Store, digest, typed},
};

/// The size of every storage, in bytes.
const TOTAL: u64 = 270_553_174_016;

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    let verb = call.method.verb.as_str();
    Some(match (verb, path) {
        ("GET", "/storage") => list(store, call),
        ("POST", "/storage") => create(store, call),
        ("GET", "/storage/{storage}") => one(store, call),
        ("PUT", "/storage/{storage}") => update(store, call),
        ("DELETE", "/storage/{storage}") => delete(store, call),
        ("GET", "/nodes/{node}/storage") => on_node(store, call),
        ("GET", "/nodes/{node}/storage/{storage}") => data(
            api::below(&["nodes", "x", "storage", "x"])
                .iter()
                .map(|name| json!({ "subdir": name }))
                .collect(),
        ),
        ("GET", "/nodes/{node}/storage/{storage}/status") => status(store, call),
        _ => return None,
    })
}

fn facts() -> &'static Map<String, Json> {
    api::parameters("POST", "/storage")
}

fn shown(store: &Store, name: &str, settings: &Settings) -> Json {
    let mut shown = typed(facts(), settings);
    shown.insert("storage".to_owned(), json!(name));
    shown.insert("digest".to_owned(), json!(digest(&json!(store.storages))));
    Json::Object(shown)
}

fn sees(store: &Store, call: &Call, name: &str) -> bool {
    let wanted = ["Datastore.Audit", "Datastore.AllocateSpace"];
    permission::any(store, &call.who, &format!("/storage/{name}"), &wanted).is_ok()
}

fn list(store: &Store, call: &Call) -> Answered {
    let rows = store.storages.iter().filter(|(name, settings)| {
        sees(store, call, name)
            && call
                .text("type")
                .is_none_or(|ty| settings.get("type").is_some_and(|own| own == ty))
    });
    data(
        rows.map(|(name, settings)| shown(store, name, settings))
            .collect(),
    )
}

fn one(store: &Store, call: &Call) -> Answered {
    let name = call.need("storage");
    match store.storages.get(name) {
        Some(settings) => data(shown(store, name, settings)),
        None => fail(format!("storage '{name}' does not exist")),
    }
}

fn create(store: &mut Store, call: &Call) -> Answered {
    let (name, ty) = (
        call.need("storage").to_owned(),
        call.need("type").to_owned(),
    );
    if store.storages.contains_key(&name) {
        return fail(format!(
            "create storage failed: storage ID '{name}' already defined"
        ));
    }
    let needed: &[&str] = match ty.as_str() {
        "dir" | "btrfs" => &["path"],
        "nfs" => &["export", "server"],
        "cifs" => &["server", "share"],
        "lvm" => &["vgname"],
        "lvmthin" => &["thinpool", "vgname"],
        "zfspool" => &["pool"],
        "pbs" => &["datastore", "server", "username"],
        _ => &[],
    };
    let mut settings = call.rest(&[
        "storage",
        "password",
        "encryption-key",
        "master-pubkey",
        "keyring",
    ]);
    if let Some(missing) = needed.iter().find(|name| !settings.contains_key(**name)) {
        return fail(format!("missing value for required option '{missing}'"));
    }
    if settings
        .get("path")
        .is_some_and(|path| !path.starts_with('/'))
    {
        return wrong(
            "path",
            "invalid format - value does not look like a valid absolute path\n",
        );
    }
    if let Some(group) = settings.get("vgname").filter(|name| name.len() < 2) {
        return wrong(
            "vgname",
            format!("invalid format - lvm name '{group}' contains illegal characters\n"),
        );
    }
    if matches!(ty.as_str(), "nfs" | "cifs") {
        settings
            .entry("path".to_owned())
            .or_insert_with(|| format!("/mnt/pve/{name}"));
    }
    let usual = if matches!(ty.as_str(), "pbs") {
        "backup"
    } else {
        "images,rootdir"
    };
    settings
        .entry("content".to_owned())
        .or_insert_with(|| usual.to_owned());
    store.storages.insert(name.clone(), settings);
    data(json!({ "storage": name, "type": ty }))
}

fn update(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("storage").to_owned();
    let now = digest(&json!(store.storages));
    let Some(settings) = store.storages.get_mut(&name) else {
        return fail(format!(
            "update storage failed: storage '{name}' does not exist"
        ));
    };
    if call.text("digest").is_some_and(|digest| digest != now) {
        return fail(
            "update storage failed: detected modified configuration - file changed by other user? Try again.",
        );
    }
    for gone in call.list("delete") {
        settings.remove(&gone);
    }
    settings.extend(call.rest(&["storage", "digest", "delete", "password"]));
    data(json!({ "storage": name, "type": settings.get("type") }))
}

fn delete(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("storage");
    match store.storages.remove(name) {
        Some(_) => null(),
        None => fail(format!(
            "delete storage failed: storage '{name}' does not exist"
        )),
    }
}

/// True if a storage is there on a node.
pub(super) fn serves(settings: &Settings, node: &str) -> bool {
    settings
        .get("nodes")
        .is_none_or(|nodes| split(nodes).iter().any(|name| name == node))
}

/// How a storage is on a node.
fn state(store: &Store, name: &str, settings: &Settings, node: &str) -> Json {
    let on = settings.get("disable").is_none_or(|text| text != "1") && serves(settings, node);
    let ty = settings.get("type").map_or("dir", String::as_str);
    let content = settings
        .get("content")
        .map_or("images,rootdir", String::as_str);
    let shared = is_shared(settings);
    let seen = store.volumes.values().filter_map(|volume| volume.on(node));
    let used: u64 = seen
        .filter(|volume| volume.storage == name)
        .map(|volume| volume.size)
        .sum();
    let used = used.min(TOTAL);
    match on {
        true => json!({
            "type": ty, "content": content, "shared": u8::from(shared), "active": 1, "enabled": 1,
            "total": TOTAL, "used": used, "avail": TOTAL - used,
        }),
        false => json!({
            "type": ty, "content": content, "shared": u8::from(shared), "active": 0, "enabled": 0,
            "total": 0, "used": 0, "avail": 0,
        }),
    }
}

fn on_node(store: &Store, call: &Call) -> Answered {
    let wanted = split(call.need("content"));
    let rows = store.storages.iter().filter_map(|(name, settings)| {
        let content = split(
            settings
                .get("content")
                .map_or("images,rootdir", String::as_str),
        );
        let fits = wanted.iter().all(|wanted| content.contains(wanted))
            && sees(store, call, name)
            && serves(settings, call.node())
            && call.text("storage").is_none_or(|only| only == name);
        if !fits {
            return None;
        }
        let mut row = state(store, name, settings, call.node());
        if call.flag("enabled") && row["enabled"] != 1 {
            return None;
        }
        row["storage"] = json!(name);
        if row["enabled"] == 1 {
            let share = row["used"].as_f64().unwrap_or(0.0) / TOTAL as f64;
            row["used_fraction"] = json!(share);
        }
        Some(row)
    });
    data(rows.collect())
}

fn status(store: &Store, call: &Call) -> Answered {
    let name = call.need("storage");
    match store.storages.get(name) {
        Some(settings) => data(state(store, name, settings, call.node())),
        None => wrong("storage", "No such storage."),
    }
}

/// Rows of the cluster's list: each storage on each node.
pub(super) fn rows(store: &Store, call: &Call) -> Vec<Json> {
    let mut rows = Vec::new();
    for node in store.nodes.keys() {
        for (name, settings) in &store.storages {
            if !serves(settings, node) || !sees(store, call, name) {
                continue;
            }
            let state = state(store, name, settings, node);
            rows.push(json!({
                "id": format!("storage/{node}/{name}"), "type": "storage", "storage": name, "node": node,
                "status": if state["active"] == 1 { "available" } else { "unknown" },
                "plugintype": state["type"], "content": state["content"], "shared": state["shared"],
                "disk": state["used"], "maxdisk": TOTAL,
            }));
        }
    }
    rows
}

/// Refuses a storage that cannot hold what is to be put there.
pub(super) fn holds(store: &Store, name: &str, content: &str) -> Result<(), Refusal> {
    let settings = store.storage(name)?;
    let own = settings
        .get("content")
        .map_or("images,rootdir", String::as_str);
    match split(own).iter().any(|item| item == content) {
        true => Ok(()),
        false => fail(format!(
            "storage '{name}' does not support content-type '{content}'"
        )),
    }
}
