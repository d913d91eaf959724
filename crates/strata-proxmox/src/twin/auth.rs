//! Logins: API tokens, tickets with their CSRF tokens, passwords.

use std::collections::{BTreeMap, BTreeSet};

use hyper::HeaderMap;
use serde_json::{Value as Json, json};

use super::{
    answer::{Answered, Refusal, data},
    call::{Call, Identity},
    permission,
    store::Store,
};
use crate::client::unpercent;

/// Who sends a request.
pub(super) fn identify(
    store: &Store,
    verb: &str,
    headers: &HeaderMap,
) -> Result<Identity, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(token) = text("authorization").and_then(|value| value.strip_prefix("PVEAPIToken="))
    {
        return by_token(store, token);
    }
    let cookies = text("cookie").unwrap_or_default().split(';');
    let ticket = cookies
        .filter_map(|cookie| cookie.trim().strip_prefix("PVEAuthCookie="))
        .next();
    let Some(ticket) = ticket else {
        return Err(Refusal::bare(401, "No ticket"));
    };
    let ticket = unpercent(ticket, false);
    let Some(user) = store.tickets.get(&ticket) else {
        return Err(Refusal::bare(401, "Authentication failed!"));
    };
    if verb != "GET" && text("csrfpreventiontoken") != Some(&csrf(&ticket)) {
        return Err(Refusal::bare(401, "Permission denied - invalid csrf token"));
    }
    Ok(Identity {
        user: user.clone(),
        token: None,
    })
}

fn by_token(store: &Store, text: &str) -> Result<Identity, Refusal> {
    let failed = || Refusal::bare(401, "Authentication failed!");
    let (id, secret) = text
        .split_once('=')
        .or_else(|| text.rsplit_once(':'))
        .ok_or_else(failed)?;
    let (user, name) = id.split_once('!').ok_or_else(failed)?;
    let identity = Identity {
        user: user.to_owned(),
        token: Some(name.to_owned()),
    };
    if store.lenient {
        return Ok(identity);
    }
    match store.tokens.get(id) {
        Some(token) if token.secret == secret && store.users.contains_key(user) => Ok(identity),
        _ => Err(failed()),
    }
}

fn csrf(ticket: &str) -> String {
    format!("CSRF:{}", super::store::digest(&json!(ticket)))
}

/// `POST /access/ticket`.
pub(super) fn ticket(store: &mut Store, call: &Call) -> Answered {
    let mut user = call.need("username").to_owned();
    if let Some(realm) = call.text("realm") {
        user = format!("{user}@{realm}");
    }
    let password = call.need("password");
    let known = store.users.get(&user).and_then(|user| user.get("password"));
    let by_ticket = store.tickets.get(password).is_some_and(|of| *of == user);
    if known.is_none_or(|known| known != password) && !by_ticket && !store.lenient {
        return Err(Refusal::status(401, "authentication failure"));
    }
    let ticket = format!("PVE:{user}:{:08X}::{}", store.now(), uuid::Uuid::new_v4());
    store.tickets.insert(ticket.clone(), user.clone());
    let who = Identity {
        user: user.clone(),
        token: None,
    };
    data(json!({
        "username": user,
        "CSRFPreventionToken": csrf(&ticket),
        "ticket": ticket,
        "cap": capabilities(store, &who),
    }))
}

/// What the web interface shows and hides: privileges by area.
fn capabilities(store: &Store, who: &Identity) -> Json {
    const AREAS: [(&str, &str, &[&str]); 7] = [
        ("vms", "/vms", &["VM."]),
        ("storage", "/storage", &["Datastore."]),
        ("access", "/access", &["User.", "Group."]),
        ("nodes", "/nodes", &["Sys."]),
        ("sdn", "/sdn", &["SDN."]),
        ("mapping", "/mapping", &["Mapping."]),
        ("dc", "/", &["Sys.Audit", "Sys.Modify", "SDN."]),
    ];
    let mut all = serde_json::Map::new();
    for (area, path, beginnings) in AREAS {
        let has: BTreeSet<String> = permission::privileges(store, who, path);
        let shown = has.iter().filter(|name| {
            let fits = beginnings
                .iter()
                .any(|beginning| name.starts_with(beginning));
            fits || (area != "dc" && name.as_str() == "Permissions.Modify")
        });
        let shown: BTreeMap<&String, u8> = shown.map(|name| (name, 1)).collect();
        all.insert(area.to_owned(), json!(shown));
    }
    Json::Object(all)
}
