//! What a container is like, put into the object.

use serde_json::{Value as Json, json};

use super::settings::{environment, id_map, network};
use crate::provider::{
    guest::{all, first, other_tags, parts, tell_description, text, texts},
    value, vm,
};

/// After an apply: only what is computed.
pub(super) fn made(object: &mut Json, config: &Json) {
    volumes(object, config);
    macs(object, config);
    set_units(object, config);
}

fn set_units(object: &mut Json, config: &Json) {
    if let Some(cpu) = object["cpu"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
        && cpu["units"].is_null()
    {
        cpu["units"] = json!(value::number(&config["cpuunits"]).unwrap_or(1024));
    }
}

/// On refresh: all that the user has.
pub(super) fn observe(object: &mut Json, config: &Json, row: &Json) {
    if object["(imported)"] == true {
        blocks(object, config);
    }
    tell_description(object, config);
    object["start_on_boot"] = json!(value::truth(&config["onboot"]).unwrap_or(false));
    object["protection"] = json!(value::truth(&config["protection"]).unwrap_or(false));
    object["template"] = json!(value::truth(&config["template"]).unwrap_or(false));
    object["unprivileged"] = json!(value::truth(&config["unprivileged"]).unwrap_or(false));
    if object["template"] != true {
        object["started"] = json!(row["status"] == "running");
    }
    if let Some(now) = other_tags(object, &config["tags"]) {
        object["tags"] = json!(now);
    }
    let number = |name: &str, usual: i64| json!(value::number(&config[name]).unwrap_or(usual));
    // Without a number of its own a container may use all cores.
    set(
        object,
        "cpu",
        "cores",
        json!(value::number(&config["cores"])),
    );
    set(
        object,
        "cpu",
        "architecture",
        json!(config["arch"].as_str().unwrap_or("amd64")),
    );
    set(object, "memory", "dedicated", number("memory", 512));
    set(object, "memory", "swap", number("swap", 512));
    if let Some(hostname) = config["hostname"].as_str() {
        set(object, "initialization", "hostname", json!(hostname));
    }
    if let Some(kind) = config["ostype"].as_str() {
        set(object, "operating_system", "type", json!(kind));
    }
    program(object, config);
    super::details::observe(object, config);
    features(object, config);
    volumes(object, config);
    networks(object, config);
    set_units(object, config);
    if object["vm_id"].is_null() {
        object["vm_id"] = row["vmid"].clone();
    }
    if object["node_name"].is_null() {
        object["node_name"] = row["node"].clone();
    }
    if !row["pool"].is_null() || text(object, "pool_id").is_some() {
        object["pool_id"] = row["pool"].clone();
    }
}

/// What the container runs first, and with which variables.
fn program(object: &mut Json, config: &Json) {
    let now = config["env"].as_str();
    if environment(object).as_deref() != now {
        let variables = now.unwrap_or_default().split('\0');
        let variables = variables.filter_map(|variable| variable.split_once('='));
        let variables: Json = variables
            .map(|(name, text)| (name.to_owned(), json!(text)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        object["environment_variables"] = variables;
    }
    if text(first(object, "initialization"), "entrypoint") != config["entrypoint"].as_str() {
        set(
            object,
            "initialization",
            "entrypoint",
            config["entrypoint"].clone(),
        );
    }
    let map = config["lxc"].as_array().into_iter().flatten();
    let map = map
        .filter(|line| line[0] == "lxc.idmap")
        .filter_map(|line| line[1].as_str());
    let map: Vec<&str> = map.collect();
    if !map.is_empty() && id_map(object) != map {
        let entries = map.iter().map(|line| {
            let mut words = line.split_whitespace();
            let kind = if words.next() == Some("g") {
                "gid"
            } else {
                "uid"
            };
            let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
            json!({ "type": kind, "container_id": number(), "host_id": number(), "size": number() })
        });
        object["idmap"] = entries.collect();
    }
}

pub(super) fn set(object: &mut Json, block: &str, name: &str, now: Json) {
    if let Some(block) = object[block]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    {
        block[name] = now;
    }
}

fn features(object: &mut Json, config: &Json) {
    let parts = parts(config["features"].as_str().unwrap_or_default());
    for name in ["fuse", "keyctl", "mknod", "nesting"] {
        set(
            object,
            "features",
            name,
            json!(parts.get(name).is_some_and(|text| text == "1")),
        );
    }
    let now: Vec<&str> = parts
        .get("mount")
        .map_or(Vec::new(), |text| text.split(';').collect());
    if texts(first(object, "features"), "mount") != now {
        set(object, "features", "mount", json!(now));
    }
}

fn volumes(object: &mut Json, config: &Json) {
    let place = |setting: &Json| {
        let volume = setting.as_str()?.split(',').next()?;
        let (storage, path) = volume.split_once(':')?;
        Some((storage.to_owned(), path.to_owned()))
    };
    if let Some((storage, path)) = place(&config["rootfs"]) {
        set(object, "disk", "path_in_datastore", json!(path));
        set(object, "disk", "datastore_id", json!(storage));
        if let Some(size) = vm::gigabytes(config["rootfs"].as_str().unwrap_or_default()) {
            set(object, "disk", "size", json!(size));
        }
    }
    for (at, point) in object["mount_point"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let path = place(&config[format!("mp{at}")]).map(|(_, path)| path);
        point["path_in_datastore"] = json!(path.unwrap_or_default());
    }
}

fn macs(object: &mut Json, config: &Json) {
    for (at, interface) in object["network_interface"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let parts = parts(config[format!("net{at}")].as_str().unwrap_or_default());
        if interface["mac_address"].is_null() {
            interface["mac_address"] = json!(parts.get("hwaddr"));
        }
    }
}

fn networks(object: &mut Json, config: &Json) {
    macs(object, config);
    let pairs = all(first(object, "initialization"), "ip_config").to_vec();
    let mut changed = Vec::new();
    for (at, interface) in object["network_interface"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let Some(now) = config[format!("net{at}")].as_str() else {
            interface["enabled"] = json!(false);
            continue;
        };
        interface["enabled"] = json!(true);
        let pair = pairs.get(at).cloned().unwrap_or_default();
        let mut now = parts(now);
        now.remove("type");
        if parts(&network(interface, &pair)) == now {
            continue;
        }
        let part = |name: &str| now.get(name).map(String::as_str);
        let number = |name: &str| {
            json!(
                part(name)
                    .and_then(|text| text.parse::<i64>().ok())
                    .unwrap_or(0)
            )
        };
        interface["name"] = json!(part("name"));
        interface["bridge"] = json!(part("bridge"));
        interface["firewall"] = json!(part("firewall") == Some("1"));
        interface["mac_address"] = json!(part("hwaddr"));
        interface["vlan_id"] = number("tag");
        interface["mtu"] = number("mtu");
        interface["host_managed"] = json!(part("host-managed") == Some("1"));
        interface["rate_limit"] = match part("rate").and_then(|text| text.parse::<f64>().ok()) {
            Some(rate) if rate.fract() == 0.0 => json!(rate as i64),
            Some(rate) => json!(rate),
            None => json!(0),
        };
        changed.push((at, now.clone()));
    }
    let Some(init) = object["initialization"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    else {
        return;
    };
    for (at, now) in changed {
        let family = |ip: &str, gateway: &str| match (now.get(ip), now.get(gateway)) {
            (None, None) => json!([]),
            (address, gateway) => json!([{ "address": address, "gateway": gateway }]),
        };
        if let Some(pair) = init["ip_config"]
            .as_array_mut()
            .and_then(|pairs| pairs.get_mut(at))
        {
            *pair = json!({ "ipv4": family("ip", "gw"), "ipv6": family("ip6", "gw6") });
        }
    }
}

/// For an import: the blocks that a user would have written.
fn blocks(object: &mut Json, config: &Json) {
    let says = |names: &[&str]| names.iter().any(|name| !config[*name].is_null());
    if says(&["cores", "cpulimit", "cpuunits"]) {
        object["cpu"] = json!([{ "limit": 0, "architecture": "amd64" }]);
    }
    // What a container has if nobody says is not what a user would have written.
    let usual = |name: &str| value::number(&config[name]).is_none_or(|size| size == 512);
    if says(&["memory", "swap"]) && !(usual("memory") && usual("swap")) {
        object["memory"] = json!([{ "dedicated": 512, "swap": 0 }]);
    }
    object["disk"] = json!([{ "acl": false, "quota": false, "replicate": false }]);
    object["operating_system"] = json!([{ "template_file_id": "", "type": "unmanaged" }]);
    if !config["features"].is_null() {
        object["features"] =
            json!([{ "nesting": false, "keyctl": false, "fuse": false, "mknod": false }]);
    }
    let nets = (0..32).filter(|at| !config[format!("net{at}")].is_null());
    let nets: Vec<usize> = nets.collect();
    object["network_interface"] = nets
        .iter()
        .map(|_| json!({ "enabled": true, "rate_limit": 0, "host_managed": false }))
        .collect();
    let pairs: Vec<Json> = nets
        .iter()
        .map(|_| json!({ "ipv4": [], "ipv6": [] }))
        .collect();
    let own = format!("CT{}", value::text(&object["vm_id"]).unwrap_or_default());
    let named = config["hostname"].as_str().is_some_and(|name| name != own);
    if named || !nets.is_empty() || says(&["nameserver", "searchdomain", "entrypoint"]) {
        object["initialization"] = json!([{ "ip_config": pairs, "dns": [], "user_account": [] }]);
    }
}
