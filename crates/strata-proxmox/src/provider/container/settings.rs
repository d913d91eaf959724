//! From a container's arguments to the parameters of the API.

use serde_json::Value as Json;

use crate::{
    client::Params,
    provider::{
        guest::{all, first, positive, tags_of, text, texts},
        value, vm,
    },
};

/// Settings of a container but for its volumes.
pub(crate) fn settings(object: &Json) -> Params {
    let mut params = Params::new();
    let init = first(object, "initialization");
    params
        .maybe("hostname", text(init, "hostname"))
        .maybe("description", text(object, "description"));
    let tags = tags_of(object);
    if !tags.is_empty() {
        params.set("tags", tags.join(";"));
    }
    params.flag("onboot", object["start_on_boot"] != false);
    if object["protection"] == true {
        params.flag("protection", true);
    }
    params.maybe("hookscript", text(object, "hook_script_file_id"));
    params.maybe("startup", vm::startup(first(object, "startup")));
    console(first(object, "console"), &mut params);
    params
        .maybe("env", environment(object))
        .maybe("entrypoint", text(init, "entrypoint"));
    let cpu = first(object, "cpu");
    params
        .maybe("arch", text(cpu, "architecture"))
        .maybe("cores", positive(cpu, "cores"));
    params.maybe(
        "cpulimit",
        cpu["limit"].as_f64().filter(|limit| *limit > 0.0),
    );
    params.maybe("cpuunits", positive(cpu, "units"));
    let memory = first(object, "memory");
    params
        .maybe("memory", positive(memory, "dedicated"))
        .maybe("swap", value::number(&memory["swap"]));
    params.maybe("ostype", text(first(object, "operating_system"), "type"));
    features(first(object, "features"), &mut params);
    let dns = first(init, "dns");
    let mut servers = texts(dns, "servers");
    servers.extend(text(dns, "server").map(str::to_owned));
    if !servers.is_empty() {
        params.set("nameserver", servers.join(" "));
    }
    params.maybe("searchdomain", text(dns, "domain"));
    for (at, interface) in all(object, "network_interface").iter().enumerate() {
        if interface["enabled"] != false {
            let config = all(init, "ip_config").get(at).unwrap_or(&Json::Null);
            params.set(format!("net{at}"), network(interface, config));
        }
    }
    for (at, device) in all(object, "device_passthrough").iter().enumerate() {
        let mut setting = text(device, "path").unwrap_or_default().to_owned();
        if device["deny_write"] == true {
            setting.push_str(",deny-write=1");
        }
        for name in ["gid", "uid", "mode"] {
            if let Some(value) = value::text(&device[name]) {
                setting.push_str(&format!(",{name}={value}"));
            }
        }
        params.set(format!("dev{at}"), setting);
    }
    params
}

/// Variables of the first process: `NAME=text`, between NULs.
pub(super) fn environment(object: &Json) -> Option<String> {
    let variables = value::members(&object["environment_variables"]).iter();
    let variables =
        variables.filter_map(|(name, text)| Some(format!("{name}={}", value::text(text)?)));
    let variables: Vec<String> = variables.collect();
    (!variables.is_empty()).then(|| variables.join("\0"))
}

/// The lines of the id map in a container's file, as LXC has them.
pub(super) fn id_map(object: &Json) -> Vec<String> {
    let entries = all(object, "idmap").iter().map(|entry| {
        let kind = match text(entry, "type") {
            Some("gid" | "g") => "g",
            _ => "u",
        };
        let number = |name: &str| value::number(&entry[name]).unwrap_or(0);
        format!(
            "{kind} {} {} {}",
            number("container_id"),
            number("host_id"),
            number("size")
        )
    });
    entries.collect()
}

fn console(console: &Json, params: &mut Params) {
    if console.is_null() {
        return;
    }
    params.flag("console", console["enabled"] != false);
    params
        .maybe("cmode", text(console, "type"))
        .maybe("tty", value::number(&console["tty_count"]));
}

fn features(features: &Json, params: &mut Params) {
    let mut parts = Vec::new();
    for name in ["fuse", "keyctl", "mknod", "nesting"] {
        if features[name] == true {
            parts.push(format!("{name}=1"));
        }
    }
    let mounts = texts(features, "mount");
    if !mounts.is_empty() {
        parts.push(format!("mount={}", mounts.join(";")));
    }
    if !parts.is_empty() {
        params.set("features", parts.join(","));
    }
}

/// A network interface's setting with its addresses.
pub(crate) fn network(interface: &Json, config: &Json) -> String {
    let mut setting = format!("name={}", text(interface, "name").unwrap_or("eth0"));
    if let Some(bridge) = text(interface, "bridge") {
        setting.push_str(&format!(",bridge={bridge}"));
    }
    if interface["firewall"] == true {
        setting.push_str(",firewall=1");
    }
    if interface["host_managed"] == true {
        setting.push_str(",host-managed=1");
    }
    if let Some(mac) = text(interface, "mac_address") {
        setting.push_str(&format!(",hwaddr={}", mac.to_uppercase()));
    }
    for (attribute, name) in [("vlan_id", "tag"), ("mtu", "mtu")] {
        if let Some(number) = positive(interface, attribute) {
            setting.push_str(&format!(",{name}={number}"));
        }
    }
    if let Some(rate) = interface["rate_limit"].as_f64().filter(|rate| *rate > 0.0) {
        setting.push_str(&format!(",rate={rate}"));
    }
    for (family, ip, gateway) in [("ipv4", "ip", "gw"), ("ipv6", "ip6", "gw6")] {
        let family = first(config, family);
        if let Some(address) = text(family, "address") {
            setting.push_str(&format!(",{ip}={address}"));
        }
        if let Some(address) = text(family, "gateway") {
            setting.push_str(&format!(",{gateway}={address}"));
        }
    }
    setting
}

/// The setting that makes the root of a container.
pub(crate) fn rootfs(disk: &Json) -> String {
    let storage = text(disk, "datastore_id").unwrap_or("local");
    let size = positive(disk, "size").unwrap_or(4);
    format!("{storage}:{size}{}", root_options(disk))
}

/// The options of a container's root.
pub(super) fn root_options(disk: &Json) -> String {
    let mut setting = String::new();
    for name in ["acl", "quota", "replicate"] {
        if disk[name] == true {
            setting.push_str(&format!(",{name}=1"));
        }
    }
    options(disk, &mut setting);
    setting
}

fn options(object: &Json, setting: &mut String) {
    let options = texts(object, "mount_options");
    if !options.is_empty() {
        setting.push_str(&format!(",mountoptions={}", options.join(";")));
    }
}

/// The setting of a mount point: a folder of the node, or a volume that is made.
pub(crate) fn mount(point: &Json) -> String {
    let volume = text(point, "volume").unwrap_or_default();
    let mut setting = match text(point, "size") {
        // A storage with a size: the volume is made.
        Some(size) if !volume.contains(':') && !volume.starts_with('/') => {
            format!("{volume}:{}", size.trim_end_matches(['G', 'g']))
        }
        _ => volume.to_owned(),
    };
    setting.push_str(&format!(",mp={}", text(point, "path").unwrap_or_default()));
    for (attribute, name) in [
        ("acl", "acl"),
        ("backup", "backup"),
        ("quota", "quota"),
        ("read_only", "ro"),
        ("shared", "shared"),
    ] {
        if point[attribute] == true {
            setting.push_str(&format!(",{name}=1"));
        }
    }
    if point["replicate"] == false {
        setting.push_str(",replicate=0");
    }
    options(point, &mut setting);
    setting
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_become_parameters() {
        let object = json!({
            "start_on_boot": true, "tags": ["x"],
            "cpu": [{ "cores": 2, "architecture": "amd64" }],
            "memory": [{ "dedicated": 1024, "swap": 0 }],
            "features": [{ "nesting": true, "keyctl": false }],
            "network_interface": [{ "name": "eth0", "bridge": "vmbr0", "vlan_id": 5 }],
            "initialization": [{ "hostname": "ct", "ip_config": [{ "ipv4": [{ "address": "10.0.0.3/24", "gateway": "10.0.0.1" }] }] }],
        });
        let shown: Vec<String> = settings(&object)
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            shown,
            [
                "hostname=ct",
                "tags=x",
                "onboot=1",
                "arch=amd64",
                "cores=2",
                "memory=1024",
                "swap=0",
                "features=nesting=1",
                "net0=name=eth0,bridge=vmbr0,tag=5,ip=10.0.0.3/24,gw=10.0.0.1",
            ]
        );
    }

    #[test]
    fn a_mount_point_is_a_folder_or_a_new_volume() {
        let point = json!({ "volume": "/srv", "path": "/mnt", "read_only": true });
        assert_eq!(mount(&point), "/srv,mp=/mnt,ro=1");
        let point = json!({ "volume": "local", "size": "10G", "path": "/data", "backup": true });
        assert_eq!(mount(&point), "local:10,mp=/data,backup=1");
    }
}
