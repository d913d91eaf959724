//! Bad input: each mistake is a diagnostic that says what to do, and leaves nothing half made.

use super::*;

/// A login that may do what a role on a path allows.
async fn as_user(world: World, role: &str, path: &str) -> World {
    let user = json!({ "user_id": "low@pve" });
    world
        .apply("proxmox_virtual_environment_user", None, &user)
        .await
        .unwrap();
    let entry = json!({ "path": path, "role_id": role, "user_id": "low@pve" });
    world.apply("proxmox_acl", None, &entry).await.unwrap();
    let token = json!({ "user_id": "low@pve", "token_name": "t1", "privileges_separation": false });
    let made = world
        .apply("proxmox_user_token", None, &token)
        .await
        .unwrap();
    let token = to_json(&made.value)["value"].clone();
    reached(world, &token)
}

fn reached(world: World, token: &Json) -> World {
    let block = world.provider.schema().provider.clone();
    let config = json!({
        "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(), "api_token": token,
    });
    let configured = world
        .provider
        .configure(config_of(&block, &config))
        .unwrap();
    World {
        configured,
        ..world
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_by_the_plan_without_its_text() {
    let world = reached(world(options()).await, &json!("root@pam!twin=hunter2"));
    let error = world
        .plan(VM, None, &machine())
        .await
        .map(drop)
        .map_err(|diags| shown(&diags))
        .unwrap_err();
    assert!(
        error.contains("refuses the login") && error.contains("api_token"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    assert!(world.twin.guests().is_empty());
}

#[tokio::test]
async fn a_missing_privilege_is_named_with_its_path_and_a_role() {
    let world = as_user(world(options()).await, "PVEAuditor", "/").await;
    let error = world.apply(VM, None, &machine()).await.unwrap_err();
    assert!(
        error.contains("VM.Allocate") && error.contains("/vms/100"),
        "{error}"
    );
    assert!(
        error.contains("PVEVMAdmin") && error.contains("pveum acl modify"),
        "{error}"
    );
    assert!(world.twin.guests().is_empty());
}

#[tokio::test]
async fn an_unknown_node_is_refused_with_those_that_are_there() {
    let world = world(options()).await;
    let mut config = machine();
    config["node_name"] = json!("pev");
    let error = world
        .plan(VM, None, &config)
        .await
        .map(drop)
        .map_err(|diags| shown(&diags))
        .unwrap_err();
    assert!(
        error.contains("There is no node `pev`") && error.contains("pve, pve2"),
        "{error}"
    );
    assert!(world.twin.guests().is_empty());
}

#[tokio::test]
async fn a_storage_without_the_content_type_is_refused_with_what_to_do() {
    let world = world(options()).await;
    let storage = json!({ "id": "isos", "path": "/srv", "content": ["iso"] });
    world
        .apply("proxmox_storage_directory", None, &storage)
        .await
        .unwrap();
    for (name, config) in [
        (
            "proxmox_download_file",
            json!({ "node_name": "pve", "datastore_id": "isos", "content_type": "import", "url": "https://example.com/a.qcow2" }),
        ),
        (
            "proxmox_virtual_environment_file",
            json!({ "node_name": "pve", "datastore_id": "isos", "content_type": "snippets", "source_raw": [{ "data": "x", "file_name": "u.yaml" }] }),
        ),
    ] {
        let error = world
            .plan(name, None, &config)
            .await
            .map(drop)
            .map_err(|diags| shown(&diags))
            .unwrap_err();
        assert!(
            error.contains("The storage `isos` does not take"),
            "{error}"
        );
        assert!(error.contains("change its `content`"), "{error}");
    }
    assert!(world.twin.files().is_empty());
}

#[tokio::test]
async fn an_image_with_a_wrong_checksum_is_removed_again() {
    let world = world(options()).await;
    let image = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso", "url": "https://example.com/a.iso",
        "checksum": "0".repeat(64), "checksum_algorithm": "sha256",
    });
    let error = world
        .apply("proxmox_download_file", None, &image)
        .await
        .unwrap_err();
    assert!(error.contains("checksum"), "{error}");
    assert!(world.twin.files().is_empty());
}

#[tokio::test]
async fn a_stranger_s_machine_is_never_touched() {
    let world = world(options()).await;
    let mut stranger = machine();
    stranger["vm_id"] = json!(200);
    world.apply(VM, None, &stranger).await.unwrap();
    let mut ours = machine();
    ours["name"] = json!("ours");
    ours["vm_id"] = json!(200);
    ours["initialization"][0]["ip_config"][0]["ipv4"][0]["address"] = json!("10.0.0.6/24");
    // Taken between plan and apply, too.
    let other = reached(self::world(options()).await, &json!("root@pam!twin=twin"));
    let plan = other.plan(VM, None, &ours).await.unwrap();
    world.twin.heard();
    let block = &world.provider.schema().resources[VM].block;
    let response = world
        .configured
        .apply(ApplyRequest {
            type_name: VM.into(),
            prior: None,
            planned: Some(plan.planned),
            config: Some(config_of(block, &ours)),
            private: Vec::new(),
            marker: "m-1".to_owned(),
            progress: Progress::ignored(),
        })
        .await;
    assert!(response.object.is_none());
    assert!(shown(&response.diagnostics).contains("already exists"));
    let world = reached(world, &json!("root@pam!twin=twin"));
    let error = world
        .plan(VM, None, &ours)
        .await
        .map(drop)
        .map_err(|diags| shown(&diags))
        .unwrap_err();
    assert!(
        error.contains("The id 200 is taken") && error.contains("import that guest"),
        "{error}"
    );
    let heard = world.twin.heard();
    assert!(
        heard
            .iter()
            .all(|(what, _)| what == "POST /nodes/{node}/qemu"),
        "{heard:?}"
    );
    assert_eq!(world.twin.guests(), [200]);
}

#[tokio::test]
async fn a_template_without_a_cloud_init_drive_is_told_of() {
    let bpg = world(options()).await;
    let template = json!({
        "name": "template", "node_name": "pve", "vm_id": 900, "template": true, "started": false,
        "disk": [{ "interface": "scsi0", "datastore_id": "local", "size": 4 }],
        "cdrom": [{ "interface": "ide2", "file_id": "none" }],
    });
    bpg.apply(VM, None, &template).await.unwrap();
    let mut clone = machine();
    clone["clone"] = json!([{ "vm_id": 900 }]);
    let error = bpg
        .plan(VM, None, &clone)
        .await
        .map(drop)
        .map_err(|diags| shown(&diags))
        .unwrap_err();
    assert!(
        error.contains("has no cloud-init drive, and its `ide2` is taken"),
        "{error}"
    );
    clone["initialization"][0]["interface"] = json!("ide0");
    let plan = bpg.plan(VM, None, &clone).await.unwrap();
    assert!(format!("{:?}", plan.effects).contains("is given one as `ide0`"));
    assert_eq!(bpg.twin.guests(), [900]);
}

#[tokio::test]
async fn telmate_s_settings_that_nobody_would_read_are_refused() {
    let world = super::telmate::telmate(options()).await;
    let base = json!({
        "name": "base", "target_node": "pve", "vmid": 900, "vm_state": "stopped",
        "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "4G" }] }] }] }],
    });
    world.apply("proxmox_vm_qemu", None, &base).await.unwrap();
    let clone = json!({
        "name": "web", "target_node": "pve", "clone": "base", "ciuser": "debian",
        "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "4G" }] }] }] }],
    });
    let error = world
        .plan("proxmox_vm_qemu", None, &clone)
        .await
        .map(drop)
        .map_err(|diags| shown(&diags))
        .unwrap_err();
    assert!(
        error.contains("The template 900 has no cloud-init drive") && error.contains("`cloudinit`"),
        "{error}"
    );
    assert_eq!(world.twin.guests(), [900]);
}
