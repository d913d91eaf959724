//! Profiles, networks, volumes and projects.

use strata_core::{
    Value,
    provider::{FindRequest, Found},
};

use crate::testbed::{Testbed, name, testbed, texts};

#[tokio::test]
async fn a_profile_is_made_settles_changes_and_goes() {
    let Some(testbed) = testbed() else { return };
    let name = name("profile");
    let device = Value::object([
        ("name", Value::from("eth0")),
        ("type", Value::from("nic")),
        ("properties", texts(&[("network", &testbed.network)])),
    ]);
    let device = Value::tuple(vec![device]);
    let mut profile = testbed.resource("incus_profile");
    let before = [
        ("name", Value::from(name.as_str())),
        (
            "config",
            texts(&[("limits.cpu", "1"), ("boot.autostart", "false")]),
        ),
        ("device", device.clone()),
    ];
    profile.apply(&before).await;
    profile.settled(&before).await;
    assert_eq!(profile.get("project").as_str(), Some("default"));
    let after = [
        ("name", Value::from(name.as_str())),
        ("description", Value::from("changed")),
        ("config", texts(&[("limits.cpu", "2")])),
        ("device", device),
    ];
    let plan = profile.apply(&after).await;
    assert!(plan.requires_replace.is_empty());
    profile.settled(&after).await;
    profile.delete().await;
    profile.delete().await;
}

#[tokio::test]
async fn a_bridge_hides_what_the_server_chose() {
    let Some(testbed) = testbed() else { return };
    // The kernel allows 15 characters for an interface.
    let name = name("n").replace("-n-", "");
    let attributes = [
        ("name", Value::from(name.as_str())),
        (
            "config",
            texts(&[("ipv4.address", "10.93.240.1/24"), ("ipv6.address", "none")]),
        ),
    ];
    let mut network = testbed.resource("incus_network");
    network.apply(&attributes).await;
    assert_eq!(network.get("type").as_str(), Some("bridge"));
    assert_eq!(network.get("managed").as_bool(), Some(true));
    network.settled(&attributes).await;
    let config = Value::object(
        testbed.incus.provider().schema().data_sources["incus_network"]
            .block
            .empty_value()
            .as_entries()
            .unwrap()
            .iter()
            .map(|(key, value)| match &**key {
                "name" => (key.clone(), Value::from(name.as_str())),
                _ => (key.clone(), value.clone()),
            }),
    );
    let data = testbed
        .provider
        .read_data("incus_network".into(), config)
        .await
        .unwrap();
    let address = data.get("config").unwrap().get("ipv4.address").unwrap();
    assert_eq!(address.as_str(), Some("10.93.240.1/24"));
    network.delete().await;
}

#[tokio::test]
async fn a_volume_keeps_its_snapshot_schedule() {
    let Some(testbed) = testbed() else { return };
    let name = name("volume");
    let before = [
        ("name", Value::from(name.as_str())),
        ("pool", Value::from("default")),
        (
            "config",
            texts(&[("snapshots.schedule", "@daily"), ("snapshots.expiry", "2w")]),
        ),
    ];
    let mut volume = testbed.resource("incus_storage_volume");
    volume.apply(&before).await;
    volume.settled(&before).await;
    let after = [
        ("name", Value::from(name.as_str())),
        ("pool", Value::from("default")),
        ("config", texts(&[("snapshots.schedule", "@weekly")])),
    ];
    volume.apply(&after).await;
    volume.settled(&after).await;
    volume.delete().await;
    assert!(volume.object.is_none());
}

#[tokio::test]
async fn a_project_is_emptied_only_by_force() {
    let Some(testbed) = testbed() else { return };
    let name = name("project");
    let attributes = |force: bool| {
        [
            ("name", Value::from(name.as_str())),
            ("config", texts(&[("features.images", "false")])),
            ("force_destroy", Value::from(force)),
        ]
    };
    let mut project = testbed.resource("incus_project");
    project.apply(&attributes(false)).await;
    project.settled(&attributes(false)).await;
    let mut profile = testbed.resource("incus_profile");
    profile
        .apply(&[
            ("name", Value::from("inside")),
            ("project", Value::from(name.as_str())),
        ])
        .await;
    project.apply(&attributes(true)).await;
    project.delete().await;
    assert!(
        !profile.refresh().await,
        "the profile went with its project"
    );
}

async fn find(testbed: &Testbed, planned: &Value, marker: &str) -> Found {
    let request = FindRequest {
        type_name: "incus_profile".into(),
        planned: planned.clone(),
        marker: marker.to_owned(),
    };
    testbed.provider.find(request).await.unwrap()
}

#[tokio::test]
async fn an_object_is_found_again_by_its_mark_alone() {
    let Some(testbed) = testbed() else { return };
    let mut profile = testbed.resource("incus_profile");
    let attributes = [("name", Value::from(name("find")))];
    let config = profile.config(&attributes);
    let planned = profile.plan(&config).await.planned;
    assert!(matches!(
        find(&testbed, &planned, "m").await,
        Found::Nothing
    ));
    let marker = profile.marker.clone();
    profile.apply(&attributes).await;
    let Found::Ours { object, complete } = find(&testbed, &planned, &marker).await else {
        panic!("it is ours");
    };
    assert!(complete);
    assert_eq!(Some(object), profile.object);
    assert!(matches!(
        find(&testbed, &planned, "other").await,
        Found::Foreign
    ));
    profile.delete().await;
}

#[tokio::test]
async fn an_import_gives_what_is_there() {
    let Some(testbed) = testbed() else { return };
    let name = name("import");
    let mut profile = testbed.resource("incus_profile");
    let attributes = [
        ("name", Value::from(name.as_str())),
        ("config", texts(&[("limits.cpu", "3")])),
    ];
    profile.apply(&attributes).await;
    let imported = testbed
        .provider
        .import("incus_profile".into(), name)
        .await
        .unwrap();
    assert_eq!(Some(imported), profile.object);
    profile.delete().await;
    let gone = testbed
        .provider
        .import("incus_profile".into(), "inc-none".to_owned())
        .await;
    assert!(gone.is_err());
}
