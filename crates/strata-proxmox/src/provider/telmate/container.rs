//! `proxmox_lxc` in our words.

use serde_json::{Value as Json, json};

use super::{
    disks::gigabytes,
    guest::{dns, limit},
    machine::{startup, words},
};
use crate::provider::{
    guest::{all, first, text},
    value,
};

/// Arguments that are not supported.
pub(super) const REFUSED: [&str; 1] = ["network.trunks"];

/// Arguments that may say what is so anyway, and nothing else.
pub(super) const FIXED: [(&str, &str); 6] = [
    ("bwlimit", "0"),
    ("force", "false"),
    ("ignore_unpack_errors", "false"),
    ("lock", "\"\""),
    ("restore", "false"),
    ("unique", "false"),
];

/// What bounds which kind of call.
const LIMITS: [(&str, &str); 3] = [
    ("timeout_create", "create"),
    ("timeout_clone", "create"),
    ("timeout_start", "create"),
];

/// The container; `template` is the id of what it is cloned from.
pub(super) fn ours(object: &Json, template: Option<i64>) -> Json {
    let root = first(object, "rootfs");
    let id = text(object, "id").and_then(|id| id.rsplit('/').next());
    let networks = all(object, "network");
    let mut ours = json!({
        "node_name": object["target_node"],
        "vm_id": value::number(&object["vmid"]).filter(|id| *id > 0), "id": id.filter(|id| !id.is_empty()),
        "description": object["description"], "tags": words(text(object, "tags").unwrap_or_default()),
        "unprivileged": object["unprivileged"] == true, "start_on_boot": object["onboot"] == true,
        "started": object["start"] == true, "protection": object["protection"] == true,
        "template": object["template"] == true, "pool_id": object["pool"],
        "hook_script_file_id": object["hookscript"], "startup": startup(object),
        "console": [{ "enabled": object["console"] != false, "type": object["cmode"], "tty_count": object["tty"] }],
        "cpu": [{
            "architecture": object["arch"], "cores": object["cores"], "limit": object["cpulimit"],
            "units": object["cpuunits"],
        }],
        "memory": [{ "dedicated": object["memory"], "swap": object["swap"] }],
        "disk": [{
            "datastore_id": root["storage"], "size": text(root, "size").and_then(gigabytes),
        }],
        "features": features(first(object, "features")),
        "network_interface": networks.iter().map(network).collect::<Vec<_>>(),
        "initialization": [{
            "hostname": object["hostname"], "dns": dns(object),
            "ip_config": networks.iter().map(addresses).collect::<Vec<_>>(),
            "user_account": account(object),
        }],
        "mount_point": mounts(object),
    });
    limit(&mut ours, &LIMITS, object);
    match template {
        Some(template) => {
            ours["clone"] = json!([{
                "vm_id": template, "full": object["full"] == true, "datastore_id": object["clone_storage"],
            }]);
        }
        None => {
            ours["operating_system"] = json!([{
                "template_file_id": object["ostemplate"], "type": text(object, "ostype"),
            }]);
        }
    }
    ours
}

fn features(features: &Json) -> Json {
    if features.is_null() {
        return json!([]);
    }
    let mounts = words(text(features, "mount").unwrap_or_default());
    json!([{
        "fuse": features["fuse"] == true, "keyctl": features["keyctl"] == true,
        "nesting": features["nesting"] == true, "mount": mounts,
    }])
}

fn network(device: &Json) -> Json {
    json!({
        "name": device["name"], "bridge": device["bridge"], "firewall": device["firewall"] == true,
        "mac_address": device["hwaddr"], "mtu": device["mtu"], "rate_limit": device["rate"],
        "vlan_id": device["tag"], "enabled": true,
    })
}

fn addresses(device: &Json) -> Json {
    json!({
        "ipv4": [{ "address": device["ip"], "gateway": device["gw"] }],
        "ipv6": [{ "address": device["ip6"], "gateway": device["gw6"] }],
    })
}

fn account(object: &Json) -> Json {
    let keys = text(object, "ssh_public_keys").unwrap_or_default();
    let keys: Vec<&str> = keys
        .lines()
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .collect();
    if keys.is_empty() && text(object, "password").is_none() {
        return json!([]);
    }
    json!([{ "password": object["password"], "keys": keys }])
}

fn mounts(object: &Json) -> Json {
    let points = all(object, "mountpoint").iter().map(|point| {
        let volume = text(point, "volume").filter(|volume| !volume.is_empty());
        json!({
            "path": point["mp"], "size": point["size"],
            "volume": volume.or_else(|| text(point, "storage")),
            "acl": point["acl"] == true, "backup": point["backup"] == true, "quota": point["quota"] == true,
            "replicate": point["replicate"] != false, "shared": point["shared"] == true,
            "(in place)": true,
        })
    });
    points.collect()
}
