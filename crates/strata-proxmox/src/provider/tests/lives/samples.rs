//! A value for each argument that is not its default.

use super::*;

/// Values by the argument's name, for all types.
const BY_NAME: &[(&str, &str)] = &[
    ("address", "10.9.0.7/24"),
    ("address6", "fd00::7/64"),
    ("affinity", "0-1"),
    ("aio", "threads"),
    ("alias", "other"),
    ("architecture", "x86_64"),
    ("bios", "ovmf"),
    ("blocksize", "16k"),
    ("bond_mode", "active-backup"),
    ("bond_xmit_hash_policy", "layer2+3"),
    ("bridge", "vmbr0"),
    ("cache", "writeback"),
    ("cidr", "10.0.0.0/8"),
    ("clipboard", "vnc"),
    ("compress", "zstd"),
    ("compression", "lz4"),
    ("console", "xtermjs"),
    ("content_type", "iso"),
    ("cpus", "0-1"),
    ("datastore_id", "local"),
    ("dest", "10.1.0.0/16"),
    ("device", "intel-hda"),
    ("dhcp", "dnsmasq"),
    ("discard", "on"),
    ("dns", "pdns"),
    ("dns_zone", "lan.example"),
    ("domain", "example.org"),
    ("dport", "443"),
    ("driver", "none"),
    ("email", "a@example.org"),
    ("email_from", "root@example.org"),
    ("expiration_date", "2031-01-01T00:00:00Z"),
    ("file_format", "qcow2"),
    ("file_id", "local:iso/other.iso"),
    (
        "fingerprint",
        "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    ),
    ("format", "qcow2"),
    ("gateway", "10.9.0.1"),
    ("gateway6", "fd00::1"),
    ("host", "1234:5678"),
    ("hotplug", "disk"),
    ("hugepages", "2"),
    ("iface", "net0"),
    ("import_from", "local:import/disk.qcow2"),
    ("keyboard", "de"),
    ("keyboard_layout", "de"),
    ("log", "info"),
    ("mac_address", "BC:24:11:00:00:77"),
    ("machine", "q35"),
    ("macro", "SSH"),
    ("mode", "stop"),
    ("model", "e1000"),
    ("node", "pve2"),
    ("node_name", "pve2"),
    ("path", "/srv/other"),
    ("policy", "bind"),
    ("preallocation", "full"),
    ("proto", "udp"),
    ("role_id", "PVEAuditor"),
    ("schedule", "daily"),
    ("scsi_hardware", "virtio-scsi-single"),
    ("serial", "abc"),
    ("server", "10.0.0.9"),
    ("source", "10.2.0.0/16"),
    ("sport", "1024"),
    ("storage", "local"),
    ("storage_id", "local"),
    ("time_zone", "Europe/Vienna"),
    ("url", "https://example.com/other.iso"),
    ("user_id", "other@pve"),
    ("uuid", "6a1d2d6e-9f0a-4a59-8a57-9a2f1c2c3d4e"),
    ("vids", "2-100"),
    ("volume", "local"),
    ("zone", "z2"),
    ("size", "5G"),
];

/// The key of an element of a map of objects.
pub(super) fn key(name: &str) -> &'static str {
    match name {
        "disk" => "scsi1",
        "network" => "net0",
        "cdrom" => "ide3",
        _ => "a",
    }
}

/// A value for an argument: the case's own, or one by its name, or one by its type.
pub(super) fn of(case: &Case, path: &str, arg: &Json) -> Json {
    if let Some((_, value)) = case.samples.iter().find(|(own, _)| *own == path) {
        return value.clone();
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    let ty = arg["t"].as_str().unwrap_or("string");
    let text = BY_NAME
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, text)| *text);
    match ty {
        "bool" => json!(arg["d"] != true),
        "number" => match arg["d"].as_i64() {
            Some(usual) if usual > 0 => json!(usual + 1),
            Some(_) => json!(1),
            None => json!(2),
        },
        "string" => json!(text.unwrap_or("other")),
        "list of string" | "set of string" => match name {
            "nodes" => json!(["pve"]),
            "content" => json!(["iso"]),
            "peers" => json!(["10.0.0.8"]),
            "tags" => json!(["x", "y"]),
            "flags" => json!(["+aes"]),
            "servers" => json!(["10.0.0.53"]),
            _ => json!(["other"]),
        },
        "set of number" => json!([5]),
        "map of string" => json!({ "name": "other" }),
        "map of number" => json!({ "pve": 2 }),
        _ => panic!("no value for {path}: {ty}"),
    }
}
