//! What a rehearsal lends: nodes, storages and pools that a call names, though nobody made them.

use super::{begin, call::Call, disk, store::Store};

/// Parameters that name a storage, or more of them.
const NAMED: [&str; 3] = ["storage", "targetstorage", "target-storage"];

/// Parameters that name a volume.
const VOLUMES: [&str; 2] = ["ostemplate", "archive"];

/// Lets the node, the storages and the pool that a call is about be there.
pub(super) fn lend(store: &mut Store, call: &Call) {
    if let Some(pool) = pool(call).filter(|name| is_name(name)) {
        store.pools.entry(pool.to_owned()).or_default();
    }
    let node = call.node();
    if node.is_empty() {
        return;
    }
    store
        .nodes
        .entry(node.to_owned())
        .or_insert_with(begin::node);
    // What is only asked for is made by the calls that come, or not at all.
    if call.method.verb == "GET" {
        return;
    }
    if let Some(target) = target(call).filter(|name| is_name(name)) {
        let node = store.nodes.entry(target.to_owned());
        node.or_insert_with(begin::node);
    }
    for name in storages(call) {
        store
            .storages
            .entry(name.to_owned())
            .or_insert_with(|| begin::folder(name));
    }
}

/// The pool that a guest is to be in, from its beginning or from now on.
fn pool(call: &Call) -> Option<&str> {
    match (call.method.verb.as_str(), call.method.path.as_str()) {
        ("PUT", "/pools" | "/pools/{poolid}") if call.text("vms").is_some() => call.text("poolid"),
        ("POST", path) if path.starts_with("/nodes/{node}/") => call.text("pool"),
        _ => None,
    }
}

/// The node where a guest is to be made or moved to.
fn target(call: &Call) -> Option<&str> {
    let path = &call.method.path;
    let names_node = path.ends_with("/clone") || path.ends_with("/migrate");
    names_node.then(|| call.text("target")).flatten()
}

fn storages(call: &Call) -> Vec<&str> {
    let mut found = Vec::new();
    for (key, text) in &call.params {
        if NAMED.contains(&key.as_str()) {
            found.push(text.as_str());
        } else if VOLUMES.contains(&key.as_str()) || disk::is_drive(key) || disk::is_mount(key) {
            found.extend(text.split(',').filter_map(of_volume));
        }
    }
    found.retain(|name| is_name(name));
    found
}

/// The storage in `STORAGE:VOLUME`, which may stand behind a name: `import-from=…`.
fn of_volume(part: &str) -> Option<&str> {
    let named = part.split_once('=');
    let volume = match named {
        Some(("file" | "volume" | "import-from", volume)) => volume,
        Some(_) => return None,
        None => part,
    };
    volume.split_once(':').map(|(storage, _)| storage)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
