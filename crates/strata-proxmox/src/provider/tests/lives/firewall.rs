//! Firewalls of the cluster, of nodes and of guests.

use super::*;

const VM: &str = "proxmox_virtual_environment_vm";

fn guest() -> Json {
    json!({ "name": "g", "node_name": "pve", "vm_id": 100, "started": false })
}

#[tokio::test]
async fn every_argument_of_firewalls_lives() {
    live(cases()).await;
}

pub(in super::super) fn cases() -> Vec<Case> {
    vec![
        case(
            "proxmox_virtual_environment_cluster_firewall",
            json!({ "enabled": false }),
        )
        .import("cluster")
        .not("(gone)", "the cluster always has such settings")
        .sample("ebtables", json!(false))
        .sample("input_policy", json!("ACCEPT"))
        .sample("output_policy", json!("DROP"))
        .sample("forward_policy", json!("DROP"))
        .sample("log_ratelimit.rate", json!("2/second")),
        case(
            "proxmox_virtual_environment_cluster_firewall_security_group",
            json!({ "name": "sg" }),
        )
        .import("{name}")
        .sample("name", json!("sg2"))
        .after(
            "proxmox_virtual_environment_cluster_firewall_security_group",
            json!({ "name": "other" }),
        )
        .with(
            "rule",
            json!({ "rule": [{ "type": "in", "action": "ACCEPT" }] }),
        )
        .with("rule.dport", json!({ "rule": [{ "proto": "tcp" }] }))
        .with("rule.sport", json!({ "rule": [{ "proto": "tcp" }] }))
        .sample("rule.type", json!("out"))
        .sample("rule.action", json!("DROP"))
        .not("rule.security_group", "a group's rules name no group"),
        case(
            "proxmox_virtual_environment_firewall_alias",
            json!({ "name": "al", "cidr": "10.5.0.0/16" }),
        )
        .import("cluster/{name}")
        .after(VM, guest())
        .after("proxmox_virtual_environment_container", container())
        .sample("vm_id", json!(100))
        .with("vm_id", json!({ "node_name": "pve" }))
        .sample("container_id", json!(101))
        .with("container_id", json!({ "node_name": "pve" }))
        .not("node_name", "only with a guest"),
        case(
            "proxmox_virtual_environment_firewall_ipset",
            json!({ "name": "set", "cidr": [{ "name": "10.5.0.1" }] }),
        )
        .import("cluster/{name}")
        .sample("cidr.name", json!("10.5.0.2"))
        .not("vm_id", "a guest's: tried below")
        .not("container_id", "a guest's: tried below")
        .not("node_name", "only with a guest"),
        of_guest(json!({ "vm_id": 100 }))
            .import("vm/{node_name}/{vm_id}/{name}")
            .sample("vm_id", json!(102))
            .not("container_id", "takes the place of `vm_id`: tried below"),
        of_guest(json!({ "container_id": 101 }))
            .import("container/{node_name}/{container_id}/{name}")
            .sample("container_id", json!(103))
            .not("vm_id", "takes the place of `container_id`: tried above"),
        case(
            "proxmox_virtual_environment_firewall_rules",
            json!({ "rule": [{ "type": "in", "action": "ACCEPT" }] }),
        )
        .import("cluster")
        .after(VM, guest())
        .after("proxmox_virtual_environment_container", container())
        .after(
            "proxmox_virtual_environment_cluster_firewall_security_group",
            json!({ "name": "other" }),
        )
        .with("rule.dport", json!({ "rule": [{ "proto": "tcp" }] }))
        .with("rule.sport", json!({ "rule": [{ "proto": "tcp" }] }))
        .with("rule.iface", json!({ "node_name": "pve", "vm_id": 100 }))
        .sample("rule.type", json!("out"))
        .sample("rule.action", json!("DROP"))
        .not(
            "rule.security_group",
            "takes the place of type and action: tried by itself",
        )
        .sample("vm_id", json!(100))
        .with("vm_id", json!({ "node_name": "pve" }))
        .sample("container_id", json!(101))
        .with("container_id", json!({ "node_name": "pve" }))
        .not("(gone)", "rules that are none are there"),
        case(
            "proxmox_virtual_environment_firewall_options",
            json!({ "node_name": "pve", "vm_id": 100 }),
        )
        .import("vm/{node_name}/{vm_id}")
        .after(VM, guest())
        .after("proxmox_virtual_environment_container", container())
        .sample("input_policy", json!("ACCEPT"))
        .sample("output_policy", json!("DROP"))
        .sample("log_level_in", json!("info"))
        .sample("log_level_out", json!("info"))
        .not("node_name", "a guest's own")
        .not("vm_id", "a guest's own")
        .not("container_id", "takes the place of `vm_id`")
        .not("(gone)", "a guest always has such settings"),
    ]
}

/// A set of a guest, where there are two guests of each kind.
fn of_guest(guest: Json) -> Case {
    let mut least = json!({ "name": "set", "node_name": "pve", "cidr": [{ "name": "10.5.0.1" }] });
    merge(&mut least, &guest);
    let (mut vm, mut ct) = (self::guest(), container());
    vm["vm_id"] = json!(102);
    ct["vm_id"] = json!(103);
    const CT: &str = "proxmox_virtual_environment_container";
    case("proxmox_virtual_environment_firewall_ipset", least)
        .after(VM, self::guest())
        .after(CT, container())
        .after(VM, vm)
        .after(CT, ct)
        .sample("cidr.name", json!("10.5.0.2"))
        .not("node_name", "where its guest is")
}

pub(super) fn container() -> Json {
    json!({
        "node_name": "pve", "vm_id": 101, "started": false,
        "disk": [{ "datastore_id": "local", "size": 4 }],
        "operating_system": [{ "template_file_id": "local:vztmpl/debian.tar.zst", "type": "debian" }],
    })
}
