//! The whole cluster: its resources, status, options and the next free id.

use serde_json::{Value as Json, json};

use super::{
    super::{
        answer::{Answered, Refusal, data, fail, null, wrong},
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
            data(super::super::release::told(store.release))
        }
        ("GET", "/cluster/resources") => resources(store, call),
        ("GET", "/cluster/nextid") => next_id(store, call),
        ("GET", "/cluster/status") => status(store),
        ("GET", "/cluster/options") => options(store, call),
        ("PUT", "/cluster/options") => change_options(store, call),
        ("GET", "/cluster/log" | "/cluster/backup-info/not-backed-up") => data(json!([])),
        ("GET", "/cluster/config/nodes") => data(match store.nodes.len() {
            1 => json!([]),
            _ => store
                .nodes
                .keys()
                .map(|name| json!({ "node": name, "name": name }))
                .collect(),
        }),
        ("GET", "/cluster/config/join") if store.nodes.len() == 1 => Err(Refusal {
            plain: true,
            ..Refusal::status(424, "node is not in a cluster, no join info available!")
        }),
        ("GET", "/cluster/ha/status/current") => data(ha_status(store)),
        ("GET", "/cluster/ha/status/manager_status") => data(json!({
            "quorum": { "quorate": "1", "node": store.nodes.keys().next() },
            "manager_status": { "node_status": {} },
        })),
        ("GET", "/cluster/backup/{id}/included_volumes") => included(store, call),
        ("GET", "/cluster/ceph/flags") => fail("binary not installed: /usr/bin/ceph-mon"),
        _ if path.starts_with("/cluster/notifications/") && call.method.verb == "GET" => {
            return notifications(call);
        }
        _ => return None,
    })
}

fn ha_status(store: &Store) -> Json {
    let node = store.nodes.keys().next();
    json!([
        { "id": "quorum", "type": "quorum", "node": node, "status": "OK", "quorate": 1 },
        {
            "id": "fencing", "type": "fencing", "node": node, "armed-state": "standby",
            "status": "standby (CRM watchdog standby)",
        },
    ])
}

/// The guests that a backup job saves.
fn included(store: &mut Store, call: &Call) -> Answered {
    let id = call.need("id");
    let Some(job) = store.kind("backup-job").get(id).cloned() else {
        return wrong("id", format!("No such job '{id}'"));
    };
    let named = split(job["vmid"].as_str().unwrap_or_default());
    let rows = store
        .guests
        .iter()
        .filter(|(id, _)| job["all"] == 1 || named.iter().any(|name| *name == id.to_string()));
    let rows = rows.map(|(id, guest)| {
        json!({ "id": id, "name": guest.name(*id), "type": guest.kind.name(), "leaf": 1, "children": [] })
    });
    data(json!({ "children": rows.collect::<Vec<_>>() }))
}

/// What every installation tells of its notifications: mail to root, and a matcher for all.
fn notifications(call: &Call) -> Option<Answered> {
    let comment = "Send mails to root@pam's email address";
    let target = json!({ "name": "mail-to-root", "type": "sendmail", "comment": comment, "origin": "builtin" });
    let matcher = json!({
        "name": "default-matcher", "comment": "Route all notifications to mail-to-root",
        "mode": "all", "origin": "builtin", "target": ["mail-to-root"],
    });
    Some(
        match call
            .method
            .path
            .trim_start_matches("/cluster/notifications/")
        {
            "targets" => data(json!([target])),
            "matchers" => data(json!([matcher])),
            "matcher-fields" => {
                data(json!([{ "name": "type" }, { "name": "hostname" }, { "name": "job-id" }]))
            }
            "endpoints/sendmail" => {
                let mut endpoint = target;
                endpoint.as_object_mut()?.remove("type");
                endpoint["mailto-user"] = json!(["root@pam"]);
                data(json!([endpoint]))
            }
            "endpoints/gotify" | "endpoints/smtp" | "endpoints/webhook" => data(json!([])),
            "matchers/{name}" if call.need("name") == "default-matcher" => {
                let mut matcher = matcher;
                matcher["digest"] =
                    json!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
                data(matcher)
            }
            "matchers/{name}" => Err(Refusal::status(
                404,
                format!("matcher '{}' not found", call.need("name")),
            )),
            _ => return None,
        },
    )
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
            ("description", _) => json!(format!("{}\n", text.trim_end_matches('\n'))),
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
        let shown = match name.as_str() {
            name if name.ends_with("-list") => json!(split(text)),
            "lower" | "upper" => json!(text),
            _ => value(ty, text),
        };
        (name.clone(), shown)
    });
    Json::Object(shown.collect())
}

fn change_options(store: &mut Store, call: &Call) -> Answered {
    let range = call.text("next-id").map(|text| {
        let bound = |name: &str| {
            text.split(',').find_map(|part| {
                part.strip_prefix(name)?
                    .strip_prefix('=')?
                    .parse::<u32>()
                    .ok()
            })
        };
        (
            bound("lower").unwrap_or(100),
            bound("upper").unwrap_or(1_000_000),
        )
    });
    if let Some((lower, upper)) = range.filter(|(lower, upper)| lower > upper) {
        return fail(format!(
            "lower ({lower}) <= upper ({upper}) boundary rule broken"
        ));
    }
    for gone in call.list("delete") {
        store.options.remove(&gone);
    }
    let changes: Settings = call.rest(&["delete"]);
    store.options.extend(changes);
    null()
}
