//! What can be done with each kind of object.
//!
//! [`objects`] has what all kinds share: list, read, create, replace, merge, delete, each with its
//! checks; [`Family`] says what differs, [`nested`] for those that lie within others. Instances, images
//! and the server itself have more, and so files of their own.

pub(super) mod backups;
pub(super) mod cluster;
pub(super) mod files;
pub(super) mod images;
pub(super) mod instances;
pub(super) mod limits;
pub(super) mod nested;
pub(super) mod networks;
pub(super) mod objects;
pub(super) mod rest;
pub(super) mod server;
pub(super) mod snapshots;

use serde_json::{Value, json};

use super::{
    answer::{Refusal, bad_request},
    store::{Kind, Store},
};

/// What tells a kind of objects from the others.
pub(super) struct Family {
    pub(super) kind: Kind,
    /// The path of the collection, below `/1.0/`.
    pub(super) path: String,
    /// What error messages call it.
    pub(super) noun: &'static str,
    /// What stands before a name in the store, for volumes: their pool.
    pub(super) prefix: String,
    /// Fields of an object that is made with only its name.
    pub(super) defaults: fn(name: &str) -> Value,
    /// What the daemon adds to what a client asks for; checks it, too.
    pub(super) complete: fn(&Store, &mut Value) -> Result<(), Refusal>,
    /// The field that names it.
    pub(super) key: &'static str,
    /// What it lies in, with its name and the word for it: it must be there.
    pub(super) parent: Option<(Kind, String, &'static str)>,
    /// Why it cannot be deleted now, if so.
    pub(super) in_use: fn(&Store, project: &str, name: &str) -> Option<String>,
}

fn accept(_: &Store, _: &mut Value) -> Result<(), Refusal> {
    Ok(())
}

fn free(_: &Store, _: &str, _: &str) -> Option<String> {
    None
}

/// The family that a path belongs to, and the name of the one that it asks for.
pub(super) fn family<'a>(segments: &[&'a str]) -> Option<(Family, Option<&'a str>)> {
    let (collection, name) = match *segments {
        [collection] => (collection, None),
        [collection, name] => (collection, Some(name)),
        _ => return nested::family(segments),
    };
    let family = with_checks(collection).map(|family| (family, name));
    family.or_else(|| nested::family(segments))
}

/// The family of a collection whose objects the daemon checks or completes; volumes have [`volumes`].
fn with_checks(collection: &str) -> Option<Family> {
    let family = |kind, noun, defaults, complete, in_use| Family {
        kind,
        path: collection.to_owned(),
        noun,
        prefix: String::new(),
        key: "name",
        parent: None,
        defaults,
        complete,
        in_use,
    };
    Some(match collection {
        "instances" => family(
            Kind::Instance,
            "Instance",
            |name| json!({ "name": name }),
            accept,
            free,
        ),
        "networks" => family(
            Kind::Network,
            "Network",
            networks::defaults,
            networks::complete,
            networks::in_use,
        ),
        "profiles" => family(
            Kind::Profile,
            "Profile",
            |name| json!({ "name": name, "description": "", "config": {}, "devices": {} }),
            accept,
            profile_in_use,
        ),
        "projects" => family(
            Kind::Project,
            "Project",
            |name| json!({ "name": name, "description": "", "config": {} }),
            complete_project,
            project_in_use,
        ),
        "storage-pools" => family(
            Kind::Pool,
            "Storage pool",
            |name| json!({ "name": name, "description": "", "driver": "dir", "status": "Created", "locations": ["none"], "config": {} }),
            complete_pool,
            pool_in_use,
        ),
        "images" => family(
            Kind::Image,
            "Image",
            |name| json!({ "name": name }),
            accept,
            free,
        ),
        _ => return None,
    })
}

/// The custom volumes of a pool.
pub(super) fn volumes(pool: &str) -> Family {
    Family {
        kind: Kind::Volume,
        path: format!("storage-pools/{pool}/volumes/custom"),
        noun: "Storage volume",
        prefix: format!("{pool}/"),
        key: "name",
        parent: Some((Kind::Pool, pool.to_owned(), "Storage pool")),
        defaults: |name| json!({ "name": name, "description": "", "type": "custom", "content_type": "filesystem", "config": {}, "location": "none" }),
        complete: |_, volume| match volume["type"].as_str() {
            Some("custom") => Ok(()),
            _ => bad_request("the twin has only custom volumes"),
        },
        in_use: volume_in_use,
    }
}

fn complete_pool(_: &Store, pool: &mut Value) -> Result<(), Refusal> {
    let name = pool["name"].as_str().unwrap_or_default().to_owned();
    if pool["config"]["source"].is_null() {
        pool["config"]["source"] = json!(format!("/var/lib/incus/storage-pools/{name}"));
    }
    Ok(())
}

fn pool_in_use(store: &Store, _: &str, name: &str) -> Option<String> {
    let uses = |device: &Value| device["pool"] == name;
    let holders = [Kind::Instance, Kind::Profile];
    let mut holders = holders.into_iter().flat_map(|kind| store.list(kind, None));
    let by_devices = holders.any(|(_, object)| {
        let devices = object["devices"].as_object();
        devices.is_some_and(|devices| devices.values().any(uses))
    });
    let within = [Kind::Volume, Kind::Bucket];
    let mut within = within.into_iter().flat_map(|kind| store.list(kind, None));
    let by_content = within.any(|(key, _)| key.split('/').next() == Some(name));
    (by_devices || by_content).then(|| "The storage pool is currently in use".to_owned())
}

fn complete_project(_: &Store, project: &mut Value) -> Result<(), Refusal> {
    let config = &mut project["config"];
    for feature in [
        "features.images",
        "features.profiles",
        "features.storage.buckets",
        "features.storage.volumes",
    ] {
        if config[feature].is_null() {
            config[feature] = json!("true");
        }
    }
    Ok(())
}

fn project_in_use(store: &Store, _: &str, name: &str) -> Option<String> {
    let kinds = [Kind::Instance, Kind::Network, Kind::Volume];
    let used = kinds
        .iter()
        .any(|kind| !store.list(*kind, Some(name)).is_empty());
    let profiles = store
        .list(Kind::Profile, Some(name))
        .iter()
        .any(|(profile, _)| *profile != "default");
    (used || profiles).then(|| "Only empty projects can be removed".to_owned())
}

fn profile_in_use(store: &Store, project: &str, name: &str) -> Option<String> {
    if name == "default" {
        return Some("The \"default\" profile cannot be deleted".to_owned());
    }
    let uses = |instance: &Value| {
        instance["profiles"]
            .as_array()
            .is_some_and(|profiles| profiles.iter().any(|profile| profile == name))
    };
    let used = store
        .list(Kind::Instance, None)
        .iter()
        .any(|(_, instance)| uses(instance) && home_is(store, Kind::Profile, instance, project));
    used.then(|| "Profile is currently in use".to_owned())
}

fn volume_in_use(store: &Store, project: &str, name: &str) -> Option<String> {
    let (pool, volume) = name.split_once('/')?;
    let uses = |device: &Value| {
        device["type"] == "disk" && device["pool"] == pool && device["source"] == volume
    };
    uses_device(store, Kind::Volume, project, &uses)
        .then(|| "The storage volume is still in use".to_owned())
}

/// True if an instance or profile has a device like that, for objects that live in `project`.
pub(super) fn uses_device(
    store: &Store,
    kind: Kind,
    project: &str,
    uses: &dyn Fn(&Value) -> bool,
) -> bool {
    let holders = [Kind::Instance, Kind::Profile]
        .into_iter()
        .flat_map(|holder| store.list(holder, None));
    let within = |object: &Value| {
        object["devices"]
            .as_object()
            .is_some_and(|devices| devices.values().any(uses))
    };
    holders
        .into_iter()
        .any(|(_, object)| within(object) && home_is(store, kind, object, project))
}

fn home_is(store: &Store, kind: Kind, object: &Value, project: &str) -> bool {
    store.home(kind, object["project"].as_str().unwrap_or("default")) == project
}
