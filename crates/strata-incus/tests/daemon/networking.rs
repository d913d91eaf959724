//! Pools, and what belongs to networks: ACLs, forwards, zones.

use strata_core::Value;

use crate::testbed::{Resource, name, testbed, texts};

/// A row of a set.
fn row(cells: &[(&'static str, &str)]) -> Value {
    Value::object(cells.iter().map(|(name, text)| (*name, Value::from(*text))))
}

/// Creates, finds nothing to do, changes in place, finds nothing to do.
async fn live(
    resource: &mut Resource<'_>,
    before: &[(&'static str, Value)],
    after: &[(&'static str, Value)],
) {
    resource.apply(before).await;
    resource.settled(before).await;
    let plan = resource.apply(after).await;
    assert!(plan.requires_replace.is_empty());
    resource.settled(after).await;
}

#[tokio::test]
async fn a_pool_keeps_what_was_written_and_hides_what_the_server_adds() {
    let Some(testbed) = testbed() else { return };
    let name = name("pool");
    let attributes = |description: &str| {
        [
            ("name", Value::from(name.as_str())),
            ("driver", Value::from("dir")),
            ("description", Value::from(description)),
            ("config", texts(&[("rsync.bwlimit", "100")])),
        ]
    };
    let mut pool = testbed.resource("incus_storage_pool");
    live(&mut pool, &attributes("one"), &attributes("two")).await;
    assert_eq!(pool.get("driver").as_str(), Some("dir"));
    let mut replaced = attributes("two");
    replaced[1].1 = Value::from("btrfs");
    let plan = pool.plan(&pool.config(&replaced)).await;
    assert_eq!(plan.requires_replace.len(), 1);
    pool.delete().await;
}

#[tokio::test]
async fn rules_of_an_acl_change_in_place() {
    let Some(testbed) = testbed() else { return };
    let name = name("acl");
    let rule = |port: &str| {
        row(&[
            ("action", "allow"),
            ("state", "enabled"),
            ("protocol", "tcp"),
            ("destination_port", port),
        ])
    };
    let attributes = |ports: &[&str]| {
        let rules = ports.iter().map(|port| rule(port)).collect();
        [
            ("name", Value::from(name.as_str())),
            ("ingress", Value::tuple(rules)),
        ]
    };
    let mut acl = testbed.resource("incus_network_acl");
    live(
        &mut acl,
        &attributes(&["22"]),
        &attributes(&["22", "80,443"]),
    )
    .await;
    assert!(acl.get("egress").is_null());
    acl.delete().await;
}

#[tokio::test]
async fn a_forward_leads_ports_into_a_bridge() {
    let Some(testbed) = testbed() else { return };
    let network = name("f").replace("-f-", "");
    let bridge = [
        ("name", Value::from(network.as_str())),
        (
            "config",
            texts(&[("ipv4.address", "10.93.244.1/24"), ("ipv6.address", "none")]),
        ),
    ];
    let mut bridge_resource = testbed.resource("incus_network");
    bridge_resource.apply(&bridge).await;
    let attributes = |target: &str| {
        let port = row(&[
            ("listen_port", "8080"),
            ("target_port", "80"),
            ("target_address", target),
        ]);
        [
            ("network", Value::from(network.as_str())),
            ("listen_address", Value::from("192.0.2.77")),
            ("ports", Value::tuple(vec![port])),
        ]
    };
    let mut forward = testbed.resource("incus_network_forward");
    live(
        &mut forward,
        &attributes("10.93.244.10"),
        &attributes("10.93.244.11"),
    )
    .await;
    forward.delete().await;
    bridge_resource.delete().await;
}

#[tokio::test]
async fn a_zone_has_records_with_entries() {
    let Some(testbed) = testbed() else { return };
    let name = format!("{}.example", name("zone"));
    let zone = [
        ("name", Value::from(name.as_str())),
        ("config", texts(&[("dns.nameservers", "ns1.example")])),
    ];
    let mut zone_resource = testbed.resource("incus_network_zone");
    zone_resource.apply(&zone).await;
    zone_resource.settled(&zone).await;
    let attributes = |address: &str| {
        let entry = row(&[("type", "A"), ("value", address)]);
        [
            ("zone", Value::from(name.as_str())),
            ("name", Value::from("www")),
            ("entry", Value::tuple(vec![entry])),
        ]
    };
    let mut record = testbed.resource("incus_network_zone_record");
    live(
        &mut record,
        &attributes("192.0.2.1"),
        &attributes("192.0.2.2"),
    )
    .await;
    record.delete().await;
    zone_resource.delete().await;
}
