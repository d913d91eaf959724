//! `proxmox_vm_qemu` in our words.

use serde_json::{Value as Json, json};

use super::{
    devices,
    disks::Slots,
    guest::{dns, limit},
};
use crate::provider::{
    guest::{all, first, text, texts},
    value,
};

/// Arguments that may say what is so anyway, and nothing else.
pub(super) const FIXED: [(&str, &str); 2] = [("oncreate", "true"), ("kvm", "true")];

/// What bounds which kind of call.
const LIMITS: [(&str, &str); 7] = [
    ("timeout_create", "create"),
    ("timeout_clone", "create"),
    ("timeout_start_vm", "create"),
    ("timeout_migrate", "update"),
    ("timeout_move_disk", "update"),
    ("timeout_reboot", "update"),
    ("timeout_shutdown_vm", "delete"),
];

/// The machine; `template` is the id of what it is cloned from.
pub(super) fn ours(object: &Json, template: Option<i64>) -> Json {
    let slots = Slots::of(object);
    let number = |name: &str| value::number(&object[name]);
    let cpu = first(object, "cpu");
    let of_cpu = |name: &str, outer: &str| match cpu.is_null() {
        true => object[outer].clone(),
        false => cpu[name].clone(),
    };
    let mut ours = json!({
        "name": object["name"], "node_name": node(object),
        "vm_id": number("vmid").filter(|id| *id > 0), "id": own_id(object),
        "description": text(object, "description").or_else(|| text(object, "desc")),
        "tags": words(text(object, "tags").unwrap_or_default()),
        "bios": object["bios"], "on_boot": object["onboot"] == true || object["start_at_node_boot"] == true,
        "protection": object["protection"] == true, "tablet_device": object["tablet"] != false, "acpi": true,
        "hotplug": object["hotplug"], "scsi_hardware": object["scsihw"], "machine": object["machine"],
        "kvm_arguments": object["args"], "pool_id": object["pool"], "migrate": true,
        "boot_order": boot_order(object, &slots, template.is_some()),
        "agent": [{
            "enabled": number("agent") == Some(1), "trim": false, "type": "virtio",
            "timeout": format!("{}s", number("agent_timeout").unwrap_or(90)),
        }],
        "cpu": [{
            "cores": of_cpu("cores", "cores"), "sockets": of_cpu("sockets", "sockets"),
            "type": of_cpu("type", "cpu_type"), "numa": of_cpu("numa", "numa") == true,
            "hotplugged": of_cpu("vcores", "vcpus"), "limit": cpu["limit"], "units": cpu["units"],
            "affinity": cpu["affinity"],
        }],
        "memory": [{ "dedicated": object["memory"], "floating": object["balloon"] }],
        "operating_system": [{ "type": object["qemu_os"] }],
        "started": power(object) != Some("stopped"), "template": false,
        "reboot_after_update": object["automatic_reboot"] != false, "stop_on_destroy": true,
        "disk": slots.disks, "cdrom": slots.cdrom, "network_device": networks(object),
        "initialization": initialization(object, &slots), "startup": startup(object),
        "serial_device": serials(object), "vga": object["vga"],
        "usb": devices::our_usb(object), "hostpci": devices::our_pci(object),
        "smbios": object["smbios"], "rng": generator(object),
    });
    limit(&mut ours, &LIMITS, object);
    if let Some(template) = template {
        ours["clone"] =
            json!([{ "vm_id": template, "full": object["full_clone"] != false, "retries": 3 }]);
    }
    for (theirs, name) in [("efidisk", "efi_disk"), ("tpm_state", "tpm_state")] {
        let disk = first(object, theirs);
        if !disk.is_null() {
            ours[name] = json!([{
                "datastore_id": disk["storage"], "type": disk["efitype"], "version": disk["version"],
                "pre_enrolled_keys": disk["pre_enrolled_keys"] == true,
            }]);
        }
    }
    if let Some(iso) = text(object, "iso").filter(|_| template.is_none() && slots.cdrom.is_null()) {
        ours["cdrom"] = json!([{ "enabled": true, "interface": "ide2", "file_id": iso }]);
    }
    ours
}

/// The number in `node/qemu/100`.
fn own_id(object: &Json) -> Json {
    let id = text(object, "id").and_then(|id| id.rsplit('/').next());
    json!(id.filter(|id| !id.is_empty()))
}

pub(super) fn words(text: &str) -> Vec<&str> {
    text.split([',', ';', ' '])
        .filter(|word| !word.is_empty())
        .collect()
}

/// What a machine boots from: `order=scsi0;net0`, or as 2.9 has it, letters (`cdn`: disk, CD, network) and `bootdisk`.
/// A clone boots as its template does, unless it has the disk itself.
fn boot_order(object: &Json, slots: &Slots, clone: bool) -> Json {
    let boot = text(object, "boot").unwrap_or_default();
    let disk = text(object, "bootdisk").filter(|name| !name.is_empty());
    if let Some(order) = boot.strip_prefix("order=") {
        return json!(order.split(';').collect::<Vec<_>>());
    }
    let letters = match (is_letters(boot), disk) {
        (true, _) => boot,
        (false, Some(_)) => "c",
        (false, None) => return Json::Null,
    };
    let own = |name: &&str| slots.disks.iter().any(|own| own["interface"] == *name);
    let first_own = || slots.disks.iter().find_map(|own| own["interface"].as_str());
    let disk = match clone {
        true => disk.filter(own),
        false => disk.or_else(first_own),
    };
    let order: Vec<&str> = letters
        .chars()
        .filter_map(|letter| match letter {
            'c' => disk,
            'd' => slots.cdrom[0]["interface"].as_str(),
            _ => (!all(object, "network").is_empty()).then_some("net0"),
        })
        .collect();
    match disk.is_none() && letters.starts_with('c') {
        true => Json::Null,
        false => json!(order),
    }
}

/// True for an order of booting as letters, as 2.9 has it.
fn is_letters(boot: &str) -> bool {
    !boot.is_empty() && boot.chars().all(|letter| matches!(letter, 'c' | 'd' | 'n'))
}

/// What is wrong with an order of booting.
pub(super) fn wrong_boot(object: &Json) -> Option<String> {
    let boot = text(object, "boot").unwrap_or_default();
    if !boot.is_empty() && !boot.starts_with("order=") && !is_letters(boot) {
        return Some(format!(
            "`{boot}` is no `boot`: it looks like `order=scsi0;net0`"
        ));
    }
    let from_net = boot.contains("net") || (is_letters(boot) && boot.contains('n'));
    (object["pxe"] == true && !from_net)
        .then(|| "`pxe` needs a `boot` that names the network, such as `order=net0`".to_owned())
}

fn networks(object: &Json) -> Json {
    let devices = all(object, "network").iter().map(|device| {
        json!({
            "model": device["model"], "bridge": device["bridge"], "mac_address": device["macaddr"],
            "vlan_id": value::number(&device["tag"]).filter(|tag| *tag > 0).unwrap_or(0),
            "firewall": device["firewall"] == true, "disconnected": device["link_down"] == true,
            "rate_limit": device["rate"], "queues": device["queues"], "mtu": device["mtu"], "enabled": true,
        })
    });
    devices.collect()
}

fn serials(object: &Json) -> Json {
    let devices = all(object, "serial").iter();
    devices
        .map(|device| json!({ "device": device["type"] }))
        .collect()
}

/// The generator of random numbers; a period that nobody said is the server's own.
fn generator(object: &Json) -> Json {
    let rng = first(object, "rng");
    if rng.is_null() {
        return json!([]);
    }
    let period = value::number(&rng["period"]).unwrap_or(1000);
    json!([{ "source": rng["source"], "max_bytes": rng["limit"], "period": period }])
}

/// Where a machine is to be: of several nodes the first one, unless it is on another of them already.
pub(super) fn node(object: &Json) -> Option<&str> {
    let nodes = texts(object, "target_nodes");
    let known = |node: &&str| nodes.iter().any(|one| one == node);
    let first = || object["target_nodes"].get(0)?.as_str();
    text(object, "target_node")
        .or_else(|| text(object, "current_node").filter(known))
        .or_else(first)
}

/// Whether it runs, by its name since 3.0 or the one before.
fn power(object: &Json) -> Option<&str> {
    text(object, "power_state").or_else(|| text(object, "vm_state"))
}

/// What is wrong with where a machine is to be.
pub(super) fn wrong_node(object: &Json) -> Option<&'static str> {
    match (text(object, "target_node"), all(object, "target_nodes")) {
        (Some(_), [_, ..]) => Some("`target_node` and `target_nodes` exclude each other"),
        _ => None,
    }
}

/// `order=1,up=5,down=5`.
pub(super) fn startup(object: &Json) -> Json {
    let block = first(object, "startup_shutdown");
    if !block.is_null() {
        return json!([{
            "order": block["order"], "up_delay": block["startup_delay"], "down_delay": block["shutdown_timeout"],
        }]);
    }
    let Some(setting) = text(object, "startup").filter(|text| !text.is_empty()) else {
        return json!([]);
    };
    let part = |name: &str| {
        let found = setting.split(',').find_map(|part| {
            part.strip_prefix(name)?
                .strip_prefix('=')?
                .parse::<i64>()
                .ok()
        });
        found.unwrap_or(-1)
    };
    json!([{ "order": part("order"), "up_delay": part("up"), "down_delay": part("down") }])
}

fn addresses(setting: &str) -> Json {
    let part = |name: &str| {
        setting
            .split(',')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    json!({
        "ipv4": [{ "address": part("ip"), "gateway": part("gw") }],
        "ipv6": [{ "address": part("ip6"), "gateway": part("gw6") }],
    })
}

fn initialization(object: &Json, slots: &Slots) -> Json {
    let configs: Vec<&str> = (0..16)
        .map(|at| text(object, &format!("ipconfig{at}")).unwrap_or_default())
        .collect();
    let last = configs.iter().rposition(|setting| !setting.is_empty());
    let account = ["ciuser", "cipassword", "sshkeys"]
        .iter()
        .any(|name| text(object, name).is_some());
    let drive = slots.cloudinit.clone().or_else(|| {
        let storage = text(object, "cloudinit_cdrom_storage")?;
        Some(("ide2".to_owned(), storage.to_owned()))
    });
    let custom = text(object, "cicustom").unwrap_or_default();
    let named = ["nameserver", "searchdomain"]
        .iter()
        .any(|name| text(object, name).is_some());
    if last.is_none() && !account && drive.is_none() && custom.is_empty() && !named {
        return json!([]);
    }
    let shown = configs.iter().take(last.map_or(0, |last| last + 1));
    let mut init = json!({
        "ip_config": shown.map(|setting| addresses(setting)).collect::<Vec<_>>(),
        "dns": dns(object), "upgrade": object["ciupgrade"] == true,
    });
    match drive {
        Some((slot, storage)) => {
            init["interface"] = json!(slot);
            init["datastore_id"] = json!(storage);
        }
        // Only a template can have it.
        None => init["(no drive)"] = json!(true),
    }
    if account {
        let keys = text(object, "sshkeys").unwrap_or_default();
        let keys: Vec<&str> = keys
            .lines()
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .collect();
        init["user_account"] = json!([{
            "username": object["ciuser"], "password": object["cipassword"], "keys": keys,
        }]);
    }
    for (name, file) in custom.split(',').filter_map(|part| part.split_once('=')) {
        init[format!("{name}_data_file_id")] = json!(file);
    }
    json!([init])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_said_in_our_words() {
        let object = json!({
            "name": "web", "target_node": "pve", "vmid": 0, "memory": 2048, "cores": 2, "sockets": 1,
            "cpu_type": "host", "agent": 1, "tags": "b;a", "vm_state": "running", "boot": "order=scsi0;net0",
            "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1", "ciuser": "debian", "sshkeys": "ssh-ed25519 A x\n\n",
            "disks": [{ "ide": [{ "ide2": [{ "cloudinit": [{ "storage": "local" }] }] }] }],
            "network": [{ "model": "virtio", "bridge": "vmbr0", "tag": -1 }],
            "timeouts": { "create": "30m", "default": "5m" },
        });
        let ours = ours(&object, Some(9000));
        assert_eq!(
            [&ours["timeout_create"], &ours["timeout_shutdown_vm"]],
            [1800, 300]
        );
        assert_eq!(ours["vm_id"], Json::Null);
        assert_eq!(ours["clone"][0]["vm_id"], 9000);
        assert_eq!(ours["tags"], json!(["b", "a"]));
        assert_eq!(ours["boot_order"], json!(["scsi0", "net0"]));
        assert_eq!(ours["network_device"][0]["vlan_id"], 0);
        let init = &ours["initialization"][0];
        assert_eq!(init["interface"], "ide2");
        assert_eq!(init["ip_config"][0]["ipv4"][0]["gateway"], "10.0.0.1");
        assert_eq!(init["user_account"][0]["keys"], json!(["ssh-ed25519 A x"]));
    }

    #[test]
    fn a_machine_boots_from_what_2_9_names() {
        let order = |mut object: Json, clone: bool| {
            object["disk"] = json!([{ "type": "scsi", "storage": "local", "size": "8G" }]);
            object["network"] = json!([{ "model": "virtio" }]);
            boot_order(&object, &Slots::of(&object), clone)
        };
        assert_eq!(
            order(json!({ "bootdisk": "scsi0" }), false),
            json!(["scsi0"])
        );
        assert_eq!(
            order(json!({ "boot": "cdn" }), false),
            json!(["scsi0", "net0"])
        );
        assert_eq!(
            order(json!({ "boot": "n", "bootdisk": "scsi0" }), false),
            json!(["net0"])
        );
        assert_eq!(
            order(json!({ "boot": "order=net0", "bootdisk": "scsi0" }), false),
            json!(["net0"])
        );
        // A clone's own disk is named by the template, if not here.
        assert_eq!(
            order(json!({ "boot": "c", "bootdisk": "virtio0" }), true),
            Json::Null
        );
        assert_eq!(
            order(json!({ "boot": "c", "bootdisk": "scsi0" }), true),
            json!(["scsi0"])
        );
        assert_eq!(order(json!({}), false), Json::Null);
        assert!(wrong_boot(&json!({ "boot": "legacy=c" })).is_some());
        assert!(wrong_boot(&json!({ "boot": "c", "pxe": true })).is_some());
        assert!(wrong_boot(&json!({ "boot": "order=net0", "pxe": true })).is_none());
    }
}
