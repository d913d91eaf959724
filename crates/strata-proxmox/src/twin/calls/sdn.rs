//! The software-defined network: zones, vnets, subnets, and applying them.

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, Started, data, fail, null},
    api,
    call::{Call, split},
    store::{Store, digest, typed},
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let rest = call.method.path.strip_prefix("/cluster/sdn")?;
    if rest.is_empty() && call.method.verb == "PUT" {
        return Some(Started::answer(
            "reloadnetworkall",
            first_node(store),
            "",
            |_, _| Ok(()),
        ));
    }
    let (kind, id, rest) = kind_of(call, rest)?;
    Some(match (call.method.verb.as_str(), rest) {
        ("GET", false) => list(store, call, kind),
        ("POST", false) => create(store, call, kind, id),
        ("GET", true) => one(store, kind, &id).and_then(data),
        ("PUT", true) => update(store, call, kind, &id),
        ("DELETE", true) => delete(store, kind, &id),
        _ => return None,
    })
}

fn first_node(store: &Store) -> &'static str {
    // The name must outlive the store: a task keeps its own.
    match store.nodes.keys().next().map(String::as_str) {
        Some("pve1") => "pve1",
        _ => "pve",
    }
}

/// The kind of object, its name, and whether one is meant.
fn kind_of(call: &Call, rest: &str) -> Option<(&'static str, String, bool)> {
    let name = |parameter: &str| call.need(parameter).to_owned();
    Some(match rest {
        "/zones" => ("sdn-zone", name("zone"), false),
        "/zones/{zone}" => ("sdn-zone", name("zone"), true),
        "/vnets" => ("sdn-vnet", name("vnet"), false),
        "/vnets/{vnet}" => ("sdn-vnet", name("vnet"), true),
        "/vnets/{vnet}/subnets" => ("sdn-subnet", name("subnet"), false),
        "/vnets/{vnet}/subnets/{subnet}" => ("sdn-subnet", name("subnet"), true),
        "/controllers" => ("sdn-controller", name("controller"), false),
        "/controllers/{controller}" => ("sdn-controller", name("controller"), true),
        _ => return None,
    })
}

fn key(kind: &str) -> &'static str {
    match kind {
        "sdn-zone" => "zone",
        "sdn-vnet" => "vnet",
        "sdn-controller" => "controller",
        _ => "subnet",
    }
}

fn all_digest(store: &mut Store, kind: &str) -> String {
    let all = json!(store.kind(kind));
    digest(&all)
}

fn list(store: &mut Store, call: &Call, kind: &str) -> Answered {
    let digest = all_digest(store, kind);
    let vnet = call
        .text("vnet")
        .map(str::to_owned)
        .filter(|_| kind == "sdn-subnet");
    let rows = store
        .kind(kind)
        .values()
        .filter(|object| vnet.is_none() || object["vnet"] == json!(vnet));
    let rows = rows.map(|object| {
        let mut row = object.clone();
        row["digest"] = json!(digest);
        row
    });
    data(rows.collect())
}

fn missing(kind: &str, id: &str) -> Refusal {
    let what = key(kind);
    Refusal::fail(format!("sdn {what} object ID '{id}' does not exist"))
}

fn one(store: &mut Store, kind: &str, id: &str) -> Result<Json, Refusal> {
    let digest = all_digest(store, kind);
    let mut object = store
        .kind(kind)
        .get(id)
        .cloned()
        .ok_or_else(|| missing(kind, id))?;
    object["digest"] = json!(digest);
    Ok(object)
}

fn settings(call: &Call) -> Json {
    let facts = api::parameters(
        "POST",
        call.method.path.split("/{zone}").next().unwrap_or_default(),
    );
    let facts = if facts.is_empty() {
        &call.method.parameters
    } else {
        facts
    };
    let mut settings = typed(facts, &call.rest(&["digest", "delete", "lock-token"]));
    if let Some(range) = settings.get_mut("dhcp-range") {
        let parts = split(range.as_str().unwrap_or_default());
        let mut object = serde_json::Map::new();
        for part in parts {
            if let Some((name, value)) = part.split_once('=') {
                object.insert(name.to_owned(), json!(value));
            }
        }
        *range = json!([object]);
    }
    Json::Object(settings)
}

fn create(store: &mut Store, call: &Call, kind: &'static str, id: String) -> Answered {
    let mut object = settings(call);
    let mut id = id;
    if kind == "sdn-vnet" {
        object["type"] = json!("vnet");
        let zone = call.need("zone");
        if !store.kind("sdn-zone").contains_key(zone) {
            return fail(format!(
                "create sdn vnet object failed: sdn zone '{zone}' does not exist"
            ));
        }
    }
    if kind == "sdn-subnet" {
        let vnet = call.need("vnet");
        let zone = store
            .kind("sdn-vnet")
            .get(vnet)
            .map(|vnet| vnet["zone"].clone());
        let Some(zone) = zone.and_then(|zone| zone.as_str().map(str::to_owned)) else {
            return fail(format!(
                "create sdn subnet object failed: sdn vnet '{vnet}' does not exist"
            ));
        };
        let (network, mask) = id.split_once('/').unwrap_or((&id, "32"));
        object["cidr"] = json!(id);
        object["network"] = json!(network);
        object["mask"] = json!(mask);
        object["zone"] = json!(zone);
        object["type"] = json!("subnet");
        id = format!("{zone}-{}", id.replace('/', "-"));
        object["subnet"] = json!(id);
    }
    if store.kind(kind).contains_key(&id) {
        let what = key(kind);
        return fail(format!(
            "create sdn {what} object failed: sdn {what} object ID '{id}' already defined"
        ));
    }
    store.kind(kind).insert(id, object);
    null()
}

fn update(store: &mut Store, call: &Call, kind: &str, id: &str) -> Answered {
    let changes = settings(call);
    let now = all_digest(store, kind);
    if call.text("digest").is_some_and(|digest| digest != now) {
        return fail("detected modified configuration - file changed by other user? Try again.");
    }
    let what = key(kind);
    let Some(object) = store.kind(kind).get_mut(id) else {
        return fail(format!(
            "update sdn {what} object failed: sdn '{id}' does not exist"
        ));
    };
    let members = object.as_object_mut().expect("an object is an object");
    for gone in call.list("delete") {
        members.remove(&gone);
    }
    for (name, value) in changes.as_object().into_iter().flatten() {
        if name != "subnet" && name != "vnet" {
            members.insert(name.clone(), value.clone());
        }
    }
    null()
}

fn delete(store: &mut Store, kind: &str, id: &str) -> Answered {
    let what = key(kind);
    if kind == "sdn-zone"
        && let Some(vnet) = store
            .kind("sdn-vnet")
            .values()
            .find(|vnet| vnet["zone"] == id)
    {
        return fail(format!(
            "delete sdn zone object failed: zone {id} is used by vnet {}",
            vnet["vnet"].as_str().unwrap_or_default()
        ));
    }
    match store.kind(kind).remove(id) {
        Some(_) => null(),
        None => fail(format!(
            "delete sdn {what} object failed: sdn '{id}' does not exist"
        )),
    }
}
