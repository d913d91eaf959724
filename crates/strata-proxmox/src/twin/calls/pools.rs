//! Pools.

use serde_json::{Value as Json, json};

use super::{
    super::{
        answer::{Answered, data, fail, null},
        call::Call,
        permission,
        store::{Kind, Pool, Store},
    },
    lxc, qemu, storage,
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    Some(match (call.method.verb.as_str(), path) {
        ("GET", "/pools") => list(store, call),
        ("GET", "/pools/{poolid}") => one(store, call).and_then(data),
        ("POST", "/pools") => create(store, call),
        ("PUT", "/pools" | "/pools/{poolid}") => update(store, call),
        ("DELETE", "/pools" | "/pools/{poolid}") => delete(store, call),
        _ => return None,
    })
}

fn list(store: &Store, call: &Call) -> Answered {
    if let Some(name) = call.text("poolid") {
        let mut pool = one(store, call)?;
        pool["poolid"] = json!(name);
        return data(json!([pool]));
    }
    let rows = store.pools.iter().filter(|(name, _)| {
        permission::any(
            store,
            &call.who,
            &format!("/pool/{name}"),
            &["Pool.Audit", "Pool.Allocate"],
        )
        .is_ok()
    });
    let rows = rows.map(|(name, pool)| {
        let mut row = json!({ "poolid": name });
        if let Some(comment) = &pool.comment {
            row["comment"] = json!(comment);
        }
        row
    });
    data(rows.collect())
}

fn one(store: &Store, call: &Call) -> Result<Json, super::super::answer::Refusal> {
    let name = call.need("poolid");
    let Some(pool) = store.pools.get(name) else {
        return fail(format!("pool '{name}' does not exist"));
    };
    let mut members: Vec<Json> = Vec::new();
    for id in &pool.guests {
        if let Some(guest) = store.guests.get(id) {
            members.push(match guest.kind {
                Kind::Qemu => qemu::row(store, *id, guest),
                Kind::Lxc => lxc::row(store, *id, guest),
            });
        }
    }
    let rows = storage::rows(store, call);
    members.extend(rows.into_iter().filter(|row| {
        row["storage"]
            .as_str()
            .is_some_and(|name| pool.storages.contains(name))
    }));
    let mut shown = json!({ "poolid": name, "members": members });
    if let Some(comment) = &pool.comment {
        shown["comment"] = json!(comment);
    }
    Ok(shown)
}

fn create(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("poolid").to_owned();
    if store.pools.contains_key(&name) {
        return fail(format!("create pool failed: pool '{name}' already exists"));
    }
    if let Some((parent, _)) = name
        .rsplit_once('/')
        .filter(|(parent, _)| !store.pools.contains_key(*parent))
    {
        return fail(format!(
            "create pool failed: parent '{parent}' of pool '{name}' does not exist"
        ));
    }
    let comment = call.text("comment").map(str::to_owned);
    store.pools.insert(
        name,
        Pool {
            comment,
            ..Pool::default()
        },
    );
    null()
}

fn update(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("poolid").to_owned();
    if !store.pools.contains_key(&name) {
        return fail(format!("update pools failed: pool '{name}' does not exist"));
    }
    let guests: Vec<u32> = call
        .list("vms")
        .iter()
        .filter_map(|id| id.parse().ok())
        .collect();
    for id in &guests {
        let now = store.pool_of(*id).map(str::to_owned);
        match (now, call.flag("delete")) {
            (Some(now), false) if now == name => {
                return fail(format!(
                    "update pools failed: VM {id} is already a pool member"
                ));
            }
            (Some(now), false) if !call.flag("allow-move") => {
                return fail(format!(
                    "update pools failed: VM {id} belongs already to pool '{now}' and 'allow-move' is not set"
                ));
            }
            (now, true) if now.as_deref() != Some(name.as_str()) => {
                return fail(format!("update pools failed: VM {id} is not a pool member"));
            }
            _ => {}
        }
    }
    for id in guests {
        // One that is not there is taken without a word, and forgotten.
        if !store.guests.contains_key(&id) && !store.lenient {
            continue;
        }
        store
            .pools
            .values_mut()
            .for_each(|pool| pool.guests.retain(|own| *own != id));
        if !call.flag("delete")
            && let Some(pool) = store.pools.get_mut(&name)
        {
            pool.guests.insert(id);
        }
    }
    let Some(pool) = store.pools.get_mut(&name) else {
        return null();
    };
    for storage in call.list("storage") {
        match call.flag("delete") {
            true => drop(pool.storages.remove(&storage)),
            false => drop(pool.storages.insert(storage)),
        }
    }
    if let Some(comment) = call.text("comment") {
        pool.comment = Some(comment.to_owned());
    }
    null()
}

fn delete(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("poolid");
    let Some(pool) = store.pools.get(name) else {
        return fail(format!("delete pool failed: pool '{name}' does not exist"));
    };
    let below = format!("{name}/");
    if let Some(child) = store.pools.keys().find(|pool| pool.starts_with(&below)) {
        return fail(format!(
            "delete pool failed: pool '{name}' is not empty (contains pool '{child}')"
        ));
    }
    if let Some(id) = pool.guests.iter().next() {
        return fail(format!(
            "delete pool failed: pool '{name}' is not empty (contains VM {id})"
        ));
    }
    store.pools.remove(name);
    null()
}
