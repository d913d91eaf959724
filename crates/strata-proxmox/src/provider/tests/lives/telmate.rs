//! Telmate's types.

use super::*;

#[tokio::test]
async fn every_argument_of_telmate_s_pool_lives() {
    live(vec![
        case("proxmox_storage_iso", json!({ "pve_node": "pve", "storage": "local", "url": "https://example.com/a.iso", "filename": "a.iso" }))
            .import("{pve_node}/{id}").unknown(&["url"])
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 100, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .sample("pve_node", json!("pve2")).sample("filename", json!("b.iso")).sample("storage", json!("local-lvm"))
            .not("storage", "the other storage takes no images").not("pve_node", "each node has a `local` of its own").not("checksum", "tried with the other provider's type"),
        case("proxmox_cloud_init_disk", json!({ "name": "web", "pve_node": "pve", "storage": "local" }))
            .no_import().sample("name", json!("db"))
            .not("storage", "the other storage takes no images").not("pve_node", "each node has a `local` of its own")
            .not("meta_data", "in the image, which is sent whole: tested there").not("network_config", "the same").not("user_data", "the same").not("vendor_data", "the same"),
        case("proxmox_lxc_disk", json!({ "container": "pve/lxc/100", "slot": 0, "storage": "local", "mp": "/data", "size": "4G" }))
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 100, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .after("proxmox_lxc", json!({ "target_node": "pve", "vmid": 101, "ostemplate": "local:vztmpl/d.tar.zst", "rootfs": [{ "storage": "local", "size": "4G" }] }))
            .sample("container", json!("pve/lxc/101")).sample("mp", json!("/other")).sample("slot", json!(1)).sample("storage", json!("local-lvm"))
            .not("size", "volumes only grow").not("replicate", "what is so anyway"),
        case("proxmox_pool", json!({ "poolid": "p" })).sample("poolid", json!("q")),
    ])
    .await;
}
