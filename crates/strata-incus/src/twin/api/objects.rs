//! What all kinds of objects share.

use std::sync::MutexGuard;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, Started, bad_request, etag, not_found, refuse},
        route::Call,
        store::{Kind, Store},
    },
    Family, backups, cluster, files, networks,
};

/// Lists, or creates.
pub(in super::super) fn collection(call: &Call<'_>, family: &Family) -> Answered {
    match *call.method {
        Method::GET => list(call, family),
        Method::POST => create(call, family),
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

fn list(call: &Call<'_>, family: &Family) -> Answered {
    let store = call.shared.store();
    let home = store.home(family.kind, &call.project);
    let found = store.list(family.kind, (!call.all_projects).then_some(home.as_str()));
    let within = found
        .into_iter()
        .filter_map(|(name, object)| Some((name.strip_prefix(&family.prefix)?, object)));
    let entry = |(name, object): (&str, &Value)| {
        if call.recursion > 0 {
            cluster::shown(&store, call, family, object)
        } else {
            json!(path(family, name, object))
        }
    };
    Ok(Answer::Sync(within.map(entry).collect()))
}

fn path(family: &Family, name: &str, object: &Value) -> String {
    let project = object["project"]
        .as_str()
        .filter(|project| *project != "default");
    let query = project
        .map(|project| format!("?project={project}"))
        .unwrap_or_default();
    format!("/1.0/{}/{name}{query}", family.path)
}

fn create(call: &Call<'_>, family: &Family) -> Answered {
    let named = match call.header("x-incus-name") {
        Some(name) if call.is_raw() => Some(name),
        _ => call.body[family.key].as_str(),
    };
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        return bad_request("No name provided");
    };
    if name.contains('/') || name.starts_with('.') || name.contains(char::is_whitespace) {
        return bad_request(format!("Invalid name {name:?}"));
    }
    let key = format!("{}{name}", family.prefix);
    let mut store = call.shared.store();
    let home = store.home(family.kind, &call.project);
    if let Some((kind, parent, noun)) = &family.parent {
        let home = store.home(*kind, &call.project);
        if store.get(*kind, &home, parent).is_none() {
            return not_found(noun);
        }
    }
    if cluster::announce(&mut store, call, family, name)? {
        return Ok(Answer::Sync(Value::Null));
    }
    store.hand_over(family.kind, &home, &key);
    let pending = cluster::is_pending(&store, family, name);
    if !pending && store.get(family.kind, &home, &key).is_some() {
        return exists(family.kind, name);
    }
    let mut object = (family.defaults)(name);
    merge(&mut object, &call.body);
    if call.is_raw() {
        restored(&mut object, call);
    }
    cluster::place(&store, call, family, &mut object)?;
    copied(&mut store, call, family, &home, &key, &mut object)?;
    object["name_in_store"] = json!(key);
    let tells_project = matches!(
        family.kind,
        Kind::Network | Kind::Profile | Kind::Acl | Kind::AddressSet | Kind::Volume | Kind::Bucket
    );
    if tells_project && !home.is_empty() {
        object["project"] = json!(home);
    }
    (family.complete)(&store, &mut object)?;
    hide(&mut object);
    store.put(family.kind, &home, &key, object);
    if family.kind == Kind::Peer {
        networks::agree(&mut store, &home);
    }
    if family.kind == Kind::Project {
        let profile = json!({ "name": "default", "description": format!("Default Incus profile for project {name}"), "config": {}, "devices": {}, "project": name });
        store.put(Kind::Profile, name, "default", profile);
    }
    match family.kind {
        Kind::Volume | Kind::Bucket | Kind::BucketKey => Ok(Answer::Sync(json!({}))),
        _ => Ok(Answer::Created),
    }
}

/// An object that a backup makes: what it holds is not looked at.
fn restored(object: &mut Value, call: &Call<'_>) {
    if call.header("x-incus-type") == Some("iso") {
        object["content_type"] = json!("iso");
    }
    object["config"]["size"] = json!(call.raw.len().to_string());
}

/// A volume that is copied: it must be there, and brings its files and keys along.
fn copied(
    store: &mut Store,
    call: &Call<'_>,
    family: &Family,
    home: &str,
    key: &str,
    object: &mut Value,
) -> Result<(), Refusal> {
    let source = &call.body["source"];
    let Some(fields) = object.as_object_mut() else {
        return Ok(());
    };
    fields.remove("source");
    if family.kind != Kind::Volume || source["type"] != "copy" {
        return Ok(());
    }
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    let from = format!("{}/{}", text("pool"), text("name"));
    let Some(other) = store.get(Kind::Volume, home, &from).cloned() else {
        return not_found("Storage volume");
    };
    object["content_type"] = other["content_type"].clone();
    files::copy(
        store,
        &call.project,
        &format!("volumes/{from}"),
        &format!("volumes/{key}"),
    );
    Ok(())
}

/// Takes away what only `complete` needs.
fn hide(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("name_in_store");
    }
}

fn absent(family: &Family) -> Answered {
    match family.kind {
        Kind::Profile => not_found("Fetch profile: Profile"),
        Kind::Volume => not_found("Storage pool volume"),
        _ => not_found(family.noun),
    }
}

/// Refuses a second object of a name, each kind in its own words.
fn exists(kind: Kind, name: &str) -> Answered {
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    match kind {
        Kind::Network => refuse(
            StatusCode::CONFLICT,
            format!("Network {name:?} already exists"),
        ),
        Kind::Volume => refuse(StatusCode::CONFLICT, "Volume by that name already exists"),
        Kind::Profile => refuse(
            failed,
            format!("Error inserting {name:?} into database: The profile already exists"),
        ),
        Kind::Project => refuse(
            failed,
            format!(
                "Failed creating project {name:?}: Failed adding database record: Failed to create \"projects\" entry: \
                 UNIQUE constraint failed: projects.name"
            ),
        ),
        _ => refuse(StatusCode::CONFLICT, format!("{name:?} already exists")),
    }
}

/// Reads, replaces, merges into or deletes one.
pub(in super::super) fn one(call: &Call<'_>, family: &Family, name: &str) -> Answered {
    let key = format!("{}{name}", family.prefix);
    let mut store = call.shared.store();
    let home = store.home(family.kind, &call.project);
    let Some(object) = store.get(family.kind, &home, &key).cloned() else {
        return match (family.kind, &family.parent) {
            (Kind::Snapshot, Some((_, instance, _))) => {
                let project = &call.project;
                let what = format!(
                    "Failed to fetch snapshot {name:?} of instance {instance:?} in project {project:?}: Instance_snapshot"
                );
                not_found(&what)
            }
            _ => absent(family),
        };
    };
    match *call.method {
        Method::GET => Ok(Answer::Sync(cluster::shown(&store, call, family, &object))),
        Method::POST => rename(call, family, store, &home, name),
        Method::PUT | Method::PATCH => {
            if family.kind == Kind::Certificate
                && call.body["type"].is_string()
                && call.body["type"] != object["type"]
            {
                return bad_request("The certificate type cannot be changed");
            }
            let before = object;
            let mut object = changed(call, cluster::shown(&store, call, family, &before))?;
            cluster::with_hidden(&store, call, &before, &mut object)?;
            object["name_in_store"] = json!(key);
            (family.complete)(&store, &mut object)?;
            hide(&mut object);
            store.put(family.kind, &home, &key, object);
            Ok(Answer::Sync(Value::Null))
        }
        Method::DELETE => {
            if let Some(reason) = (family.in_use)(&store, &home, &key) {
                return match family.kind {
                    Kind::Profile => refuse(StatusCode::INTERNAL_SERVER_ERROR, reason),
                    _ => bad_request(reason),
                };
            }
            store.remove(family.kind, &home, &key);
            if family.kind == Kind::Volume {
                files::forget(&mut store, &call.project, &format!("volumes/{key}"));
            }
            backups::forget(
                &mut store,
                &call.project,
                &format!("{}/{name}", family.path),
            );
            if family.kind == Kind::Peer {
                networks::agree(&mut store, &home);
            }
            if family.kind == Kind::Project {
                store.remove(Kind::Profile, name, "default");
            }
            Ok(Answer::Sync(Value::Null))
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

fn rename(
    call: &Call<'_>,
    family: &Family,
    mut store: MutexGuard<'_, Store>,
    home: &str,
    name: &str,
) -> Answered {
    if call.body["migration"] == true {
        return offer(call, family, name);
    }
    let Some(new) = call.body["name"].as_str() else {
        return bad_request("No name provided");
    };
    let (old, key) = (
        format!("{}{name}", family.prefix),
        format!("{}{new}", family.prefix),
    );
    if store.get(family.kind, home, &key).is_some() {
        return exists(family.kind, new);
    }
    if let Some(mut object) = store.remove(family.kind, home, &old) {
        object[family.key] = json!(new);
        store.put(family.kind, home, &key, object);
    }
    Ok(Answer::Sync(Value::Null))
}

/// Lets another server pull it.
fn offer(call: &Call<'_>, family: &Family, name: &str) -> Answered {
    let path = format!("/1.0/{}/{name}", family.path);
    let mut started = Started::new(
        "Migrating storage volume",
        ("storage_volumes", path),
        &call.project,
    );
    let secret = || uuid::Uuid::new_v4().simple().to_string();
    started.sockets = json!({ "control": secret(), "fs": secret() });
    Ok(Answer::Operation(started.into()))
}

/// The object after a PUT or PATCH, if nobody changed it since the client looked.
pub(in super::super) fn changed(call: &Call<'_>, mut object: Value) -> Result<Value, Refusal> {
    if call
        .if_match
        .as_ref()
        .is_some_and(|tag| *tag != etag(&object))
    {
        return refuse(
            StatusCode::PRECONDITION_FAILED,
            format!(
                "ETag doesn't match: {} vs {}",
                etag(&object),
                call.if_match.as_deref().unwrap_or_default()
            ),
        );
    }
    if call.method == Method::PUT {
        // A PUT replaces all that can be changed: what it leaves out is empty from now on.
        for (field, empty) in [
            ("config", json!({})),
            ("devices", json!({})),
            ("description", json!("")),
        ] {
            if object.get(field).is_some() && call.body.get(field).is_none() {
                object[field] = empty;
            }
        }
    }
    for (field, value) in call.body.as_object().into_iter().flatten() {
        match field.as_str() {
            "project" | "status" | "created_at" => {}
            // Of most objects these stay what they are.
            "name" | "type" if object["fingerprint"].is_null() => {}
            "config" | "devices" if call.method == Method::PATCH => {
                merge(&mut object[field], value)
            }
            _ => object[field] = value.clone(),
        }
    }
    Ok(object)
}

/// Puts every field of `from` into `into`.
fn merge(into: &mut Value, from: &Value) {
    for (field, value) in from.as_object().into_iter().flatten() {
        if !value.is_null() {
            into[field] = value.clone();
        }
    }
}
