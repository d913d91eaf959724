//! The same provider with the twin in the daemon's place: what works there must work here.

use strata_core::Value;
use strata_incus::{Incus, twin::Twin};

use crate::{
    instance::waits,
    testbed::{Testbed, settings, short, texts},
};

#[tokio::test]
async fn an_environment_comes_up_settles_and_goes_in_the_twin() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _twin = Twin::start(&socket, None).unwrap();
    let path = socket.display().to_string();
    let incus = Incus::new(settings(&[("INCUS_SOCKET", path.as_str())], short()));
    let provider = incus.provider();
    let block = provider.schema().provider.empty_value();
    let testbed = Testbed::of(incus, provider.configure(block).unwrap());

    let mut network = testbed.resource("incus_network");
    let network_attributes = [
        ("name", Value::from("lan")),
        (
            "config",
            texts(&[("ipv4.address", "10.79.0.1/24"), ("ipv6.address", "none")]),
        ),
    ];
    network.apply(&network_attributes).await;
    let mut volume = testbed.resource("incus_storage_volume");
    let volume_attributes = [
        ("name", Value::from("data")),
        ("pool", Value::from("default")),
        ("config", texts(&[("snapshots.schedule", "@daily")])),
    ];
    volume.apply(&volume_attributes).await;
    let device = |name: &str, kind: &str, properties: &[(&str, &str)]| {
        Value::object([
            ("name", Value::from(name)),
            ("type", Value::from(kind)),
            ("properties", texts(properties)),
        ])
    };
    let mut profile = testbed.resource("incus_profile");
    let devices = vec![
        device("root", "disk", &[("path", "/"), ("pool", "default")]),
        device("eth0", "nic", &[("network", "lan")]),
    ];
    let profile_attributes = [
        ("name", Value::from("web")),
        ("device", Value::tuple(devices)),
    ];
    profile.apply(&profile_attributes).await;
    let mut instance = testbed.resource("incus_instance");
    let source = [("path", "/data"), ("pool", "default"), ("source", "data")];
    let mut attributes = vec![
        ("name", Value::from("web-1")),
        ("image", Value::from("debian/12")),
        (
            "profiles",
            Value::list(strata_core::Type::String, vec![Value::from("web")]),
        ),
        (
            "device",
            Value::tuple(vec![device("data", "disk", &source)]),
        ),
        ("wait_for", waits(&["ipv4"])),
    ];
    instance.apply(&attributes).await;
    assert!(
        instance
            .get("ipv4_address")
            .as_str()
            .unwrap()
            .starts_with("10.79.0.")
    );

    network.settled(&network_attributes).await;
    volume.settled(&volume_attributes).await;
    profile.settled(&profile_attributes).await;
    instance.settled(&attributes).await;
    attributes.push(("config", texts(&[("limits.cpu", "2")])));
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;

    instance.delete().await;
    profile.delete().await;
    volume.delete().await;
    network.delete().await;
}
