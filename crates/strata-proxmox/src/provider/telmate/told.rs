//! What became of a guest, in telmate's words: each difference between what was known and what is there.
//!
//! A table says where telmate has what we have; what is written in another way than ours is told by itself.

use serde_json::{Value as Json, json};

use super::{devices, disks};
use crate::provider::{
    guest::{all, first, tags_of, text, texts},
    vm,
};

/// Where telmate has something, and where we have it.
type Pair = (&'static str, &'static str);

const MACHINE: [Pair; 33] = [
    ("/name", "/name"),
    ("/bios", "/bios"),
    ("/protection", "/protection"),
    ("/memory", "/memory/0/dedicated"),
    ("/balloon", "/memory/0/floating"),
    ("/machine", "/machine"),
    ("/scsihw", "/scsi_hardware"),
    ("/qemu_os", "/operating_system/0/type"),
    ("/tablet", "/tablet_device"),
    ("/hotplug", "/hotplug"),
    ("/args", "/kvm_arguments"),
    ("/pool", "/pool_id"),
    ("/ciuser", "/initialization/0/user_account/0/username"),
    ("/ciupgrade", "/initialization/0/upgrade"),
    ("/searchdomain", "/initialization/0/dns/0/domain"),
    ("/vga/0/type", "/vga/0/type"),
    ("/vga/0/memory", "/vga/0/memory"),
    ("/efidisk/0/storage", "/efi_disk/0/datastore_id"),
    ("/efidisk/0/efitype", "/efi_disk/0/type"),
    (
        "/efidisk/0/pre_enrolled_keys",
        "/efi_disk/0/pre_enrolled_keys",
    ),
    ("/tpm_state/0/storage", "/tpm_state/0/datastore_id"),
    ("/tpm_state/0/version", "/tpm_state/0/version"),
    ("/cpu/0/cores", "/cpu/0/cores"),
    ("/smbios/0/family", "/smbios/0/family"),
    ("/smbios/0/manufacturer", "/smbios/0/manufacturer"),
    ("/smbios/0/product", "/smbios/0/product"),
    ("/smbios/0/serial", "/smbios/0/serial"),
    ("/smbios/0/sku", "/smbios/0/sku"),
    ("/smbios/0/uuid", "/smbios/0/uuid"),
    ("/smbios/0/version", "/smbios/0/version"),
    ("/rng/0/source", "/rng/0/source"),
    ("/rng/0/limit", "/rng/0/max_bytes"),
    ("/rng/0/period", "/rng/0/period"),
];

/// The processor where it is said in a block, and where it is not.
const CPU: [Pair; 7] = [
    ("/cpu/0/sockets", "/cpu/0/sockets"),
    ("/cpu/0/type", "/cpu/0/type"),
    ("/cpu/0/numa", "/cpu/0/numa"),
    ("/cpu/0/vcores", "/cpu/0/hotplugged"),
    ("/cpu/0/limit", "/cpu/0/limit"),
    ("/cpu/0/units", "/cpu/0/units"),
    ("/cpu/0/affinity", "/cpu/0/affinity"),
];
const FLAT_CPU: [Pair; 5] = [
    ("/cores", "/cpu/0/cores"),
    ("/sockets", "/cpu/0/sockets"),
    ("/cpu_type", "/cpu/0/type"),
    ("/numa", "/cpu/0/numa"),
    ("/vcpus", "/cpu/0/hotplugged"),
];

const CONTAINER: [Pair; 21] = [
    ("/hostname", "/initialization/0/hostname"),
    ("/protection", "/protection"),
    ("/memory", "/memory/0/dedicated"),
    ("/swap", "/memory/0/swap"),
    ("/cores", "/cpu/0/cores"),
    ("/arch", "/cpu/0/architecture"),
    ("/cpulimit", "/cpu/0/limit"),
    ("/cpuunits", "/cpu/0/units"),
    ("/onboot", "/start_on_boot"),
    ("/start", "/started"),
    ("/unprivileged", "/unprivileged"),
    ("/cmode", "/console/0/type"),
    ("/console", "/console/0/enabled"),
    ("/tty", "/console/0/tty_count"),
    ("/hookscript", "/hook_script_file_id"),
    ("/pool", "/pool_id"),
    ("/searchdomain", "/initialization/0/dns/0/domain"),
    ("/features/0/fuse", "/features/0/fuse"),
    ("/features/0/keyctl", "/features/0/keyctl"),
    ("/features/0/nesting", "/features/0/nesting"),
    ("/rootfs/0/storage", "/disk/0/datastore_id"),
];

/// Members of devices that come in lists: telmate's and ours.
const MACHINE_NETWORK: [Pair; 8] = [
    ("model", "model"),
    ("bridge", "bridge"),
    ("tag", "vlan_id"),
    ("firewall", "firewall"),
    ("link_down", "disconnected"),
    ("rate", "rate_limit"),
    ("queues", "queues"),
    ("mtu", "mtu"),
];
const CONTAINER_NETWORK: [Pair; 6] = [
    ("name", "name"),
    ("bridge", "bridge"),
    ("tag", "vlan_id"),
    ("firewall", "firewall"),
    ("rate", "rate_limit"),
    ("mtu", "mtu"),
];
const SERIAL: [Pair; 1] = [("type", "device")];
const MOUNT: [Pair; 7] = [
    ("mp", "path"),
    ("size", "size"),
    ("acl", "acl"),
    ("backup", "backup"),
    ("quota", "quota"),
    ("replicate", "replicate"),
    ("shared", "shared"),
];

/// What was known of a guest, and what is there; both in our words.
pub(super) struct Told<'a> {
    pub(super) before: &'a Json,
    pub(super) ours: &'a Json,
}

impl Told<'_> {
    /// What is at a place now, if it is not what was there before.
    fn change(&self, place: &str) -> Option<Json> {
        let at = |whole: &Json| whole.pointer(place).cloned().unwrap_or_default();
        let (was, is) = (at(self.before), at(self.ours));
        (was != is && !(is_nothing(&was) && is_nothing(&is))).then_some(is)
    }

    fn pairs(&self, object: &mut Json, pairs: &[Pair]) {
        for (theirs, ours) in pairs {
            if let Some(now) = self.change(ours) {
                put(object, theirs, now);
            }
        }
    }

    /// Devices in a list, which keep their places; those that are gone leave it.
    fn list(&self, object: &mut Json, (theirs, ours): Pair, members: &[Pair]) {
        let count = all(object, theirs).len();
        for at in 0..count {
            for (their, our) in members {
                if let Some(now) = self.change(&format!("/{ours}/{at}/{our}")) {
                    put(object, &format!("/{theirs}/{at}/{their}"), now);
                }
            }
        }
        let is_gone = |at: usize| {
            let off = |whole: &Json| all(whole, ours).get(at).map(|one| one["enabled"] == false);
            off(self.before) == Some(false) && off(self.ours) != Some(false)
        };
        if let Some(devices) = object.get_mut(theirs).and_then(Json::as_array_mut) {
            let mut at = 0..;
            devices.retain(|_| !is_gone(at.next().unwrap_or_default()));
        }
    }

    /// What machines and containers have in common.
    fn common(&self, object: &mut Json) {
        if self.change("/description").is_some() {
            let name = match object["desc"].is_string() {
                true => "desc",
                false => "description",
            };
            let now = text(self.ours, "description").unwrap_or_default();
            object[name] = json!(now.trim_end_matches('\n'));
        }
        if tags_of(self.before) != tags_of(self.ours) {
            object["tags"] = json!(tags_of(self.ours).join(";"));
        }
        if self.change("/startup").is_some() {
            let now = first(self.ours, "startup");
            match object.pointer_mut("/startup_shutdown/0") {
                Some(block) => {
                    block["order"] = now["order"].clone();
                    block["startup_delay"] = now["up_delay"].clone();
                    block["shutdown_timeout"] = now["down_delay"].clone();
                }
                None => object["startup"] = json!(vm::startup(now)),
            }
        }
        if self.change("/initialization/0/dns/0/servers").is_some() {
            let dns = first(first(self.ours, "initialization"), "dns");
            let servers = texts(dns, "servers");
            object["nameserver"] = match servers.is_empty() {
                true => Json::Null,
                false => json!(servers.join(" ")),
            };
        }
    }

    /// Tells what became of a machine.
    pub(super) fn machine(&self, object: &mut Json) {
        self.common(object);
        self.pairs(object, &MACHINE);
        match first(object, "cpu").is_null() {
            true => self.pairs(object, &FLAT_CPU),
            false => self.pairs(object, &CPU),
        }
        self.list(object, ("network", "network_device"), &MACHINE_NETWORK);
        self.list(object, ("serial", "serial_device"), &SERIAL);
        devices::tell(self.before, self.ours, object);
        self.node(object);
        self.power(object);
        if self.change("/agent/0/enabled").is_some() {
            object["agent"] = json!(u8::from(first(self.ours, "agent")["enabled"] == true));
        }
        if self.change("/boot_order").is_some() {
            let order = texts(self.ours, "boot_order");
            let is_order = text(object, "boot").is_some_and(|boot| boot.starts_with("order="));
            if object["bootdisk"].is_string() && !is_order {
                object["bootdisk"] = json!(order.first());
                if order.is_empty() {
                    object["boot"] = json!("");
                }
            } else if object["boot"].is_string() {
                object["boot"] = json!(format!("order={}", order.join(";")));
            }
        }
        self.cloud_init(object);
        disks::tell(self.before, self.ours, object);
    }

    /// Where it is, if it left the nodes that were named.
    fn node(&self, object: &mut Json) {
        let now = text(self.ours, "node_name").unwrap_or_default();
        let nodes = texts(object, "target_nodes");
        if now.is_empty() || nodes.iter().any(|node| node == now) {
            return;
        }
        match nodes.is_empty() {
            true => object["target_node"] = json!(now),
            false => object["target_nodes"] = json!([now]),
        }
    }

    fn power(&self, object: &mut Json) {
        if let Some(now) = self.change("/started") {
            let name = match object["power_state"].is_string() {
                true => "power_state",
                false => "vm_state",
            };
            object[name] = json!(if now == true { "running" } else { "stopped" });
        }
        if let Some(now) = self.change("/on_boot") {
            let mut names = ["onboot", "start_at_node_boot"].into_iter();
            match now == true {
                true => object["onboot"] = json!(true),
                false => names.by_ref().for_each(|name| {
                    if object[name] == true {
                        object[name] = json!(false);
                    }
                }),
            }
        }
    }

    fn cloud_init(&self, object: &mut Json) {
        let init = first(self.ours, "initialization");
        if self
            .change("/initialization/0/user_account/0/keys")
            .is_some()
        {
            let keys = texts(first(init, "user_account"), "keys");
            object["sshkeys"] = match keys.is_empty() {
                true => Json::Null,
                false => json!(keys.join("\n")),
            };
        }
        for (at, config) in all(init, "ip_config").iter().enumerate() {
            if self
                .change(&format!("/initialization/0/ip_config/{at}"))
                .is_some()
            {
                let known = all(first(self.before, "initialization"), "ip_config").get(at);
                let now = vm::addresses(config);
                // Blocks may be empty, or not there at all: both say nothing.
                if known.and_then(vm::addresses) != now {
                    object[format!("ipconfig{at}")] = json!(now);
                }
            }
        }
        let files = ["user", "network", "meta", "vendor"];
        let place = |name: &str| format!("/initialization/0/{name}_data_file_id");
        if files.iter().any(|name| self.change(&place(name)).is_some()) {
            let parts = files.iter().filter_map(|name| {
                Some(format!(
                    "{name}={}",
                    text(init, &format!("{name}_data_file_id"))?
                ))
            });
            let parts = parts.collect::<Vec<_>>().join(",");
            object["cicustom"] = match parts.is_empty() {
                true => Json::Null,
                false => json!(parts),
            };
        }
    }

    /// Tells what became of a container.
    pub(super) fn container(&self, object: &mut Json) {
        let imported = object["(imported)"] == true;
        self.common(object);
        self.pairs(object, &CONTAINER);
        if imported {
            let root = first(self.ours, "disk");
            let size = root["size"].as_i64().map(|size| format!("{size}G"));
            object["rootfs"] = json!([{ "storage": root["datastore_id"], "size": size }]);
        }
        if self.change("/features/0/mount").is_some() {
            let mounts = texts(first(self.ours, "features"), "mount");
            put(object, "/features/0/mount", json!(mounts.join(";")));
        }
        self.list(object, ("network", "network_interface"), &CONTAINER_NETWORK);
        for at in 0..all(object, "network").len() {
            for (family, address, gateway) in [("ipv4", "ip", "gw"), ("ipv6", "ip6", "gw6")] {
                for (name, ours) in [(address, "address"), (gateway, "gateway")] {
                    let place = format!("/initialization/0/ip_config/{at}/{family}/0/{ours}");
                    if let Some(now) = self.change(&place) {
                        put(object, &format!("/network/{at}/{name}"), now);
                    }
                }
            }
        }
        self.list(object, ("mountpoint", "mount_point"), &MOUNT);
        for at in 0..all(object, "mountpoint").len() {
            if let Some(now) = self.change(&format!("/mount_point/{at}/volume")) {
                let storage = now.as_str().and_then(|volume| volume.split(':').next());
                put(object, &format!("/mountpoint/{at}/storage"), json!(storage));
            }
        }
    }
}

/// True for what says nothing.
pub(super) fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(truth) => !truth,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.iter().all(is_nothing),
        Json::Object(members) => members.values().all(is_nothing),
    }
}

/// Puts a value at a place whose block is there; an empty text is none.
pub(super) fn put(object: &mut Json, place: &str, value: Json) {
    let (block, name) = place.rsplit_once('/').unwrap_or(("", place));
    if let Some(block) = object.pointer_mut(block).filter(|block| block.is_object()) {
        block[name] = if value == "" { Json::Null } else { value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told_and_in_telmate_s_words() {
        let before = json!({
            "started": true, "memory": [{ "dedicated": 512 }], "kvm_arguments": null,
            "network_device": [{ "enabled": true, "vlan_id": 0 }, { "enabled": true }],
            "initialization": [{ "ip_config": [{ "ipv4": [{ "address": "dhcp" }] }] }],
        });
        let mut ours = before.clone();
        ours["started"] = json!(false);
        ours["memory"][0]["dedicated"] = json!(1024);
        ours["kvm_arguments"] = json!("");
        ours["network_device"][0]["vlan_id"] = json!(5);
        ours["network_device"][1]["enabled"] = json!(false);
        ours["initialization"][0]["ip_config"][0]["ipv4"][0]["address"] = json!("10.0.0.5/24");
        let mut object = json!({
            "vm_state": "running", "memory": 512, "network": [{ "tag": 0 }, { "tag": 0 }], "ipconfig0": "ip=dhcp",
        });
        Told {
            before: &before,
            ours: &ours,
        }
        .machine(&mut object);
        let now = json!({
            "vm_state": "stopped", "memory": 1024, "network": [{ "tag": 5 }], "ipconfig0": "ip=10.0.0.5/24",
        });
        assert_eq!(object, now);
    }
}
