//! Pools made of a node's disks: those of ZFS, and those of Ceph where it is installed.

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, Started, data, fail},
    begin::settings,
    call::Call,
    store::Store,
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    let verb = call.method.verb.as_str();
    if path.starts_with("/nodes/{node}/disks/zfs") {
        return Some(zfs(store, call, verb, path.ends_with("{name}")));
    }
    let ceph = path == "/cluster/ceph/status" || path == "/nodes/{node}/ceph/status";
    let pool = path.starts_with("/nodes/{node}/ceph/pool");
    if (ceph || pool) && !store.lenient {
        return Some(fail("binary not installed: /usr/bin/ceph-mon"));
    }
    match (ceph, pool) {
        (true, _) => Some(data(json!({
            "fsid": "6f1c3a52-0000-4000-8000-000000000001", "health": { "status": "HEALTH_OK" },
            "quorum_names": store.nodes.keys().collect::<Vec<_>>(),
        }))),
        (_, true) => Some(ceph_pool(store, call, verb, path)),
        _ => None,
    }
}

/// The kind under which a node's pools are kept.
fn kind(what: &str, call: &Call) -> String {
    format!("{what}/{}", call.node())
}

fn missing(what: &str, name: &str) -> Refusal {
    Refusal::fail(format!("{what} '{name}' does not exist"))
}

fn zfs(store: &mut Store, call: &Call, verb: &str, one: bool) -> Answered {
    let (kind, name) = (kind("zfs", call), call.need("name").to_owned());
    match (verb, one) {
        ("GET", false) => {
            let rows = store.kind(&kind).keys();
            data(
                rows.map(|name| json!({ "name": name, "health": "ONLINE" }))
                    .collect(),
            )
        }
        ("GET", true) => match store.kind(&kind).get(&name) {
            Some(_) => data(json!({
                "name": name, "state": "ONLINE", "errors": "No known data errors", "children": [],
            })),
            None => Err(missing("zpool", &name)),
        },
        ("POST", _) if store.kind(&kind).contains_key(&name) => fail(format!(
            "zpool '{name}' already exists on node '{}'",
            call.node()
        )),
        ("POST", _) => {
            let pool = json!(call.rest(&["node"]));
            let add = call.flag("add_storage");
            let node = call.node().to_owned();
            Started::answer("zfscreate", call.node(), name.clone(), move |store, _| {
                store.kind(&kind).insert(name.clone(), pool);
                if add {
                    let storage = [
                        ("type", "zfspool"),
                        ("pool", name.as_str()),
                        ("nodes", node.as_str()),
                        ("content", "images,rootdir"),
                    ];
                    let storage = settings(&storage);
                    store.storages.insert(name, storage);
                }
                Ok(())
            })
        }
        _ => {
            if !store.kind(&kind).contains_key(&name) {
                return Err(missing("zpool", &name));
            }
            let clean = call.flag("cleanup-config");
            Started::answer("zfsremove", call.node(), name.clone(), move |store, _| {
                store.kind(&kind).remove(&name);
                if clean {
                    store.storages.remove(&name);
                }
                Ok(())
            })
        }
    }
}

/// A pool as its status tells it, with what Ceph chooses where nobody says.
fn shown(pool: &Json) -> Json {
    let mut shown = json!({
        "size": 3, "min_size": 2, "pg_num": 128, "pg_autoscale_mode": "warn", "crush_rule": "replicated_rule",
        "application": "rbd",
    });
    for (name, text) in pool.as_object().into_iter().flatten() {
        let number = text.as_str().and_then(|text| text.parse::<f64>().ok());
        shown[name] = match number {
            Some(number) if number.fract() == 0.0 => json!(number as i64),
            Some(number) => json!(number),
            None => text.clone(),
        };
    }
    shown
}

fn ceph_pool(store: &mut Store, call: &Call, verb: &str, path: &str) -> Answered {
    let name = call.need("name").to_owned();
    let pools = store.kind("ceph-pool");
    let known = pools.get(&name).cloned();
    match (verb, known) {
        ("GET", _) if !path.contains("{name}") => data(
            pools
                .keys()
                .map(|name| json!({ "pool_name": name }))
                .collect(),
        ),
        ("POST", Some(_)) => fail(format!("pool '{name}' already exists")),
        (_, None) if verb != "POST" => Err(missing("pool", &name)),
        ("GET", Some(pool)) => data(shown(&pool)),
        ("DELETE", _) => {
            let storages = call.flag("remove_storages");
            Started::answer(
                "cephdestroypool",
                call.node(),
                name.clone(),
                move |store, _| {
                    store.kind("ceph-pool").remove(&name);
                    if storages {
                        store.storages.remove(&name);
                    }
                    Ok(())
                },
            )
        }
        (_, known) => {
            let mut pool = known.unwrap_or_else(|| json!({}));
            for (key, text) in call.rest(&["node", "delete"]) {
                pool[key] = json!(text);
            }
            let add = call.flag("add_storages");
            let kind = if verb == "POST" {
                "cephcreatepool"
            } else {
                "cephsetpool"
            };
            Started::answer(kind, call.node(), name.clone(), move |store, _| {
                store.kind("ceph-pool").insert(name.clone(), pool);
                if add {
                    let storage = [
                        ("type", "rbd"),
                        ("pool", name.as_str()),
                        ("content", "images,rootdir"),
                    ];
                    let storage = settings(&storage);
                    store.storages.insert(name, storage);
                }
                Ok(())
            })
        }
    }
}
