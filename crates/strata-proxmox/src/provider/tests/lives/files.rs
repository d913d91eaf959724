//! Files in storages.

use super::*;

#[tokio::test]
async fn every_argument_of_files_lives() {
    live(vec![
        case("proxmox_download_file", json!({ "node_name": "pve", "datastore_id": "local", "content_type": "iso", "url": "https://example.com/debian.iso" }))
            .import("{node_name}/{id}").unknown(&["url"])
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["iso", "import"] }))
            .sample("datastore_id", json!("second")).sample("content_type", json!("import"))
            .not("content_type", "each type wants files of its own: tried by itself")
            .sample("checksum", json!("0".repeat(64))).with("checksum", json!({ "checksum_algorithm": "sha256" }))
            .not("checksum", "tried with a wrong one elsewhere: the model knows no content")
            .sample("checksum_algorithm", json!("sha256")).sample("decompression_algorithm", json!("gz")).sample("file_name", json!("x.iso")),
        case("proxmox_oci_image", json!({ "node_name": "pve", "datastore_id": "local", "reference": "docker.io/library/alpine:3.20" }))
            .import("{node_name}/{id}").unknown(&["reference"])
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["vztmpl"] }))
            .sample("datastore_id", json!("second")).sample("reference", json!("docker.io/library/debian:13")).sample("file_name", json!("x.tar")),
    ])
    .await;
}
