//! Networks: of nodes, and those defined by software.

use super::*;

fn linux(name: &'static str, least: Json) -> Case {
    case(name, least)
        .sample("mtu", json!(1400))
        .with("gateway", json!({ "address": "10.9.0.2/24" }))
        .with("gateway6", json!({ "address6": "fd00::2/64" }))
}

#[tokio::test]
async fn every_argument_of_the_nodes_networks_lives() {
    live(vec![
        linux(
            "proxmox_network_linux_bridge",
            json!({ "node_name": "pve", "name": "vmbr9" }),
        )
        .sample("name", json!("vmbr8"))
        .sample("ports", json!(["eth1"]))
        .with("vids", json!({ "vlan_aware": true })),
        linux(
            "proxmox_network_linux_vlan",
            json!({ "node_name": "pve", "name": "vlan9", "interface": "eth0", "vlan": 9 }),
        )
        .sample("name", json!("vlan8"))
        .sample("interface", json!("eth1"))
        .sample("vlan", json!(8)),
        linux(
            "proxmox_network_linux_bond",
            json!({ "node_name": "pve", "name": "bond9", "slaves": ["eth1", "eth2"] }),
        )
        .sample("name", json!("bond8"))
        .sample("slaves", json!(["eth1", "eth3"]))
        .with("bond_primary", json!({ "bond_mode": "active-backup" }))
        .sample("bond_primary", json!("eth1"))
        .with(
            "bond_xmit_hash_policy",
            json!({ "bond_mode": "balance-xor" }),
        ),
    ])
    .await;
}

fn zone(name: &'static str, mut least: Json) -> Case {
    least["id"] = json!("z1");
    case(name, least)
        .sample("id", json!("z2"))
        .sample("mtu", json!(1400))
        .with("dns_zone", json!({ "dns": "pdns" }))
        .with("reverse_dns", json!({ "dns": "pdns" }))
        .sample("reverse_dns", json!("pdns"))
        .sample("ipam", json!("pve"))
}

#[tokio::test]
async fn every_argument_of_zones_lives() {
    let evpn = json!({ "id": "evpn", "asn": 65000, "peers": ["10.0.0.1"] });
    live(vec![
        zone("proxmox_sdn_zone_simple", json!({})),
        zone("proxmox_sdn_zone_vlan", json!({ "bridge": "vmbr1" })),
        zone("proxmox_sdn_zone_vxlan", json!({ "peers": ["10.0.0.1"] })),
        zone(
            "proxmox_sdn_zone_qinq",
            json!({ "bridge": "vmbr1", "service_vlan": 5 }),
        )
        .sample("service_vlan_protocol", json!("802.1ad")),
        zone(
            "proxmox_sdn_zone_evpn",
            json!({ "controller": "evpn", "vrf_vxlan": 100 }),
        )
        .after("proxmox_sdn_controller_evpn", evpn.clone())
        .after(
            "proxmox_sdn_controller_evpn",
            json!({ "id": "evpn2", "asn": 65000, "peers": ["10.0.0.1"] }),
        )
        .sample("controller", json!("evpn2"))
        .sample("exit_nodes", json!(["pve"]))
        .sample("rt_import", json!("65000:1"))
        .with("exit_nodes_local_routing", json!({ "exit_nodes": ["pve"] }))
        .with("primary_exit_node", json!({ "exit_nodes": ["pve"] }))
        .sample("primary_exit_node", json!("pve")),
    ])
    .await;
}

#[tokio::test]
async fn every_argument_of_networks_defined_by_software_lives() {
    let fabric = json!({ "id": "fab", "ip_prefix": "10.1.0.0/24" });
    let ospf = json!({ "id": "ospf", "area": "0", "ip_prefix": "10.2.0.0/24" });
    live(vec![
        case("proxmox_sdn_vnet", json!({ "id": "v1", "zone": "z1", "tag": 10 }))
            .after("proxmox_sdn_zone_vlan", json!({ "id": "z1", "bridge": "vmbr0" }))
            .after("proxmox_sdn_zone_vlan", json!({ "id": "z2", "bridge": "vmbr0" }))
            .sample("id", json!("v2")).sample("tag", json!(11)),
        case("proxmox_sdn_subnet", json!({ "vnet": "v1", "cidr": "10.9.0.0/24" }))
            .import("v1/{id}")
            .after("proxmox_sdn_zone_simple", json!({ "id": "z1", "dns": "pdns" }))
            .after("proxmox_sdn_vnet", json!({ "id": "v1", "zone": "z1" }))
            .after("proxmox_sdn_vnet", json!({ "id": "v2", "zone": "z1" }))
            .sample("vnet", json!("v2")).sample("cidr", json!("10.8.0.0/24"))
            .sample("dhcp_dns_server", json!("10.9.0.53")).sample("dns_zone_prefix", json!("sub"))
            .sample("dhcp_range.start_address", json!("10.9.0.10")).sample("dhcp_range.end_address", json!("10.9.0.20"))
            .with("snat", json!({ "gateway": "10.9.0.1" })).with("dhcp", json!({ "gateway": "10.9.0.1" })),
        case("proxmox_sdn_controller_evpn", json!({ "id": "evpn", "asn": 65000, "peers": ["10.0.0.1"] }))
            .after("proxmox_sdn_fabric_openfabric", fabric.clone())
            .sample("id", json!("evpn2")).sample("asn", json!(65001)).sample("fabric", json!("fab")),
        case("proxmox_sdn_fabric_openfabric", fabric.clone())
            .sample("id", json!("fab2")).sample("ip_prefix", json!("10.3.0.0/24")).sample("ip6_prefix", json!("fd01::/64")),
        case("proxmox_sdn_fabric_ospf", ospf.clone())
            .sample("id", json!("ospf2")).sample("area", json!("1")).sample("ip_prefix", json!("10.3.0.0/24")),
        case("proxmox_sdn_fabric_node_openfabric", json!({ "fabric_id": "fab", "node_id": "pve", "ip": "10.1.0.1", "interface_names": ["eth0"] }))
            .import("{fabric_id}/{node_id}")
            .after("proxmox_sdn_fabric_openfabric", fabric.clone())
            .after("proxmox_sdn_fabric_openfabric", json!({ "id": "fab2", "ip_prefix": "10.1.0.0/24" }))
            .sample("fabric_id", json!("fab2")).sample("node_id", json!("pve2")).sample("interface_names", json!(["eth1"]))
            .sample("ip", json!("10.1.0.2")).sample("ip6", json!("fd01::1")),
        case("proxmox_sdn_fabric_node_ospf", json!({ "fabric_id": "ospf", "node_id": "pve", "ip": "10.2.0.1", "interface_names": ["eth0"] }))
            .import("{fabric_id}/{node_id}")
            .after("proxmox_sdn_fabric_ospf", ospf.clone())
            .after("proxmox_sdn_fabric_ospf", json!({ "id": "ospf2", "area": "2", "ip_prefix": "10.2.0.0/24" }))
            .sample("fabric_id", json!("ospf2")).sample("node_id", json!("pve2")).sample("interface_names", json!(["eth1"])).sample("ip", json!("10.2.0.2")),
        case("proxmox_sdn_applier", json!({})).no_import().not("(gone)", "it is an act, and leaves nothing"),
    ])
    .await;
}
