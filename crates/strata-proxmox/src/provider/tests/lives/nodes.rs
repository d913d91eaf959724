//! Settings of nodes.

use super::*;

#[tokio::test]
async fn every_argument_of_nodes_lives() {
    live(vec![
        case("proxmox_virtual_environment_dns", json!({ "node_name": "pve", "domain": "lan", "servers": ["1.1.1.1"] }))
            .import("{node_name}").not("(gone)", "a node always has such settings"),
        case("proxmox_virtual_environment_time", json!({ "node_name": "pve", "time_zone": "UTC" }))
            .import("{node_name}").not("(gone)", "a node always has such settings"),
        case("proxmox_virtual_environment_hosts", json!({ "node_name": "pve", "entry": [{ "address": "127.0.0.1", "hostnames": ["localhost"] }] }))
            .import("{node_name}").sample("entry.address", json!("10.0.0.1")).not("(gone)", "a node always has such a file"),
        case("proxmox_node_config", json!({ "node_name": "pve", "description": "a" }))
            .import("{node_name}").not("(gone)", "a node always has such settings"),
        case("proxmox_node_firewall", json!({ "node_name": "pve" }))
            .import("{node_name}").not("(gone)", "a node always has such settings")
            .sample("log_level_in", json!("info")).sample("log_level_out", json!("info")).sample("log_level_forward", json!("info"))
            .sample("smurf_log_level", json!("info")).sample("tcp_flags_log_level", json!("info")),
        case("proxmox_apt_standard_repository", json!({ "node": "pve", "handle": "no-subscription" }))
            .import("{node},{handle}").sample("handle", json!("enterprise")).not("handle", "names it: tried with the other arguments").not("node", "names it").not("(gone)", "a repository is switched off, not removed"),
        case("proxmox_virtual_environment_certificate", json!({ "node_name": "pve", "certificate": CERTIFICATE, "private_key": KEY }))
            .import("{node_name}").unknown(&["private_key", "overwrite"])
            .sample("certificate", json!(OTHER)).sample("certificate_chain", json!(OTHER))
            .sample("private_key", json!(format!("{KEY}\n"))).not("private_key", BLIND),
        case("proxmox_apt_repository", json!({ "node": "pve", "file_path": "/etc/apt/sources.list.d/proxmox.sources", "index": 0, "enabled": true }))
            .import("{node},{file_path},{index}").after("proxmox_apt_standard_repository", json!({ "node": "pve", "handle": "no-subscription" }))
            .after("proxmox_apt_standard_repository", json!({ "node": "pve", "handle": "test" }))
            .after("proxmox_apt_standard_repository", json!({ "node": "pve", "handle": "enterprise" }))
            .sample("index", json!(1)).sample("file_path", json!("/etc/apt/sources.list.d/pve-enterprise.sources")).sample("enabled", json!(false))
            .not("node", "it lies on one node: each has files of its own").not("(gone)", "the API takes no repository out of its file"),
    ])
    .await;
}

/// Shaped like a key, and none.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

const OTHER: &str = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n";

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
