//! What a cluster asks for: pools and networks are announced on each member before they are made, and
//! everything is on one of the members.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    super::{
        answer::{Refusal, bad_request, refuse},
        route::Call,
        store::{Kind, Store},
    },
    Family,
};

const PENDING: &str = "Pending";

/// What each member has of a pool or network that the others have not; only the twin has this field.
const PARTS: &str = "twin.parts";

/// Keys that each member has for itself, as the documentation of Incus 6 lists them.
const OF_A_MEMBER: [&str; 10] = [
    "source",
    "volatile.initial_source",
    "size",
    "zfs.pool_name",
    "lvm.vg_name",
    "lvm.thinpool_name",
    "bgp.ipv4.nexthop",
    "bgp.ipv6.nexthop",
    "bridge.external_interfaces",
    "parent",
];

/// What a client sees: of a cluster's pools and networks the keys of a member only if it asks for that member.
pub(super) fn shown(store: &Store, call: &Call<'_>, family: &Family, object: &Value) -> Value {
    let mut shown = object.clone();
    let parts = shown
        .as_object_mut()
        .and_then(|fields| fields.remove(PARTS));
    if family.kind == Kind::Member {
        shown["groups"] = groups(store, object);
    }
    let has_parts = matches!(family.kind, Kind::Pool | Kind::Network) && object["type"] != "ovn";
    if store.members().is_empty() || !has_parts {
        return shown;
    }
    if let Some(config) = shown["config"].as_object_mut() {
        config.retain(|key, _| !OF_A_MEMBER.contains(&key.as_str()));
        let part = call
            .target
            .as_ref()
            .and_then(|member| parts?.get(member)?.as_object().cloned());
        config.extend(part.into_iter().flatten());
    }
    shown
}

/// The groups that a member is in: its own, and those that name it.
fn groups(store: &Store, member: &Value) -> Value {
    let own = member["groups"].as_array().into_iter().flatten().cloned();
    let all = store.list(Kind::Group, None);
    let name = &member["server_name"];
    let has = |group: &Value| {
        group["members"]
            .as_array()
            .is_some_and(|all| all.contains(name))
    };
    let others = all.iter().filter(|(_, group)| has(group));
    own.chain(others.map(|(name, _)| json!(name))).collect()
}

/// Gives a changed object back what a client did not see of it, and a member what was changed of its own.
pub(super) fn with_hidden(
    store: &Store,
    call: &Call<'_>,
    before: &Value,
    changed: &mut Value,
) -> Result<(), Refusal> {
    if !before[PARTS].is_object() {
        return Ok(());
    }
    changed[PARTS] = before[PARTS].clone();
    let config = changed["config"].as_object().cloned().unwrap_or_default();
    let (own, others): (Map<_, _>, Map<_, _>) = config
        .into_iter()
        .partition(|(key, _)| OF_A_MEMBER.contains(&key.as_str()));
    match &call.target {
        Some(member) => {
            known(store, member)?;
            changed[PARTS][member] = Value::Object(own);
        }
        None => {
            if let Some((key, _)) = own.into_iter().next() {
                return bad_request(format!("Config key {key:?} is cluster member specific"));
            }
        }
    }
    changed["config"] = Value::Object(others);
    let keys = before["config"].as_object().into_iter().flatten();
    for (key, value) in keys.filter(|(key, _)| OF_A_MEMBER.contains(&key.as_str())) {
        changed["config"][key] = value.clone();
    }
    Ok(())
}

/// A key that every member has for itself; none if one of them lacks it.
pub(super) fn of_every_member(object: &Value, key: &str) -> bool {
    let parts = object[PARTS].as_object();
    parts.is_some_and(|parts| !parts.is_empty() && parts.values().all(|part| part[key].is_string()))
}

/// Announces a pool or network on a member, if that is what is asked for.
pub(super) fn announce(
    store: &mut Store,
    call: &Call<'_>,
    family: &Family,
    name: &str,
) -> Result<bool, Refusal> {
    let Some(member) = &call.target else {
        return Ok(false);
    };
    known(store, member)?;
    if !matches!(family.kind, Kind::Pool | Kind::Network) {
        return Ok(false);
    }
    let home = store.home(family.kind, &call.project);
    let mut object = match store.get(family.kind, &home, name) {
        Some(object) if object["status"] != PENDING => {
            return refuse(
                StatusCode::CONFLICT,
                format!("{} already exists", family.noun),
            );
        }
        Some(object) => object.clone(),
        None => {
            let mut object = (family.defaults)(name);
            object["status"] = json!(PENDING);
            object["locations"] = json!([]);
            for field in ["driver", "type"] {
                if call.body[field].is_string() {
                    object[field] = call.body[field].clone();
                }
            }
            object
        }
    };
    if let Some(locations) = object["locations"].as_array_mut() {
        if locations.contains(&json!(member)) {
            return refuse(
                StatusCode::CONFLICT,
                format!("{} already defined on member {member:?}", family.noun),
            );
        }
        locations.push(json!(member));
    }
    object[PARTS][member] = call.body["config"].clone();
    store.put(family.kind, &home, name, object);
    Ok(true)
}

/// True if a pool or network was announced, and not made yet.
pub(super) fn is_pending(store: &Store, family: &Family, name: &str) -> bool {
    let all = store.list(family.kind, None);
    let mut all = all.iter();
    matches!(family.kind, Kind::Pool | Kind::Network)
        && all.any(|(other, object)| *other == name && object["status"] == PENDING)
}

/// Says on which member something new is.
pub(super) fn place(
    store: &Store,
    call: &Call<'_>,
    family: &Family,
    object: &mut Value,
) -> Result<(), Refusal> {
    let members = store.members();
    if members.is_empty() {
        return Ok(());
    }
    match family.kind {
        Kind::Pool | Kind::Network if object["type"] != "ovn" => {
            let name = object["name"].as_str().unwrap_or_default();
            let all = store.list(family.kind, None);
            let announced = all.iter().find(|(other, _)| *other == name);
            let on = announced.and_then(|(_, object)| object["locations"].as_array());
            if on.is_none_or(|on| on.len() < members.len()) {
                let what = if family.kind == Kind::Pool {
                    "Pool"
                } else {
                    "Network"
                };
                return bad_request(format!(
                    "{what} not defined on nodes: use --target on each of them first"
                ));
            }
            object["locations"] = json!(members);
            let parts = announced.map(|(_, object)| object[PARTS].clone());
            object[PARTS] = parts.unwrap_or_default();
        }
        Kind::Network => object["locations"] = json!(members),
        Kind::Volume | Kind::Bucket => {
            object["location"] = json!(call.target.as_ref().unwrap_or(&members[0]));
        }
        _ => {}
    }
    Ok(())
}

/// The member that is to hold an instance: the one asked for, else the one that holds the fewest.
pub(super) fn member(store: &Store, call: &Call<'_>) -> Result<String, Refusal> {
    if let Some(member) = &call.target {
        known(store, member)?;
        return Ok(member.clone());
    }
    let instances = store.list(Kind::Instance, None);
    let load = |member: &String| {
        let on = |instance: &Value| instance["location"] == **member;
        instances
            .iter()
            .filter(|(_, instance)| on(instance))
            .count()
    };
    let members = store.members().into_iter();
    Ok(members
        .min_by_key(load)
        .unwrap_or_else(|| "none".to_owned()))
}

fn known(store: &Store, member: &str) -> Result<(), Refusal> {
    let group = member
        .strip_prefix('@')
        .map(|group| store.get(Kind::Group, "", group).is_some());
    match group.unwrap_or_else(|| store.get(Kind::Member, "", member).is_some()) {
        true => Ok(()),
        false => refuse(StatusCode::NOT_FOUND, "Cluster member not found"),
    }
}
