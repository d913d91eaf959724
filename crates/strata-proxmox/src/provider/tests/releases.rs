//! Older releases of Proxmox VE: what they do not have is said in the plan, with what to write in its place.

use super::*;

async fn on(release: (u32, u32)) -> World {
    world(Options {
        release,
        lenient: true,
        ..options()
    })
    .await
}

/// What a plan says against an object on a release; nothing if it is fine.
async fn said(release: (u32, u32), name: &str, config: Json) -> String {
    match on(release).await.plan(name, None, &config).await {
        Ok(_) => String::new(),
        Err(diags) => shown(&diags),
    }
}

#[tokio::test]
async fn what_a_release_does_not_have_is_refused_in_the_plan_with_what_it_has() {
    let group = || json!({ "group": "odd", "nodes": { "pve": 1 } });
    let rule = || json!({ "rule": "r", "type": "node-affinity", "resources": ["vm:100"], "nodes": { "pve": 1 } });
    let fabric = || json!({ "id": "f", "ip_prefix": "10.0.0.0/8" });
    let folder = || json!({ "name": "share", "map": [{ "node": "pve", "path": "/srv" }] });
    let device = || json!({ "name": "stick", "map": [{ "node": "pve", "id": "1234:5678" }] });
    let image = || json!({ "node_name": "pve", "datastore_id": "local", "content_type": "import", "url": "https://example.com/d.qcow2" });
    for (release, name, config, words) in [
        ((9, 1), "proxmox_hagroup", group(), "proxmox_harule"),
        ((8, 4), "proxmox_hagroup", group(), ""),
        ((7, 4), "proxmox_virtual_environment_hagroup", group(), ""),
        ((8, 4), "proxmox_harule", rule(), "proxmox_hagroup"),
        ((9, 0), "proxmox_harule", rule(), ""),
        (
            (9, 1),
            "proxmox_haresource",
            json!({ "resource_id": "vm:100", "group": "g" }),
            "proxmox_harule",
        ),
        ((8, 4), "proxmox_sdn_fabric_openfabric", fabric(), "9.0"),
        ((9, 0), "proxmox_sdn_fabric_openfabric", fabric(), ""),
        ((8, 3), "proxmox_hardware_mapping_dir", folder(), "8.4"),
        ((7, 4), "proxmox_hardware_mapping_usb", device(), "8.0"),
        ((8, 0), "proxmox_hardware_mapping_usb", device(), ""),
        (
            (8, 3),
            "proxmox_download_file",
            image(),
            "content_type = \\\"iso\\\"",
        ),
        (
            (8, 4),
            "proxmox_virtual_environment_download_file",
            image(),
            "",
        ),
    ] {
        let said = said(release, name, config).await;
        let as_it_must = match words.is_empty() {
            true => said.is_empty(),
            false => said.contains("proxmox-release") && said.contains(words),
        };
        assert!(as_it_must, "{name} on {release:?}: `{said}`");
    }
}

#[tokio::test]
async fn what_each_release_has_lives_there() {
    let group = json!({ "group": "odd", "nodes": { "pve": 1 } });
    let more = json!({ "group": "odd", "nodes": { "pve": 1, "pve2": 2 } });
    for release in [(7, 4), (8, 4)] {
        on(release)
            .await
            .life("proxmox_hagroup", group.clone(), more.clone())
            .await;
    }
    for release in [(7, 4), (8, 4), (9, 1)] {
        let world = on(release).await;
        // 7 upgrades packages whatever is said, and knows no setting for it.
        let mut first = machine();
        first["initialization"][0]["upgrade"] = json!(false);
        let mut second = first.clone();
        second["memory"][0]["dedicated"] = json!(2048);
        let made = world.apply(VM, None, &first).await.unwrap();
        let id = u32::try_from(to_json(&made.value)["vm_id"].as_i64().unwrap()).unwrap();
        let sent = world.twin.config(id).contains_key("ciupgrade");
        assert_eq!(sent, release >= (8, 0), "{release:?}");
        let changed = world.apply(VM, Some(&made), &second).await.unwrap();
        world.delete(VM, &changed).await.unwrap();
    }
}

#[tokio::test]
async fn the_release_is_asked_for_once_and_only_where_it_matters() {
    let world = on((9, 1)).await;
    let config = |name: &str| json!({ "rule": name, "type": "node-affinity", "resources": ["vm:100"], "nodes": { "pve": 1 } });
    let before = world.twin.calls();
    for name in ["a", "b", "c"] {
        world
            .plan("proxmox_harule", None, &config(name))
            .await
            .unwrap();
    }
    assert_eq!(world.twin.calls() - before, 1);
    let before = world.twin.calls();
    world
        .plan(
            "proxmox_virtual_environment_pool",
            None,
            &json!({ "pool_id": "p" }),
        )
        .await
        .unwrap();
    assert_eq!(world.twin.calls(), before);
}

#[tokio::test]
async fn telmate_s_groups_are_told_until_8_and_gone_from_9() {
    for (release, words) in [((8, 4), ""), ((9, 1), "9.0")] {
        let options = Options {
            release,
            ..options()
        };
        let bpg = world(options.clone()).await;
        if words.is_empty() {
            let group =
                json!({ "group": "odd", "nodes": { "pve2": 2, "pve": null }, "comment": "a" });
            bpg.apply("proxmox_hagroup", None, &group).await.unwrap();
        }
        let provider = Proxmox::new(Settings::default()).telmate();
        let given = json!({
            "pm_api_url": format!("{}api2/json", bpg.twin.endpoint()), "pm_tls_insecure": true,
            "pm_api_token_id": "root@pam!twin", "pm_api_token_secret": "twin",
        });
        let configured = provider
            .configure(config_of(&provider.schema().provider, &given))
            .unwrap();
        let block = &provider.schema().data_sources["proxmox_ha_groups"].block;
        let asked = config_of(block, &json!({ "group_name": "odd" }));
        match configured
            .read_data("proxmox_ha_groups".into(), asked)
            .await
        {
            Ok(told) => {
                let told = to_json(&told);
                assert_eq!(
                    (&told["nodes"], &told["comment"]),
                    (&json!(["pve", "pve2"]), &json!("a"))
                );
                assert!(words.is_empty());
            }
            Err(diags) => assert!(
                !words.is_empty() && shown(&diags).contains(words),
                "{diags:?}"
            ),
        }
    }
}
