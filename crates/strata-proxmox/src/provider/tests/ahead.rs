//! What a plan sees before anything is touched, and what it leaves to the apply.

use super::*;

async fn refused(world: &World, config: &Json) -> String {
    let plan = world.plan(VM, None, config).await;
    plan.map(drop).map_err(|diags| shown(&diags)).unwrap_err()
}

fn named(name: &str, address: &str) -> Json {
    let mut config = machine();
    config["name"] = json!(name);
    config["initialization"][0]["ip_config"][0]["ipv4"][0]["address"] = json!(address);
    config
}

#[tokio::test]
async fn what_the_same_plan_makes_before_is_there() {
    let world = world(options()).await;
    let before = [
        (
            "proxmox_storage_directory",
            json!({ "id": "fast", "path": "/srv", "content": ["images"] }),
        ),
        (
            "proxmox_network_linux_bridge",
            json!({ "node_name": "pve", "name": "vmbr7" }),
        ),
        (
            VM,
            json!({ "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false }),
        ),
    ];
    let mut config = machine();
    config["disk"][0]["datastore_id"] = json!("fast");
    config["network_device"][0]["bridge"] = json!("vmbr7");
    config["clone"] = json!([{ "vm_id": 900 }]);
    assert!(
        refused(&world, &config)
            .await
            .contains("There is no guest 900")
    );
    for (name, object) in &before {
        world.plan(name, None, object).await.unwrap();
    }
    world.plan(VM, None, &config).await.unwrap();
    for (name, object) in &before {
        world.apply(name, None, object).await.unwrap();
    }
    let made = world.apply(VM, None, &config).await.unwrap();
    assert_eq!(to_json(&made.value)["disk"][0]["datastore_id"], "fast");
    // A storage that is to take no disks is none for one.
    let isos = json!({ "id": "isos", "path": "/iso", "content": ["iso"] });
    world
        .plan("proxmox_storage_directory", None, &isos)
        .await
        .unwrap();
    config["name"] = json!("other");
    config["disk"][0]["datastore_id"] = json!("isos");
    assert!(
        refused(&world, &config)
            .await
            .contains("does not take `images`")
    );
}

#[tokio::test]
async fn a_virtual_network_of_the_same_plan_is_a_bridge() {
    let world = world(options()).await;
    let mut config = machine();
    config["network_device"][0]["bridge"] = json!("v1");
    assert!(
        refused(&world, &config)
            .await
            .contains("There is no bridge `v1` on node `pve`")
    );
    let vnet = json!({ "id": "v1", "zone": "z1" });
    world.plan("proxmox_sdn_vnet", None, &vnet).await.unwrap();
    world.plan(VM, None, &config).await.unwrap();
}

#[tokio::test]
async fn what_only_apply_can_tell_is_not_judged() {
    let world = world(options()).await;
    let block = &world.provider.schema().resources[VM].block;
    let config = config_of(block, &machine());
    for name in ["node_name", "name"] {
        let unknown =
            config
                .as_entries()
                .unwrap()
                .iter()
                .map(|(key, value)| match &**key == name {
                    true => (key.clone(), Value::unknown(value.ty())),
                    false => (key.clone(), value.clone()),
                });
        let config = Value::object(unknown);
        let proposed = propose(block, None, &config);
        let request = PlanRequest {
            address: strata_core::addr::parse_resource_instance("test.one").unwrap(),
            type_name: VM.into(),
            prior: None,
            proposed,
            config,
        };
        world.configured.plan(request).await.unwrap();
    }
}

#[tokio::test]
async fn addresses_are_addresses_and_one_machine_s_alone() {
    let world = world(options()).await;
    let wrong = refused(&world, &named("a", "10.0.0.5")).await;
    assert!(
        wrong.contains("`10.0.0.5` is no address") && wrong.contains("10.0.0.5/24"),
        "{wrong}"
    );
    let own = refused(&world, &named("b", "10.99.0.2/24")).await;
    assert!(
        own.contains("The address 10.99.0.2 is the node's own"),
        "{own}"
    );
    world
        .plan(VM, None, &named("c", "10.0.0.5/24"))
        .await
        .unwrap();
    // The same machine planned again is the same machine.
    world
        .plan(VM, None, &named("c", "10.0.0.5/24"))
        .await
        .unwrap();
    let twice = refused(&world, &named("d", "10.0.0.5/24")).await;
    assert!(
        twice.contains("used twice in this configuration") && twice.contains("`c`"),
        "{twice}"
    );
    let mut elsewhere = named("e", "10.0.0.5/24");
    elsewhere["network_device"][0]["vlan_id"] = json!(20);
    world.plan(VM, None, &elsewhere).await.unwrap();
    let mut gateway = named("f", "10.0.0.6/24");
    gateway["initialization"][0]["ip_config"][0]["ipv4"][0]["gateway"] = json!("10.1.0.1");
    let plan = world.plan(VM, None, &gateway).await.unwrap();
    assert!(shown(&plan.warnings).contains("is not in the network"));
}

#[tokio::test]
async fn an_id_twice_in_one_configuration_is_refused() {
    let world = world(options()).await;
    let mut first = named("a", "10.0.0.5/24");
    first["vm_id"] = json!(300);
    let mut second = named("b", "10.0.0.6/24");
    second["vm_id"] = json!(300);
    world.plan(VM, None, &first).await.unwrap();
    let error = refused(&world, &second).await;
    assert!(
        error.contains("The id 300 is used twice in this configuration"),
        "{error}"
    );
}

#[tokio::test]
async fn memory_and_space_that_run_short_are_said_once_and_before() {
    let world = world(options()).await;
    let mut warnings = Vec::new();
    for at in 0..4 {
        let mut config = named(&format!("m{at}"), &format!("10.0.0.{}/24", at + 10));
        config["memory"][0]["dedicated"] = json!(100 << 10);
        let plan = world.plan(VM, None, &config).await.unwrap();
        warnings.push(shown(&plan.warnings).contains("not as much free memory"));
    }
    // The node has 256 GiB: the third machine steps over it.
    assert_eq!(warnings, [false, false, true, false]);
    let mut huge = named("huge", "10.0.0.30/24");
    huge["disk"][0]["size"] = json!(10_000_000);
    let error = refused(&world, &huge).await;
    assert!(error.contains("has not enough space"), "{error}");
}

#[tokio::test]
async fn ids_are_drawn_from_the_range_that_is_declared() {
    let mut world = world(options()).await;
    let block = world.provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(), "api_token": "root@pam!twin=twin",
            "random_vm_ids": true, "random_vm_id_start": 7000, "random_vm_id_end": 7001,
        }),
    );
    world.configured = world.provider.configure(config).unwrap();
    let mut ids = Vec::new();
    for at in 0..2 {
        let config = json!({ "name": format!("m{at}"), "node_name": "pve", "started": false });
        let made = world.apply(VM, None, &config).await.unwrap();
        ids.push(to_json(&made.value)["vm_id"].as_i64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, [7000, 7001]);
    let third = json!({ "name": "third", "node_name": "pve", "started": false });
    let error = world.apply(VM, None, &third).await.unwrap_err();
    assert!(error.contains("no VM id is free"), "{error}");
}

#[tokio::test]
async fn reboots_and_the_cloud_init_drive_are_announced() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let mut config = machine();
    config["initialization"][0]["user_account"][0]["username"] = json!("admin");
    let plan = world.plan(VM, Some(&made), &config).await.unwrap();
    let said = format!("{:?}", plan.effects);
    assert!(said.contains("cloud-init drive is written anew"), "{said}");
    let mut config = machine();
    config["memory"][0]["dedicated"] = json!(4096);
    let plan = world.plan(VM, Some(&made), &config).await.unwrap();
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.kind == EffectKind::Restart)
    );
    config["reboot_after_update"] = json!(false);
    let plan = world.plan(VM, Some(&made), &config).await.unwrap();
    assert!(
        plan.effects
            .iter()
            .all(|effect| effect.kind != EffectKind::Restart)
    );
    assert!(format!("{:?}", plan.effects).contains("waits for the next start"));
}

#[tokio::test]
async fn a_file_that_changed_here_is_sent_anew() {
    const FILE: &str = "proxmox_virtual_environment_file";
    let world = world(options()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.iso");
    std::fs::write(&path, "first").unwrap();
    let file = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "source_file": [{ "path": path.display().to_string() }],
    });
    let made = world.apply(FILE, None, &file).await.unwrap();
    let read = world.read(FILE, &made).await.unwrap();
    world.nothing(FILE, &read, &file).await;
    std::fs::write(&path, "other").unwrap();
    let plan = world.plan(FILE, Some(&read), &file).await.unwrap();
    assert!(!plan.requires_replace.is_empty());
}

#[tokio::test]
async fn a_file_from_the_web_is_fetched_by_the_node() {
    const FILE: &str = "proxmox_virtual_environment_file";
    let world = world(options()).await;
    let file = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "source_file": [{ "path": "https://example.com/debian.iso", "insecure": true }],
    });
    world.twin.heard();
    let made = world.apply(FILE, None, &file).await.unwrap();
    assert_eq!(to_json(&made.value)["id"], "local:iso/debian.iso");
    let (what, params) = &world.twin.heard()[0];
    assert!(what.ends_with("/download-url"), "{what}");
    assert_eq!(params["verify-certificates"], "0");
}
