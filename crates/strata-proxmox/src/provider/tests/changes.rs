//! What a change does to a machine that is there: announced before, done as announced, and nothing beside it.

use super::*;

/// The requests of an update, without parameters.
async fn changed(world: &World, object: &Object, config: &Json) -> Vec<String> {
    world.twin.heard();
    let made = world.apply(VM, Some(object), config).await.unwrap();
    let heard = world.twin.heard().into_iter().map(|(what, _)| what);
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, config).await;
    heard.collect()
}

fn reboots(requests: &[String]) -> bool {
    requests.iter().any(|what| what.ends_with("/status/reboot"))
}

async fn announced(world: &World, object: &Object, config: &Json) -> (bool, String) {
    let plan = world.plan(VM, Some(object), config).await.unwrap();
    let mut effects = plan.effects.iter();
    let restarts = effects.any(|effect| effect.kind == EffectKind::Restart);
    (restarts, format!("{:?}", plan.effects))
}

/// A machine with a choice, and the same with another user.
fn edited(choice: &str) -> (Json, Json) {
    let mut before = machine();
    before["initialization"][0]["on_change"] = json!(choice);
    let mut after = before.clone();
    after["initialization"][0]["user_account"][0]["username"] = json!("admin");
    (before, after)
}

#[tokio::test]
async fn each_resource_chooses_what_an_edit_for_cloud_init_does() {
    for (choice, says, does) in [
        ("drive", "reads it at its next boot", false),
        ("reboot", "the VM reboots to read it", true),
        ("rerun", "runs all of cloud-init again", true),
    ] {
        let world = world(options()).await;
        let (before, after) = edited(choice);
        let made = world.apply(VM, None, &before).await.unwrap();
        let (restarts, said) = announced(&world, &made, &after).await;
        assert!(restarts == does && said.contains(says), "{choice}: {said}");
        let requests = changed(&world, &made, &after).await;
        assert_eq!(reboots(&requests), does, "{choice}: {requests:?}");
        let written = requests.iter().any(|what| what.ends_with("/cloudinit"));
        assert!(written, "{choice}: {requests:?}");
        let forgets = requests.iter().any(|what| what.ends_with("/agent/exec"));
        assert_eq!(forgets, choice == "rerun", "{choice}: {requests:?}");
    }
}

#[tokio::test]
async fn an_edit_for_cloud_init_may_make_a_machine_anew_or_a_file_may_not() {
    let world = world(Options {
        lenient: true,
        ..options()
    })
    .await;
    let (before, after) = edited("replace");
    let made = world.apply(VM, None, &before).await.unwrap();
    let plan = world.plan(VM, Some(&made), &after).await.unwrap();
    assert!(!plan.requires_replace.is_empty());
    let plan = world.plan(VM, Some(&made), &before).await.unwrap();
    assert!(plan.requires_replace.is_empty());

    let mut config = machine();
    config["name"] = json!("files");
    config["initialization"] =
        json!([{ "datastore_id": "local", "user_data_file_id": "local:snippets/a.yaml" }]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let mut other = config.clone();
    other["initialization"][0]["user_data_file_id"] = json!("local:snippets/b.yaml");
    let plan = world.plan(VM, Some(&made), &other).await.unwrap();
    assert!(!plan.requires_replace.is_empty());
    other["initialization"][0]["on_change"] = json!("reboot");
    let plan = world.plan(VM, Some(&made), &other).await.unwrap();
    assert!(
        plan.requires_replace.is_empty(),
        "{:?}",
        plan.requires_replace
    );
    assert!(reboots(&changed(&world, &made, &other).await));
}

#[tokio::test]
async fn a_machine_that_is_off_reboots_for_nothing() {
    let world = world(options()).await;
    let (mut before, mut after) = edited("reboot");
    before["started"] = json!(false);
    after["started"] = json!(false);
    let made = world.apply(VM, None, &before).await.unwrap();
    let (restarts, said) = announced(&world, &made, &after).await;
    assert!(!restarts && said.contains("at its next boot"), "{said}");
    assert!(!reboots(&changed(&world, &made, &after).await));
}

#[tokio::test]
async fn no_machine_reboots_for_what_others_left_waiting() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    world.twin.leave_waiting(100, "vga", "qxl");
    let mut other = machine();
    other["description"] = json!("other");
    let (restarts, said) = announced(&world, &made, &other).await;
    assert!(!restarts, "{said}");
    assert!(!reboots(&changed(&world, &made, &other).await));
}

#[tokio::test]
async fn every_reboot_is_announced() {
    type Edit = fn(&mut Json);
    let edits: [(&str, Edit); 5] = [
        ("memory", |config| {
            config["memory"][0]["dedicated"] = json!(4096)
        }),
        ("scsi0", |config| {
            config["disk"][0]["cache"] = json!("writeback")
        }),
        ("vga", |config| config["vga"] = json!([])),
        ("audio0", |config| {
            config["audio_device"] = json!([{ "enabled": true }])
        }),
        ("description", |config| {
            config["description"] = json!("other")
        }),
    ];
    for (name, edit) in edits {
        let world = world(options()).await;
        let mut before = machine();
        before["vga"] = json!([{ "type": "virtio" }]);
        let made = world.apply(VM, None, &before).await.unwrap();
        let mut after = before.clone();
        edit(&mut after);
        let (restarts, said) = announced(&world, &made, &after).await;
        assert_eq!(restarts, name != "description", "{name}: {said}");
        assert!(!restarts || said.contains(name), "{name}: {said}");
        let requests = changed(&world, &made, &after).await;
        assert!(restarts || !reboots(&requests), "{name}: {requests:?}");
    }
}

#[tokio::test]
async fn a_machine_that_others_moved_is_found_changed_and_removed_there() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    world.twin.move_to(100, "pve2");
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &machine()).await;
    let mut other = machine();
    other["description"] = json!("other");
    let plan = world.plan(VM, Some(&read), &other).await.unwrap();
    assert!(plan.requires_replace.is_empty());
    let changed = world.apply(VM, Some(&read), &other).await.unwrap();
    assert_eq!(world.twin.config(100)["description"].trim_end(), "other");
    assert_eq!(world.twin.guests(), [100]);
    world.delete(VM, &changed).await.unwrap();
    assert!(world.twin.guests().is_empty());
}

#[tokio::test]
async fn a_drive_for_cds_that_moves_leaves_none_behind() {
    let world = world(options()).await;
    let mut config = machine();
    config["started"] = json!(false);
    config["cdrom"] = json!([{ "interface": "ide0", "file_id": "none" }]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let mut other = config.clone();
    other["cdrom"][0]["interface"] = json!("ide3");
    changed(&world, &made, &other).await;
    let config = world.twin.config(100);
    assert!(
        config.contains_key("ide3") && !config.contains_key("ide0"),
        "{config:?}"
    );
}

#[tokio::test]
async fn another_image_for_a_disk_that_is_there_is_told_to_change_nothing() {
    let world = world(Options {
        lenient: true,
        ..options()
    })
    .await;
    let mut config = machine();
    config["disk"][0]["import_from"] = json!("local:import/a.qcow2");
    let made = world.apply(VM, None, &config).await.unwrap();
    config["disk"][0]["import_from"] = json!("local:import/b.qcow2");
    let plan = world.plan(VM, Some(&made), &config).await.unwrap();
    let said = shown(&plan.warnings);
    assert!(
        said.contains("The disk `scsi0` stays as it was made"),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_only_written_is_in_no_state_and_sent_again_with_another_version() {
    let cases = [
        (
            "proxmox_realm_openid",
            json!({ "realm": "oidc", "issuer_url": "https://a.example", "client_id": "c" }),
            "client_key_wo",
            json!("s3cret"),
            "client-key",
        ),
        (
            "proxmox_acme_dns_plugin",
            json!({ "plugin": "dns", "api": "cf" }),
            "data_wo",
            json!({ "CF_Token": "s3cret" }),
            "data",
        ),
    ];
    for (name, mut config, secret, text, parameter) in cases {
        let world = world(options()).await;
        let version = format!("{secret}_version");
        config[secret] = text;
        config[version.as_str()] = json!(1);
        let sent = |world: &World| {
            let mut heard = world.twin.heard().into_iter();
            heard.any(|(_, params)| params.contains_key(parameter))
        };
        world.twin.heard();
        let made = world.apply(name, None, &config).await.unwrap();
        assert!(sent(&world), "{name}");
        let kept = format!("{:?} {:?}", made.value, made.private);
        assert!(!kept.contains("s3cret"), "{kept}");
        let read = world.read(name, &made).await.unwrap();
        assert!(!format!("{:?}", read.value).contains("s3cret"));
        world.nothing(name, &read, &config).await;
        config[version.as_str()] = json!(2);
        let changed = world.apply(name, Some(&read), &config).await.unwrap();
        assert!(sent(&world), "{name}: nothing was sent again");
        world.nothing(name, &changed, &config).await;
    }
}

#[tokio::test]
async fn another_disk_leaves_an_order_of_booting_that_is_written_as_it_is() {
    let world = world(options()).await;
    let mut config = machine();
    config["boot_order"] = json!(["scsi0", "net0"]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let another = json!({ "interface": "scsi1", "datastore_id": "local", "size": 4 });
    config["disk"].as_array_mut().unwrap().push(another);
    let plan = world.plan(VM, Some(&made), &config).await.unwrap();
    assert_eq!(
        to_json(&plan.planned)["boot_order"],
        json!(["scsi0", "net0"])
    );
    changed(&world, &made, &config).await;
}

#[tokio::test]
async fn a_clone_s_cloud_init_drive_comes_to_the_interface_that_is_asked_for() {
    let world = world(options()).await;
    let mut template = machine();
    template["vm_id"] = json!(900);
    template["template"] = json!(true);
    template["started"] = json!(false);
    world.apply(VM, None, &template).await.unwrap();
    assert!(world.twin.config(900)["ide2"].contains("cloudinit"));
    let mut clone = machine();
    clone["clone"] = json!([{ "vm_id": 900 }]);
    clone["initialization"][0]["interface"] = json!("ide0");
    world.apply(VM, None, &clone).await.unwrap();
    let config = world.twin.config(100);
    assert!(
        config["ide0"].contains("cloudinit") && !config.contains_key("ide2"),
        "{config:?}"
    );
}

#[tokio::test]
async fn a_rehearsal_has_the_storages_that_a_configuration_names() {
    let world = world_with(Options::rehearsal(), |twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    })
    .await;
    let mut config = machine();
    config["disk"][0]["datastore_id"] = json!("nvme-vm");
    config["disk"][0]["import_from"] = json!("tank:import/a.qcow2");
    config["initialization"][0]["datastore_id"] = json!("attic");
    let made = world.apply(VM, None, &config).await.unwrap();
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &config).await;
    assert!(world.twin.config(100)["scsi0"].starts_with("nvme-vm:"));
}

#[tokio::test]
async fn an_account_beside_a_file_for_the_user_is_said_to_have_no_effect() {
    let world = world(options()).await;
    let mut config = machine();
    config["initialization"] = json!([{
        "datastore_id": "local", "user_data_file_id": "local:snippets/a.yaml",
        "user_account": [{ "username": "ops" }],
    }]);
    let block = &world.provider.schema().resources[VM].block;
    let said = world.provider.validate(
        strata_core::provider::ObjectKind::Resource,
        VM,
        &config_of(block, &config),
    );
    assert!(!said.has_errors() && shown(&said).contains("no effect"));
    let made = world.apply(VM, None, &config).await.unwrap();
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &config).await;
}

#[tokio::test]
async fn a_bridge_that_becomes_aware_of_vlans_tells_which_it_carries() {
    const BRIDGE: &str = "proxmox_network_linux_bridge";
    let world = world(options()).await;
    let plain = json!({ "node_name": "pve", "name": "vmbr1" });
    let made = world.apply(BRIDGE, None, &plain).await.unwrap();
    let mut aware = plain.clone();
    aware["vlan_aware"] = json!(true);
    let changed = world.apply(BRIDGE, Some(&made), &aware).await.unwrap();
    let vids = changed.value.get("vids").and_then(Value::as_str);
    assert_eq!(vids, Some("2-4094"));
    let read = world.read(BRIDGE, &changed).await.unwrap();
    assert_eq!(read.value, changed.value);
    world.nothing(BRIDGE, &read, &aware).await;
}
