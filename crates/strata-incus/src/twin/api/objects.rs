//! What all kinds of objects share.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, bad_request, etag, not_found, refuse},
        route::Call,
        store::Kind,
    },
    Family,
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
            object.clone()
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
    let Some(name) = call.body["name"].as_str().filter(|name| !name.is_empty()) else {
        return bad_request("No name provided");
    };
    if name.contains('/') || name.starts_with('.') || name.contains(char::is_whitespace) {
        return bad_request(format!("Invalid name {name:?}"));
    }
    let key = format!("{}{name}", family.prefix);
    let mut store = call.shared.store();
    let home = store.home(family.kind, &call.project);
    if family.kind == Kind::Volume
        && store
            .get(Kind::Pool, "", family.prefix.trim_end_matches('/'))
            .is_none()
    {
        return not_found("Storage pool");
    }
    if store.get(family.kind, &home, &key).is_some() {
        return exists(family.kind, name);
    }
    let mut object = (family.defaults)(name);
    merge(&mut object, &call.body);
    if !home.is_empty() {
        object["project"] = json!(home);
    }
    (family.complete)(&store, &mut object)?;
    store.put(family.kind, &home, &key, object);
    if family.kind == Kind::Project {
        let profile = json!({ "name": "default", "description": format!("Default Incus profile for project {name}"), "config": {}, "devices": {}, "project": name });
        store.put(Kind::Profile, name, "default", profile);
    }
    Ok(Answer::Sync(Value::Null))
}

fn absent(family: &Family) -> Answered {
    match family.kind {
        Kind::Profile => not_found("Fetch profile: Profile"),
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
        Kind::Instance | Kind::Pool | Kind::Image => {
            refuse(StatusCode::CONFLICT, "it already exists")
        }
    }
}

/// Reads, replaces, merges into or deletes one.
pub(in super::super) fn one(call: &Call<'_>, family: &Family, name: &str) -> Answered {
    let key = format!("{}{name}", family.prefix);
    let mut store = call.shared.store();
    let home = store.home(family.kind, &call.project);
    let Some(object) = store.get(family.kind, &home, &key).cloned() else {
        return absent(family);
    };
    match *call.method {
        Method::GET => Ok(Answer::Sync(object)),
        Method::PUT | Method::PATCH => {
            let object = changed(call, object)?;
            let mut object = object;
            (family.complete)(&store, &mut object)?;
            store.put(family.kind, &home, &key, object);
            Ok(Answer::Sync(Value::Null))
        }
        Method::DELETE => {
            if let Some(reason) = (family.in_use)(&store, &home, &key) {
                return bad_request(reason);
            }
            store.remove(family.kind, &home, &key);
            if family.kind == Kind::Project {
                store.remove(Kind::Profile, name, "default");
            }
            Ok(Answer::Sync(Value::Null))
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
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
            "name" | "project" | "type" | "status" | "created_at" => {}
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
