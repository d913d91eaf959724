//! Who may do what: roles, the access list, and the checks that the description asks for.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    answer::Refusal,
    call::{Call, Identity},
    store::Store,
    task::Task,
};

type Privileges = BTreeSet<String>;

/// The privileges that someone has on a path.
pub(super) fn privileges(store: &Store, who: &Identity, path: &str) -> Privileges {
    let own = match who.user.as_str() {
        "root@pam" => all(store),
        user => with_pool(store, path, |path| of_user(store, user, path)),
    };
    let Some(token) = &who.token else {
        return own;
    };
    let name = format!("{}!{token}", who.user);
    let apart = store
        .tokens
        .get(&name)
        .and_then(|token| token.settings.get("privsep"));
    match apart.map(String::as_str) {
        Some("0") => own,
        _ => {
            let given = with_pool(store, path, |path| of(store, &[("token", &name)], path));
            given.intersection(&own).cloned().collect()
        }
    }
}

/// Those on the path, and for a guest or storage those on its pools.
fn with_pool(store: &Store, path: &str, of: impl Fn(&str) -> Privileges) -> Privileges {
    let mut found = of(path);
    for (name, pool) in &store.pools {
        let holds = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["", "vms", id] => id.parse().is_ok_and(|id: u32| pool.guests.contains(&id)),
            ["", "storage", id] => pool.storages.contains(*id),
            _ => false,
        };
        if holds {
            found.extend(of(&format!("/pool/{name}")));
        }
    }
    found
}

fn of_user(store: &Store, user: &str, path: &str) -> Privileges {
    let groups = store.users.get(user).and_then(|user| user.get("groups"));
    let groups = super::call::split(groups.map_or("", String::as_str));
    let own = entries(store, &[("user", user)], path);
    if !own.is_empty() {
        return of(store, &[("user", user)], path);
    }
    let groups: Vec<(&str, &str)> = groups
        .iter()
        .map(|group| ("group", group.as_str()))
        .collect();
    of(store, &groups, path)
}

fn of(store: &Store, who: &[(&str, &str)], path: &str) -> Privileges {
    let roles = entries(store, who, path);
    if roles.contains("NoAccess") {
        return Privileges::new();
    }
    roles
        .iter()
        .filter_map(|role| store.roles.get(*role))
        .flatten()
        .cloned()
        .collect()
}

/// The roles that count on a path: those of the deepest entry that reaches it.
fn entries<'a>(store: &'a Store, who: &[(&str, &str)], path: &str) -> BTreeSet<&'a str> {
    let mut roles = BTreeSet::new();
    let mut prefix = String::new();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for depth in 0..=parts.len() {
        let here = if depth == 0 {
            "/"
        } else {
            prefix.push('/');
            prefix.push_str(parts[depth - 1]);
            &prefix
        };
        let found: BTreeSet<&str> = store
            .acl
            .iter()
            .filter(|entry| entry.path == here && (entry.propagate || depth == parts.len()))
            .filter(|entry| who.contains(&(entry.kind.as_str(), entry.who.as_str())))
            .map(|entry| entry.role.as_str())
            .collect();
        if !found.is_empty() {
            roles = found;
        }
    }
    roles
}

/// All privileges there are.
pub(super) fn all(store: &Store) -> Privileges {
    store
        .roles
        .get("Administrator")
        .cloned()
        .unwrap_or_default()
}

/// Refuses unless one of the privileges is there on the path.
pub(super) fn any(
    store: &Store,
    who: &Identity,
    path: &str,
    wanted: &[&str],
) -> Result<(), Refusal> {
    // A path that is none is refused to all, root's tokens included.
    let has = match path.is_empty() {
        true => Privileges::new(),
        false => privileges(store, who, path),
    };
    match wanted.iter().any(|privilege| has.contains(*privilege)) {
        true => Ok(()),
        false => Err(Refusal::denied(&format!("{path}, {}", wanted.join("|")))),
    }
}

/// Refuses unless the privilege is there on the path.
pub(super) fn one(store: &Store, who: &Identity, path: &str, wanted: &str) -> Result<(), Refusal> {
    any(store, who, path, &[wanted])
}

/// True if a guest may be seen.
pub(super) fn sees_guest(store: &Store, who: &Identity, id: u32) -> bool {
    one(store, who, &format!("/vms/{id}"), "VM.Audit").is_ok()
}

/// True if a task may be seen: one's own, or with the privilege on the node.
pub(super) fn sees_task(store: &Store, who: &Identity, task: &Task) -> bool {
    let own = task.user == who.user && task.token == who.token;
    own || one(store, who, &format!("/nodes/{}", task.node), "Sys.Audit").is_ok()
}

/// Checks what the description says a call needs.
pub(super) fn check(store: &Store, call: &Call) -> Result<(), Refusal> {
    let permissions = &call.method.permissions;
    if permissions["user"] == "all" || permissions["user"] == "world" {
        return Ok(());
    }
    match &permissions["check"] {
        Json::Null if call.who.user == "root@pam" => Ok(()),
        Json::Null => Err(Refusal::denied("user != root@pam")),
        check => tree(store, call, check),
    }
}

fn tree(store: &Store, call: &Call, check: &Json) -> Result<(), Refusal> {
    let empty = Vec::new();
    let items = check.as_array().unwrap_or(&empty);
    let text = |at: usize| items.get(at).and_then(Json::as_str).unwrap_or_default();
    match text(0) {
        "and" => items[1..]
            .iter()
            .try_for_each(|part| tree(store, call, part)),
        "or" => {
            let mut last = Err(Refusal::status(403, "Permission check failed"));
            for part in &items[1..] {
                let outcome = tree(store, call, part);
                if outcome.is_ok() {
                    return outcome;
                }
                last = outcome;
            }
            last
        }
        "perm" => perm(store, call, items),
        "perm-modify" => perm_modify(store, call, text(1)),
        "userid-param" => userid_param(store, call, text(1)),
        "userid-group" => userid_group(store, call, items),
        _ => Ok(()),
    }
}

fn perm(store: &Store, call: &Call, items: &[Json]) -> Result<(), Refusal> {
    let mut options = items.iter().skip(3);
    let (mut is_any, mut required) = (false, None);
    while let (Some(name), Some(value)) = (options.next(), options.next()) {
        match name.as_str() {
            Some("any") => is_any = value == 1,
            Some("require_param") => required = value.as_str(),
            _ => {}
        }
    }
    if required.is_some_and(|name| call.text(name).is_none()) {
        return Err(Refusal::status(403, "Permission check failed"));
    }
    let path = fill(items.get(1).and_then(Json::as_str).unwrap_or("/"), call);
    let wanted = items.get(2).and_then(Json::as_array).into_iter().flatten();
    let wanted: Vec<&str> = wanted.filter_map(Json::as_str).collect();
    match is_any {
        true => any(store, &call.who, &path, &wanted),
        false => wanted
            .iter()
            .try_for_each(|privilege| one(store, &call.who, &path, privilege)),
    }
}

/// Puts parameters in the place of their names. A path that is none then becomes empty, as in PVE.
fn fill(path: &str, call: &Call) -> String {
    let mut filled = path.to_owned();
    for (name, value) in &call.params {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    let legal = |c: char| c.is_alphanumeric() || "/-_.:@".contains(c);
    if filled.chars().all(legal) {
        filled
    } else {
        String::new()
    }
}

fn perm_modify(store: &Store, call: &Call, path: &str) -> Result<(), Refusal> {
    let path = fill(path, call);
    let wanted: &[&str] = match path.split('/').nth(1) {
        Some("storage") => &["Datastore.Allocate", "Permissions.Modify"],
        Some("vms") => &["VM.Allocate", "Permissions.Modify"],
        Some("pool") => &["Pool.Allocate", "Permissions.Modify"],
        _ => &["Permissions.Modify"],
    };
    any(store, &call.who, &path, wanted)
}

fn userid_param(store: &Store, call: &Call, what: &str) -> Result<(), Refusal> {
    let userid = call.need("userid");
    if what == "self" {
        return match call.who.user == userid {
            true => Ok(()),
            false => Err(Refusal::status(403, "Permission check failed")),
        };
    }
    let realm = userid.rsplit_once('@').map_or("", |(_, realm)| realm);
    one(store, &call.who, &format!("/access/realm/{realm}"), what)
}

fn userid_group(store: &Store, call: &Call, items: &[Json]) -> Result<(), Refusal> {
    let wanted = items.get(1).and_then(Json::as_array).into_iter().flatten();
    let wanted: Vec<&str> = wanted.filter_map(Json::as_str).collect();
    let user = store.users.get(call.need("userid"));
    let groups = user
        .and_then(|user| user.get("groups"))
        .map_or("", String::as_str);
    let of_group = super::call::split(groups).into_iter().any(|group| {
        any(
            store,
            &call.who,
            &format!("/access/groups/{group}"),
            &wanted,
        )
        .is_ok()
    });
    match of_group {
        true => Ok(()),
        false => any(store, &call.who, "/access/groups", &wanted),
    }
}
