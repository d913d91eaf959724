//! Backups and snapshots of instances, volumes and buckets: what holds them is named by its path.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    super::{
        answer::{Answer, Answered, Started, bad_request, not_found, refuse},
        route::Call,
        store::{Kind, Store},
    },
    objects,
};

/// What holds backups or snapshots, if it is there: its kind, its home and its name in the store.
fn holder(store: &Store, call: &Call<'_>, path: &[&str]) -> Option<(Kind, String)> {
    let (kind, name) = match path {
        ["instances", name] => (Kind::Instance, (*name).to_owned()),
        ["storage-pools", pool, "buckets", name] => (Kind::Bucket, format!("{pool}/{name}")),
        ["storage-pools", pool, "volumes", "custom", name] => {
            (Kind::Volume, format!("{pool}/{name}"))
        }
        _ => return None,
    };
    let home = store.home(kind, &call.project);
    store.get(kind, &home, &name)?;
    Some((kind, name))
}

/// Lists, or makes one.
pub(in super::super) fn collection(call: &Call<'_>, path: &[&str], kind: Kind) -> Answered {
    let mut store = call.shared.store();
    let Some((of, name)) = holder(&store, call, path) else {
        return not_found("Not Found");
    };
    let prefix = format!("{}/", path.join("/"));
    let word = word(kind);
    match *call.method {
        Method::GET => {
            let all = store.list(kind, Some(&call.project)).into_iter();
            let all = all.filter_map(|(key, object)| Some((key.strip_prefix(&prefix)?, object)));
            let entry = |(name, object): (&str, &Value)| match call.recursion {
                0 => json!(format!("/1.0/{prefix}{word}/{name}")),
                _ => object.clone(),
            };
            Ok(Answer::Sync(all.map(entry).collect()))
        }
        Method::POST => {
            let number = store.list(kind, Some(&call.project)).len();
            let automatic = format!("{}{number}", word.trim_end_matches('s'));
            let name_of_it = call.body["name"].as_str().filter(|name| !name.is_empty());
            let key = format!("{prefix}{}", name_of_it.unwrap_or(&automatic));
            if store.get(kind, &call.project, &key).is_some() {
                return refuse(
                    StatusCode::CONFLICT,
                    format!("{word} by that name already exists"),
                );
            }
            let home = store.home(of, &call.project);
            let held = store.get(of, &home, &name).cloned().unwrap_or_default();
            let time = store.now();
            let mut object = match kind {
                Kind::VolumeSnapshot => {
                    json!({ "config": held["config"], "content_type": held["content_type"], "description": "" })
                }
                _ => {
                    json!({ "container_only": false, "instance_only": false, "optimized_storage": false, "volume_only": false })
                }
            };
            object["name"] = json!(key.trim_start_matches(&prefix));
            object["created_at"] = json!(time);
            store.put(kind, &call.project, &key, object);
            started(call, "Creating what was asked for", path)
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

/// Reads, changes, renames or deletes one.
pub(in super::super) fn one(call: &Call<'_>, path: &[&str], kind: Kind, name: &str) -> Answered {
    let mut store = call.shared.store();
    let prefix = format!("{}/", path.join("/"));
    let key = format!("{prefix}{name}");
    let Some(object) = store.get(kind, &call.project, &key).cloned() else {
        return not_found("Not Found");
    };
    match *call.method {
        Method::GET => Ok(Answer::Sync(object)),
        Method::PUT | Method::PATCH if kind == Kind::VolumeSnapshot => {
            let object = objects::changed(call, object)?;
            store.put(kind, &call.project, &key, object);
            Ok(Answer::Sync(Value::Null))
        }
        Method::POST => {
            let Some(new) = call.body["name"].as_str() else {
                return bad_request("No name provided");
            };
            let mut object = object;
            object["name"] = json!(new);
            store.remove(kind, &call.project, &key);
            store.put(kind, &call.project, &format!("{prefix}{new}"), object);
            started(call, "Renaming", path)
        }
        Method::DELETE => {
            store.remove(kind, &call.project, &key);
            started(call, "Deleting", path)
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
    }
}

/// The content of a backup: a model's is its description.
pub(in super::super) fn export(call: &Call<'_>, path: &[&str], name: &str) -> Answered {
    let key = format!("{}/{name}", path.join("/"));
    match call.shared.store().get(Kind::Backup, &call.project, &key) {
        Some(backup) => Ok(Answer::File(backup.to_string().into_bytes())),
        None => not_found("Not Found"),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::VolumeSnapshot => "snapshots",
        _ => "backups",
    }
}

fn started(call: &Call<'_>, description: &'static str, path: &[&str]) -> Answered {
    let kind = path.first().map_or("instances", |kind| match *kind {
        "instances" => "instances",
        _ => "storage_volumes",
    });
    let resource = (kind, format!("/1.0/{}", path.join("/")));
    Ok(Answer::Operation(
        Started::new(description, resource, &call.project).into(),
    ))
}

/// Takes away what was held by something that goes.
pub(super) fn forget(store: &mut Store, project: &str, holder: &str) {
    for kind in [Kind::Backup, Kind::VolumeSnapshot] {
        let within = format!("{holder}/");
        let all = store.list(kind, Some(project)).into_iter();
        let keys = all.map(|(key, _)| key.to_owned());
        let keys: Vec<String> = keys.filter(|key| key.starts_with(&within)).collect();
        for key in keys {
            store.remove(kind, project, &key);
        }
    }
}
