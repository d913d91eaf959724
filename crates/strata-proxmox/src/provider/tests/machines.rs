//! Virtual machines.

use super::*;

#[tokio::test]
async fn a_machine_is_made_read_changed_and_removed() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let json = to_json(&made.value);
    assert_eq!(json["vm_id"], 100);
    assert_eq!(json["ipv4_addresses"], json!([["127.0.0.1"], ["10.0.0.5"]]));
    assert_eq!(
        json["network_device"][0]["mac_address"]
            .as_str()
            .map(str::len),
        Some(17)
    );
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &machine()).await;

    let mut changed = machine();
    changed["memory"][0]["dedicated"] = json!(2048);
    changed["disk"][0]["size"] = json!(20);
    changed["description"] = json!("second");
    let plan = world.plan(VM, Some(&read), &changed).await.unwrap();
    assert!(plan.requires_replace.is_empty());
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.kind == EffectKind::Restart && effect.reason.contains("memory"))
    );
    let object = world.apply(VM, Some(&read), &changed).await.unwrap();
    let read = world.read(VM, &object).await.unwrap();
    assert_eq!(to_json(&read.value)["disk"][0]["size"], 20);
    world.nothing(VM, &read, &changed).await;

    changed["disk"][0]["size"] = json!(10);
    let refused = world.plan(VM, Some(&read), &changed).await.unwrap_err();
    assert!(shown(&refused).contains("cannot be made smaller"));
    world.delete(VM, &read).await.unwrap();
    assert!(world.read(VM, &read).await.is_none());
}

#[tokio::test]
async fn a_change_of_description_alone_touches_nothing_else() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let mut changed = machine();
    changed["description"] = json!("other");
    let plan = world.plan(VM, Some(&made), &changed).await.unwrap();
    assert!(plan.effects.is_empty(), "{:?}", plan.effects);
}

#[tokio::test]
async fn an_imported_machine_needs_no_change() {
    let world = world(options()).await;
    let made = world.apply(VM, None, &machine()).await.unwrap();
    let id = to_json(&made.value)["vm_id"].to_string();
    let imported = world
        .configured
        .import(VM.into(), format!("pve/{id}"))
        .await;
    let imported = imported.map_err(|diags| shown(&diags)).unwrap();
    world.nothing(VM, &imported, &machine()).await;
    let missing = world
        .configured
        .import(VM.into(), "pve/4711".to_owned())
        .await
        .unwrap_err();
    assert!(shown(&missing).contains("Cannot import non-existent remote object"));
}

#[tokio::test]
async fn a_clone_gets_its_own_settings_and_disks_grow() {
    let world = world(options()).await;
    let mut template = machine();
    template["template"] = json!(true);
    template["started"] = json!(false);
    template["vm_id"] = json!(900);
    world.apply(VM, None, &template).await.unwrap();
    let mut clone = machine();
    clone["name"] = json!("clone");
    clone["clone"] = json!([{ "vm_id": 900, "full": true }]);
    clone["disk"][0]["size"] = json!(12);
    let made = world.apply(VM, None, &clone).await.unwrap();
    assert_eq!(
        to_json(&made.value)["disk"][0]["path_in_datastore"],
        "100/vm-100-disk-0.raw"
    );
    let read = world.read(VM, &made).await.unwrap();
    assert_eq!(to_json(&read.value)["disk"][0]["size"], 12);
    world.nothing(VM, &read, &clone).await;
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_touched() {
    let world = world(options()).await;
    let mut taken = machine();
    taken["vm_id"] = json!(200);
    world.apply(VM, None, &taken).await.unwrap();
    let mut other = taken.clone();
    other["name"] = json!("other");
    let refused = async |mut config: Json, change: fn(&mut Json)| {
        change(&mut config);
        let plan = world.plan(VM, None, &config).await;
        plan.map(drop).map_err(|diags| shown(&diags)).unwrap_err()
    };
    assert!(
        refused(other.clone(), |_| {})
            .await
            .contains("The id 200 is")
    );
    for id in [2, 99, 1_000_000_000] {
        let mut config = machine();
        config["vm_id"] = json!(id);
        let told = refused(config, |_| {}).await;
        assert!(
            told.contains(&format!("{id} is no id of a guest")),
            "{told}"
        );
    }
    assert!(
        refused(machine(), |config| config["node_name"] = json!("nope"))
            .await
            .contains("no node `nope`")
    );
    assert!(
        refused(machine(), |config| config["disk"][0]["datastore_id"] =
            json!("gone"))
        .await
        .contains("no storage `gone`")
    );
    assert!(
        refused(machine(), |config| config["memory"][0]["dedicated"] =
            json!(9_000_000))
        .await
        .contains("not enough memory")
    );
    assert!(
        refused(machine(), |config| config["clone"] =
            json!([{ "vm_id": 999 }]))
        .await
        .contains("no guest 999")
    );
}

#[tokio::test]
async fn a_machine_that_moved_is_found_and_not_made_anew() {
    let world = world(options()).await;
    let mut config = machine();
    config["migrate"] = json!(true);
    let made = world.apply(VM, None, &config).await.unwrap();
    config["node_name"] = json!("pve2");
    let moved = world.apply(VM, Some(&made), &config).await.unwrap();
    // State of another run that does not know of the move.
    let read = world.read(VM, &made).await.unwrap();
    assert_eq!(
        to_json(&read.value)["vm_id"],
        to_json(&moved.value)["vm_id"]
    );
    let mut as_before = machine();
    as_before["migrate"] = json!(true);
    world.nothing(VM, &read, &as_before).await;
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_told_apart() {
    let mut options = options();
    options.guests_answer = false;
    let world = world(options).await;
    let mut config = machine();
    config["agent"][0]["timeout"] = json!("1s");
    let error = world.apply(VM, None, &config).await.unwrap_err();
    assert!(error.contains("did not answer within 1 s"), "{error}");
}

#[tokio::test]
async fn a_killed_task_and_a_busy_proxy_are_lived_through_or_told() {
    let world = world(options()).await;
    world.twin.fault(Fault {
        verb: "GET",
        path: "/tasks/",
        kind: FaultKind::Refused(596, "timeout"),
        after: 0,
        times: 2,
    });
    let made = world.apply(VM, None, &machine()).await.unwrap();
    world.twin.fault(Fault {
        verb: "",
        path: "qmdestroy",
        kind: FaultKind::TaskKilled,
        after: 0,
        times: 1,
    });
    let error = world.delete(VM, &made).await.unwrap_err();
    assert!(error.contains("unexpected status"), "{error}");
    world.delete(VM, &made).await.unwrap();
}

#[tokio::test]
async fn two_hundred_clones_are_made_four_at_a_time() {
    let mut options = options();
    options.task_time = Duration::from_millis(20);
    let world = world(options).await;
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4 }],
    });
    world.apply(VM, None, &template).await.unwrap();
    let configs: Vec<Json> = (0..200)
        .map(|at| json!({ "name": format!("c{at}"), "node_name": "pve", "started": false, "clone": [{ "vm_id": 900 }] }))
        .collect();
    let all = configs.iter().map(|config| world.apply(VM, None, config));
    let made = futures_util::future::join_all(all).await;
    let mut ids: Vec<i64> = made
        .iter()
        .map(|object| {
            to_json(&object.as_ref().unwrap().value)["vm_id"]
                .as_i64()
                .unwrap()
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert!(
        world.twin.most_at_once("qmclone") <= 4,
        "{}",
        world.twin.most_at_once("qmclone")
    );

    // Refresh and plan: lists, not a call for each.
    let before = world.twin.calls();
    for (config, object) in configs.iter().zip(&made) {
        let read = world.read(VM, object.as_ref().unwrap()).await.unwrap();
        world.nothing(VM, &read, config).await;
    }
    assert!(
        world.twin.calls() - before <= 6,
        "{} calls",
        world.twin.calls() - before
    );
}

#[tokio::test]
async fn a_disk_of_another_machine_is_attached_and_stays_when_the_machine_goes() {
    let world = world(options()).await;
    let mut keeper = machine();
    keeper["name"] = json!("keeper");
    keeper["started"] = json!(false);
    keeper["initialization"] = json!([]);
    let kept = world.apply(VM, None, &keeper).await.unwrap();
    let path = to_json(&kept.value)["disk"][0]["path_in_datastore"].clone();
    assert_eq!(path, "100/vm-100-disk-0.raw");

    let mut user = machine();
    let attached = json!({ "interface": "scsi1", "datastore_id": "local", "size": 8, "file_format": "raw", "path_in_datastore": path });
    user["disk"].as_array_mut().unwrap().push(attached);
    world.twin.heard();
    let made = world.apply(VM, None, &user).await.unwrap();
    let asked = |interface: &str| {
        let calls = world.twin.heard().into_iter();
        let mut asked = calls.filter_map(|(_, params)| params.get(interface).cloned());
        asked.next()
    };
    assert_eq!(
        asked("scsi1").as_deref(),
        Some("local:100/vm-100-disk-0.raw")
    );
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &user).await;

    // Where the path is only told, a disk at another interface is a new one, and not the one that was there.
    let mut other = user.clone();
    other["disk"][1] = json!({ "interface": "scsi2", "datastore_id": "local", "size": 4 });
    let changed = world.apply(VM, Some(&read), &other).await.unwrap();
    assert_eq!(asked("scsi2").as_deref(), Some("local:4,format=raw"));

    world.apply(VM, Some(&changed), &user).await.unwrap();
    let again = world.read(VM, &changed).await.unwrap();
    world.delete(VM, &again).await.unwrap();
    let left = world.read(VM, &kept).await.unwrap();
    world.nothing(VM, &left, &keeper).await;
    let grown = json!({ "interface": "scsi0", "datastore_id": "local", "size": 9, "discard": "on", "ssd": true });
    keeper["disk"] = json!([grown]);
    world.apply(VM, Some(&left), &keeper).await.unwrap();
}

#[tokio::test]
async fn an_empty_key_is_none() {
    let world = world(options()).await;
    let mut config = machine();
    config["initialization"][0]["user_account"][0]["keys"] = json!([""]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &config).await;
}

/// A model that lends what a rehearsal asks for.
async fn rehearsed() -> World {
    world_with(Options::rehearsal(), |twin| Settings {
        models: Some(Models::one(twin.endpoint())),
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn a_rehearsal_lends_the_container_that_others_are_cloned_from() {
    const CONTAINER: &str = "proxmox_virtual_environment_container";
    let world = rehearsed().await;
    for (id, node) in [(301, "attic"), (302, "cellar")] {
        let clone = json!({
            "vm_id": id, "node_name": node, "unprivileged": true, "tags": ["Web", "lab,web"],
            "clone": [{ "vm_id": 700, "node_name": "attic" }],
            "initialization": [{ "hostname": format!("web-{id}") }],
        });
        let made = world.apply(CONTAINER, None, &clone).await.unwrap();
        let read = world.read(CONTAINER, &made).await.unwrap();
        world.nothing(CONTAINER, &read, &clone).await;
    }
}

#[tokio::test]
async fn a_serial_port_in_the_place_of_a_graphics_card_has_no_memory() {
    let world = world(options()).await;
    let mut config = machine();
    config["vga"] = json!([{ "type": "serial0" }]);
    config["serial_device"] = json!([{ "device": "socket" }]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let read = world.read(VM, &made).await.unwrap();
    assert_eq!(to_json(&read.value)["vga"], to_json(&made.value)["vga"]);
    world.nothing(VM, &read, &config).await;
}

#[tokio::test]
async fn tags_that_the_server_cuts_and_writes_small_are_no_change() {
    let world = world(options()).await;
    let mut config = machine();
    config["tags"] = json!(["NVMe,lab", "web"]);
    let made = world.apply(VM, None, &config).await.unwrap();
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &config).await;
}

#[tokio::test]
async fn a_rehearsal_lends_the_node_that_a_clone_goes_to() {
    let world = rehearsed().await;
    for (name, node) in [("one", "attic"), ("two", "cellar")] {
        let mut clone = machine();
        clone["name"] = json!(name);
        clone["node_name"] = json!(node);
        clone["initialization"] = json!([]);
        clone["clone"] = json!([{ "vm_id": 900 }]);
        let made = world.apply(VM, None, &clone).await.unwrap();
        let read = world.read(VM, &made).await.unwrap();
        world.nothing(VM, &read, &clone).await;
    }
}

#[tokio::test]
async fn the_volumes_of_a_machine_that_becomes_a_template_are_told_anew() {
    let world = world(options()).await;
    let mut config = machine();
    config["started"] = json!(false);
    let made = world.apply(VM, None, &config).await.unwrap();
    config["template"] = json!(true);
    let template = world.apply(VM, Some(&made), &config).await.unwrap();
    let read = world.read(VM, &template).await.unwrap();
    assert_eq!(
        read.value, template.value,
        "a refresh tells of changes that nobody made"
    );
    assert_eq!(
        to_json(&read.value)["disk"][0]["path_in_datastore"],
        "100/base-100-disk-0.raw"
    );
}
