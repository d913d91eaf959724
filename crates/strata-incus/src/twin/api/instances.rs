//! Instances: containers and virtual machines that start at once and get an address for every network device.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, Started, bad_request, not_found, refuse},
        route::Call,
        store::{Kind, Store},
    },
    backups, cluster, files, images, limits, networks, objects,
};

/// Fields that only the twin has; they are never shown.
const ADDRESSES: &str = "twin.addresses";

pub(super) fn path(project: &str, name: &str) -> String {
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
    let resource = ("instances", source.clone());
    let mut started = Started::new(description, resource, &call.project);
    let lifecycle = actions.iter().map(|action| (*action, source.clone()));
    started.lifecycle = lifecycle.collect();
    if actions.contains(&"instance-created") {
        let text = "Unpacking image: 40% (200.00MB/s)";
        started.progress = Some(("create_instance_from_image_unpack", text));
    }
    Ok(Answer::Operation(started.into()))
}

/// An operation that fails: the daemon has answered before it found out.
fn failing(call: &Call<'_>, name: &str, failure: Refusal) -> Answered {
    let resource = ("instances", path(&call.project, name));
    let mut started = Started::new("Creating instance", resource, &call.project);
    started.failure = Some(failure);
    Ok(Answer::Operation(started.into()))
}

pub(in super::super) fn create(call: &Call<'_>) -> Answered {
    let body = &call.body;
    let named = match call.is_raw() {
        true => call.header("x-incus-name"),
        false => body["name"].as_str(),
    };
    let name = named.unwrap_or_default();
    check_name(name)?;
    let kind = body["type"].as_str().unwrap_or("container");
    if !["container", "virtual-machine"].contains(&kind) {
        return bad_request(format!("Invalid instance type {kind:?}"));
    }
    let mut store = call.shared.store();
    let base = match base(&store, call) {
        Ok(base) => base,
        Err(failure) if failure.message == NO_IMAGE => return failing(call, name, failure),
        Err(refusal) => return Err(refusal),
    };
    if store.get(Kind::Instance, &call.project, name).is_some() {
        return refuse(
            StatusCode::CONFLICT,
            "Failed creating instance record: Add instance info to the database: This \"instances\" entry already exists",
        );
    }
    limits::check(&store, &call.project, kind)?;
    let location = cluster::member(&store, call)?;
    let mut instance = new_instance(&mut store, call, name, &base);
    instance["location"] = json!(location);
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

/// What a daemon says of an alias that it does not know.
const NO_IMAGE: &str = "Image not provided for instance creation";

/// What an instance is made from.
enum Base {
    Nothing,
    Image(Value),
    /// Another instance, or its snapshot.
    Copy(Value),
}

fn base(store: &Store, call: &Call<'_>) -> Result<Base, Refusal> {
    let source = &call.body["source"];
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    match text("type") {
        _ if call.is_raw() => Ok(Base::Nothing),
        "none" => Ok(Base::Nothing),
        "image" => {
            let Some(image) = images::source(store, source) else {
                return refuse(StatusCode::INTERNAL_SERVER_ERROR, NO_IMAGE);
            };
            Ok(Base::Image(image))
        }
        "copy" => {
            let project = Some(text("project")).filter(|project| !project.is_empty());
            let project = project.unwrap_or(&call.project);
            let kind = if text("source").contains('/') {
                Kind::Snapshot
            } else {
                Kind::Instance
            };
            match store.get(kind, project, text("source")) {
                Some(other) => Ok(Base::Copy(other.clone())),
                None => not_found("Instance"),
            }
        }
        other => bad_request(format!("Unknown source type {other}")),
    }
}

fn new_instance(store: &mut Store, call: &Call<'_>, name: &str, base: &Base) -> Value {
    let body = &call.body;
    let mut config = Map::new();
    let image = match base {
        Base::Image(image) => image,
        _ => &Value::Null,
    };
    let mut devices = Map::new();
    if let Base::Copy(other) = base {
        let keys = other["config"].as_object().cloned().unwrap_or_default();
        config.extend(
            keys.into_iter()
                .filter(|(key, _)| !key.starts_with("volatile.")),
        );
        devices = other["devices"].as_object().cloned().unwrap_or_default();
    }
    devices.extend(body["devices"].as_object().cloned().unwrap_or_default());
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
        "type": body["type"].as_str().unwrap_or("container"),
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
        "devices": devices,
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
        let hwaddr = format!("volatile.{device}.hwaddr");
        if instance["config"][&hwaddr].is_null() {
            let salt = instance["config"]["volatile.uuid"]
                .as_str()
                .unwrap_or_default();
            instance["config"][&hwaddr] = json!(mac(salt, &name, &device));
        }
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

fn mac(salt: &str, name: &str, device: &str) -> String {
    let digest = Sha256::digest(format!("{salt}/{name}/{device}"));
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
            message: format!(
                "Failed to fetch instance {name:?} in project {:?}: Instance not found",
                call.project
            ),
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
    let mut store = call.shared.store();
    store.remove(Kind::Instance, &call.project, name);
    files::forget(&mut store, &call.project, &format!("instances/{name}"));
    backups::forget(&mut store, &call.project, &format!("instances/{name}"));
    let snapshots = store.list(Kind::Snapshot, Some(&call.project));
    let snapshots = snapshots.iter().map(|(key, _)| (*key).to_owned());
    let ours = format!("{name}/");
    for snapshot in snapshots
        .filter(|key| key.starts_with(&ours))
        .collect::<Vec<_>>()
    {
        store.remove(Kind::Snapshot, &call.project, &snapshot);
    }
    drop(store);
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
            (Some("start"), true) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return unfit(call, name, status, "The instance is already running");
            }
            (Some("start"), false) => ("Starting instance", &["instance-started"]),
            (Some("stop" | "restart"), false) => {
                let status = StatusCode::BAD_REQUEST;
                return unfit(call, name, status, "The instance is already stopped");
            }
            (Some("stop"), true) => ("Stopping instance", &["instance-shutdown"]),
            (Some("restart"), true) => ("Restarting instance", &["instance-restarted"]),
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

/// What an instance cannot do as it is: the daemon tells so when it has begun.
fn unfit(call: &Call<'_>, name: &str, status: StatusCode, message: &str) -> Answered {
    let failure = Refusal {
        status,
        message: message.to_owned(),
    };
    failing(call, name, failure)
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

/// Runs a program: it ends well at once, and has nothing to say.
pub(in super::super) fn exec(call: &Call<'_>, name: &str) -> Answered {
    let instance = find(call, name)?;
    if instance["status"] != "Running" {
        return bad_request("Instance is not running");
    }
    let resource = ("instances", path(&call.project, name));
    let mut started = Started::new("Executing command", resource, &call.project);
    let secret = || uuid::Uuid::new_v4().simple().to_string();
    started.sockets =
        json!({ "fds": { "0": secret(), "1": secret(), "2": secret(), "control": secret() } });
    started.result = json!({ "return": 0 });
    Ok(Answer::Operation(started.into()))
}
