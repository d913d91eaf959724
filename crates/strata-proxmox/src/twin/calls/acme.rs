//! ACME: accounts, what plugins are told, and certificates that are signed at once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, Started, data, fail},
    call::{Call, split},
    store::Store,
};

/// Where an authority is asked if nobody says.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Answers for accounts: one, or all.
pub(super) fn account(store: &mut Store, call: &Call, one: bool) -> Option<Answered> {
    let name = call.text("name").unwrap_or("default").to_owned();
    let node = store.nodes.keys().next().cloned().unwrap_or_default();
    let known = store.kind("acme-account").contains_key(&name);
    Some(match (call.method.verb.as_str(), one) {
        ("GET", false) => {
            let names = store.kind("acme-account").keys();
            data(names.map(|name| json!({ "name": name })).collect())
        }
        ("POST", _) if known => fail(format!("ACME account config file '{name}' already exists.")),
        ("POST", _) => register(call, &node, name),
        (_, true) if !known => fail(format!("ACME account config file '{name}' does not exist.")),
        ("GET", true) => data(store.kind("acme-account")[&name].clone()),
        ("PUT", true) => {
            let contact = contact(call);
            Started::answer("acmeupdate", &node, name.clone(), move |store, _| {
                if let Some(account) = store.kind("acme-account").get_mut(&name) {
                    account["account"]["contact"] = contact;
                }
                Ok(())
            })
        }
        ("DELETE", true) => {
            Started::answer("acmedeactivate", &node, name.clone(), move |store, _| {
                store.kind("acme-account").remove(&name);
                Ok(())
            })
        }
        _ => return None,
    })
}

fn contact(call: &Call) -> Json {
    let addresses = split(call.need("contact"));
    addresses
        .iter()
        .map(|address| json!(format!("mailto:{address}")))
        .collect()
}

fn register(call: &Call, node: &str, name: String) -> Answered {
    let mut account = json!({
        "account": {
            "contact": contact(call), "status": "valid", "createdAt": "2026-01-01T00:00:00Z",
        },
        "directory": call.text("directory").unwrap_or(DIRECTORY),
        "location": format!("https://acme.invalid/acct/{name}"),
    });
    if let Some(terms) = call.text("tos_url") {
        account["tos"] = json!(terms);
    }
    Started::answer("acmeregister", node, name.clone(), move |store, _| {
        store.kind("acme-account").insert(name, account);
        Ok(())
    })
}

/// What a plugin is told, which comes in base64.
pub(super) fn open(call: &Call, object: &mut Map<String, Json>) {
    if let Some(text) = call.text("data") {
        let text = STANDARD.decode(text).unwrap_or_default();
        object.insert("data".to_owned(), json!(String::from_utf8_lossy(&text)));
    }
}

/// Orders, renews or revokes the certificate of a node.
pub(super) fn certificate(store: &mut Store, call: &Call) -> Answered {
    let node = call.node().to_owned();
    let revoke = call.method.verb == "DELETE";
    let known = store.nodes.get(&node);
    let named = known.is_some_and(|node| {
        node.config.contains_key("acme") || node.config.keys().any(|name| name.starts_with("acme"))
    });
    if !named && !revoke {
        return fail("No domains configured");
    }
    let there = known.is_some_and(|node| node.certificate.is_some());
    if call.method.verb == "POST" && there && !call.flag("force") {
        return fail("Custom certificate exists but 'force' is not set.");
    }
    let kind = if revoke { "acmerevoke" } else { "acmenewcert" };
    Started::answer(kind, &node.clone(), "", move |store, _| {
        if let Some(node) = store.nodes.get_mut(&node) {
            let pem = "-----BEGIN CERTIFICATE-----\nacme\n-----END CERTIFICATE-----\n";
            node.certificate = (!revoke).then(|| pem.to_owned());
        }
        Ok(())
    })
}
