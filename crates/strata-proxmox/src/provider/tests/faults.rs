//! Whatever goes wrong, the next apply brings the machine about: one machine, and nothing left to do.

use strata_core::provider::{FindRequest, Found};

use super::*;

/// One apply as the engine does it: what a lost call may have made is looked for first.
async fn attempt(
    world: &World,
    config: &Json,
    known: Option<Object>,
    marker: &str,
) -> Result<Object, (Option<Object>, String)> {
    let block = &world.provider.schema().resources[VM].block;
    // A refresh comes first: what is there counts, not what was meant.
    let known = match known {
        Some(object) => world.read(VM, &object).await,
        None => None,
    };
    let plan = world
        .plan(VM, known.as_ref(), config)
        .await
        .map_err(|diags| (known.clone(), shown(&diags)))?;
    let response = world
        .configured
        .apply(ApplyRequest {
            type_name: VM.into(),
            prior: known.clone(),
            planned: Some(plan.planned.clone()),
            config: Some(config_of(block, config)),
            private: plan.private,
            marker: marker.to_owned(),
            progress: Progress::ignored(),
        })
        .await;
    if response.diagnostics.is_empty() {
        return Ok(response.object.unwrap());
    }
    let text = shown(&response.diagnostics);
    if response.object.is_some() {
        return Err((response.object, text));
    }
    let request = FindRequest {
        type_name: VM.into(),
        planned: plan.planned,
        marker: marker.to_owned(),
    };
    match world.configured.find(request).await {
        Ok(Found::Ours { object, .. }) => Err((Some(object), text)),
        _ => Err((known, text)),
    }
}

/// Applies until it succeeds, and gives how often that was and what was said.
async fn converge(world: &World, config: &Json) -> (Object, Vec<String>) {
    let mut known = None;
    let mut said = Vec::new();
    for try_number in 0..4 {
        let marker = format!("marker-{try_number}");
        match attempt(world, config, known.take(), &marker).await {
            Ok(object) => return (object, said),
            Err((object, text)) => {
                known = object;
                said.push(text);
            }
        }
    }
    panic!("it does not converge: {said:#?}");
}

async fn survives(fault: Fault) -> (World, Object, Vec<String>) {
    let world = world(options()).await;
    let shown = format!("{fault:?}");
    world.twin.fault(fault);
    let (object, said) = converge(&world, &machine()).await;
    let read = world
        .read(VM, &object)
        .await
        .unwrap_or_else(|| panic!("{shown}: it is gone"));
    world.nothing(VM, &read, &machine()).await;
    assert_eq!(world.twin.guests().len(), 1, "{shown}: {said:#?}");
    (world, object, said)
}

fn fault(verb: &'static str, path: &'static str, kind: FaultKind) -> Fault {
    Fault {
        verb,
        path,
        kind,
        after: 0,
        times: 1,
    }
}

#[tokio::test]
async fn refused_calls_are_made_again_by_the_next_apply() {
    for (path, status, text) in [
        ("/qemu", 500, "start worker failed - no upid"),
        (
            "/qemu",
            500,
            "unable to create image: No space left on device",
        ),
        ("/qemu", 500, "storage 'local' is not online"),
        ("/status/start", 500, "cluster not ready"),
        ("/config", 500, "unable to write file: quota exceeded"),
    ] {
        survives(fault("POST", path, FaultKind::Refused(status, text))).await;
        survives(fault("PUT", path, FaultKind::Refused(status, text))).await;
    }
}

#[tokio::test]
async fn proxies_that_give_up_are_lived_through() {
    for status in [595, 596, 599] {
        survives(fault(
            "POST",
            "/qemu",
            FaultKind::Refused(status, "timeout"),
        ))
        .await;
        let mut reading = fault("GET", "/tasks/", FaultKind::Refused(status, "timeout"));
        reading.times = 2;
        survives(reading).await;
    }
}

#[tokio::test]
async fn calls_too_many_are_made_again_and_nobody_hears_of_it() {
    for (method, path) in [("POST", "/qemu"), ("GET", "/tasks/")] {
        let refused = FaultKind::Refused(429, "Too Many Requests");
        let (_, _, said) = survives(fault(method, path, refused)).await;
        assert!(said.is_empty(), "{said:#?}");
    }
}

#[tokio::test]
async fn dropped_connections_and_lost_answers_make_no_second_machine() {
    for path in ["/qemu", "/status/start"] {
        survives(fault("POST", path, FaultKind::Dropped)).await;
        survives(fault("POST", path, FaultKind::AnswerLost)).await;
    }
    survives(fault("GET", "/tasks/", FaultKind::Dropped)).await;
    survives(fault("GET", "/tasks/", FaultKind::AnswerLost)).await;
    survives(fault("PUT", "/config", FaultKind::AnswerLost)).await;
}

#[tokio::test]
async fn slow_answers_change_nothing() {
    let slow = FaultKind::Slow(Duration::from_millis(200));
    let (_, _, said) = survives(fault("POST", "/qemu", slow)).await;
    assert!(said.is_empty(), "{said:#?}");
}

#[tokio::test]
async fn locks_of_storages_and_machines_are_waited_for() {
    for text in [
        "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout",
        "VM is locked (backup)",
    ] {
        let mut locked = fault("POST", "/qemu", FaultKind::Refused(500, text));
        locked.times = 2;
        let (_, _, said) = survives(locked).await;
        assert!(said.is_empty(), "{said:#?}");
    }
}

#[tokio::test]
async fn killed_tasks_are_begun_again() {
    survives(fault("", "qmstart", FaultKind::TaskKilled)).await;
}

#[tokio::test]
async fn what_a_killed_creation_leaves_is_named_and_another_machine_made() {
    let world = world(options()).await;
    world
        .twin
        .fault(fault("", "qmcreate", FaultKind::TaskKilled));
    let (object, said) = converge(&world, &machine()).await;
    // Its lock can be taken away by nobody but root on the node itself.
    assert!(said[0].contains("qm unlock 100"), "{said:#?}");
    assert_eq!(to_json(&object.value)["vm_id"], 101);
}

#[tokio::test]
async fn without_quorum_nothing_is_made_and_the_reason_is_told() {
    let (_, _, said) = survives(fault("", "", FaultKind::NoQuorum)).await;
    assert!(said.iter().any(|text| text.contains("quorum")), "{said:#?}");
}

#[tokio::test]
async fn an_id_that_a_stranger_takes_is_left_to_it() {
    let text = "unable to create VM 100 - VM 100 already exists on node 'pve'";
    let (_, object, said) = survives(fault("POST", "/qemu", FaultKind::Refused(500, text))).await;
    assert!(said.is_empty(), "{said:#?}");
    assert_eq!(to_json(&object.value)["vm_id"], 101);
}

#[tokio::test]
async fn a_clone_that_broke_half_way_is_continued() {
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
    for fault in [
        fault("PUT", "/resize", FaultKind::Refused(500, "got timeout")),
        fault("", "resize", FaultKind::TaskKilled),
    ] {
        world.twin.fault(fault);
        let (object, said) = converge(&world, &clone).await;
        assert_eq!(said.len(), 1, "{said:#?}");
        let read = world.read(VM, &object).await.unwrap();
        world.nothing(VM, &read, &clone).await;
        world.delete(VM, &read).await.unwrap();
        assert_eq!(world.twin.guests(), [900]);
    }
}

#[tokio::test]
async fn no_address_and_a_cloud_init_that_failed_are_told_apart() {
    let world = world(options()).await;
    let mut config = machine();
    config["agent"][0]["timeout"] = json!("1s");
    world.twin.lacks("addresses");
    let error = world.apply(VM, None, &config).await.unwrap_err();
    assert!(error.contains("had no address within 1 s"), "{error}");
    world.twin.lacks("cloud-init");
    config["name"] = json!("other");
    config["initialization"][0]["ip_config"] = json!([]);
    let error = world.apply(VM, None, &config).await.unwrap_err();
    assert!(
        error.contains("cloud-init failed") && error.contains("no YAML"),
        "{error}"
    );
}

#[tokio::test]
async fn two_thousand_machines_are_planned_with_three_calls_a_node() {
    let world = world(options()).await;
    let config = |at: u32| json!({ "name": format!("m{at}"), "node_name": "pve", "vm_id": 1000 + at, "started": false });
    let made = world.apply(VM, None, &config(0)).await.unwrap();
    let machines = world.twin.copy(1000, 1999);
    let first = world.read(VM, &made).await.unwrap();
    let objects: Vec<Object> = machines.iter().map(|id| as_machine(&first, *id)).collect();
    // The first look at each learns what its row was like; from then on the row alone tells.
    let mut learned = Vec::new();
    for object in &objects {
        learned.push(world.read(VM, object).await.unwrap());
    }
    let block = &world.provider.schema().resources[VM].block;
    let (before, mut took) = (world.twin.calls(), Duration::ZERO);
    for (at, object) in (1..).zip(&learned) {
        let begun = on_cpu();
        let read = world.read(VM, object).await.unwrap();
        took += on_cpu() - begun;
        // What the engine does is not what is measured here.
        let config = config_of(block, &config(at));
        let request = PlanRequest {
            address: strata_core::addr::parse_resource_instance("test.one").unwrap(),
            type_name: VM.into(),
            proposed: propose(block, Some(&read.value), &config),
            prior: Some(read.clone()),
            config,
        };
        let begun = on_cpu();
        let plan = world.configured.plan(request).await.unwrap();
        took += on_cpu() - begun;
        assert_eq!(plan.planned, read.value);
    }
    let calls = world.twin.calls() - before;
    eprintln!("2,000 machines: {calls} calls, {took:?}");
    // Lists are believed for five seconds; there are two nodes.
    assert!(calls <= 6, "{calls} calls");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// How long this thread has run, however busy the machine is with others; nothing where the system
/// does not tell.
fn on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = told.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

/// The same machine under another id and name.
fn as_machine(first: &Object, id: u32) -> Object {
    let ty = first.value.ty();
    let mut json = to_json(&first.value);
    json["vm_id"] = json!(id);
    json["id"] = json!(id.to_string());
    json["name"] = json!(format!("m{}", id - 1000));
    Object {
        value: from_json(&json, &ty),
        private: Vec::new(),
    }
}

#[tokio::test]
async fn a_clone_that_broke_before_its_settings_is_given_them_by_the_next_apply() {
    let world = world(options()).await;
    let mut template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4 }],
    });
    template["cpu"] = json!([{ "cores": 1 }]);
    world.apply(VM, None, &template).await.unwrap();
    let mut clone = machine();
    clone["clone"] = json!([{ "vm_id": 900, "full": true }]);
    for fault in [
        fault("POST", "/config", FaultKind::Refused(500, "got timeout")),
        fault("POST", "/config", FaultKind::AnswerLost),
        fault("POST", "/config", FaultKind::Dropped),
        fault("POST", "/clone", FaultKind::AnswerLost),
    ] {
        let shown = format!("{fault:?}");
        world.twin.fault(fault);
        let (object, said) = converge(&world, &clone).await;
        let read = world.read(VM, &object).await.unwrap();
        world.nothing(VM, &read, &clone).await;
        let id = to_json(&read.value)["vm_id"].as_u64().unwrap();
        let config = world.twin.config(u32::try_from(id).unwrap());
        assert!(
            config.contains_key("ide2"),
            "{shown}: no cloud-init drive: {said:?}"
        );
        assert_eq!(config["cores"], "2", "{shown}");
        world.delete(VM, &read).await.unwrap();
        assert_eq!(world.twin.guests(), [900], "{shown}");
    }
}

#[tokio::test]
async fn half_made_machines_are_gone_on_with_and_not_made_anew() {
    let world = world(options()).await;
    for name in [
        VM,
        "proxmox_virtual_environment_container",
        "proxmox_cloned_vm",
    ] {
        assert!(world.configured.continues(name), "{name}");
    }
    assert!(
        !world
            .configured
            .continues("proxmox_virtual_environment_pool")
    );
}
