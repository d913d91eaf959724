//! What a machine is like, put into the object. Blocks that the user does not have stay away.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{
    number,
    settings::{
        SEV, SMBIOS, SPEEDS, addresses, cloud_init_interface, disk_options, is_drive, keys,
    },
    sizes::{gigabytes, kibibytes},
};
use crate::{
    client::unpercent,
    provider::{
        guest::{all, first, other_tags, parts, tell_description, text, texts},
        value,
    },
};

/// After an apply: only what is computed.
pub(super) fn made(object: &mut Json, config: &Json, row: &Json) {
    let running = row["status"] == "running";
    disks(object, config, false);
    networks(object, config, false);
    fill(object, "boot_order", order(config));
    if object["hotplug"].is_null() {
        object["hotplug"] = json!("network,disk,usb");
    }
    defaults(object);
    if !running {
        quiet(object);
    }
}

/// On refresh: all that the user has.
pub(super) fn observe(object: &mut Json, config: &Json, row: &Json) {
    let imported = object["(imported)"] == true;
    scalars(object, config, row);
    if imported {
        blocks(object, config);
    }
    cpu_and_memory(object, config);
    agent(object, config);
    firmware(object, config);
    super::devices::observe(object, config);
    disks(object, config, true);
    networks(object, config, true);
    initialization(object, config);
    if imported || !texts(object, "boot_order").is_empty() {
        object["boot_order"] = order(config);
    }
    fill(object, "vm_id", row["vmid"].clone());
    fill(object, "id", json!(value::text(&row["vmid"])));
    let hotplug = config["hotplug"].as_str().unwrap_or("network,disk,usb");
    if object["hotplug"].as_str().is_some_and(|was| was != hotplug) && !super::is_clone(object) {
        object["hotplug"] = json!(hotplug);
    }
    defaults(object);
    if row["status"] != "running" {
        quiet(object);
    }
}

fn fill(object: &mut Json, name: &str, value: Json) {
    if object[name].is_null() {
        object[name] = value;
    }
}

/// A machine that is off tells no addresses.
fn quiet(object: &mut Json) {
    for name in [
        "ipv4_addresses",
        "ipv6_addresses",
        "network_interface_names",
    ] {
        object[name] = json!([]);
    }
    let macs = all(object, "network_device")
        .iter()
        .filter_map(|device| device["mac_address"].as_str());
    object["mac_addresses"] = macs.map(|mac| json!(mac)).collect();
}

fn defaults(object: &mut Json) {
    for name in [
        "ipv4_addresses",
        "ipv6_addresses",
        "network_interface_names",
        "mac_addresses",
        "boot_order",
    ] {
        fill(object, name, json!([]));
    }
    fill(object, "hotplug", json!("network,disk,usb"));
}

fn order(config: &Json) -> Json {
    let boot = config["boot"].as_str().unwrap_or_default();
    let devices = boot.strip_prefix("order=").unwrap_or_default().split(';');
    devices
        .filter(|device| !device.is_empty())
        .map(|device| json!(device))
        .collect()
}

fn scalars(object: &mut Json, config: &Json, row: &Json) {
    let set = |object: &mut Json, name: &str, now: Json| {
        // Nothing and an empty text are the same.
        let was = object[name].as_str().unwrap_or_default();
        if now.as_str().unwrap_or_default() != was {
            object[name] = now;
        }
    };
    set(object, "name", config["name"].clone());
    tell_description(object, config);
    let clone = super::is_clone(object);
    for (name, key, usual) in [
        ("bios", "bios", "seabios"),
        ("scsi_hardware", "scsihw", "virtio-scsi-pci"),
        ("machine", "machine", ""),
        ("kvm_arguments", "args", ""),
        ("hook_script_file_id", "hookscript", ""),
        ("keyboard_layout", "keyboard", "en-us"),
    ] {
        let now = config[key]
            .as_str()
            .unwrap_or(if key == "scsihw" { "lsi" } else { usual });
        // What a template brought and the user never spoke of is no drift.
        let silent = clone && object[name].as_str().is_none_or(|was| was == usual);
        let unset = config[key].is_null() && object[name].as_str().is_some_and(|was| was == usual);
        if !silent && !unset {
            set(object, name, json!(now));
        }
    }
    for (name, key, usual) in [
        ("on_boot", "onboot", false),
        ("protection", "protection", false),
        ("template", "template", false),
    ] {
        object[name] = json!(value::truth(&config[key]).unwrap_or(usual));
    }
    for (name, key) in [("acpi", "acpi"), ("tablet_device", "tablet")] {
        if !(clone && object[name] == true) {
            object[name] = json!(value::truth(&config[key]).unwrap_or(true));
        }
    }
    if object["template"] != true {
        object["started"] = json!(row["status"] == "running");
    }
    if let Some(now) = other_tags(object, &config["tags"]) {
        object["tags"] = json!(now);
    }
    if !row["pool"].is_null() || text(object, "pool_id").is_some() {
        object["pool_id"] = row["pool"].clone();
    }
}

/// Sets a member of an object's single block, if the block is there.
fn set(object: &mut Json, block: &str, name: &str, now: Json) {
    if let Some(block) = object[block]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    {
        block[name] = now;
    }
}

fn cpu_and_memory(object: &mut Json, config: &Json) {
    let or = |name: &str, usual: i64| json!(number(&config[name]).unwrap_or(usual));
    set(object, "cpu", "cores", or("cores", 1));
    set(object, "cpu", "sockets", or("sockets", 1));
    set(object, "cpu", "hotplugged", or("vcpus", 0));
    let limit = value::text(&config["cpulimit"]).and_then(|text| text.parse::<f64>().ok());
    let limit = limit.map_or(json!(0), |limit| {
        if limit.fract() == 0.0 {
            json!(limit as i64)
        } else {
            json!(limit)
        }
    });
    set(object, "cpu", "limit", limit);
    set(
        object,
        "cpu",
        "numa",
        json!(value::truth(&config["numa"]).unwrap_or(false)),
    );
    let unsaid = number(&first(object, "cpu")["units"]) == Some(0);
    if !(config["cpuunits"].is_null() && unsaid) {
        set(object, "cpu", "units", or("cpuunits", 1024));
    }
    if let Some(cpu) = config["cpu"].as_str() {
        let parts = parts(cpu);
        let model = parts.get("").or_else(|| parts.get("cputype"));
        set(object, "cpu", "type", json!(model));
        let flags: Vec<&str> = parts
            .get("flags")
            .map_or(Vec::new(), |flags| flags.split(';').collect());
        if texts(first(object, "cpu"), "flags") != flags {
            set(object, "cpu", "flags", json!(flags));
        }
    }
    set(object, "memory", "dedicated", or("memory", 512));
    // Without a setting the balloon is as large as the memory; only what was asked for is told.
    let asked = number(&first(object, "memory")["floating"]).is_some_and(|size| size > 0);
    if !config["balloon"].is_null() || asked {
        set(object, "memory", "floating", or("balloon", 0));
    }
    let text_or = |name: &str, was: &Json| match (&config[name], was.as_str().unwrap_or_default()) {
        (Json::Null, "") => was.clone(),
        (now, _) => now.clone(),
    };
    for (block, name, key) in [
        ("cpu", "affinity", "affinity"),
        ("cpu", "architecture", "arch"),
        ("memory", "hugepages", "hugepages"),
    ] {
        let was = first(object, block)[name].clone();
        set(object, block, name, text_or(key, &was));
    }
    let keep = value::truth(&config["keephugepages"]).unwrap_or(false);
    if keep || first(object, "memory")["keep_hugepages"] == true {
        set(object, "memory", "keep_hugepages", json!(keep));
    }
    let shared = parts(config["ivshmem"].as_str().unwrap_or_default());
    let shared = shared.get("size").and_then(|size| size.parse::<i64>().ok());
    if shared.is_some() || number(&first(object, "memory")["shared"]).is_some_and(|size| size > 0) {
        set(object, "memory", "shared", json!(shared.unwrap_or(0)));
    }
    if !first(object, "memory")["shares"].is_null() {
        set(object, "memory", "shares", json!(number(&config["shares"])));
    }
    if let Some(kind) = config["ostype"].as_str() {
        set(object, "operating_system", "type", json!(kind));
    } else if first(object, "operating_system")["type"].is_string() {
        set(object, "operating_system", "type", json!("other"));
    }
}

fn agent(object: &mut Json, config: &Json) {
    let Some(setting) = config["agent"].as_str() else {
        set(object, "agent", "enabled", json!(false));
        return;
    };
    let parts = parts(setting);
    let truth = |name: &str| parts.get(name).is_some_and(|text| text == "1");
    let on = truth("enabled") || parts.get("").is_some_and(|text| text == "1");
    set(object, "agent", "enabled", json!(on));
    set(object, "agent", "trim", json!(truth("fstrim_cloned_disks")));
    let kind = parts.get("type").map_or("virtio", String::as_str);
    set(object, "agent", "type", json!(kind));
}

/// What the firmware says of the machine, and its encrypted memory.
fn firmware(object: &mut Json, config: &Json) {
    let told = parts(config["smbios1"].as_str().unwrap_or_default());
    let plain = told.get("base64").is_none_or(|text| text != "1");
    let read = |name: &str| {
        let text = told.get(name)?;
        match plain {
            true => Some(text.clone()),
            false => String::from_utf8(STANDARD.decode(text).ok()?).ok(),
        }
    };
    if !first(object, "smbios").is_null() {
        set(object, "smbios", "uuid", json!(told.get("uuid")));
        for name in SMBIOS {
            let known = text(first(object, "smbios"), name).map(str::to_owned);
            if known != read(name) {
                set(object, "smbios", name, json!(read(name)));
            }
        }
    }
    if !first(object, "amd_sev").is_null() {
        let told = parts(config["amd-sev"].as_str().unwrap_or_default());
        let kind = told.get("type").or_else(|| told.get(""));
        set(object, "amd_sev", "type", json!(kind));
        for (attribute, name, usual) in SEV {
            let truth = told.get(name).map_or(usual, |text| text == "1");
            set(object, "amd_sev", attribute, json!(truth));
        }
    }
}

/// Disks that the user has: what they are now; with `drift` also what the user said of them.
fn disks(object: &mut Json, config: &Json, drift: bool) {
    let Some(disks) = object["disk"].as_array_mut() else {
        return;
    };
    if drift {
        disks.retain(|disk| {
            disk["interface"]
                .as_str()
                .is_some_and(|name| !config[name].is_null())
        });
    }
    for disk in disks {
        let setting = disk["interface"]
            .as_str()
            .and_then(|name| config[name].as_str());
        let Some(setting) = setting else {
            continue;
        };
        let volume = setting.split(',').next().unwrap_or_default();
        let (storage, path) = volume.split_once(':').unwrap_or(("", volume));
        disk["path_in_datastore"] = json!(path);
        let size = gigabytes(setting);
        let format = match path.rsplit_once('.') {
            Some((_, format @ ("qcow2" | "raw" | "vmdk"))) => format,
            _ => "raw",
        };
        if drift {
            disk["datastore_id"] = json!(storage);
            if let Some(size) = size {
                disk["size"] = json!(size);
            }
            fine_size(disk, setting);
            disk["file_format"] = json!(format);
            options(disk, setting);
        } else {
            fill(disk, "file_format", json!(format));
            fill(disk, "size", json!(size));
        }
    }
}

/// A disk's size to the KiB, if that is how it was said. Storages round up to extents of 4 MiB.
fn fine_size(disk: &mut Json, setting: &str) {
    let wanted = number(&disk["(kibibytes)"]).filter(|size| *size > 0);
    if let (Some(wanted), Some(now)) = (wanted, kibibytes(setting))
        && now != (wanted - 1) / EXTENT * EXTENT + EXTENT
    {
        disk["(kibibytes)"] = json!(now);
    }
}

/// An extent of a volume group, in KiB.
const EXTENT: i64 = 4096;

/// A disk's options as they are, if they differ from what the object says.
fn options(disk: &mut Json, setting: &str) {
    let now = parts(setting);
    let wanted = parts(&disk_options(disk));
    let strip = |mut parts: std::collections::BTreeMap<String, String>| {
        parts.remove("");
        parts.remove("size");
        parts
    };
    if strip(now.clone()) == strip(wanted) {
        return;
    }
    let part = |name: &str| now.get(name).map(String::as_str);
    disk["aio"] = json!(part("aio").unwrap_or("io_uring"));
    disk["cache"] = json!(part("cache").unwrap_or("none"));
    disk["discard"] = json!(part("discard").unwrap_or("ignore"));
    for (name, usual) in [
        ("backup", "1"),
        ("replicate", "1"),
        ("iothread", "0"),
        ("ssd", "0"),
    ] {
        disk[name] = json!(part(name).unwrap_or(usual) == "1");
    }
    if !disk["(readonly)"].is_null() {
        disk["(readonly)"] = json!(part("ro") == Some("1"));
    }
    if !disk["(wwn)"].is_null() {
        disk["(wwn)"] = json!(part("wwn"));
    }
    let queues = part("queues").and_then(|text| text.parse::<i64>().ok());
    if queues.is_some() || number(&disk["queues"]).is_some() {
        disk["queues"] = json!(queues.unwrap_or(0));
    }
    if part("serial").is_some() || text(disk, "serial").is_some() {
        disk["serial"] = json!(part("serial"));
    }
    let speeds = SPEEDS.iter().map(|(attribute, name)| {
        (
            *attribute,
            part(name)
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(0),
        )
    });
    let speeds: Vec<(&str, i64)> = speeds.collect();
    if let Some(speed) = disk["speed"]
        .as_array_mut()
        .and_then(|speeds| speeds.first_mut())
    {
        for (name, number) in speeds {
            speed[name] = json!(number);
        }
    }
}

/// Network devices that the user has.
fn networks(object: &mut Json, config: &Json, drift: bool) {
    let Some(devices) = object["network_device"].as_array_mut() else {
        return;
    };
    for (at, device) in devices.iter_mut().enumerate() {
        match config[format!("net{at}")].as_str() {
            Some(setting) => network(device, setting, drift),
            None if drift => device["enabled"] = json!(false),
            None => {}
        }
    }
}

fn network(device: &mut Json, setting: &str, drift: bool) {
    let parts = parts(setting);
    const MODELS: [&str; 6] = [
        "virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci",
    ];
    let model = MODELS.iter().find(|model| parts.contains_key(**model));
    let mac = model
        .and_then(|model| parts.get(*model))
        .or_else(|| parts.get("macaddr"));
    fill(device, "mac_address", json!(mac));
    if !drift {
        return;
    }
    let part = |name: &str| parts.get(name).map(String::as_str);
    device["mac_address"] = json!(mac);
    device["model"] = json!(model);
    device["bridge"] = json!(part("bridge"));
    device["firewall"] = json!(part("firewall") == Some("1"));
    device["disconnected"] = json!(part("link_down") == Some("1"));
    for (name, key) in [("vlan_id", "tag"), ("queues", "queues"), ("mtu", "mtu")] {
        device[name] = json!(
            part(key)
                .and_then(|text| text.parse::<i64>().ok())
                .unwrap_or(0)
        );
    }
    let rate = part("rate")
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    device["rate_limit"] = if rate.fract() == 0.0 {
        json!(rate as i64)
    } else {
        json!(rate)
    };
    if part("trunks").is_some() || text(device, "trunks").is_some() {
        device["trunks"] = json!(part("trunks"));
    }
    device["enabled"] = json!(true);
}

fn initialization(object: &mut Json, config: &Json) {
    let Some(init) = object["initialization"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    else {
        return;
    };
    if let Some(name) = cloud_init_interface(config) {
        let drive = config[name.as_str()].as_str().unwrap_or_default();
        init["datastore_id"] = json!(drive.split(':').next());
        if text(init, "interface").is_some_and(|known| known != name) {
            init["interface"] = json!(name);
        }
    }
    let pairs = init["ip_config"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate();
    for (at, pair) in pairs {
        let now = config[format!("ipconfig{at}")].as_str().unwrap_or_default();
        if addresses(pair).unwrap_or_default() != now {
            *pair = ip_config(now);
        }
    }
    if let Some(dns) = init["dns"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    {
        let servers: Vec<&str> = config["nameserver"]
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        if texts(dns, "servers") != servers {
            dns["servers"] = json!(servers);
        }
        if text(dns, "domain").unwrap_or_default()
            != config["searchdomain"].as_str().unwrap_or_default()
        {
            dns["domain"] = config["searchdomain"].clone();
        }
    }
    if let Some(account) = init["user_account"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    {
        if text(account, "username").unwrap_or_default()
            != config["ciuser"].as_str().unwrap_or_default()
        {
            account["username"] = config["ciuser"].clone();
        }
        let told = unpercent(config["sshkeys"].as_str().unwrap_or_default(), false);
        let now: Vec<&str> = told
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        if keys(account) != now {
            account["keys"] = json!(now);
        }
    }
    let custom = parts(config["cicustom"].as_str().unwrap_or_default());
    for (attribute, name) in [
        ("meta_data_file_id", "meta"),
        ("network_data_file_id", "network"),
        ("user_data_file_id", "user"),
        ("vendor_data_file_id", "vendor"),
    ] {
        if text(init, attribute).unwrap_or_default() != custom.get(name).map_or("", String::as_str)
        {
            init[attribute] = json!(custom.get(name));
        }
    }
    init["upgrade"] = json!(value::truth(&config["ciupgrade"]).unwrap_or(true));
}

/// The blocks of one `ipconfigN`.
fn ip_config(setting: &str) -> Json {
    let parts = parts(setting);
    let family = |ip: &str, gateway: &str| match (parts.get(ip), parts.get(gateway)) {
        (None, None) => json!([]),
        (address, gateway) => json!([{ "address": address, "gateway": gateway }]),
    };
    json!({ "ipv4": family("ip", "gw"), "ipv6": family("ip6", "gw6") })
}

/// For an import: the blocks that a user would have written.
fn blocks(object: &mut Json, config: &Json) {
    let members = value::members(config);
    let says = |names: &[&str]| names.iter().any(|name| !config[*name].is_null());
    if says(&[
        "cores", "sockets", "cpu", "vcpus", "cpulimit", "cpuunits", "numa", "affinity", "arch",
    ]) {
        object["cpu"] = json!([{ "cores": 1, "sockets": 1, "hotplugged": 0, "limit": 0, "numa": false, "type": "qemu64" }]);
    }
    if says(&["memory", "balloon", "hugepages", "ivshmem"]) {
        object["memory"] =
            json!([{ "dedicated": 512, "floating": 0, "shared": 0, "keep_hugepages": false }]);
    }
    if !config["agent"].is_null() {
        object["agent"] =
            json!([{ "enabled": true, "timeout": "15m", "trim": false, "type": "virtio" }]);
    }
    if !config["ostype"].is_null() {
        object["operating_system"] = json!([{ "type": config["ostype"] }]);
    }
    let is_disk = |name: &str, setting: &Json| {
        let setting = setting.as_str().unwrap_or_default();
        is_drive(name) && !setting.contains("media=cdrom") && !setting.contains("cloudinit")
    };
    let disks = members
        .iter()
        .filter(|(name, setting)| is_disk(name, setting));
    object["disk"] = disks.map(|(name, _)| json!({
        "interface": name, "aio": "io_uring", "backup": true, "cache": "none", "discard": "ignore",
        "iothread": false, "queues": 0, "replicate": true, "ssd": false,
    })).collect();
    let nets = (0..32).filter(|at| !config[format!("net{at}")].is_null());
    object["network_device"] = nets.map(|_| json!({ "enabled": true })).collect();
    if cloud_init_interface(config).is_some() {
        let pairs = (0..32).filter(|at| !config[format!("ipconfig{at}")].is_null());
        let pairs: Vec<Json> = pairs.map(|_| json!({ "ipv4": [], "ipv6": [] })).collect();
        let mut init = json!({ "ip_config": pairs, "dns": [], "user_account": [] });
        if !config["nameserver"].is_null() || !config["searchdomain"].is_null() {
            init["dns"] = json!([{ "servers": [], "domain": null }]);
        }
        if !config["ciuser"].is_null() || !config["sshkeys"].is_null() {
            init["user_account"] = json!([{ "keys": [], "username": null, "password": null }]);
        }
        object["initialization"] = json!([init]);
    }
}
