//! How the cluster is reached: logins, certificates, several endpoints; files on their way.

use super::*;

const POOL: &str = "proxmox_virtual_environment_pool";
const FILE: &str = "proxmox_virtual_environment_file";

/// The same world, reached otherwise.
async fn reached(given: impl Fn(&World) -> Json) -> World {
    let mut world = world(options()).await;
    let block = world.provider.schema().provider.clone();
    let config = config_of(&block, &given(&world));
    world.configured = world.provider.configure(config).unwrap();
    world
}

fn by_password(world: &World) -> Json {
    json!({
        "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(),
        "username": "root@pam", "password": "twin",
    })
}

#[tokio::test]
async fn a_password_buys_a_ticket_that_writes_too() {
    let world = reached(by_password).await;
    let first = json!({ "pool_id": "p", "comment": "a" });
    let second = json!({ "pool_id": "p", "comment": "b" });
    world.life(POOL, first, second).await;
}

#[tokio::test]
async fn a_ticket_that_ran_out_is_bought_anew() {
    let world = reached(by_password).await;
    world
        .apply(POOL, None, &json!({ "pool_id": "p" }))
        .await
        .unwrap();
    world.twin.forget_tickets();
    world
        .apply(POOL, None, &json!({ "pool_id": "q" }))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_told_without_its_text() {
    let world = reached(|world| {
        let mut given = by_password(world);
        given["password"] = json!("hunter2");
        given
    })
    .await;
    let error = world
        .apply(POOL, None, &json!({ "pool_id": "p" }))
        .await
        .unwrap_err();
    assert!(error.contains("authentication failure"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn another_endpoint_answers_where_the_first_does_not() {
    // Nothing listens at a port that was bound and given back.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let world = reached(|world| {
        let mut given = by_password(world);
        given["endpoint"] = json!(format!(
            "https://127.0.0.1:{port}/,{}",
            world.twin.endpoint()
        ));
        given
    })
    .await;
    world
        .apply(POOL, None, &json!({ "pool_id": "p" }))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_not_the_named_one_is_not_trusted() {
    let world = reached(|world| {
        let mut given = by_password(world);
        given["fingerprint"] = json!("00:".repeat(31) + "00");
        given
    })
    .await;
    let error = world
        .apply(POOL, None, &json!({ "pool_id": "p" }))
        .await
        .unwrap_err();
    assert!(error.to_lowercase().contains("fingerprint"), "{error}");
    assert!(!error.contains("hunter2"));
}

#[tokio::test]
async fn a_file_is_sent_from_here() {
    let world = world(options()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.iso");
    std::fs::write(&path, "not much").unwrap();
    let file = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "source_file": [{ "path": path.display().to_string() }],
    });
    let made = world.apply(FILE, None, &file).await.unwrap();
    assert_eq!(to_json(&made.value)["id"], "local:iso/small.iso");
    let read = world.read(FILE, &made).await.unwrap();
    world.nothing(FILE, &read, &file).await;
    world.delete(FILE, &read).await.unwrap();
    assert!(world.read(FILE, &made).await.is_none());
}

#[tokio::test]
async fn a_file_whose_checksum_is_wrong_is_removed_again() {
    let world = world(options()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.iso");
    std::fs::write(&path, "not much").unwrap();
    let file = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "source_file": [{ "path": path.display().to_string(), "checksum": "0".repeat(64) }],
    });
    let error = world.apply(FILE, None, &file).await.unwrap_err();
    assert!(error.to_lowercase().contains("checksum"), "{error}");
    assert_eq!(world.twin.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_storage_that_does_not_take_the_content_is_named() {
    let world = world(options()).await;
    let storage = json!({ "id": "isos", "path": "/srv", "content": ["iso"] });
    world
        .apply("proxmox_storage_directory", None, &storage)
        .await
        .unwrap();
    let mut machine = machine();
    machine["disk"][0]["datastore_id"] = json!("isos");
    let plan = world.plan(VM, None, &machine).await;
    let error = plan.map(drop).map_err(|diags| shown(&diags)).unwrap_err();
    assert!(
        error.contains("The storage `isos` does not take `images`"),
        "{error}"
    );
    assert!(world.twin.guests().is_empty());
}
