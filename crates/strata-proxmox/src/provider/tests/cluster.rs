//! Lives of what belongs to the whole cluster: jobs, mappings, the network defined by software.

use super::*;

async fn live(world: &World, lives: Vec<(&str, Json, Json)>) {
    for (name, first, second) in lives {
        world.life(&format!("proxmox_{name}"), first, second).await;
    }
}

#[tokio::test]
async fn jobs_mappings_and_settings_have_a_whole_life() {
    let world = world(options()).await;
    let lives = vec![
        (
            "backup_job",
            json!({ "id": "nightly", "schedule": "sat 02:00", "storage": "local", "vmid": ["101", "100"],
                "prune_backups": { "keep-last": "2" }, "fleecing": { "enabled": true, "storage": "local" } }),
            json!({ "id": "nightly", "schedule": "daily", "storage": "local", "all": true, "mode": "stop" }),
        ),
        (
            "hardware_mapping_dir",
            json!({ "name": "share", "map": [{ "node": "pve", "path": "/srv" }] }),
            json!({ "name": "share", "comment": "c", "map": [{ "node": "pve", "path": "/srv" }, { "node": "pve2", "path": "/mnt" }] }),
        ),
        (
            "hardware_mapping_pci",
            json!({ "name": "gpu", "map": [{ "node": "pve", "path": "0000:01:00.0", "id": "10de:1b80", "iommu_group": 5 }] }),
            json!({ "name": "gpu", "mediated_devices": true, "map": [{ "node": "pve", "path": "0000:02:00.0", "id": "10de:1b80" }] }),
        ),
        (
            "hardware_mapping_usb",
            json!({ "name": "stick", "map": [{ "node": "pve", "id": "1234:5678" }] }),
            json!({ "name": "stick", "comment": "c", "map": [{ "node": "pve", "id": "1234:5679", "path": "1-2" }] }),
        ),
        (
            "acme_dns_plugin",
            json!({ "plugin": "dns", "api": "cf", "data": { "CF_Token": "t" } }),
            json!({ "plugin": "dns", "api": "cf", "data": { "CF_Token": "u", "CF_Account_ID": "a" }, "validation_delay": 60 }),
        ),
        (
            "acme_account",
            json!({ "name": "le", "contact": "a@b.c", "directory": "https://acme.invalid/directory", "tos": "https://acme.invalid/tos" }),
            json!({ "name": "le", "contact": "d@e.f", "directory": "https://acme.invalid/directory", "tos": "https://acme.invalid/tos" }),
        ),
        (
            "acme_certificate",
            json!({ "account": "le", "node_name": "pve", "domains": [{ "domain": "pve.b.c" }] }),
            json!({ "account": "le", "node_name": "pve", "domains": [{ "domain": "pve.b.c", "plugin": "dns" }, { "domain": "x.b.c" }] }),
        ),
        (
            "node_config",
            json!({ "node_name": "pve", "description": "a" }),
            json!({ "node_name": "pve", "description": "b" }),
        ),
        (
            "node_firewall",
            json!({ "node_name": "pve" }),
            json!({ "node_name": "pve", "log_level_in": "info", "ndp": false }),
        ),
        (
            "oci_image",
            json!({ "node_name": "pve", "datastore_id": "local", "reference": "docker.io/library/alpine:3.20" }),
            json!({ "node_name": "pve", "datastore_id": "local", "reference": "docker.io/library/alpine:3.20" }),
        ),
    ];
    live(&world, lives).await;
}

#[tokio::test]
async fn a_network_defined_by_software_has_a_whole_life() {
    let world = world(options()).await;
    live(
        &world,
        vec![
            (
                "sdn_controller_evpn",
                json!({ "id": "evpn", "asn": 65000, "peers": ["10.0.0.1"] }),
                json!({ "id": "evpn", "asn": 65001, "peers": ["10.0.0.1", "10.0.0.2"] }),
            ),
            (
                "sdn_fabric_openfabric",
                json!({ "id": "fab", "ip_prefix": "10.1.0.0/24" }),
                json!({ "id": "fab", "ip_prefix": "10.1.0.0/24", "hello_interval": 5 }),
            ),
            (
                "sdn_fabric_ospf",
                json!({ "id": "ospf", "area": "0", "ip_prefix": "10.2.0.0/24" }),
                json!({ "id": "ospf", "area": "1", "ip_prefix": "10.2.0.0/24" }),
            ),
            (
                "sdn_fabric_node_ospf",
                json!({ "fabric_id": "ospf", "node_id": "pve", "ip": "10.2.0.1", "interface_names": ["eth0"] }),
                json!({ "fabric_id": "ospf", "node_id": "pve", "ip": "10.2.0.2", "interface_names": ["eth0", "eth1"] }),
            ),
            (
                "sdn_fabric_node_openfabric",
                json!({ "fabric_id": "fab", "node_id": "pve", "ip": "10.1.0.1", "interface_names": ["eth0"] }),
                json!({ "fabric_id": "fab", "node_id": "pve", "interface_names": ["eth1"] }),
            ),
            (
                "sdn_zone_evpn",
                json!({ "id": "ez", "controller": "evpn", "vrf_vxlan": 100 }),
                json!({ "id": "ez", "controller": "evpn", "vrf_vxlan": 101, "exit_nodes": ["pve"], "advertise_subnets": true }),
            ),
            ("sdn_applier", json!({}), json!({})),
        ],
    )
    .await;
    let zone = json!({ "id": "z1" });
    world
        .apply("proxmox_sdn_zone_simple", None, &zone)
        .await
        .unwrap();
    let vnet = json!({ "id": "v1", "zone": "z1" });
    world.apply("proxmox_sdn_vnet", None, &vnet).await.unwrap();
    let first = json!({ "vnet": "v1", "cidr": "10.9.0.0/24", "gateway": "10.9.0.1" });
    let mut second = first.clone();
    second["snat"] = json!(true);
    second["dhcp_range"] = json!({ "start_address": "10.9.0.10", "end_address": "10.9.0.20" });
    let subnet = world.life("proxmox_sdn_subnet", first, second).await;
    assert_eq!(to_json(&subnet.value)["id"], "z1-10.9.0.0-24");
}

#[tokio::test]
async fn what_is_in_a_pool_is_a_thing_of_its_own() {
    let world = world(options()).await;
    world
        .apply(
            "proxmox_virtual_environment_pool",
            None,
            &json!({ "pool_id": "p" }),
        )
        .await
        .unwrap();
    let storage = json!({ "pool_id": "p", "storage_id": "local" });
    world
        .life("proxmox_pool_membership", storage.clone(), storage)
        .await;
    let both = json!({ "pool_id": "p", "storage_id": "local", "vm_id": 100 });
    let block = &world.provider.schema().resources["proxmox_pool_membership"].block;
    let diags = world.provider.validate(
        strata_core::provider::ObjectKind::Resource,
        "proxmox_pool_membership",
        &config_of(block, &both),
    );
    assert!(shown(&diags).contains("cannot be given together"));
}

#[tokio::test]
async fn a_realm_that_is_no_directory_cannot_be_synchronized() {
    let world = world(options()).await;
    let error = world
        .apply("proxmox_realm_sync", None, &json!({ "realm": "pve" }))
        .await
        .unwrap_err();
    assert!(error.contains("it is no directory"), "{error}");
}

async fn data(world: &World, name: &str, config: Json) -> Result<Json, String> {
    let block = &world.provider.schema().data_sources[name].block;
    let read = world
        .configured
        .read_data(name.into(), config_of(block, &config))
        .await;
    read.map(|value| to_json(&value))
        .map_err(|diags| shown(&diags))
}

#[tokio::test]
async fn data_sources_tell_what_resources_read() {
    let world = world(options()).await;
    for (name, config) in [
        (
            "proxmox_sdn_zone_simple",
            json!({ "id": "z1", "mtu": 1400 }),
        ),
        (
            "proxmox_sdn_vnet",
            json!({ "id": "v1", "zone": "z1", "alias": "a" }),
        ),
        (
            "proxmox_hardware_mapping_usb",
            json!({ "name": "stick", "map": [{ "node": "pve", "id": "1234:5678" }] }),
        ),
        (
            "proxmox_backup_job",
            json!({ "id": "job", "schedule": "daily", "storage": "local", "all": true }),
        ),
    ] {
        world.apply(name, None, &config).await.unwrap();
    }
    let zone = data(&world, "proxmox_sdn_zone_simple", json!({ "id": "z1" })).await;
    assert_eq!(zone.unwrap()["mtu"], 1400);
    let zones = data(&world, "proxmox_virtual_environment_sdn_zones", json!({})).await;
    assert_eq!(zones.unwrap()["zones"][0]["id"], "z1");
    let vnets = data(&world, "proxmox_sdn_vnets", json!({})).await.unwrap();
    assert_eq!(vnets["vnets"][0]["alias"], "a");
    let usb = data(
        &world,
        "proxmox_hardware_mapping_usb",
        json!({ "name": "stick" }),
    )
    .await;
    assert_eq!(usb.unwrap()["map"][0]["id"], "1234:5678");
    let all = data(
        &world,
        "proxmox_hardware_mappings",
        json!({ "type": "usb" }),
    )
    .await;
    assert_eq!(all.unwrap()["ids"], json!(["stick"]));
    let jobs = data(&world, "proxmox_backup_jobs", json!({}))
        .await
        .unwrap();
    assert_eq!(jobs["jobs"][0]["all"], true);
    let pci = data(
        &world,
        "proxmox_hardware_pci",
        json!({ "node_name": "pve" }),
    )
    .await;
    assert_eq!(pci.unwrap()["devices"], json!([]));
    let gone = data(&world, "proxmox_sdn_vnet", json!({ "id": "nope" })).await;
    assert!(gone.unwrap_err().contains("There is no such SDN vnet"));
}

#[tokio::test]
async fn a_rehearsal_has_the_files_that_are_asked_for() {
    let asked = json!({
        "node_name": "pve", "datastore_id": "tank", "content_type": "iso", "file_name": "installer.iso",
    });
    let rehearsed = world_with(Options::rehearsal(), |twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    })
    .await;
    let file = data(
        &rehearsed,
        "proxmox_virtual_environment_file",
        asked.clone(),
    )
    .await;
    let file = file.unwrap();
    assert_eq!(file["id"], "tank:iso/installer.iso");
    assert_eq!(file["file_format"], "iso");
    let world = world(options()).await;
    data(&world, "proxmox_virtual_environment_file", asked)
        .await
        .unwrap_err();
}
