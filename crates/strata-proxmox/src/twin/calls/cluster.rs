//! The whole cluster: its resources, status, options and the next free id.

use serde_json::{Value as Json, json};

use super::{
    super::{
        answer::{Answered, data, null, wrong},
        api,
        call::{Call, split},
        permission,
        store::{Kind, Settings, Store, value},
    },
    lxc, qemu, storage,
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    Some(match (call.method.verb.as_str(), path) {
        ("GET", "/version" | "/nodes/{node}/version") => {
            data(json!({ "version": "9.1.8", "release": "9.1", "repoid": "a8e257e1" }))
        }
        ("GET", "/cluster/resources") => resources(store, call),
        ("GET", "/cluster/nextid") => next_id(store, call),
        ("GET", "/cluster/status") => status(store),
        ("GET", "/cluster/options") => options(store, call),
        ("PUT", "/cluster/options") => change_options(store, call),
        ("GET", "/cluster/log") => data(json!([])),
        _ => return None,
    })
}

fn resources(store: &Store, call: &Call) -> Answered {
    let wanted = |kind: &str| call.text("type").is_none_or(|only| only == kind);
    let mut rows = Vec::new();
    if wanted("vm") {
        for (id, guest) in &store.guests {
            if permission::sees_guest(store, &call.who, *id) {
                rows.push(match guest.kind {
                    Kind::Qemu => qemu::row(store, *id, guest),
                    Kind::Lxc => lxc::row(store, *id, guest),
                });
            }
        }
    }
    if wanted("node") {
        rows.extend(
            store
                .nodes
                .keys()
                .map(|name| super::node::row(store, call, name, false)),
        );
    }
    if wanted("storage") {
        rows.extend(storage::rows(store, call));
    }
    if call.text("type").is_none()
        && permission::one(store, &call.who, "/sdn/zones/localnetwork", "SDN.Audit").is_ok()
    {
        rows.extend(store.nodes.keys().map(|node| {
            json!({
                "id": format!("network/{node}/zone/localnetwork"), "type": "network", "node": node,
                "network": "localnetwork", "network-type": "zone", "status": "ok",
            })
        }));
    }
    data(Json::Array(rows))
}

fn next_id(store: &Store, call: &Call) -> Answered {
    if let Some(id) = call.number("vmid") {
        return match u32::try_from(id).is_ok_and(|id| store.guests.contains_key(&id)) {
            true => wrong("vmid", format!("VM {id} already exists")),
            false => data(json!(id.to_string())),
        };
    }
    let lower = store
        .options
        .get("next-id")
        .and_then(|text| {
            text.split(',')
                .find_map(|part| part.strip_prefix("lower=")?.parse().ok())
        })
        .unwrap_or(100);
    let free = (lower..).find(|id| !store.guests.contains_key(id));
    data(json!(free.unwrap_or(lower).to_string()))
}

fn status(store: &Store) -> Answered {
    let mut rows: Vec<Json> = Vec::new();
    if store.nodes.len() > 1 {
        rows.push(json!({
            "type": "cluster", "id": "cluster", "name": "twin", "version": 1, "quorate": 1,
            "nodes": store.nodes.len(),
        }));
    }
    let one = store.nodes.len() == 1;
    for (at, (name, node)) in store.nodes.iter().enumerate() {
        rows.push(json!({
            "type": "node", "id": format!("node/{name}"), "name": name, "level": "",
            "nodeid": if one { 0 } else { at + 1 }, "ip": format!("10.99.0.{}", at + 2),
            "local": u8::from(at == 0), "online": u8::from(!node.offline),
        }));
    }
    data(Json::Array(rows))
}

fn options(store: &Store, call: &Call) -> Answered {
    let mut tags: Vec<String> = store
        .guests
        .values()
        .filter_map(|guest| guest.config.get("tags"))
        .flat_map(|tags| split(tags))
        .chain(split(
            store
                .options
                .get("registered-tags")
                .map_or("", String::as_str),
        ))
        .collect();
    tags.sort();
    tags.dedup();
    if permission::one(store, &call.who, "/", "Sys.Audit").is_err() {
        return data(json!({ "allowed-tags": [] }));
    }
    let facts = api::parameters("PUT", "/cluster/options");
    let mut shown = json!({ "allowed-tags": tags, "mac_prefix": "BC:24:11", "description": "" });
    for (name, text) in &store.options {
        let format = facts.get(name).map(|facts| &facts["format"]);
        shown[name] = match (name.as_str(), format) {
            ("registered-tags", _) => json!(split(text)),
            (
                "crs" | "ha" | "migration" | "next-id" | "notify" | "tag-style" | "u2f"
                | "webauthn" | "user-tag-access" | "location",
                Some(format),
            ) => parts(format, text),
            _ => {
                let ty = facts.get(name).and_then(|facts| facts["type"].as_str());
                value(ty.unwrap_or("string"), text)
            }
        };
    }
    data(shown)
}

/// A property string as an object.
fn parts(format: &'static Json, text: &str) -> Json {
    let format = api::resolve(format);
    let Ok(parts) = api::parse_property(format, text) else {
        return json!(text);
    };
    let shown = parts.iter().map(|(name, text)| {
        let ty = format[name]["type"].as_str().unwrap_or("string");
        let shown = match name.ends_with("-list") {
            true => json!(split(text)),
            false => value(ty, text),
        };
        (name.clone(), shown)
    });
    Json::Object(shown.collect())
}

fn change_options(store: &mut Store, call: &Call) -> Answered {
    for gone in call.list("delete") {
        store.options.remove(&gone);
    }
    let changes: Settings = call.rest(&["delete"]);
    store.options.extend(changes);
    null()
}
