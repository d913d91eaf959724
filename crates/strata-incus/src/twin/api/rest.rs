//! Calls that no provider needs but other clients make: what they read is told as far as a model has it.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    super::{
        answer::{Answer, Answered, Started, bad_request, not_found, refuse},
        route::Call,
        store::{Kind, Store},
    },
    instances,
};

/// Answers a call to one of them; none if it is not one.
pub(in super::super) fn answer(call: &Call<'_>, segments: &[&str]) -> Option<Answered> {
    let store = || call.shared.store();
    let get = call.method == Method::GET;
    let file = |content: &str| Ok(Answer::File(content.as_bytes().to_vec()));
    Some(match (call.method, segments) {
        (&Method::PUT, ["instances"]) => every_state(call),
        (_, ["instances", name, ..])
            if store().get(Kind::Instance, &call.project, name).is_none() =>
        {
            return None;
        }
        (&Method::GET, ["instances", _, "access"] | ["projects", _, "access"]) => {
            Ok(Answer::Sync(json!([])))
        }
        (&Method::GET, ["instances", _, "logs"] | ["instances", _, "logs", "exec-output"]) => {
            Ok(Answer::Sync(json!([])))
        }
        (_, ["instances", _, "logs", .., _]) => not_found("Log file"),
        (_, ["instances", name, "console"]) => console(call, name),
        (_, ["instances", name, "metadata"]) => metadata(call, name),
        (_, ["instances", _, "metadata", "templates"]) => match get {
            true => Ok(Answer::Sync(json!([]))),
            false => Ok(Answer::Sync(Value::Null)),
        },
        (&Method::POST, ["instances", name, "rebuild"]) => rebuild(call, name),
        (&Method::POST, ["images", _, "refresh"]) => {
            operation(call, "Refreshing image", json!({ "refreshed": false }))
        }
        (&Method::POST, ["images", _, "export"]) => operation(call, "Exporting image", Value::Null),
        (&Method::GET, ["images", fingerprint, "export"]) => {
            match super::images::find(&store(), fingerprint) {
                Some(image) => file(&image.to_string()),
                None => not_found("Image"),
            }
        }
        (&Method::GET, ["metadata", "configuration"]) => Ok(Answer::Sync(json!({ "configs": {} }))),
        (&Method::GET, ["metrics"]) => file("# EOF\n"),
        (&Method::GET, ["network-acls", _, "log"]) => file(""),
        (&Method::GET, ["network-allocations"]) => {
            Ok(Answer::Sync(allocations(&store(), &call.project)))
        }
        (&Method::GET, ["networks", _, "load-balancers", _, "state"]) => {
            Ok(Answer::Sync(json!({ "backend_health": {} })))
        }
        (&Method::GET, ["resources"]) => Ok(Answer::Sync(json!({
            "cpu": { "architecture": "x86_64", "total": 4 },
            "memory": { "total": 16_u64 << 30, "used": 1_u64 << 30 },
        }))),
        (
            &Method::GET,
            [
                "storage-pools",
                pool,
                "volumes",
                kind @ ("container" | "virtual-machine" | "image"),
            ],
        ) => Ok(Answer::Sync(volumes_of(&store(), call, pool, kind))),
        (&Method::GET, ["storage-pools", pool, "volumes", "custom", name, "state"]) => {
            let home = store().home(Kind::Volume, &call.project);
            match store().get(Kind::Volume, &home, &format!("{pool}/{name}")) {
                Some(_) => Ok(Answer::Sync(
                    json!({ "usage": { "used": 1 << 20, "total": 0 } }),
                )),
                None => not_found("Storage volume"),
            }
        }
        (&Method::POST, ["storage-pools", _, "volumes", "custom", _, "rebuild"]) => {
            operation(call, "Rebuilding volume", Value::Null)
        }
        (&Method::GET, ["warnings"]) => Ok(Answer::Sync(json!([]))),
        (_, ["warnings", _]) => not_found("Warning"),
        (&Method::DELETE, ["operations", _]) => bad_request("This operation can't be cancelled"),
        (&Method::PUT, ["cluster"]) => operation(call, "Changing the cluster", Value::Null),
        (&Method::PUT, ["cluster", "certificate"]) => Ok(Answer::Sync(Value::Null)),
        (&Method::POST, ["cluster", "members"]) => join_token(call),
        (_, ["cluster", "members", name, "state"]) => member_state(call, name),
        _ => return None,
    })
}

fn operation(call: &Call<'_>, description: &'static str, result: Value) -> Answered {
    let resource = ("instances", "/1.0".to_owned());
    let mut started = Started::new(description, resource, &call.project);
    started.result = result;
    Ok(Answer::Operation(started.into()))
}

/// Starts or stops all instances of a project.
fn every_state(call: &Call<'_>) -> Answered {
    let names: Vec<String> = {
        let store = call.shared.store();
        let all = store.list(Kind::Instance, Some(&call.project)).into_iter();
        all.map(|(name, _)| name.to_owned()).collect()
    };
    let inner = call.with_body(call.body["state"].clone());
    for name in names {
        // One that is as it shall be already is no failure.
        drop(instances::state(&inner, &name)?);
    }
    operation(call, "Changing the state of all instances", Value::Null)
}

fn console(call: &Call<'_>, name: &str) -> Answered {
    match *call.method {
        Method::GET => Ok(Answer::File(Vec::new())),
        Method::DELETE => Ok(Answer::Sync(Value::Null)),
        _ => instances::exec(call, name),
    }
}

fn metadata(call: &Call<'_>, name: &str) -> Answered {
    let mut store = call.shared.store();
    let key = format!("metadata:{name}");
    let shown = store.get(Kind::File, &call.project, &key).cloned();
    let shown = shown.unwrap_or_else(|| json!({ "architecture": "x86_64", "properties": {} }));
    match *call.method {
        Method::GET => Ok(Answer::Sync(shown)),
        Method::PUT | Method::PATCH => {
            let changed = super::objects::changed(call, shown)?;
            store.put(Kind::File, &call.project, &key, changed);
            Ok(Answer::Sync(Value::Null))
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

/// Gives an instance another image: its configuration, and what else belongs to it, stays.
fn rebuild(call: &Call<'_>, name: &str) -> Answered {
    let mut store = call.shared.store();
    let Some(mut instance) = store.get(Kind::Instance, &call.project, name).cloned() else {
        return not_found("Instance");
    };
    if instance["status"] == "Running" {
        return bad_request("Instance must be stopped to be rebuilt");
    }
    let source = &call.body["source"];
    if source["alias"].is_string() || source["fingerprint"].is_string() {
        let Some(image) = super::images::source(&store, source) else {
            return not_found("Image");
        };
        instance["config"]["volatile.base_image"] = image["fingerprint"].clone();
    }
    store.put(Kind::Instance, &call.project, name, instance);
    drop(store);
    operation(call, "Rebuilding instance", Value::Null)
}

/// Addresses that networks and instances have.
fn allocations(store: &Store, project: &str) -> Value {
    let home = store.home(Kind::Network, project);
    let networks = store.list(Kind::Network, Some(&home)).into_iter();
    let networks = networks.filter_map(|(name, network)| {
        let address = network["config"]["ipv4.address"].as_str()?;
        let used_by = format!("/1.0/networks/{name}");
        Some(json!({ "address": address, "used_by": used_by, "type": "network", "network": name, "nat": true, "hwaddr": "" }))
    });
    networks.collect()
}

/// The volumes that instances, or images, are on.
fn volumes_of(store: &Store, call: &Call<'_>, pool: &str, kind: &str) -> Value {
    let of = if kind == "image" {
        Kind::Image
    } else {
        Kind::Instance
    };
    let home = store.home(of, &call.project);
    let all = store.list(of, Some(&home)).into_iter();
    let fits = |object: &Value| of == Kind::Image || object["type"] == kind;
    let all = all.filter(|(_, object)| fits(object)).map(|(name, object)| {
        let name = object["fingerprint"].as_str().unwrap_or(name);
        match call.recursion {
            0 => json!(format!("/1.0/storage-pools/{pool}/volumes/{kind}/{name}")),
            _ => json!({ "name": name, "type": kind, "content_type": "filesystem", "config": {}, "location": "none" }),
        }
    });
    all.collect()
}

/// What a server needs to become a member.
fn join_token(call: &Call<'_>) -> Answered {
    let name = call.body["server_name"].as_str().unwrap_or_default();
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let token = json!({ "serverName": name, "secret": secret, "fingerprint": "", "addresses": ["10.99.1.1:8443"] });
    operation(call, "Executing operation", token)
}

/// Tells how a member is, or empties it and fills it again.
fn member_state(call: &Call<'_>, name: &str) -> Answered {
    let mut store = call.shared.store();
    let Some(mut member) = store.get(Kind::Member, "", name).cloned() else {
        return not_found("Cluster member");
    };
    if call.method == Method::GET {
        return Ok(Answer::Sync(json!({ "sysinfo": {}, "storage_pools": {} })));
    }
    member["status"] = match call.body["action"].as_str() {
        Some("evacuate") => json!("Evacuated"),
        Some("restore") => json!("Online"),
        other => return bad_request(format!("Unknown action {:?}", other.unwrap_or_default())),
    };
    store.put(Kind::Member, "", name, member);
    drop(store);
    operation(call, "Changing the state of a cluster member", Value::Null)
}
