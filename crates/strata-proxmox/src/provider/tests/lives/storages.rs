//! Storages of every type.

use super::*;

fn storage(name: &'static str, least: Json) -> Case {
    case(name, least)
        .sample("id", json!("second"))
        .sample("backups.keep_all", json!(true))
        .not("create_base_path", BLIND)
        .not("create_subdirs", BLIND)
        .not("password", BLIND)
        .not("encryption_key", BLIND)
        .unknown(&["password", "encryption_key"])
}

#[tokio::test]
async fn every_argument_of_storages_lives() {
    live(cases()).await;
}

pub(in super::super) fn cases() -> Vec<Case> {
    vec![
        storage("proxmox_storage_directory", json!({ "id": "one", "path": "/srv" })),
        storage("proxmox_storage_nfs", json!({ "id": "one", "server": "10.0.0.1", "export": "/x" }))
            .sample("export", json!("/y")).sample("options", json!("vers=4")),
        storage("proxmox_storage_cifs", json!({ "id": "one", "server": "10.0.0.1", "share": "x", "username": "u", "password": "p" }))
            .sample("share", json!("y")).sample("subdirectory", json!("/sub")).sample("options", json!("vers=3")),
        storage("proxmox_storage_lvm", json!({ "id": "one", "volume_group": "vg" })).sample("content", json!(["rootdir"])),
        storage("proxmox_storage_lvmthin", json!({ "id": "one", "volume_group": "vg", "thin_pool": "t" })).sample("content", json!(["rootdir"])),
        storage("proxmox_storage_zfspool", json!({ "id": "one", "zfs_pool": "rpool" })).sample("content", json!(["rootdir"])),
        storage("proxmox_storage_pbs", json!({ "id": "one", "server": "10.0.0.1", "datastore": "d", "username": "u@pbs", "password": "p" }))
            .sample("content", json!(["backup"])).sample("namespace", json!("ns"))
            .sample("username", json!("v@pbs"))
            .not("content", "it takes backups alone"),
    ]
}

#[tokio::test]
async fn every_argument_of_pools_of_disks_lives() {
    live(vec![
        case("proxmox_node_disk_zfs", json!({ "node_name": "pve", "name": "tank", "devices": ["/dev/sdb"], "raidlevel": "single" }))
            .import("{node_name}:{name}")
            .unknown(&["devices", "raidlevel", "ashift", "compression", "cleanup_config", "cleanup_disks"])
            .sample("name", json!("tank2")).sample("devices", json!(["/dev/sdb", "/dev/sdc"])).sample("raidlevel", json!("mirror"))
            .with("draid_config", json!({ "raidlevel": "draid", "draid_config": { "data": 2, "spares": 1 } }))
            .sample("draid_config.data", json!(3)).sample("draid_config.spares", json!(2))
            .not("cleanup", "what its removal takes along"),
        case("proxmox_ceph_pool", json!({ "node_name": "pve", "name": "vms" }))
            .import("{node_name}/{name}").unknown(&["remove_ecprofile", "remove_storages", "force_destroy", "application"])
            .sample("name", json!("vms2")).sample("application", json!("cephfs")).sample("crush_rule", json!("ssd"))
            .sample("erasure_coding", json!("k=2,m=1")).sample("pg_autoscale_mode", json!("on"))
            .sample("size", json!(5)).sample("min_size", json!(3)).sample("pg_num", json!(64)).sample("pg_num_min", json!(16))
            .sample("target_size", json!("10G")).sample("target_size_ratio", json!(0.5))
            .not("target_size", "the API takes none back").not("target_size_ratio", "the API takes none back")
            .not("size", "an optional value that the server chooses stays").not("min_size", "the same").not("pg_", "the same").not("crush_rule", "the same"),
    ])
    .await;
}
