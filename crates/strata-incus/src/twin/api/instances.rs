//! Instances: containers that start at once and get an address for every network device.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, Started, bad_request, refuse},
        route::Call,
        store::{Kind, Store},
    },
    images, networks, objects,
};

/// Fields that only the twin has; they are never shown.
const ADDRESSES: &str = "twin.addresses";

fn path(project: &str, name: &str) -> String {
    let query = if project == "default" {
        String::new()
    } else {
        format!("?project={project}")
    };
    format!("/1.0/instances/{name}{query}")
}

fn started(
    call: &Call<'_>,
    description: &'static str,
    name: &str,
    actions: &[&'static str],
) -> Answered {
    let source = path(&call.project, name);
    Ok(Answer::Operation(Started {
        description,
        resource: ("instances", source.clone()),
        lifecycle: actions
            .iter()
            .map(|action| (*action, source.clone()))
            .collect(),
        project: call.project.clone(),
        failure: None,
    }))
}

/// An operation that fails: the daemon has answered before it found out.
fn failing(call: &Call<'_>, name: &str, failure: Refusal) -> Answered {
    let resource = ("instances", path(&call.project, name));
    let (lifecycle, project) = (Vec::new(), call.project.clone());
    Ok(Answer::Operation(Started {
        description: "Creating instance",
        resource,
        lifecycle,
        project,
        failure: Some(failure),
    }))
}

pub(in super::super) fn create(call: &Call<'_>) -> Answered {
    let body = &call.body;
    let Some(name) = body["name"].as_str() else {
        return bad_request("the twin does not make names up: give one");
    };
    check_name(name)?;
    if body["type"]
        .as_str()
        .is_some_and(|kind| kind != "container")
    {
        return bad_request("the twin has only containers");
    }
    let mut store = call.shared.store();
    let source = &body["source"];
    let wanted = source["alias"]
        .as_str()
        .or_else(|| source["fingerprint"].as_str());
    let image = match (source["type"].as_str(), wanted) {
        (Some("image"), Some(wanted)) => match images::find(&store, wanted) {
            Some(image) => image,
            None => {
                let message = "Image not provided for instance creation".to_owned();
                return failing(
                    call,
                    name,
                    Refusal {
                        status: StatusCode::INTERNAL_SERVER_ERROR,
                        message,
                    },
                );
            }
        },
        (Some("none"), _) => Value::Null,
        _ => return bad_request("the twin makes instances from its own images only"),
    };
    if store.get(Kind::Instance, &call.project, name).is_some() {
        return refuse(
            StatusCode::CONFLICT,
            "Failed creating instance record: Add instance info to the database: This \"instances\" entry already exists",
        );
    }
    let mut instance = new_instance(&mut store, call, name, &image);
    check_profiles(&store, &call.project, &instance)?;
    if let Err(failure) = check_devices(&store, &call.project, &instance) {
        return failing(call, name, failure);
    }
    let start = body["start"] == true;
    if start {
        run(&store, &call.project, &mut instance);
    }
    store.put(Kind::Instance, &call.project, name, instance);
    let actions: &[&str] = if start {
        &["instance-created", "instance-started"]
    } else {
        &["instance-created"]
    };
    started(call, "Creating instance", name, actions)
}

fn new_instance(store: &mut Store, call: &Call<'_>, name: &str, image: &Value) -> Value {
    let body = &call.body;
    let mut config = Map::new();
    for (property, value) in image["properties"].as_object().into_iter().flatten() {
        config.insert(format!("image.{property}"), value.clone());
    }
    if let Some(fingerprint) = image["fingerprint"].as_str() {
        config.insert("volatile.base_image".to_owned(), json!(fingerprint));
    }
    config.insert(
        "volatile.uuid".to_owned(),
        json!(uuid::Uuid::new_v4().to_string()),
    );
    config.extend(body["config"].as_object().cloned().unwrap_or_default());
    let profiles = if body["profiles"].is_array() {
        body["profiles"].clone()
    } else {
        json!(["default"])
    };
    json!({
        "name": name,
        "description": body["description"].as_str().unwrap_or_default(),
        "type": "container",
        "status": "Stopped",
        "status_code": 102,
        "architecture": "x86_64",
        "ephemeral": body["ephemeral"] == true,
        "stateful": false,
        "created_at": store.now(),
        "location": "none",
        "project": call.project,
        "profiles": profiles,
        "config": config,
        "devices": body["devices"].as_object().cloned().unwrap_or_default(),
    })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let valid = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.ends_with('-');
    if valid {
        Ok(())
    } else {
        bad_request(
            "Invalid instance name: Name can only contain alphanumeric and hyphen characters",
        )
    }
}

/// Profiles must be there.
fn check_profiles(store: &Store, project: &str, instance: &Value) -> Result<(), Refusal> {
    let home = store.home(Kind::Profile, project);
    let names = instance["profiles"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    match names
        .into_iter()
        .find(|profile| store.get(Kind::Profile, &home, profile).is_none())
    {
        Some(profile) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("Requested profile {profile:?} doesn't exist"),
        ),
        None => Ok(()),
    }
}

/// A root disk, pools, networks and volumes must be there.
fn check_devices(store: &Store, project: &str, instance: &Value) -> Result<(), Refusal> {
    let devices = store.expanded(project, instance, "devices");
    if !devices
        .values()
        .any(|device| device["type"] == "disk" && device["path"] == "/")
    {
        let reason = "Failed getting root disk: No root device could be found";
        return refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{INVALID}{reason}"),
        );
    }
    devices
        .iter()
        .try_for_each(|(name, device)| check_device(store, project, name, device))
}

/// How the reasons begin for which an instance cannot be.
const INVALID: &str = "Failed creating instance record: Failed initializing instance: ";

fn check_device(store: &Store, project: &str, name: &str, device: &Value) -> Result<(), Refusal> {
    let failed = |reason: String| refuse(StatusCode::NOT_FOUND, format!("{INVALID}{reason}"));
    if let Some(network) = device["network"].as_str() {
        let home = store.home(Kind::Network, project);
        if store.get(Kind::Network, &home, network).is_none() {
            return failed(format!(
                "Invalid devices: Device validation failed for {name:?}: Failed loading device {name:?}: \
                 Failed to load network {network:?} for project {home:?}: Network not found"
            ));
        }
    }
    if let Some(pool) = device["pool"].as_str() {
        let device_failed = |reason: &str| {
            failed(format!(
                "Failed add validation for device {name:?}: {reason}"
            ))
        };
        if store.get(Kind::Pool, "", pool).is_none() {
            return device_failed(&format!(
                "Failed to get storage pool {pool:?}: Storage pool not found"
            ));
        }
        let home = store.home(Kind::Volume, project);
        if let Some(volume) = device["source"]
            .as_str()
            .filter(|source| !source.starts_with('/'))
            && store
                .get(Kind::Volume, &home, &format!("{pool}/{volume}"))
                .is_none()
        {
            return device_failed("Failed loading custom volume: Storage volume not found");
        }
    }
    Ok(())
}

/// Sets an instance running, with an address for each network device.
fn run(store: &Store, project: &str, instance: &mut Value) {
    instance["status"] = json!("Running");
    instance["status_code"] = json!(103);
    let name = instance["name"].as_str().unwrap_or_default().to_owned();
    let mut addresses = instance[ADDRESSES].as_object().cloned().unwrap_or_default();
    for (device, settings) in store.expanded(project, instance, "devices") {
        if settings["type"] != "nic" {
            continue;
        }
        instance["config"][format!("volatile.{device}.hwaddr")] =
            json!(mac(project, &name, &device));
        let network = settings["network"].as_str().and_then(|network| {
            store.get(Kind::Network, &store.home(Kind::Network, project), network)
        });
        let fixed = settings["ipv4.address"].as_str().map(str::to_owned);
        let leased = || {
            network
                .and_then(|network| networks::lease(store, network))
                .map(|address| address.to_string())
        };
        if !addresses.contains_key(&device)
            && let Some(address) = fixed.or_else(leased)
        {
            addresses.insert(device, json!(address));
        }
    }
    instance[ADDRESSES] = Value::Object(addresses);
}

fn mac(project: &str, name: &str, device: &str) -> String {
    let digest = Sha256::digest(format!("{project}/{name}/{device}"));
    format!(
        "10:66:6a:{:02x}:{:02x}:{:02x}",
        digest[0], digest[1], digest[2]
    )
}

fn find(call: &Call<'_>, name: &str) -> Result<Value, Refusal> {
    call.shared
        .store()
        .get(Kind::Instance, &call.project, name)
        .cloned()
        .ok_or(Refusal {
            status: StatusCode::NOT_FOUND,
            message: "Instance not found".to_owned(),
        })
}

/// What a client sees of an instance.
fn shown(store: &Store, project: &str, instance: &Value) -> Value {
    let mut shown = instance.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove(ADDRESSES);
    }
    shown["expanded_config"] = Value::Object(store.expanded(project, instance, "config"));
    shown["expanded_devices"] = Value::Object(store.expanded(project, instance, "devices"));
    shown
}

/// Reads an instance with its state.
pub(in super::super) fn full(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    let store = call.shared.store();
    let mut full = shown(&store, &call.project, &instance);
    full["state"] = guest_state(&store, &call.project, &instance);
    full["snapshots"] = json!([]);
    full["backups"] = json!([]);
    Ok(Answer::Sync(full))
}

pub(in super::super) fn read(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    Ok(Answer::Sync(shown(
        &call.shared.store(),
        &call.project,
        &instance,
    )))
}

pub(in super::super) fn update(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    let mut store = call.shared.store();
    let mut changed = objects::changed(call, shown_base(&instance))?;
    check_profiles(&store, &call.project, &changed)?;
    check_devices(&store, &call.project, &changed)?;
    for field in [ADDRESSES, "status", "status_code"] {
        changed[field] = instance[field].clone();
    }
    if let Some(fields) = changed.as_object_mut() {
        fields.remove("expanded_config");
        fields.remove("expanded_devices");
    }
    if changed["status"] == "Running" {
        run(&store, &call.project, &mut changed);
    }
    store.put(Kind::Instance, &call.project, name, changed);
    drop(store);
    started(call, "Updating instance", name, &["instance-updated"])
}

fn shown_base(instance: &Value) -> Value {
    let mut base = instance.clone();
    if let Some(fields) = base.as_object_mut() {
        fields.remove(ADDRESSES);
    }
    base
}

pub(in super::super) fn rename(call: &Call<'_>, name: &str) -> Answered {
    let Some(new) = call.body["name"].as_str() else {
        return bad_request("the twin only renames instances here");
    };
    check_name(new)?;
    let mut instance = find(call, name)?;
    if instance["status"] == "Running" {
        return bad_request("Renaming of running instance not allowed");
    }
    let mut store = call.shared.store();
    if store.get(Kind::Instance, &call.project, new).is_some() {
        return refuse(StatusCode::CONFLICT, format!("Name {new:?} already in use"));
    }
    instance["name"] = json!(new);
    store.remove(Kind::Instance, &call.project, name);
    store.put(Kind::Instance, &call.project, new, instance);
    drop(store);
    started(call, "Renaming instance", new, &["instance-renamed"])
}

pub(in super::super) fn delete(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    if instance["status"] == "Running" {
        return bad_request("Instance is running");
    }
    call.shared
        .store()
        .remove(Kind::Instance, &call.project, name);
    started(call, "Deleting instance", name, &["instance-deleted"])
}

/// Tells the state, or starts, stops or restarts.
pub(in super::super) fn state(call: &Call<'_>, name: &str) -> Answered {
    let mut instance = find(call, name)?;
    let mut store = call.shared.store();
    if call.method == Method::GET {
        return Ok(Answer::Sync(guest_state(&store, &call.project, &instance)));
    }
    let running = instance["status"] == "Running";
    let (description, lifecycle): (_, &[&'static str]) =
        match (call.body["action"].as_str(), running) {
            (Some("start"), true) => return bad_request("The instance is already running"),
            (Some("start"), false) => ("Starting instance", &["instance-started"]),
            (Some("stop"), false) => return bad_request("The instance is already stopped"),
            (Some("stop"), true) => ("Stopping instance", &["instance-shutdown"]),
            (Some("restart"), true) => ("Restarting instance", &["instance-restarted"]),
            (Some("restart"), false) => return bad_request("The instance is not running"),
            (action, _) => {
                return bad_request(format!("Unknown action {:?}", action.unwrap_or_default()));
            }
        };
    if call.body["action"] == "stop" {
        instance["status"] = json!("Stopped");
        instance["status_code"] = json!(102);
    } else {
        check_devices(&store, &call.project, &instance)?;
        run(&store, &call.project, &mut instance);
    }
    if instance["ephemeral"] == true && call.body["action"] == "stop" {
        store.remove(Kind::Instance, &call.project, name);
    } else {
        store.put(Kind::Instance, &call.project, name, instance);
    }
    drop(store);
    started(call, description, name, lifecycle)
}

fn guest_state(store: &Store, project: &str, instance: &Value) -> Value {
    let running = instance["status"] == "Running";
    let mut network = Map::new();
    if running {
        network.insert("lo".to_owned(), json!({ "type": "loopback", "state": "up", "hwaddr": "", "addresses": [{ "family": "inet", "address": "127.0.0.1", "netmask": "8", "scope": "local" }] }));
        for (device, settings) in store.expanded(project, instance, "devices") {
            if settings["type"] != "nic" {
                continue;
            }
            let address = &instance[ADDRESSES][&device];
            let addresses = address.as_str().map(|address| json!({ "family": "inet", "address": address, "netmask": "24", "scope": "global" }));
            let name = settings["name"].as_str().unwrap_or(&device).to_owned();
            let hwaddr = &instance["config"][format!("volatile.{device}.hwaddr")];
            network.insert(name, json!({ "type": "broadcast", "state": "up", "hwaddr": hwaddr, "addresses": Vec::from_iter(addresses) }));
        }
    }
    json!({
        "status": instance["status"],
        "status_code": instance["status_code"],
        "processes": if running { 8 } else { 0 },
        "pid": if running { 1000 } else { 0 },
        "network": if running { Value::Object(network) } else { Value::Null },
    })
}

/// Files of a guest: the model of an instance has only what tells that cloud-init is done.
pub(in super::super) fn file(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    if call.method != Method::GET {
        return refuse(
            StatusCode::NOT_IMPLEMENTED,
            "the twin's instances take no files: hosts are modelled by the agent",
        );
    }
    let has_cloud_init = instance["config"]["image.description"]
        .as_str()
        .is_some_and(|image| image.ends_with("/cloud"));
    match call.path.as_str() {
        "/run/cloud-init/result.json" if has_cloud_init && instance["status"] == "Running" => Ok(
            Answer::File(br#"{"v1": {"datasource": "DataSourceNoCloud", "errors": []}}"#.to_vec()),
        ),
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}
