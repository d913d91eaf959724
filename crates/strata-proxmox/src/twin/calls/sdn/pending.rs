//! What is written beside what runs: lists, single objects, and the step from one to the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{
    super::super::{
        answer::{Answered, data, fail},
        call::Call,
        store::Store,
    },
    KINDS, all_digest, key,
};

fn running(kind: &str) -> String {
    format!("running-{kind}")
}

/// Makes what is written run.
pub(super) fn run(store: &mut Store) {
    for kind in KINDS {
        let written = store.kind(kind).clone();
        *store.kind(&running(kind)) = written;
    }
}

/// Takes back what does not run.
pub(super) fn roll_back(store: &mut Store) {
    for kind in KINDS {
        let applied = store.kind(&running(kind)).clone();
        *store.kind(kind) = applied;
    }
}

/// True if something is written that does not run yet.
pub(super) fn differs(store: &mut Store) -> bool {
    KINDS.iter().any(|kind| {
        let written = store.kind(kind).clone();
        written != *store.kind(&running(kind))
    })
}

pub(super) fn list(store: &mut Store, call: &Call, kind: &str) -> Answered {
    let digest = all_digest(store, kind);
    let (written, applied) = (store.kind(kind).clone(), store.kind(&running(kind)).clone());
    let mine = |object: &Json| match kind {
        "sdn-subnet" => object["vnet"] == call.need("vnet"),
        "sdn-fabric-node" => object["fabric_id"] == call.need("fabric_id"),
        _ => call.text("type").is_none_or(|ty| object["type"] == ty),
    };
    if call.flag("pending") {
        let names: BTreeSet<&String> = written.keys().chain(applied.keys()).collect();
        let rows = names
            .into_iter()
            .map(|name| both(kind, written.get(name), applied.get(name)));
        return data(rows.filter(mine).collect());
    }
    let (shown, digest) = match call.flag("running") {
        true => (&applied, Json::Null),
        false => (&written, json!(digest)),
    };
    let rows = shown.values().filter(|object| mine(object));
    data(rows.map(|object| with_digest(object, &digest)).collect())
}

pub(super) fn one(store: &mut Store, call: &Call, kind: &str, id: &str) -> Answered {
    let digest = all_digest(store, kind);
    let written = store.kind(kind).get(id).cloned();
    let applied = store.kind(&running(kind)).get(id).cloned();
    let (found, digest) = match (call.flag("pending"), call.flag("running")) {
        (true, _) if written.is_some() || applied.is_some() => {
            return data(both(kind, written.as_ref(), applied.as_ref()));
        }
        (_, true) => (applied, Json::Null),
        _ => (written, json!(digest)),
    };
    match (found, kind) {
        (Some(object), _) => data(with_digest(&object, &digest)),
        (None, "sdn-zone") => fail(format!("sdn '{id}' does not exist")),
        (None, _) => fail(format!("sdn {} '{id}' does not exist", key(kind))),
    }
}

fn with_digest(object: &Json, digest: &Json) -> Json {
    let mut object = object.clone();
    object["digest"] = digest.clone();
    object
}

/// True for what is shown of an object that does not run yet, beside what waits.
fn is_name(kind: &str, member: &str) -> bool {
    member == "type"
        || member == key(kind)
        || (kind == "sdn-subnet"
            && matches!(member, "id" | "zone" | "vnet" | "cidr" | "network" | "mask"))
}

/// An object as it runs, with what waits.
fn both(kind: &str, written: Option<&Json>, applied: Option<&Json>) -> Json {
    let empty = Map::new();
    let members =
        |object: Option<&Json>| object.and_then(Json::as_object).unwrap_or(&empty).clone();
    let (new, old) = (members(written), members(applied));
    let mut shown = match applied {
        Some(_) => old.clone(),
        None => new
            .iter()
            .filter(|(name, _)| is_name(kind, name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    shown.insert("digest".to_owned(), Json::Null);
    let state = match (written, applied) {
        (Some(_), None) => "new",
        (None, Some(_)) => "deleted",
        _ if new != old => "changed",
        _ => return Json::Object(shown),
    };
    shown.insert("state".to_owned(), json!(state));
    let mut waits = Map::new();
    if written.is_some() {
        for (name, value) in &new {
            if old.get(name) != Some(value) && !is_name(kind, name) {
                waits.insert(name.clone(), plain(name, value));
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            waits.insert(name.clone(), json!("deleted"));
        }
    }
    shown.insert("pending".to_owned(), Json::Object(waits));
    if kind == "sdn-subnet" && applied.is_none() {
        shown.insert("dhcp-range".to_owned(), json!([]));
    }
    Json::Object(shown)
}

/// A value that waits: ranges are texts there.
fn plain(name: &str, value: &Json) -> Json {
    if name != "dhcp-range" {
        return value.clone();
    }
    let ranges = value.as_array().into_iter().flatten().map(|range| {
        let part = |name: &str| format!("{name}={}", range[name].as_str().unwrap_or_default());
        format!("{},{}", part("start-address"), part("end-address"))
    });
    json!(ranges.collect::<Vec<_>>())
}

/// What a node says of the network that runs.
pub(super) fn on_node(store: &mut Store, call: &Call, rest: &str) -> Option<Answered> {
    if call.method.verb != "GET" {
        return None;
    }
    Some(match rest {
        "/zones" => {
            let zones = store.kind("running-sdn-zone").keys();
            let rows = zones.map(|zone| json!({ "zone": zone, "status": "available" }));
            data(rows.collect())
        }
        "/zones/{zone}/content" => {
            let vnets = store.kind("running-sdn-vnet").values();
            let mine = vnets.filter(|vnet| vnet["zone"] == call.need("zone"));
            let rows = mine.map(|vnet| json!({ "vnet": vnet["vnet"], "status": "available" }));
            data(rows.collect())
        }
        _ => return None,
    })
}
