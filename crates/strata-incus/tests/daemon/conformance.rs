//! One conversation with a real daemon, recorded, and held with the twin: both must answer the same.
//!
//! `STRATA_RECORD=1` asks the real daemon again. Fields that differ from run to run are left out.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use strata_incus::twin::Twin;

use crate::{raw, testbed};

/// Where the daemon's answers are kept.
fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/conversation.json")
}

/// What is said to the daemon, in this order; what is made is removed at the end.
fn questions() -> Vec<(&'static str, &'static str, Json)> {
    let none = Json::Null;
    let network = json!({ "name": "incconf0", "config": { "ipv4.address": "10.77.249.1/24", "ipv6.address": "none" } });
    let devices = json!({
        "root": { "type": "disk", "path": "/", "pool": "default" },
        "eth0": { "type": "nic", "network": "incconf0" },
    });
    let profile = json!({ "name": "inc-conf", "description": "d", "config": { "limits.cpu": "1" }, "devices": devices });
    let volume = json!({ "name": "inc-conf", "config": { "snapshots.schedule": "@daily" } });
    let instance = |name: &str, profile: &str, source: Json| json!({ "name": name, "type": "container", "profiles": [profile], "source": source, "config": { "limits.memory": "64MiB" } });
    let empty = json!({ "type": "none" });
    let acl = json!({ "name": "inc-conf", "ingress": [{ "action": "allow", "state": "enabled", "protocol": "tcp", "destination_port": "22" }] });
    let zone =
        json!({ "name": "inc-conf.example", "config": { "dns.nameservers": "ns1.example" } });
    let record =
        json!({ "name": "www", "entries": [{ "type": "A", "value": "192.0.2.1", "ttl": 300 }] });
    let forward = json!({ "listen_address": "192.0.2.78", "ports": [{ "protocol": "tcp", "listen_port": "80", "target_port": "80", "target_address": "10.77.249.9" }] });
    let volumes = "/1.0/storage-pools/default/volumes/custom";
    let at = |path: &'static str| path;
    vec![
        ("GET", at("/1.0/profiles/inc-conf"), none.clone()),
        ("GET", at("/1.0/instances/inc-conf"), none.clone()),
        ("GET", at("/1.0/networks/incconf0"), none.clone()),
        ("GET", at("/1.0/projects/inc-conf"), none.clone()),
        ("GET", at("/1.0/network-acls/inc-conf"), none.clone()),
        (
            "GET",
            at("/1.0/network-zones/inc-conf.example"),
            none.clone(),
        ),
        ("GET", at("/1.0/storage-pools/inc-conf"), none.clone()),
        (
            "GET",
            at("/1.0/storage-pools/default/volumes/custom/inc-conf"),
            none.clone(),
        ),
        ("GET", at("/1.0/profiles?project=inc-conf"), none.clone()),
        ("POST", at("/1.0/networks"), network.clone()),
        ("POST", at("/1.0/networks"), network),
        ("GET", at("/1.0/networks/incconf0"), none.clone()),
        ("POST", at("/1.0/profiles"), profile.clone()),
        ("POST", at("/1.0/profiles"), profile),
        ("GET", at("/1.0/profiles/inc-conf"), none.clone()),
        (
            "PATCH",
            at("/1.0/profiles/inc-conf"),
            json!({ "config": { "user.a": "b" } }),
        ),
        ("GET", at("/1.0/profiles/inc-conf"), none.clone()),
        ("POST", volumes, volume.clone()),
        ("POST", volumes, volume),
        (
            "GET",
            at("/1.0/storage-pools/default/volumes/custom/inc-conf"),
            none.clone(),
        ),
        (
            "POST",
            at("/1.0/instances"),
            instance("inc conf", "inc-conf", empty.clone()),
        ),
        (
            "POST",
            at("/1.0/instances"),
            instance("inc-conf", "inc-nope", empty.clone()),
        ),
        (
            "POST",
            at("/1.0/instances"),
            instance(
                "inc-conf",
                "inc-conf",
                json!({ "type": "image", "alias": "inc-nope" }),
            ),
        ),
        (
            "POST",
            at("/1.0/instances"),
            instance("inc-conf", "inc-conf", empty),
        ),
        ("GET", at("/1.0/instances/inc-conf"), none.clone()),
        (
            "PUT",
            at("/1.0/instances/inc-conf/state"),
            json!({ "action": "stop" }),
        ),
        (
            "POST",
            at("/1.0/instances/inc-conf/snapshots"),
            json!({ "name": "s" }),
        ),
        (
            "GET",
            at("/1.0/instances/inc-conf/snapshots/t"),
            none.clone(),
        ),
        (
            "DELETE",
            at("/1.0/instances/inc-conf/snapshots/s"),
            none.clone(),
        ),
        ("DELETE", at("/1.0/networks/incconf0"), none.clone()),
        ("DELETE", at("/1.0/profiles/inc-conf"), none.clone()),
        ("POST", at("/1.0/network-acls"), acl),
        ("GET", at("/1.0/network-acls/inc-conf"), none.clone()),
        ("POST", at("/1.0/network-zones"), zone),
        (
            "GET",
            at("/1.0/network-zones/inc-conf.example"),
            none.clone(),
        ),
        (
            "POST",
            at("/1.0/network-zones/inc-conf.example/records"),
            record,
        ),
        (
            "GET",
            at("/1.0/network-zones/inc-conf.example/records/www"),
            none.clone(),
        ),
        ("POST", at("/1.0/networks/incconf0/forwards"), forward),
        (
            "GET",
            at("/1.0/networks/incconf0/forwards/192.0.2.78"),
            none.clone(),
        ),
        (
            "POST",
            at("/1.0/projects"),
            json!({ "name": "inc-conf", "config": { "features.images": "false" } }),
        ),
        ("GET", at("/1.0/projects/inc-conf"), none.clone()),
        ("DELETE", at("/1.0/projects/inc-conf"), none.clone()),
        (
            "DELETE",
            at("/1.0/networks/incconf0/forwards/192.0.2.78"),
            none.clone(),
        ),
        (
            "DELETE",
            at("/1.0/network-zones/inc-conf.example/records/www"),
            none.clone(),
        ),
        (
            "DELETE",
            at("/1.0/network-zones/inc-conf.example"),
            none.clone(),
        ),
        ("DELETE", at("/1.0/network-acls/inc-conf"), none.clone()),
        ("DELETE", at("/1.0/instances/inc-conf"), none.clone()),
        (
            "DELETE",
            at("/1.0/storage-pools/default/volumes/custom/inc-conf"),
            none.clone(),
        ),
        ("DELETE", at("/1.0/profiles/inc-conf"), none.clone()),
        ("DELETE", at("/1.0/networks/incconf0"), none),
    ]
}

/// Holds the conversation; gives one line or more an answer.
fn hold(socket: &Path) -> Vec<Json> {
    let ask = |(method, path, body): (&str, &str, Json)| {
        let (status, answer) = raw::request(socket, method, path, &body);
        let metadata = match answer["metadata"].get("class").is_some() {
            // An operation has ended: how is told by its status.
            true => json!(answer["metadata"]["status"]),
            false => lasting(&answer["metadata"]),
        };
        let metadata = if metadata == json!({}) {
            Json::Null
        } else {
            metadata
        };
        let status = match answer["error_code"].as_u64() {
            None | Some(0) => u64::from(status),
            Some(code) => code,
        };
        json!({ "question": format!("{method} {path}"), "status": status, "error": answer["error"], "metadata": metadata })
    };
    questions().into_iter().map(ask).collect()
}

/// Without what differs from run to run, and what is empty.
fn lasting(value: &Json) -> Json {
    const PASSING: [&str; 8] = [
        "created_at",
        "last_used_at",
        "used_by",
        "etag",
        "backups",
        "snapshots",
        "restore",
        "expanded_config",
    ];
    if let Some(values) = value.as_array() {
        return values.iter().map(lasting).collect();
    }
    let Some(fields) = value.as_object() else {
        return value.clone();
    };
    let keeps = |name: &str, value: &Json| {
        let empties = [json!(null), json!(""), json!([]), json!({}), json!(false)];
        let is_empty = empties.contains(value);
        !(PASSING.contains(&name) || name.starts_with("volatile.") || is_empty)
    };
    let kept = fields
        .iter()
        .map(|(name, value)| (name.clone(), lasting(value)));
    kept.filter(|(name, value)| keeps(name, value)).collect()
}

#[tokio::test]
async fn the_twin_answers_as_a_real_daemon_did() {
    if std::env::var("STRATA_RECORD").is_ok() {
        let Some(socket) = testbed::socket() else {
            return;
        };
        let answers = tokio::task::spawn_blocking(move || hold(&socket))
            .await
            .unwrap();
        let text = serde_json::to_string_pretty(&answers).unwrap();
        std::fs::write(recorded(), text + "\n").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _twin = Twin::start(&socket, None).unwrap();
    let found = tokio::task::spawn_blocking(move || hold(&socket))
        .await
        .unwrap();
    let text = std::fs::read_to_string(recorded()).unwrap();
    let mut expected: Vec<Json> = serde_json::from_str(&text).unwrap();
    // What says no is the same as what says nothing: releases differ in the fields that they tell.
    for answer in &mut expected {
        let metadata = lasting(&answer["metadata"]);
        answer["metadata"] = if metadata == json!({}) {
            Json::Null
        } else {
            metadata
        };
    }
    let differing = found
        .iter()
        .zip(&expected)
        .filter(|(found, expected)| found != expected);
    let told: Vec<String> = differing
        .map(|(found, expected)| format!("{expected:#}\nbut the twin: {found:#}"))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(found.len(), expected.len());
}
