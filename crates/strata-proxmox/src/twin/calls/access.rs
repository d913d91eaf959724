//! Users, groups, roles, the access list and tokens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, data, fail, null, wrong},
    begin,
    call::{Call, Identity, split},
    permission,
    store::{AclEntry, Settings, Store, Token},
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.strip_prefix("/access")?;
    Some(match (call.method.verb.as_str(), path) {
        ("GET", "") => data(
            [
                "users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password",
            ]
            .iter()
            .map(|name| json!({ "subdir": name }))
            .collect(),
        ),
        ("GET", "/users") => users(store, call),
        ("POST", "/users") => create_user(store, call),
        ("GET", "/users/{userid}") => user(store, call),
        ("PUT", "/users/{userid}") => update_user(store, call),
        ("DELETE", "/users/{userid}") => delete_user(store, call),
        ("PUT", "/password") => password(store, call),
        ("GET", "/groups") => groups(store),
        ("POST", "/groups") => create_group(store, call),
        ("GET", "/groups/{groupid}") => group(store, call),
        ("PUT", "/groups/{groupid}") => update_group(store, call),
        ("DELETE", "/groups/{groupid}") => delete_group(store, call),
        ("GET", "/roles") => roles(store),
        ("POST", "/roles") => create_role(store, call),
        ("GET", "/roles/{roleid}") => role(store, call),
        ("PUT", "/roles/{roleid}") => update_role(store, call),
        ("DELETE", "/roles/{roleid}") => delete_role(store, call),
        ("GET", "/acl") => acl(store),
        ("PUT", "/acl") => change_acl(store, call),
        ("GET", "/permissions") => permissions(store, call),
        ("GET", "/users/{userid}/token") => tokens(store, call),
        ("GET", "/users/{userid}/token/{tokenid}") => {
            token(store, call).map(shown_token).and_then(data)
        }
        ("POST", "/users/{userid}/token/{tokenid}") => create_token(store, call),
        ("PUT", "/users/{userid}/token/{tokenid}") => update_token(store, call),
        ("DELETE", "/users/{userid}/token/{tokenid}") => delete_token(store, call),
        ("GET", "/tfa") => data(json!([])),
        _ => return None,
    })
}

fn no_user(name: &str) -> Refusal {
    Refusal::fail(format!("no such user ('{name}')"))
}

fn number(settings: &Settings, name: &str, usual: i64) -> i64 {
    settings
        .get(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

fn shown_user(settings: &Settings) -> Map<String, Json> {
    let mut shown = Map::new();
    for name in ["comment", "email", "firstname", "lastname", "keys"] {
        if let Some(text) = settings.get(name) {
            shown.insert(name.to_owned(), json!(text));
        }
    }
    shown.insert("enable".to_owned(), json!(number(settings, "enable", 1)));
    shown.insert("expire".to_owned(), json!(number(settings, "expire", 0)));
    shown
}

fn users(store: &mut Store, call: &Call) -> Answered {
    let realms: BTreeMap<String, Json> = store.kind("realm").clone();
    let rows = store.users.iter().filter(|(name, settings)| {
        let enabled = number(settings, "enable", 1) == 1;
        let sees = call.who.user == **name && call.who.token.is_none()
            || ["User.Modify", "Sys.Audit"].iter().any(|privilege| {
                permission::one(store, &call.who, "/access/groups", privilege).is_ok()
            });
        sees && call
            .text("enabled")
            .is_none_or(|wanted| (wanted == "1") == enabled)
    });
    let rows = rows.map(|(name, settings)| {
        let mut row = shown_user(settings);
        row.insert("userid".to_owned(), json!(name));
        let realm = name
            .rsplit_once('@')
            .and_then(|(_, realm)| realms.get(realm));
        if let Some(realm) = realm {
            row.insert("realm-type".to_owned(), realm["type"].clone());
        }
        if call.flag("full") {
            row.insert(
                "groups".to_owned(),
                json!(settings.get("groups").map_or("", String::as_str)),
            );
            row.insert("tokens".to_owned(), tokens_of(store, name, true));
        }
        Json::Object(row)
    });
    data(rows.collect())
}

fn tokens_of(store: &Store, user: &str, as_list: bool) -> Json {
    let own = store.tokens.iter().filter_map(|(id, token)| {
        let (owner, name) = id.split_once('!')?;
        (owner == user).then(|| (name.to_owned(), shown_token(token)))
    });
    let own: Vec<(String, Json)> = own.collect();
    match (own.is_empty(), as_list) {
        (true, _) => Json::Null,
        (_, false) => Json::Object(own.into_iter().collect()),
        (_, true) => own
            .into_iter()
            .map(|(name, mut token)| {
                token["tokenid"] = json!(name);
                token
            })
            .collect(),
    }
}

fn check_groups(store: &Store, call: &Call) -> Result<(), Refusal> {
    let missing = call
        .list("groups")
        .into_iter()
        .find(|group| !store.groups.contains_key(group));
    match missing {
        Some(group) => fail(format!("no such group '{group}'")),
        None => Ok(()),
    }
}

fn create_user(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("userid").to_owned();
    if store.users.contains_key(&name) {
        return fail(format!("create user failed: user '{name}' already exists"));
    }
    check_groups(store, call)
        .map_err(|refusal| Refusal::fail(format!("create user failed: {}", refusal.message)))?;
    let mut settings = call.rest(&["userid"]);
    settings.retain(|name, text| name == "groups" || name == "password" || !text.is_empty());
    store.users.insert(name, settings);
    null()
}

fn user(store: &Store, call: &Call) -> Answered {
    let name = call.need("userid");
    let settings = store.users.get(name).ok_or_else(|| no_user(name))?;
    let mut shown = shown_user(settings);
    // Once anything was changed, what is empty is written down.
    if settings.contains_key("changed") {
        shown.entry("email".to_owned()).or_insert_with(|| json!(""));
    }
    shown.insert(
        "groups".to_owned(),
        json!(split(settings.get("groups").map_or("", String::as_str))),
    );
    shown.insert("tokens".to_owned(), tokens_of(store, name, false));
    data(Json::Object(shown))
}

fn update_user(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("userid").to_owned();
    check_groups(store, call)?;
    let settings = store.users.get_mut(&name).ok_or_else(|| no_user(&name))?;
    let mut changes = call.rest(&["userid", "append"]);
    if call.flag("append")
        && let Some(more) = changes.get_mut("groups")
    {
        let mut all = split(settings.get("groups").map_or("", String::as_str));
        all.extend(split(more));
        all.sort();
        all.dedup();
        *more = all.join(",");
    }
    settings.extend(changes);
    if name != "root@pam" {
        settings.insert("changed".to_owned(), "1".to_owned());
    }
    null()
}

fn delete_user(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("userid");
    store.users.remove(name).ok_or_else(|| no_user(name))?;
    let prefix = format!("{name}!");
    store.tokens.retain(|id, _| !id.starts_with(&prefix));
    store.acl.retain(|entry| {
        !((entry.kind == "user" && entry.who == name)
            || (entry.kind == "token" && entry.who.starts_with(&prefix)))
    });
    null()
}

fn password(store: &mut Store, call: &Call) -> Answered {
    if call.who.token.is_some() {
        return Err(Refusal::status(
            403,
            "Permission check failed (URI '/access/password' not available with API token, need proper ticket.\n)",
        ));
    }
    let name = call.need("userid");
    let settings = store.users.get_mut(name).ok_or_else(|| no_user(name))?;
    settings.insert("password".to_owned(), call.need("password").to_owned());
    null()
}

fn members(store: &Store, group: &str) -> Vec<String> {
    let in_group = |settings: &Settings| {
        settings
            .get("groups")
            .is_some_and(|groups| split(groups).iter().any(|name| name == group))
    };
    store
        .users
        .iter()
        .filter(|(_, user)| in_group(user))
        .map(|(name, _)| name.clone())
        .collect()
}

fn groups(store: &Store) -> Answered {
    let rows = store.groups.iter().map(|(name, settings)| {
        let mut row = json!({ "groupid": name, "users": members(store, name).join(",") });
        if let Some(comment) = settings.get("comment") {
            row["comment"] = json!(comment);
        }
        row
    });
    data(rows.collect())
}

fn create_group(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("groupid").to_owned();
    if store.groups.contains_key(&name) {
        return fail(format!(
            "create group failed: group '{name}' already exists"
        ));
    }
    store.groups.insert(name, call.rest(&["groupid"]));
    null()
}

fn group(store: &Store, call: &Call) -> Answered {
    let name = call.need("groupid");
    let Some(settings) = store.groups.get(name) else {
        return fail(format!("group '{name}' does not exist"));
    };
    let mut shown = json!({ "members": members(store, name) });
    if let Some(comment) = settings.get("comment") {
        shown["comment"] = json!(comment);
    }
    data(shown)
}

fn update_group(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("groupid");
    match store.groups.get_mut(name) {
        Some(settings) => settings.extend(call.rest(&["groupid"])),
        None => {
            return fail(format!(
                "update group failed: group '{name}' does not exist"
            ));
        }
    }
    null()
}

fn delete_group(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("groupid");
    if store.groups.remove(name).is_none() {
        return fail(format!(
            "delete group failed: group '{name}' does not exist"
        ));
    }
    store
        .acl
        .retain(|entry| !(entry.kind == "group" && entry.who == name));
    for user in store.users.values_mut() {
        if let Some(groups) = user.get_mut("groups") {
            *groups = split(groups)
                .into_iter()
                .filter(|group| group != name)
                .collect::<Vec<_>>()
                .join(",");
        }
    }
    null()
}

fn roles(store: &Store) -> Answered {
    let rows = store.roles.iter().map(|(name, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        let mut row = json!({ "roleid": name, "privs": privileges.join(",") });
        if begin::is_built_in(name) {
            row["special"] = json!(1);
        }
        row
    });
    data(rows.collect())
}

fn privileges(call: &Call) -> Result<BTreeSet<String>, Refusal> {
    let names = call.list("privs");
    match names.iter().find(|name| !begin::is_privilege(name)) {
        Some(name) => wrong(
            "privs",
            format!("invalid format - invalid privilege '{name}'\n"),
        ),
        None => Ok(names.into_iter().collect()),
    }
}

fn create_role(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("roleid").to_owned();
    let privileges = privileges(call)?;
    if name.to_lowercase().starts_with("pve") {
        return wrong(
            "roleid",
            "cannot use role ID starting with the (case-insensitive) 'PVE' namespace",
        );
    }
    if store.roles.contains_key(&name) {
        return fail(format!("create role failed: role '{name}' already exists"));
    }
    store.roles.insert(name, privileges);
    null()
}

fn role(store: &Store, call: &Call) -> Answered {
    let name = call.need("roleid");
    match store.roles.get(name) {
        Some(privileges) => data(
            privileges
                .iter()
                .map(|name| (name.clone(), json!(1)))
                .collect(),
        ),
        None => fail(format!("role '{name}' does not exist")),
    }
}

fn update_role(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("roleid");
    if begin::is_built_in(name) {
        return fail(format!("auto-generated role '{name}' cannot be modified"));
    }
    let privileges = privileges(call)?;
    match store.roles.get_mut(name) {
        Some(known) if call.flag("append") => known.extend(privileges),
        Some(known) => *known = privileges,
        None => return fail(format!("update role failed: role '{name}' does not exist")),
    }
    null()
}

fn delete_role(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("roleid");
    if begin::is_built_in(name) {
        return fail(format!("auto-generated role '{name}' cannot be deleted"));
    }
    if store.roles.remove(name).is_none() {
        return fail(format!("delete role failed: role '{name}' does not exist"));
    }
    store.acl.retain(|entry| entry.role != name);
    null()
}

fn acl(store: &Store) -> Answered {
    let rows = store.acl.iter().map(|entry| {
        json!({
            "path": entry.path, "type": entry.kind, "ugid": entry.who, "roleid": entry.role,
            "propagate": u8::from(entry.propagate),
        })
    });
    data(rows.collect())
}

/// A path as the access list keeps it; none if there is no such path.
fn acl_path(path: &str) -> Option<String> {
    let path = format!("/{}", path.trim_matches('/'));
    let first = path.split('/').nth(1).unwrap_or_default();
    let known = [
        "", "access", "mapping", "nodes", "pool", "sdn", "storage", "vms",
    ];
    known.contains(&first).then_some(path)
}

fn change_acl(store: &mut Store, call: &Call) -> Answered {
    let kinds = [("users", "user"), ("groups", "group"), ("tokens", "token")];
    if kinds.iter().all(|(name, _)| call.text(name).is_none()) {
        let text = "either 'users', 'groups' or 'tokens' is required.".to_owned();
        let errors = kinds.map(|(name, _)| (name.to_owned(), text.clone()));
        return Err(Refusal::parameters(errors.into()));
    }
    let Some(path) = acl_path(call.need("path")) else {
        return wrong("path", format!("invalid ACL path '{}'", call.need("path")));
    };
    let roles = call.list("roles");
    if let Some(role) = roles.iter().find(|role| !store.roles.contains_key(*role)) {
        return fail(format!("ACL update failed: role '{role}' does not exist"));
    }
    for (parameter, kind) in kinds {
        for who in call.list(parameter) {
            known(store, kind, &who)?;
            for role in &roles {
                let entry = AclEntry {
                    path: path.clone(),
                    kind: kind.to_owned(),
                    who: who.clone(),
                    role: role.clone(),
                    propagate: call.text("propagate").is_none_or(|text| text == "1"),
                };
                store.acl.retain(|other| {
                    AclEntry {
                        propagate: entry.propagate,
                        ..other.clone()
                    } != entry
                });
                if !call.flag("delete") {
                    store.acl.push(entry);
                }
            }
        }
    }
    store.acl.sort();
    null()
}

fn known(store: &Store, kind: &str, who: &str) -> Result<(), Refusal> {
    let there = match kind {
        "user" => store.users.contains_key(who),
        "group" => store.groups.contains_key(who),
        _ => store.tokens.contains_key(who),
    };
    match (there, who.split_once('!')) {
        (true, _) => Ok(()),
        (false, Some((user, name))) => fail(format!(
            "ACL update failed: no such token '{name}' for user '{user}'"
        )),
        (false, None) => fail(format!("ACL update failed: {kind} '{who}' does not exist")),
    }
}

fn permissions(store: &Store, call: &Call) -> Answered {
    let who = match call.text("userid") {
        None => call.who.clone(),
        Some(name) => match name.split_once('!') {
            Some((user, token)) => Identity {
                user: user.to_owned(),
                token: Some(token.to_owned()),
            },
            None => Identity {
                user: name.to_owned(),
                token: None,
            },
        },
    };
    let mut paths: BTreeSet<String> = match call.text("path") {
        Some(path) => BTreeSet::from([path.to_owned()]),
        None => store.acl.iter().map(|entry| entry.path.clone()).collect(),
    };
    if call.text("path").is_none() && who.user == "root@pam" {
        paths.extend(
            [
                "/",
                "/access",
                "/access/groups",
                "/nodes",
                "/pool",
                "/sdn",
                "/storage",
                "/vms",
            ]
            .map(str::to_owned),
        );
    }
    let mut shown = Map::new();
    for path in paths {
        let has = permission::privileges(store, &who, &path);
        if has.is_empty() && call.text("path").is_none() {
            continue;
        }
        let stays = |name: &str| {
            let entries = store
                .acl
                .iter()
                .filter(|entry| entry.path == path && !entry.propagate);
            let mut entries = entries.filter(|entry| entry.who == who.name());
            !entries.any(|entry| {
                store
                    .roles
                    .get(&entry.role)
                    .is_some_and(|role| role.contains(name))
            })
        };
        let has: BTreeMap<&String, u8> = has
            .iter()
            .map(|name| (name, u8::from(stays(name))))
            .collect();
        shown.insert(path.clone(), json!(has));
    }
    data(Json::Object(shown))
}

fn no_token(call: &Call) -> Refusal {
    let (user, name) = (call.need("userid"), call.need("tokenid"));
    Refusal::fail(format!("no such token '{name}' for user '{user}'"))
}

fn token_name(call: &Call) -> String {
    format!("{}!{}", call.need("userid"), call.need("tokenid"))
}

fn token<'a>(store: &'a Store, call: &Call) -> Result<&'a Token, Refusal> {
    store
        .tokens
        .get(&token_name(call))
        .ok_or_else(|| no_token(call))
}

fn shown_token(token: &Token) -> Json {
    let mut shown = json!({
        "expire": number(&token.settings, "expire", 0),
        "privsep": number(&token.settings, "privsep", 1),
    });
    if let Some(comment) = token.settings.get("comment") {
        shown["comment"] = json!(comment);
    }
    shown
}

fn tokens(store: &Store, call: &Call) -> Answered {
    data(match tokens_of(store, call.need("userid"), true) {
        Json::Null => json!([]),
        list => list,
    })
}

fn create_token(store: &mut Store, call: &Call) -> Answered {
    let name = token_name(call);
    if !store.users.contains_key(call.need("userid")) {
        return Err(no_user(call.need("userid")));
    }
    if store.tokens.contains_key(&name) {
        return wrong("tokenid", "Token already exists.");
    }
    let settings = call.rest(&["userid", "tokenid"]);
    let mut info = json!(settings);
    if !settings.contains_key("privsep") {
        info["privsep"] = json!(1);
    }
    let secret = uuid::Uuid::new_v4().to_string();
    store.tokens.insert(
        name.clone(),
        Token {
            secret: secret.clone(),
            settings,
        },
    );
    data(json!({ "full-tokenid": name, "value": secret, "info": info }))
}

fn update_token(store: &mut Store, call: &Call) -> Answered {
    let token = store
        .tokens
        .get_mut(&token_name(call))
        .ok_or_else(|| no_token(call))?;
    token.settings.extend(call.rest(&["userid", "tokenid"]));
    data(json!(token.settings))
}

fn delete_token(store: &mut Store, call: &Call) -> Answered {
    let name = token_name(call);
    store.tokens.remove(&name).ok_or_else(|| no_token(call))?;
    store
        .acl
        .retain(|entry| !(entry.kind == "token" && entry.who == name));
    null()
}
