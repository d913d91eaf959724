//! The server itself: its keys, its cluster, whom it trusts.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        answer::{Answer, Answered, bad_request, refuse},
        route::Call,
        store::{Kind, Store},
    },
    objects,
};

pub(in super::super) fn keys(call: &Call<'_>) -> Answered {
    let mut store = call.shared.store();
    let shown = shown(&store);
    match *call.method {
        Method::GET => Ok(Answer::Sync(shown)),
        Method::PUT | Method::PATCH => {
            let before = shown["config"].clone();
            let mut changed = objects::changed(call, shown)?;
            keep(&before, &mut changed["config"]);
            let keys = json!({ "config": changed["config"] });
            match changed["config"]
                .as_object()
                .is_some_and(|keys| !keys.is_empty())
            {
                true => store.put(Kind::Server, "", "keys", keys),
                false => drop(store.remove(Kind::Server, "", "keys")),
            }
            Ok(Answer::Sync(Value::Null))
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

/// What a daemon does with the keys that it is sent: empty ones go, and those of the user that are left
/// out stay.
fn keep(before: &Value, config: &mut Value) {
    let Some(config) = config.as_object_mut() else {
        return;
    };
    let before = before.as_object().into_iter().flatten();
    for (key, value) in before.filter(|(key, _)| key.starts_with("user.")) {
        config.entry(key.as_str()).or_insert_with(|| value.clone());
    }
    config.retain(|_, value| *value != "");
}

fn shown(store: &Store) -> Value {
    let keys = store.get(Kind::Server, "", "keys");
    let config = keys.map_or(json!({}), |keys| keys["config"].clone());
    let members = store.members();
    let name = members.first().map_or("twin", String::as_str);
    json!({
        "api_extensions": [
            "projects", "operation_wait", "event_lifecycle", "instances", "custom_volume_snapshot_expiry", "instance_create_start",
            "network_load_balancer", "network_peer", "network_integrations", "network_address_set", "storage_buckets", "clustering_groups",
            "file_storage_volume",
        ],
        "api_status": "stable",
        "api_version": "1.0",
        "auth": "trusted",
        "public": false,
        "config": config,
        "environment": {
            "server": "incus", "server_version": "6.0.4", "server_name": name, "server_clustered": !members.is_empty(),
            "architectures": ["x86_64"], "driver": "lxc | qemu", "storage": "dir", "project": "default", "addresses": ["127.0.0.1:8443"],
            "certificate": "",
        },
    })
}

pub(in super::super) fn cluster(call: &Call<'_>) -> Answered {
    let members = call.shared.store().members();
    let name = members.first().map_or("", String::as_str);
    Ok(Answer::Sync(
        json!({ "server_name": name, "enabled": !members.is_empty(), "member_config": [] }),
    ))
}

pub(in super::super) fn trust(call: &Call<'_>) -> Answered {
    let Some(der) = call.body["certificate"]
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
    else {
        return bad_request("Failed to decode the certificate");
    };
    let digest = Sha256::digest(&der);
    let fingerprint: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut store = call.shared.store();
    if store.get(Kind::Certificate, "", &fingerprint).is_some() {
        return refuse(StatusCode::BAD_REQUEST, "Client is already trusted");
    }
    let body = STANDARD.encode(&der);
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    );
    let text = |name: &str| call.body[name].as_str().unwrap_or_default().to_owned();
    let certificate = json!({
        "name": text("name"), "type": text("type"), "description": text("description"), "restricted": call.body["restricted"] == true,
        "projects": call.body["projects"].as_array().cloned().unwrap_or_default(), "certificate": pem, "fingerprint": fingerprint,
    });
    store.put(Kind::Certificate, "", &fingerprint, certificate);
    Ok(Answer::Sync(Value::Null))
}
