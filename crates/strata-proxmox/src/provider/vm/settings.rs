//! From a virtual machine's arguments to the parameters of the API.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;

use super::{
    super::{
        guest::{all, first, parts, positive, tags_of, text, texts},
        value,
    },
    attach,
    sizes::{GIBIBYTE, wanted_size},
};
use crate::client::{Params, percent};

/// Settings of a machine but for its disks. For a clone what stands at its default says nothing,
/// so that the template's own setting stays.
pub(crate) fn settings(object: &Json, is_clone: bool) -> Params {
    let mut params = Params::new();
    let flag = |params: &mut Params, name: &str, attribute: &str, usual: bool| {
        if let Some(truth) = object[attribute]
            .as_bool()
            .filter(|truth| *truth != usual || !is_clone)
        {
            params.flag(name, truth);
        }
    };
    params.maybe("name", text(object, "name"));
    params.maybe("description", text(object, "description"));
    let tags = tags_of(object);
    if !tags.is_empty() {
        params.set("tags", tags.join(";"));
    }
    if let Some(truth) = object["on_boot"].as_bool() {
        params.flag("onboot", truth);
    }
    flag(&mut params, "acpi", "acpi", true);
    flag(&mut params, "tablet", "tablet_device", true);
    if object["protection"] == true {
        params.flag("protection", true);
    }
    let unless = |params: &mut Params, name: &str, attribute: &str, usual: &str| {
        params.maybe(
            name,
            text(object, attribute).filter(|text| *text != usual || !is_clone),
        );
    };
    unless(&mut params, "bios", "bios", "seabios");
    unless(&mut params, "keyboard", "keyboard_layout", "en-us");
    unless(&mut params, "scsihw", "scsi_hardware", "virtio-scsi-pci");
    params.maybe("hotplug", text(object, "hotplug"));
    params.maybe("machine", text(object, "machine"));
    params.maybe("args", text(object, "kvm_arguments"));
    params.maybe("hookscript", text(object, "hook_script_file_id"));
    let order = texts(object, "boot_order");
    if !order.is_empty() {
        params.set("boot", format!("order={}", order.join(";")));
    }
    cpu(first(object, "cpu"), &mut params);
    memory(first(object, "memory"), &mut params);
    agent(first(object, "agent"), &mut params);
    params
        .maybe("amd-sev", amd_sev(first(object, "amd_sev")))
        .maybe("smbios1", smbios(first(object, "smbios")));
    devices(object, &mut params);
    networks(object, &mut params);
    initialization(first(object, "initialization"), &mut params);
    params
}

fn cpu(cpu: &Json, params: &mut Params) {
    if cpu.is_null() {
        return;
    }
    params
        .maybe("cores", positive(cpu, "cores"))
        .maybe("sockets", positive(cpu, "sockets"));
    params.maybe("vcpus", positive(cpu, "hotplugged"));
    params.maybe(
        "cpulimit",
        cpu["limit"].as_f64().filter(|limit| *limit > 0.0),
    );
    params.maybe("cpuunits", positive(cpu, "units"));
    params
        .maybe("affinity", text(cpu, "affinity"))
        .maybe("arch", text(cpu, "architecture"));
    if cpu["numa"] == true {
        params.flag("numa", true);
    }
    if let Some(model) = text(cpu, "type") {
        let flags = texts(cpu, "flags");
        params.set(
            "cpu",
            match flags.is_empty() {
                true => model.to_owned(),
                false => format!("{model},flags={}", flags.join(";")),
            },
        );
    }
}

fn memory(memory: &Json, params: &mut Params) {
    if memory.is_null() {
        return;
    }
    params.maybe("memory", positive(memory, "dedicated"));
    params
        .maybe("balloon", value::number(&memory["floating"]))
        .maybe("shares", value::number(&memory["shares"]));
    params.maybe("hugepages", text(memory, "hugepages"));
    if memory["keep_hugepages"] == true {
        params.flag("keephugepages", true);
    }
    if let Some(size) = positive(memory, "shared") {
        params.set("ivshmem", format!("size={size}"));
    }
}

/// Encrypted memory of AMD: `type=std,no-debug=1`.
fn amd_sev(sev: &Json) -> Option<String> {
    if sev.is_null() {
        return None;
    }
    let mut setting = format!("type={}", text(sev, "type").unwrap_or("std"));
    for (attribute, name, usual) in SEV {
        if let Some(truth) = sev[attribute].as_bool().filter(|truth| *truth != usual) {
            setting.push_str(&format!(",{name}={}", u8::from(truth)));
        }
    }
    Some(setting)
}

/// Flags of encrypted memory, their names in the API, and what they are if nobody says.
pub(super) const SEV: [(&str, &str, bool); 4] = [
    ("allow_smt", "allow-smt", true),
    ("kernel_hashes", "kernel-hashes", false),
    ("no_debug", "no-debug", false),
    ("no_key_sharing", "no-key-sharing", false),
];

/// False for a serial port or nothing in the place of a graphics card, which takes no memory.
pub(crate) fn has_video_memory(kind: &str) -> bool {
    !kind.starts_with("serial") && kind != "none"
}

/// What the firmware says of the machine: texts in base64, as they may hold commas.
pub(super) const SMBIOS: [&str; 6] = [
    "family",
    "manufacturer",
    "product",
    "serial",
    "sku",
    "version",
];

fn smbios(smbios: &Json) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(text(smbios, "uuid").map(|uuid| format!("uuid={uuid}")));
    let texts = SMBIOS
        .iter()
        .filter_map(|name| Some(format!("{name}={}", STANDARD.encode(text(smbios, name)?))));
    let texts: Vec<String> = texts.collect();
    if !texts.is_empty() {
        parts.push("base64=1".to_owned());
        parts.extend(texts);
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

fn agent(agent: &Json, params: &mut Params) {
    if agent.is_null() {
        return;
    }
    let number = |name: &str| u8::from(agent[name] == true);
    let mut setting = format!(
        "enabled={},fstrim_cloned_disks={}",
        number("enabled"),
        number("trim")
    );
    if let Some(kind) = text(agent, "type") {
        setting.push_str(&format!(",type={kind}"));
    }
    params.set("agent", setting);
}

fn devices(object: &Json, params: &mut Params) {
    params.maybe("ostype", text(first(object, "operating_system"), "type"));
    let audio = first(object, "audio_device");
    if audio["enabled"] == true {
        let (device, driver) = (text(audio, "device"), text(audio, "driver"));
        params.set(
            "audio0",
            format!(
                "device={},driver={}",
                device.unwrap_or("intel-hda"),
                driver.unwrap_or("spice")
            ),
        );
    }
    for (at, serial) in all(object, "serial_device").iter().enumerate() {
        params.set(
            format!("serial{at}"),
            text(serial, "device").unwrap_or("socket"),
        );
    }
    let vga = first(object, "vga");
    if !vga.is_null() {
        let kind = text(vga, "type").unwrap_or("std");
        let mut setting = kind.to_owned();
        if let Some(memory) = positive(vga, "memory").filter(|_| has_video_memory(kind)) {
            setting.push_str(&format!(",memory={memory}"));
        }
        if let Some(clipboard) = text(vga, "clipboard") {
            setting.push_str(&format!(",clipboard={clipboard}"));
        }
        params.set("vga", setting);
    }
    params.maybe("startup", startup(first(object, "startup")));
    let watchdog = first(object, "watchdog");
    if watchdog["enabled"] == true {
        let (model, action) = (text(watchdog, "model"), text(watchdog, "action"));
        params.set(
            "watchdog",
            format!(
                "model={},action={}",
                model.unwrap_or("i6300esb"),
                action.unwrap_or("none")
            ),
        );
    }
    let rng = first(object, "rng");
    if let Some(source) = text(rng, "source") {
        let mut setting = format!("source={source}");
        // Zero is no limit.
        for name in ["max_bytes", "period"] {
            if let Some(number) = value::number(&rng[name]).filter(|number| *number >= 0) {
                setting.push_str(&format!(",{name}={number}"));
            }
        }
        params.set("rng0", setting);
    }
    host_devices(object, params);
}

/// Texts of a PCI device; what it says of itself only telmate's types have.
const PCI_TEXTS: [(&str, &str); 6] = [
    ("mdev", "mdev"),
    ("rom_file", "romfile"),
    ("(device_id)", "device-id"),
    ("(vendor_id)", "vendor-id"),
    ("(sub_device_id)", "sub-device-id"),
    ("(sub_vendor_id)", "sub-vendor-id"),
];

fn host_devices(object: &Json, params: &mut Params) {
    for device in all(object, "hostpci") {
        let mut setting = match (text(device, "mapping"), text(device, "id")) {
            (Some(mapping), _) => format!("mapping={mapping}"),
            (None, id) => id.unwrap_or_default().to_owned(),
        };
        for (attribute, name) in PCI_TEXTS {
            if let Some(value) = text(device, attribute) {
                setting.push_str(&format!(",{name}={value}"));
            }
        }
        for (attribute, name) in [("pcie", "pcie"), ("rombar", "rombar"), ("xvga", "x-vga")] {
            if let Some(truth) = device[attribute].as_bool() {
                setting.push_str(&format!(",{name}={}", u8::from(truth)));
            }
        }
        params.set(text(device, "device").unwrap_or("hostpci0"), setting);
    }
    for (at, device) in all(object, "usb").iter().enumerate() {
        let mut setting = match text(device, "mapping") {
            Some(mapping) => format!("mapping={mapping}"),
            None => format!("host={}", text(device, "host").unwrap_or("spice")),
        };
        if device["usb3"] == true {
            setting.push_str(",usb3=1");
        }
        params.set(format!("usb{at}"), setting);
    }
    for device in all(object, "numa") {
        let mut setting = format!("cpus={}", text(device, "cpus").unwrap_or_default());
        for name in ["hostnodes", "memory", "policy"] {
            if let Some(value) = value::text(&device[name]).filter(|value| !value.is_empty()) {
                setting.push_str(&format!(",{name}={value}"));
            }
        }
        params.set(text(device, "device").unwrap_or("numa0"), setting);
    }
    for (at, device) in all(object, "virtiofs").iter().enumerate() {
        let mut setting = text(device, "mapping").unwrap_or_default().to_owned();
        setting.push_str(&format!(
            ",cache={}",
            text(device, "cache").unwrap_or("auto")
        ));
        for (attribute, name) in [
            ("direct_io", "direct-io"),
            ("expose_acl", "expose-acl"),
            ("expose_xattr", "expose-xattr"),
        ] {
            if device[attribute] == true {
                setting.push_str(&format!(",{name}=1"));
            }
        }
        params.set(format!("virtiofs{at}"), setting);
    }
}

/// The order in which guests start: `order=1,up=10`.
pub(crate) fn startup(startup: &Json) -> Option<String> {
    let names = [
        ("order", "order"),
        ("up_delay", "up"),
        ("down_delay", "down"),
    ];
    let set = names.iter().filter_map(|(attribute, name)| {
        let number = value::number(&startup[*attribute]).filter(|number| *number >= 0)?;
        Some(format!("{name}={number}"))
    });
    let setting = set.collect::<Vec<_>>().join(",");
    (!setting.is_empty()).then_some(setting)
}

fn networks(object: &Json, params: &mut Params) {
    for (at, device) in all(object, "network_device").iter().enumerate() {
        if device["enabled"] != false {
            params.set(format!("net{at}"), network(device));
        }
    }
}

/// A network device's setting.
pub(crate) fn network(device: &Json) -> String {
    let mut setting = text(device, "model").unwrap_or("virtio").to_owned();
    if let Some(mac) = text(device, "mac_address") {
        setting.push_str(&format!("={}", mac.to_uppercase()));
    }
    if let Some(bridge) = text(device, "bridge") {
        setting.push_str(&format!(",bridge={bridge}"));
    }
    for (attribute, name) in [("firewall", "firewall"), ("disconnected", "link_down")] {
        if device[attribute] == true {
            setting.push_str(&format!(",{name}=1"));
        }
    }
    for (attribute, name) in [("vlan_id", "tag"), ("queues", "queues"), ("mtu", "mtu")] {
        if let Some(number) = positive(device, attribute) {
            setting.push_str(&format!(",{name}={number}"));
        }
    }
    if let Some(rate) = device["rate_limit"].as_f64().filter(|rate| *rate > 0.0) {
        setting.push_str(&format!(",rate={rate}"));
    }
    if let Some(trunks) = text(device, "trunks") {
        setting.push_str(&format!(",trunks={trunks}"));
    }
    setting
}

fn initialization(init: &Json, params: &mut Params) {
    if init.is_null() {
        return;
    }
    let dns = first(init, "dns");
    let servers = texts(dns, "servers");
    if !servers.is_empty() {
        params.set("nameserver", servers.join(" "));
    }
    params.maybe("searchdomain", text(dns, "domain"));
    for (at, config) in all(init, "ip_config").iter().enumerate() {
        if let Some(setting) = addresses(config) {
            params.set(format!("ipconfig{at}"), setting);
        }
    }
    let account = first(init, "user_account");
    params.maybe("ciuser", text(account, "username"));
    params.maybe(
        "cipassword",
        text(account, "password").filter(|text| !text.chars().all(|c| c == '*')),
    );
    let keys = keys(account);
    if !keys.is_empty() {
        let mut encoded = String::new();
        percent(&keys.join("\n"), &mut encoded);
        params.set("sshkeys", encoded);
    }
    let custom = [
        ("meta_data_file_id", "meta"),
        ("network_data_file_id", "network"),
        ("user_data_file_id", "user"),
        ("vendor_data_file_id", "vendor"),
    ];
    let custom = custom
        .iter()
        .filter_map(|(attribute, name)| Some(format!("{name}={}", text(init, attribute)?)));
    let custom = custom.collect::<Vec<_>>().join(",");
    if !custom.is_empty() {
        params.set("cicustom", custom);
    }
    params.maybe("citype", text(init, "type"));
    if init["upgrade"] == false {
        params.flag("ciupgrade", false);
    }
}

/// The addresses of one network device: `ip=10.0.0.2/24,gw=10.0.0.1`.
pub(crate) fn addresses(config: &Json) -> Option<String> {
    let mut parts = Vec::new();
    for (family, ip, gateway) in [("ipv4", "ip", "gw"), ("ipv6", "ip6", "gw6")] {
        let family = first(config, family);
        if let Some(address) = text(family, "address") {
            parts.push(format!("{ip}={address}"));
        }
        if let Some(address) = text(family, "gateway") {
            parts.push(format!("{gateway}={address}"));
        }
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// The keys of an account; an empty text is none, and neither sent nor told.
pub(super) fn keys(account: &Json) -> Vec<String> {
    let keys = texts(account, "keys").into_iter();
    let keys = keys.map(|key| key.trim().to_owned());
    keys.filter(|key| !key.is_empty()).collect()
}

/// A disk's options without its volume.
pub(crate) fn disk_options(disk: &Json) -> String {
    let mut setting = String::new();
    let on_bus = |buses: &[&str]| {
        let interface = text(disk, "interface").unwrap_or_default();
        buses.iter().any(|bus| interface.starts_with(bus))
    };
    if let Some(aio) = text(disk, "aio").filter(|aio| *aio != "io_uring") {
        setting.push_str(&format!(",aio={aio}"));
    }
    if disk["backup"] == false {
        setting.push_str(",backup=0");
    }
    if let Some(cache) = text(disk, "cache").filter(|cache| *cache != "none") {
        setting.push_str(&format!(",cache={cache}"));
    }
    if let Some(discard) = text(disk, "discard").filter(|discard| *discard != "ignore") {
        setting.push_str(&format!(",discard={discard}"));
    }
    if disk["iothread"] == true && on_bus(&["scsi", "virtio"]) {
        setting.push_str(",iothread=1");
    }
    if let Some(queues) = positive(disk, "queues").filter(|_| on_bus(&["scsi"])) {
        setting.push_str(&format!(",queues={queues}"));
    }
    if disk["replicate"] == false {
        setting.push_str(",replicate=0");
    }
    if disk["(readonly)"] == true {
        setting.push_str(",ro=1");
    }
    if let Some(name) = text(disk, "(wwn)") {
        setting.push_str(&format!(",wwn={name}"));
    }
    if let Some(serial) = text(disk, "serial") {
        setting.push_str(&format!(",serial={serial}"));
    }
    if disk["ssd"] == true && !on_bus(&["virtio"]) {
        setting.push_str(",ssd=1");
    }
    let speed = first(disk, "speed");
    for (attribute, name) in SPEEDS {
        if let Some(number) = positive(speed, attribute) {
            setting.push_str(&format!(",{name}={number}"));
        }
    }
    setting
}

/// A disk's options over those that it has: for one of a template that keeps what nobody speaks of.
pub(crate) fn disk_options_over(disk: &Json, now: &str) -> String {
    if disk["(inherits)"] != true {
        return disk_options(disk);
    }
    let mut all = parts(now);
    all.retain(|name, _| !matches!(name.as_str(), "" | "size" | "media"));
    all.extend(
        parts(&disk_options(disk))
            .into_iter()
            .filter(|(name, _)| !name.is_empty()),
    );
    // What is on if nobody says, and off here, is said; the rest goes where it is switched off.
    for (attribute, name) in [("iothread", "iothread"), ("ssd", "ssd")] {
        if disk[attribute] == false {
            all.remove(name);
        }
    }
    for name in ["backup", "replicate"] {
        if disk[name] == true {
            all.remove(name);
        }
    }
    all.iter()
        .map(|(name, value)| format!(",{name}={value}"))
        .collect()
}

/// Limits of a disk's speed and their names in the API; how long a burst may last is said by telmate's types alone.
pub(crate) const SPEEDS: [(&str, &str); 10] = [
    ("iops_read", "iops_rd"),
    ("iops_read_burstable", "iops_rd_max"),
    ("(iops_read_seconds)", "iops_rd_max_length"),
    ("iops_write", "iops_wr"),
    ("iops_write_burstable", "iops_wr_max"),
    ("(iops_write_seconds)", "iops_wr_max_length"),
    ("read", "mbps_rd"),
    ("read_burstable", "mbps_rd_max"),
    ("write", "mbps_wr"),
    ("write_burstable", "mbps_wr_max"),
];

/// The setting that makes a disk: an empty one, or one filled from an image.
pub(crate) fn new_disk(disk: &Json) -> String {
    let storage = text(disk, "datastore_id").unwrap_or("local-lvm");
    let source = text(disk, "import_from").or_else(|| text(disk, "file_id"));
    if let Some(volume) = attach::volume(disk).or_else(|| text(disk, "(volume)")) {
        return format!("{volume}{}", disk_options(disk));
    }
    let volume = match source {
        Some(source) => format!("{storage}:0,import-from={source}"),
        None => {
            // In GiB, which may have a fraction.
            let size = wanted_size(disk).unwrap_or(8 * GIBIBYTE);
            format!("{storage}:{}", size as f64 / GIBIBYTE as f64)
        }
    };
    let format = text(disk, "file_format").map(|format| format!(",format={format}"));
    format!(
        "{volume}{}{}",
        format.unwrap_or_default(),
        disk_options(disk)
    )
}

/// Drives that are no disks: firmware, TPM, CD, cloud-init. `known` is what is there already.
pub(crate) fn special_drives(object: &Json, known: &Json, params: &mut Params) {
    let efi = first(object, "efi_disk");
    if !efi.is_null() && known["efidisk0"].is_null() {
        let storage = text(efi, "datastore_id").unwrap_or("local-lvm");
        let mut setting = format!("{storage}:1,efitype={}", text(efi, "type").unwrap_or("2m"));
        if efi["pre_enrolled_keys"] == true {
            setting.push_str(",pre-enrolled-keys=1");
        }
        if let Some(format) = text(efi, "file_format") {
            setting.push_str(&format!(",format={format}"));
        }
        params.set("efidisk0", setting);
    }
    let tpm = first(object, "tpm_state");
    if !tpm.is_null() && known["tpmstate0"].is_null() {
        let storage = text(tpm, "datastore_id").unwrap_or("local-lvm");
        params.set(
            "tpmstate0",
            format!(
                "{storage}:1,version={}",
                text(tpm, "version").unwrap_or("v2.0")
            ),
        );
    }
    for cdrom in all(object, "cdrom") {
        let file = text(cdrom, "file_id").unwrap_or("none");
        let interface = text(cdrom, "interface").unwrap_or("ide3");
        params.set(interface, format!("{file},media=cdrom"));
    }
    cloud_init_drive(first(object, "initialization"), known, params);
}

fn cloud_init_drive(init: &Json, known: &Json, params: &mut Params) {
    if init.is_null() {
        return;
    }
    let storage = text(init, "datastore_id").unwrap_or("local-lvm");
    let there = cloud_init_interface(known);
    let interface = text(init, "interface")
        .map(str::to_owned)
        .or_else(|| there.clone());
    let interface = interface.unwrap_or_else(|| "ide2".to_owned());
    if there.is_some() && text(init, "datastore_id").is_none() {
        // Nobody said where: the one of the template stays where it is.
        return;
    }
    if there.as_deref() == Some(interface.as_str()) {
        let now = known[interface.as_str()].as_str().unwrap_or_default();
        if now.split(':').next() == Some(storage) {
            return;
        }
    }
    let format = text(init, "file_format").map(|format| format!(",format={format}"));
    params.set(
        interface,
        format!("{storage}:cloudinit{}", format.unwrap_or_default()),
    );
}

/// The interface at which a cloud-init drive is.
pub(crate) fn cloud_init_interface(known: &Json) -> Option<String> {
    let drives = value::members(known)
        .iter()
        .filter(|(name, _)| is_drive(name));
    let found = drives.filter(|(_, setting)| {
        setting
            .as_str()
            .is_some_and(|setting| setting.contains("cloudinit"))
    });
    found.map(|(name, _)| name.clone()).next()
}

/// True for the name of a drive.
pub(crate) fn is_drive(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem != name && matches!(stem, "ide" | "sata" | "scsi" | "virtio")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_become_parameters() {
        let object = json!({
            "name": "web", "on_boot": true, "tags": ["b", "a"], "acpi": true, "bios": "seabios",
            "cpu": [{ "cores": 2, "sockets": 1, "type": "x86-64-v2-AES", "flags": ["+aes"] }],
            "memory": [{ "dedicated": 2048, "floating": 0 }],
            "agent": [{ "enabled": true, "trim": false, "type": "virtio" }],
            "network_device": [{ "model": "virtio", "bridge": "vmbr0", "vlan_id": 20, "firewall": true }],
            "initialization": [{
                "ip_config": [{ "ipv4": [{ "address": "10.0.0.2/24", "gateway": "10.0.0.1" }] }],
                "user_account": [{ "username": "debian", "keys": ["ssh-ed25519 AAAA x"] }],
                "dns": [{ "servers": ["1.1.1.1", "9.9.9.9"], "domain": "lan" }],
                "user_data_file_id": "local:snippets/u.yaml",
            }],
        });
        let params = settings(&object, true);
        let shown: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            shown,
            [
                "name=web",
                "tags=a;b",
                "onboot=1",
                "cores=2",
                "sockets=1",
                "cpu=x86-64-v2-AES,flags=+aes",
                "memory=2048",
                "balloon=0",
                "agent=enabled=1,fstrim_cloned_disks=0,type=virtio",
                "net0=virtio,bridge=vmbr0,firewall=1,tag=20",
                "nameserver=1.1.1.1 9.9.9.9",
                "searchdomain=lan",
                "ipconfig0=ip=10.0.0.2/24,gw=10.0.0.1",
                "ciuser=debian",
                "sshkeys=ssh-ed25519%20AAAA%20x",
                "cicustom=user=local:snippets/u.yaml",
            ]
        );
    }

    #[test]
    fn a_disk_is_made_empty_or_from_an_image() {
        let disk = json!({ "interface": "scsi0", "datastore_id": "local", "size": 20, "ssd": true, "discard": "on", "iothread": true });
        assert_eq!(new_disk(&disk), "local:20,discard=on,iothread=1,ssd=1");
        let disk = json!({ "interface": "virtio0", "datastore_id": "local", "import_from": "local:import/d.qcow2", "size": 20 });
        assert_eq!(new_disk(&disk), "local:0,import-from=local:import/d.qcow2");
        let disk = json!({ "interface": "scsi0", "datastore_id": "local", "size": 1, "(kibibytes)": 524_288 });
        assert_eq!(new_disk(&disk), "local:0.5");
    }
}
