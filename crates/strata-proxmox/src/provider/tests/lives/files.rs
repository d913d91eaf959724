//! Files in storages.

use super::*;

#[tokio::test]
async fn every_argument_of_files_lives() {
    live(vec![
        case("proxmox_download_file", json!({ "node_name": "pve", "datastore_id": "local", "content_type": "iso", "url": "https://example.com/debian.iso" }))
            .import("{node_name}/{id}")
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["iso", "import"] }))
            .sample("datastore_id", json!("second")).sample("content_type", json!("import"))
            .not("content_type", "each type wants files of its own: tried by itself")
            .sample("checksum", json!("0".repeat(64))).with("checksum", json!({ "checksum_algorithm": "sha256" }))
            .not("checksum", "tried with a wrong one elsewhere: the model knows no content")
            .sample("checksum_algorithm", json!("sha256")).sample("decompression_algorithm", json!("gz")).sample("file_name", json!("x.iso")),
        case("proxmox_oci_image", json!({ "node_name": "pve", "datastore_id": "local", "reference": "docker.io/library/alpine:3.20" }))
            .import("{node_name}/{id}")
            .after("proxmox_storage_directory", json!({ "id": "second", "path": "/srv", "content": ["vztmpl"] }))
            .sample("datastore_id", json!("second")).sample("reference", json!("docker.io/library/debian:13")).sample("file_name", json!("x.tar")),
    ])
    .await;
}

/// The SHA-256 of a file of this package.
fn sum_of(path: &str) -> Json {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(std::fs::read(path).unwrap());
    json!(
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    )
}

#[tokio::test]
async fn every_argument_of_files_that_are_sent_lives() {
    let sent = |name: &'static str, least: Json| {
        case(name, least)
            .import("{node_name}/{id}")
            .after(
                "proxmox_storage_directory",
                json!({ "id": "second", "path": "/srv", "content": ["iso", "import"] }),
            )
            .sample("datastore_id", json!("second"))
            .not("content_type", "what a file is: its name tells as well")
            .not(
                "node_name",
                "each node has a `local` of its own: the other has none",
            )
            .not(
                "file_mode",
                "of what is written over ssh alone, which a model has not: the script is tested",
            )
    };
    const FILE: &str = "proxmox_virtual_environment_file";
    live(vec![
        sent(FILE, json!({ "node_name": "pve", "datastore_id": "local", "content_type": "iso", "source_raw": [{ "data": "not much", "file_name": "a.iso" }] }))
            .not("source_raw.data", "what is sent is no parameter: another text makes it anew, as its name does").sample("source_raw.file_name", json!("b.iso"))
            .not("source_file", "takes the place of `source_raw`: tried below"),
        sent(FILE, json!({ "node_name": "pve", "datastore_id": "local", "content_type": "iso", "source_file": [{ "path": "Cargo.toml", "file_name": "a.iso" }] }))
            .not("source_file.path", "what is sent is no parameter: another file makes it anew, as its name does").sample("source_file.file_name", json!("b.iso"))
            .sample("source_file.checksum", sum_of("Cargo.toml"))
            .with("source_file.insecure", json!({ "source_file": [{ "path": "https://example.com/a.iso" }] }))
            .not("source_raw", "takes the place of `source_file`: tried above"),
    ])
    .await;
}
