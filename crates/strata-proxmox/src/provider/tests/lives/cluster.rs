//! What belongs to the whole cluster.

use super::*;

#[tokio::test]
async fn every_argument_of_jobs_and_high_availability_lives() {
    let guest = json!({ "name": "g", "node_name": "pve", "vm_id": 100, "started": false });
    let second = json!({ "name": "h", "node_name": "pve", "vm_id": 101, "started": false });
    live(vec![
        case("proxmox_backup_job", json!({ "id": "nightly", "schedule": "sat 02:00", "storage": "local", "vmid": ["100"] }))
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["backup"] }))
            .sample("id", json!("weekly")).sample("storage", json!("second")).sample("vmid", json!(["101"]))
            .with("all", json!({ "vmid": null })).with("pool", json!({ "vmid": null }))
            .not("all", "takes the place of `vmid`: tried by itself").not("pool", "takes the place of `vmid`: tried by itself")
            .sample("starttime", json!("03:00")).with("starttime", json!({ "schedule": null }))
            .not("starttime", "takes the place of `schedule`, which is required")
            .sample("prune_backups", json!({ "keep-last": "3" })).sample("mailnotification", json!("failure"))
            .sample("mailto", json!(["a@example.org"])).sample("exclude_path", json!(["/tmp"]))
            .sample("pbs_change_detection_mode", json!("data")).sample("script", json!("/usr/local/bin/hook"))
            .sample("tmpdir", json!("/var/tmp")).sample("notes_template", json!("{{guestname}}"))
            .sample("fleecing.enabled", json!(false)).with("fleecing", json!({ "fleecing": { "enabled": true } }))
            .with("notes_template", json!({ "storage": "local" })),
        case("proxmox_haresource", json!({ "resource_id": "vm:100" }))
            .import("{resource_id}").after("proxmox_virtual_environment_vm", guest.clone()).after("proxmox_virtual_environment_vm", second.clone())
            .sample("resource_id", json!("vm:101")).sample("state", json!("stopped")).not("type", "what the id begins with: a change of the resource takes none")
            .sample("failback", json!(false))
            .not("group", "groups are gone in the version that the model is of"),
        case("proxmox_harule", json!({ "rule": "rule1", "type": "node-affinity", "resources": ["vm:100"], "nodes": { "pve": 1 } }))
            .import("{rule}").after("proxmox_virtual_environment_vm", guest.clone()).after("proxmox_virtual_environment_vm", second.clone())
            .after("proxmox_haresource", json!({ "resource_id": "vm:100" })).after("proxmox_haresource", json!({ "resource_id": "vm:101" }))
            .sample("rule", json!("rule2")).sample("resources", json!(["vm:100", "vm:101"]))
            .not("type", "each type wants others: tried by itself").not("affinity", "of another type: tried by itself"),
        case("proxmox_harule", json!({ "rule": "rule1", "type": "resource-affinity", "resources": ["vm:100", "vm:101"], "affinity": "positive" }))
            .import("{rule}").after("proxmox_virtual_environment_vm", guest.clone()).after("proxmox_virtual_environment_vm", second.clone())
            .after("proxmox_haresource", json!({ "resource_id": "vm:100" })).after("proxmox_haresource", json!({ "resource_id": "vm:101" }))
            .sample("affinity", json!("negative"))
            .not("rule", "tried above").not("type", "tried above").not("resources", "tried above").not("nodes", "of another type").not("strict", "of another type"),
        case("proxmox_hagroup", json!({ "group": "odd", "nodes": { "pve": 1 } }))
            .on((8, 4)).import("{group}").sample("group", json!("even")).sample("nodes", json!({ "pve": 1, "pve2": 2 })),
        case("proxmox_replication", json!({ "id": "100-0", "target": "pve2", "type": "local" }))
            .after("proxmox_virtual_environment_vm", guest.clone()).after("proxmox_virtual_environment_vm", second)
            .sample("id", json!("101-0")).not("type", "there is one type").not("target", "there is one other node"),
    ])
    .await;
}

#[tokio::test]
async fn every_argument_of_mappings_and_acme_lives() {
    live(vec![
        case("proxmox_hardware_mapping_dir", json!({ "name": "share", "map": [{ "node": "pve", "path": "/srv" }] }))
            .import("{name}").sample("name", json!("share2")).sample("map.path", json!("/mnt")),
        case("proxmox_hardware_mapping_pci", json!({ "name": "gpu", "map": [{ "node": "pve", "path": "0000:01:00.0", "id": "10de:1b80" }] }))
            .import("{name}").sample("name", json!("gpu2")).sample("map.path", json!("0000:02:00.0")).sample("map.id", json!("10de:1b81"))
            .sample("map.subsystem_id", json!("10de:0001")),
        case("proxmox_hardware_mapping_usb", json!({ "name": "stick", "map": [{ "node": "pve", "id": "1234:5678" }] }))
            .import("{name}").sample("name", json!("stick2")).sample("map.id", json!("1234:5679")).sample("map.path", json!("1-2")),
        case("proxmox_acme_dns_plugin", json!({ "plugin": "dns", "api": "cf" }))
            .import("{plugin}").sample("plugin", json!("dns2")).sample("api", json!("acmedns")).sample("data", json!({ "A": "b" })).not("data_wo", "sent and not kept: tried by itself")
            .not("digest", "it is told, and not set"),
        case("proxmox_acme_account", json!({ "name": "le", "contact": "a@example.org", "directory": "https://acme.invalid/directory" }))
            .import("{name}").sample("contact", json!("b@example.org")).sample("name", json!("le2")).sample("directory", json!("https://acme2.invalid/directory"))
            .sample("tos", json!("https://acme.invalid/tos"))
            .not("eab_", "both or none: tried by itself"),
        case("proxmox_acme_certificate", json!({ "account": "le", "node_name": "pve", "domains": [{ "domain": "pve.example.org" }] }))
            .import("{node_name}").after("proxmox_acme_account", json!({ "name": "le", "contact": "a@example.org" }))
            .after("proxmox_acme_account", json!({ "name": "other", "contact": "a@example.org" }))
            .after("proxmox_acme_dns_plugin", json!({ "plugin": "dns", "api": "cf" }))
            .sample("domains.domain", json!("x.example.org")).sample("domains.alias", json!("alias.example.org")).sample("domains.plugin", json!("dns"))
            .sample("account", json!("other")).not("force", BLIND),
        case("proxmox_metrics_server", json!({ "name": "m1", "server": "10.0.0.1", "port": 2003, "type": "graphite" }))
            .import("{name}").sample("name", json!("m2")).sample("port", json!(2004)).sample("mtu", json!(1400))
            .sample("graphite_path", json!("a.b")).sample("graphite_proto", json!("tcp"))
            .with("timeout", json!({ "graphite_proto": "tcp" }))
            .not("type", "each type wants others: tried by itself").not("influx", "of another type").not("opentelemetry", "of another type"),
        case("proxmox_metrics_server", json!({ "name": "m1", "server": "10.0.0.1", "port": 8086, "type": "influxdb" }))
            .import("{name}").sample("influx_db_proto", json!("http"))
            .sample("influx_max_body_size", json!(1000))
            .with("influx_bucket", json!({ "influx_db_proto": "http" })).with("influx_organization", json!({ "influx_db_proto": "http" }))
            .with("influx_token", json!({ "influx_db_proto": "http" })).with("influx_verify", json!({ "influx_db_proto": "https" }))
            .with("influx_api_path_prefix", json!({ "influx_db_proto": "http" })).with("influx_max", json!({ "influx_db_proto": "http" }))
            .not("influx_token", BLIND)
            .not("influx_token_wo", "sent and not kept: tried by itself")
            .not("name", "tried above").not("type", "tried above").not("port", "tried above").not("server", "tried above").not("mtu", "tried above").not("timeout", "tried above").not("disable", "tried above")
            .not("graphite", "of another type").not("opentelemetry", "of another type"),
        case("proxmox_metrics_server", json!({ "name": "m1", "server": "10.0.0.1", "port": 4318, "type": "opentelemetry" }))
            .import("{name}").sample("opentelemetry_proto", json!("http")).sample("opentelemetry_path", json!("/v2/metrics"))
            .sample("opentelemetry_compression", json!("none")).sample("opentelemetry_max_body_size", json!(2000))
            .sample("opentelemetry_headers", json!("eyJhIjoiYiJ9")).sample("opentelemetry_resource_attributes", json!("eyJhIjoiYiJ9"))
            .not("name", "tried above").not("type", "tried above").not("port", "tried above").not("server", "tried above").not("mtu", "tried above").not("timeout", "tried above").not("disable", "tried above")
            .not("graphite", "of another type").not("influx", "of another type"),
        case("proxmox_cluster_options", json!({}))
            .import("cluster").not("(gone)", "the cluster always has such settings")
            .sample("crs_ha", json!("static")).sample("ha_shutdown_policy", json!("freeze")).sample("http_proxy", json!("http://10.0.0.1:3128"))
            .sample("language", json!("de")).sample("mac_prefix", json!("BC:24:12")).sample("migration_cidr", json!("10.0.0.0/24"))
            .sample("migration_type", json!("insecure")).sample("next_id.lower", json!(200)).sample("next_id.upper", json!(300))
            .with("crs_ha_auto_rebalance_", json!({ "crs_ha_auto_rebalance": true })).sample("notify.ha_fencing_mode", json!("never")).sample("notify.package_updates", json!("never")).sample("notify.replication", json!("never")).sample("crs_ha_auto_rebalance_method", json!("topsis")),
    ])
    .await;
}
