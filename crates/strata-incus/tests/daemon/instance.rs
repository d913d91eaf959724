//! Containers.

use std::{sync::Arc, time::Duration};

use strata_core::{
    Value,
    provider::{EffectKind, FindRequest, Found},
};
use strata_incus::Timeouts;

use crate::testbed::{Testbed, name, short, testbed, testbed_in_earnest, testbed_with, texts};

pub(crate) fn waits(kinds: &[&str]) -> Value {
    let wait = |kind: &&str| {
        Value::object([
            ("type", Value::from(*kind)),
            ("delay", Value::Null(strata_core::Type::String)),
            ("nic", Value::Null(strata_core::Type::String)),
        ])
    };
    Value::tuple(kinds.iter().map(wait).collect())
}

fn basic(testbed: &Testbed, name: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::from(name)),
        ("image", Value::from(testbed.image.as_str())),
    ]
}

#[tokio::test]
async fn a_container_is_made_settles_and_goes() {
    let Some(testbed) = testbed() else { return };
    let mut attributes = basic(&testbed, &name("life"));
    attributes.push(("wait_for", waits(&["ipv4"])));
    attributes.push(("config", texts(&[("limits.cpu", "1")])));
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    assert!(
        instance
            .get("ipv4_address")
            .as_str()
            .unwrap()
            .starts_with("10.77.")
    );
    assert_eq!(instance.get("status").as_str(), Some("Running"));
    assert_eq!(instance.get("architecture").as_str(), Some("x86_64"));
    assert_eq!(instance.get("config"), texts(&[("limits.cpu", "1")]));
    instance.settled(&attributes).await;
    instance.delete().await;
    instance.delete().await;
}

#[tokio::test]
async fn changes_are_live_and_a_rename_restarts() {
    let Some(testbed) = testbed() else { return };
    let mut attributes = basic(&testbed, &name("change"));
    attributes.push(("config", texts(&[("limits.cpu", "1"), ("user.a", "b")])));
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    attributes[2] = ("config", texts(&[("limits.cpu", "2")]));
    let plan = instance.apply(&attributes).await;
    assert!(
        plan.effects
            .iter()
            .all(|effect| effect.kind == EffectKind::Live)
    );
    instance.settled(&attributes).await;
    attributes[0] = ("name", Value::from(name("renamed")));
    let plan = instance.apply(&attributes).await;
    assert!(plan.requires_replace.is_empty());
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.kind == EffectKind::Restart)
    );
    instance.settled(&attributes).await;
    attributes.push(("running", Value::from(false)));
    instance.apply(&attributes).await;
    assert_eq!(instance.get("status").as_str(), Some("Stopped"));
    instance.settled(&attributes).await;
    instance.delete().await;
}

#[tokio::test]
async fn a_container_stopped_behind_our_back_is_started_again() {
    let Some(testbed) = testbed() else { return };
    let mut attributes = basic(&testbed, &name("drift"));
    attributes.push(("wait_for", waits(&["ipv4"])));
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    let mut other = testbed.resource("incus_instance");
    other.object = instance.object.clone();
    let mut stopped = attributes.clone();
    stopped.push(("running", Value::from(false)));
    other.apply(&stopped).await;
    assert!(instance.refresh().await);
    assert_eq!(instance.get("running").as_bool(), Some(false));
    instance.apply(&attributes).await;
    assert!(instance.get("ipv4_address").as_str().is_some());
    instance.settled(&attributes).await;
    instance.delete().await;
    // What is gone already is deleted.
    other.delete().await;
}

#[tokio::test]
async fn files_are_written_and_cloud_init_is_awaited() {
    let Some(testbed) = testbed() else { return };
    let name = name("cloud");
    let data = "#cloud-config\nruncmd: [\"touch /root/done\"]\n";
    let file = Value::object([
        ("content", Value::from("hello")),
        ("target_path", Value::from("/opt/new/file")),
        ("mode", Value::from("0640")),
        ("create_directories", Value::from(true)),
        ("source_path", Value::Null(strata_core::Type::String)),
        ("directory_mode", Value::Null(strata_core::Type::String)),
        ("uid", Value::Null(strata_core::Type::Number)),
        ("gid", Value::Null(strata_core::Type::Number)),
        ("append", Value::Null(strata_core::Type::Bool)),
    ]);
    let attributes = [
        ("name", Value::from(name.as_str())),
        ("image", Value::from(testbed.cloud_image.as_str())),
        ("config", texts(&[("cloud-init.user-data", data)])),
        ("wait_for", waits(&["ipv4", "cloud-init"])),
        ("file", Value::tuple(vec![file])),
    ];
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
    let host = testbed
        .incus
        .inventory()
        .host("incus_instance", &instance.object.as_ref().unwrap().value);
    let connection = testbed.incus.connect(&host.unwrap().variables).unwrap();
    connection.ready(&|_| {}).await.unwrap();
    let command = "stat -c %a /opt/new/file; cat /opt/new/file /root/done";
    let output = crate::connection::run(&connection, &["sh", "-c", command]).await;
    assert_eq!(output, ("640\nhello\n".to_owned(), 0));
    instance.delete().await;
}

#[tokio::test]
async fn a_failing_cloud_init_is_told_with_its_log_and_the_instance_is_recorded() {
    let Some(testbed) = testbed() else { return };
    let data = "#cloud-config\nruncmd: [[sh, -c, 'echo the reason >&2; exit 3']]\n";
    let attributes = [
        ("name", Value::from(name("broken"))),
        ("image", Value::from(testbed.cloud_image.as_str())),
        ("config", texts(&[("cloud-init.user-data", data)])),
        ("wait_for", waits(&["cloud-init"])),
    ];
    let mut instance = testbed.resource("incus_instance");
    let config = instance.config(&attributes);
    let plan = instance.plan(&config).await;
    let response = instance.try_apply(&config, &plan).await;
    instance.object = response.object;
    let texts: Vec<_> = response
        .diagnostics
        .iter()
        .map(|d| d.detail.clone())
        .collect();
    assert!(
        texts.len() == 1 && texts[0].contains("the reason"),
        "{texts:?}"
    );
    instance.delete().await;
}

#[tokio::test]
async fn an_address_that_never_comes_is_an_error_and_the_instance_is_recorded() {
    let timeouts = Timeouts {
        address: Duration::from_millis(300),
        ..short()
    };
    let Some(testbed) = testbed_with(timeouts) else {
        return;
    };
    let mut attributes = basic(&testbed, &name("noaddr"));
    attributes.push(("wait_for", waits(&["ipv6"])));
    let mut instance = testbed.resource("incus_instance");
    let config = instance.config(&attributes);
    let plan = instance.plan(&config).await;
    let response = instance.try_apply(&config, &plan).await;
    instance.object = response.object;
    let details: Vec<_> = response
        .diagnostics
        .iter()
        .map(|d| d.detail.as_str())
        .collect();
    assert!(
        details.len() == 1 && details[0].contains("got no IPv6 address"),
        "{details:?}"
    );
    assert_eq!(instance.get("running").as_bool(), Some(true));
    instance.delete().await;
}

#[tokio::test]
async fn an_image_that_is_not_there_is_found_while_planning() {
    let Some(testbed) = testbed_in_earnest() else {
        return;
    };
    let instance = testbed.resource("incus_instance");
    let config = instance.config(&[
        ("name", Value::from(name("x"))),
        ("image", Value::from("debian/none")),
    ]);
    let diags = instance.try_plan(&config).await.unwrap_err();
    let summaries: Vec<_> = diags.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!(summaries, ["there is no image `debian/none`"]);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_what_is_there_stays() {
    let Some(testbed) = testbed() else { return };
    let attributes = basic(&testbed, &name("taken"));
    let mut first = testbed.resource("incus_instance");
    first.apply(&attributes).await;
    let second = testbed.resource("incus_instance");
    let config = second.config(&attributes);
    let plan = second.plan(&config).await;
    let response = second.try_apply(&config, &plan).await;
    assert!(response.object.is_none());
    let codes: Vec<_> = response.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["incus-name-taken"]);
    assert!(first.refresh().await);
    first.delete().await;
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_and_finished() {
    let Some(testbed) = testbed() else { return };
    let mut attributes = basic(&testbed, &name("lost"));
    attributes.push(("wait_for", waits(&["ipv4"])));
    let mut instance = testbed.resource("incus_instance");
    let config = instance.config(&attributes);
    let plan = instance.plan(&config).await;
    let planned = plan.planned.clone();
    let request = || FindRequest {
        type_name: "incus_instance".into(),
        planned: planned.clone(),
        marker: instance.marker.clone(),
    };
    assert!(matches!(
        testbed.provider.find(request()).await.unwrap(),
        Found::Nothing
    ));
    // The call goes out, and nobody waits for the answer.
    let cut = tokio::time::timeout(
        Duration::from_millis(150),
        instance.try_apply(&config, &plan),
    );
    assert!(cut.await.is_err(), "a container is not made within 150 ms");
    let Found::Ours { object, complete } = testbed.provider.find(request()).await.unwrap() else {
        panic!("it is ours");
    };
    assert!(complete);
    instance.object = Some(object);
    instance.settled(&attributes).await;
    instance.delete().await;
}

#[tokio::test]
async fn several_are_made_at_once_over_one_client() {
    let Some(testbed) = testbed() else { return };
    let testbed = Arc::new(testbed);
    let make = |number: usize| {
        let testbed = testbed.clone();
        async move {
            let mut attributes = basic(&testbed, &name(&format!("many{number}")));
            attributes.push(("wait_for", waits(&["ipv4"])));
            let mut instance = testbed.resource("incus_instance");
            instance.apply(&attributes).await;
            instance.delete().await;
        }
    };
    tokio::join!(make(1), make(2), make(3));
}
