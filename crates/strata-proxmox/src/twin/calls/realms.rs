//! Realms: where users come from.

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answered, Started, data, fail, null},
    api,
    call::Call,
    store::{Store, digest, value},
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.strip_prefix("/access")?;
    Some(match (call.method.verb.as_str(), path) {
        ("GET", "/domains") => data(store.kind("realm").values().map(realm_row).collect()),
        ("POST", "/domains") => create_realm(store, call),
        ("GET", "/domains/{realm}") => realm(store, call),
        ("PUT", "/domains/{realm}") => update_realm(store, call),
        ("DELETE", "/domains/{realm}") => match store.kind("realm").remove(call.need("realm")) {
            Some(_) => null(),
            None => fail(format!("domain '{}' does not exist", call.need("realm"))),
        },
        ("POST", "/domains/{realm}/sync") => sync(store, call),
        _ => return None,
    })
}

/// Fetches users: a directory of the twin holds none.
fn sync(store: &mut Store, call: &Call) -> Answered {
    let realm = call.need("realm").to_owned();
    let kind = store
        .kind("realm")
        .get(&realm)
        .map(|realm| realm["type"].clone());
    let node = store.nodes.keys().next().cloned().unwrap_or_default();
    match kind {
        None => fail(format!("domain '{realm}' does not exist")),
        Some(kind) if kind == "ldap" || kind == "ad" => {
            Started::answer("auth-realm-sync", &node, realm, |_, _| Ok(()))
        }
        Some(_) => fail(format!(
            "realm '{realm}' cannot be synchronized: it is no directory"
        )),
    }
}

fn realm_row(realm: &Json) -> Json {
    let shown = ["realm", "type", "comment", "default", "tfa"];
    let members = realm.as_object().into_iter().flatten();
    let members = members.filter(|(name, _)| shown.contains(&name.as_str()));
    Json::Object(
        members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn create_realm(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("realm").to_owned();
    if store.kind("realm").contains_key(&name) {
        return fail(format!(
            "add auth server failed: domain '{name}' already exists"
        ));
    }
    let needed: &[&str] = match call.need("type") {
        "ldap" => &["user_attr", "base_dn", "server1"],
        "ad" => &["domain", "server1"],
        "openid" => &["client-id", "issuer-url"],
        _ => &[],
    };
    if let Some(missing) = needed.iter().find(|name| call.text(name).is_none()) {
        return fail(format!(
            "add auth server failed: missing value for required option '{missing}'"
        ));
    }
    let value = realm_value(call);
    store.kind("realm").insert(name, value);
    null()
}

fn realm_value(call: &Call) -> Json {
    let facts = api::parameters("POST", "/access/domains");
    let settings = call.rest(&["password", "delete", "digest", "check-connection"]);
    let typed = settings.iter().map(|(name, text)| {
        let ty = facts
            .get(name)
            .and_then(|facts| facts["type"].as_str())
            .unwrap_or("string");
        (name.clone(), value(ty, text))
    });
    Json::Object(typed.collect())
}

fn realm(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("realm");
    let made = store
        .kind("realm")
        .values()
        .filter(|realm| !matches!(realm["type"].as_str(), Some("pam" | "pve")))
        .cloned()
        .collect::<Vec<_>>();
    let Some(realm) = store.kind("realm").get(name) else {
        return fail(format!("domain '{name}' does not exist"));
    };
    let mut shown = realm.clone();
    let members = shown.as_object_mut().expect("a realm is an object");
    members.remove("realm");
    if name == "pam" {
        members.insert("plugin".to_owned(), json!("PVE::Auth::PAM"));
    }
    let now = if made.is_empty() {
        "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned()
    } else {
        digest(&json!(made))
    };
    members.insert("digest".to_owned(), json!(now));
    data(shown)
}

fn update_realm(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("realm");
    let changes = realm_value(call);
    let Some(realm) = store.kind("realm").get_mut(name) else {
        return fail(format!("domain '{name}' does not exist"));
    };
    let members = realm.as_object_mut().expect("a realm is an object");
    for gone in call.list("delete") {
        members.remove(&gone);
    }
    members.extend(changes.as_object().cloned().unwrap_or_default());
    null()
}
