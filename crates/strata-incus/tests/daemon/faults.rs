//! What goes wrong on the way to a daemon: after each the next run converges, and nothing is left twice.

use std::time::Duration;

use serde_json::{Value as Json, json};
use strata_core::{
    Value,
    provider::{ApplyResponse, FindRequest, Found},
};
use strata_incus::twin::{Failure, Fault};

use crate::{
    objects::{Rehearsal, connect},
    testbed::{Resource, Testbed},
};

const COLLECTION: &str = "/1.0/instances";

fn attributes() -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::from("web")),
        ("image", Value::from("debian/12")),
    ]
}

fn fault(method: &'static str, path: &str, failure: Failure) -> Fault {
    Fault {
        method,
        path: path.to_owned(),
        failure,
    }
}

/// What a run records of a create that went wrong: an object that is there, to be made anew.
fn recorded(resource: &mut Resource<'_>, response: ApplyResponse) -> Vec<String> {
    resource.object = response.object;
    let diagnostics = response.diagnostics.iter();
    diagnostics.map(|told| told.detail.clone()).collect()
}

/// The next run: looks for what is left, removes what is half made, and applies.
pub(crate) async fn converge<'a>(
    testbed: &'a Testbed,
    type_name: &'static str,
    marker: &str,
    left: Option<strata_core::provider::Object>,
    attributes: &[(&str, Value)],
) -> Resource<'a> {
    let mut resource = testbed.resource(type_name);
    marker.clone_into(&mut resource.marker);
    resource.object = left;
    if resource.object.is_some() {
        resource.delete().await;
    } else {
        let config = resource.config(attributes);
        let planned = resource.unchecked_plan(&config).await;
        let request = FindRequest {
            type_name: type_name.into(),
            planned,
            marker: marker.to_owned(),
        };
        match testbed.provider.find(request).await.unwrap() {
            Found::Ours { object, complete } => {
                resource.object = Some(object);
                if !complete {
                    resource.delete().await;
                }
            }
            Found::Nothing => {}
            Found::Foreign => panic!("nobody else made it"),
        }
    }
    resource.apply(attributes).await;
    resource.settled(attributes).await;
    resource
}

/// A create that meets a failure, and the run after it. Gives what was told of the failure.
async fn create(failure: Failure) -> Vec<String> {
    let rehearsal = Rehearsal::alone();
    rehearsal.twin.fail(fault("POST", COLLECTION, failure));
    let mut instance = rehearsal.testbed.resource("incus_instance");
    let config = instance.config(&attributes());
    let plan = instance.plan(&config).await;
    let response = instance.try_apply(&config, &plan).await;
    let told = recorded(&mut instance, response);
    if told.is_empty() {
        instance.settled(&attributes()).await;
    } else {
        let next = connect(&rehearsal.twin);
        let left = instance.object.take();
        converge(
            &next,
            "incus_instance",
            &instance.marker,
            left,
            &attributes(),
        )
        .await;
    }
    let all = rehearsal.ask("GET", COLLECTION, Json::Null).await;
    assert_eq!(all["metadata"], json!(["/1.0/instances/web"]));
    told
}

#[tokio::test]
async fn refused() {
    let told = create(Failure::Refused(403, "not for you")).await;
    assert!(told[0].contains("not for you"));
}

#[tokio::test]
async fn slow() {
    assert!(
        create(Failure::Slow(Duration::from_millis(200)))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn the_connection_breaks_before_anything_is_done() {
    assert_eq!(create(Failure::Unheard).await.len(), 1);
}

#[tokio::test]
async fn the_connection_breaks_before_the_answer() {
    assert_eq!(create(Failure::Unanswered).await.len(), 1);
}

#[tokio::test]
async fn the_connection_breaks_while_the_operation_runs() {
    let told = create(Failure::Dropped).await;
    assert!(told[0].contains("nobody can tell"), "{told:?}");
}

#[tokio::test]
async fn a_create_is_half_done() {
    let told = create(Failure::HalfDone("Failed to run: forkstart: exit status 1")).await;
    assert!(told[0].contains("forkstart"));
}

#[tokio::test]
async fn a_quota_is_reached() {
    let message = "Reached maximum number of instances in project \"default\"";
    assert!(create(Failure::Refused(500, message)).await[0].contains("maximum"));
}

#[tokio::test]
async fn another_call_makes_the_folder_of_an_image_server_at_the_same_time() {
    let message = "Failed to connect to simple streams server \"https://images.example\": mkdir /var/lib/incus/cache/7c3e: file exists";
    assert!(create(Failure::Refused(500, message)).await.is_empty());
}

#[tokio::test]
async fn a_pool_is_full() {
    let message = "Failed to unpack image: write: no space left on device";
    assert!(create(Failure::HalfDone(message)).await[0].contains("no space left"));
}

#[tokio::test]
async fn a_certificate_has_expired() {
    let told = create(Failure::Refused(
        403,
        "x509: certificate has expired or is not yet valid",
    ))
    .await;
    assert!(told[0].contains("expired"));
}

#[tokio::test]
async fn a_name_is_taken_between_plan_and_apply() {
    let rehearsal = Rehearsal::alone();
    let instance = rehearsal.testbed.resource("incus_instance");
    let config = instance.config(&attributes());
    let plan = instance.plan(&config).await;
    let theirs = json!({ "name": "web", "source": { "type": "image", "alias": "debian/12" } });
    rehearsal.ask("POST", COLLECTION, theirs).await;
    let response = instance.try_apply(&config, &plan).await;
    assert!(response.object.is_none() && response.diagnostics.has_errors());
    rehearsal
        .ask("DELETE", "/1.0/instances/web", Json::Null)
        .await;
    converge(
        &connect(&rehearsal.twin),
        "incus_instance",
        &instance.marker,
        None,
        &attributes(),
    )
    .await;
}

#[tokio::test]
async fn updates_and_deletes_that_break_off_are_done_by_the_next_run() {
    for failure in [Failure::Unheard, Failure::Unanswered, Failure::Dropped] {
        let rehearsal = Rehearsal::alone();
        let mut instance = rehearsal.testbed.resource("incus_instance");
        instance.apply(&attributes()).await;
        let mut changed = attributes();
        changed.push(("description", Value::from("changed")));
        rehearsal
            .twin
            .fail(fault("PUT", "/1.0/instances/web", failure.clone()));
        let config = instance.config(&changed);
        let plan = instance.plan(&config).await;
        let response = instance.try_apply(&config, &plan).await;
        assert!(response.diagnostics.has_errors(), "{failure:?}");
        instance.object = response.object;
        assert!(instance.refresh().await);
        instance.apply(&changed).await;
        instance.settled(&changed).await;

        rehearsal
            .twin
            .fail(fault("DELETE", "/1.0/instances/web", failure.clone()));
        let response = instance.try_delete().await;
        instance.object = response.object;
        if instance.object.is_some() && instance.refresh().await {
            instance.delete().await;
        }
        let all = rehearsal.ask("GET", COLLECTION, Json::Null).await;
        assert_eq!(all["metadata"], json!([]), "{failure:?}");
    }
}
