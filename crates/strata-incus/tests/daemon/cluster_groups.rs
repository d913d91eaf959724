//! Members of a cluster in its groups, one by one: `incus_cluster_group_member`, on the twin.

use serde_json::{Value as Json, json};
use strata_core::Value;
use strata_incus::twin::{Failure, Fault};

use crate::{
    faults::converge,
    objects::{Attributes, Rehearsal, connect},
};

const TYPE: &str = "incus_cluster_group_member";

const GROUP: &str = "/1.0/cluster/groups/amd64";

/// A cluster with a group of these members.
async fn cluster(members: &[&str]) -> Rehearsal {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let group = json!({ "name": "amd64", "description": "x86-64", "config": { "user.a": "b" }, "members": members });
    rehearsal.ask("POST", "/1.0/cluster/groups", group).await;
    rehearsal
}

fn member(name: &str) -> Attributes {
    let group = ("cluster_group", Value::from("amd64"));
    vec![group, ("member", Value::from(name))]
}

async fn group(rehearsal: &Rehearsal) -> Json {
    let mut group = rehearsal.ask("GET", GROUP, Json::Null).await;
    group["metadata"].take()
}

#[tokio::test]
async fn a_member_joins_its_group_beside_others_and_leaves_these_there() {
    let rehearsal = cluster(&["n3"]).await;
    let mut one = rehearsal.testbed.resource(TYPE);
    one.apply(&member("n1")).await;
    one.settled(&member("n1")).await;
    let joined = group(&rehearsal).await;
    assert_eq!(joined["members"], json!(["n3", "n1"]));
    let plan = one.plan(&one.config(&member("n2"))).await;
    assert_eq!(plan.requires_replace.len(), 1);
    one.delete().await;
    let left = group(&rehearsal).await;
    assert_eq!(left["members"], json!(["n3"]));
    assert_eq!(left["description"], "x86-64");
    assert_eq!(left["config"], json!({ "user.a": "b" }));
}

#[tokio::test]
async fn a_member_that_somebody_took_out_is_put_in_again() {
    let rehearsal = cluster(&[]).await;
    let mut one = rehearsal.testbed.resource(TYPE);
    one.apply(&member("n1")).await;
    rehearsal
        .ask("PATCH", GROUP, json!({ "members": [] }))
        .await;
    assert!(!one.refresh().await, "it is gone");
    one.apply(&member("n1")).await;
    rehearsal
        .ask("PATCH", GROUP, json!({ "members": [] }))
        .await;
    one.delete().await;
}

#[tokio::test]
async fn a_member_that_is_in_the_group_already_is_taken_over_by_its_id() {
    let rehearsal = cluster(&["n1"]).await;
    let mut one = rehearsal.testbed.resource(TYPE);
    let config = one.config(&member("n1"));
    let plan = one.plan(&config).await;
    let refused = one.try_apply(&config, &plan).await;
    assert!(refused.object.is_none());
    let told: Vec<_> = refused.diagnostics.iter().collect();
    assert_eq!(
        told[0].summary,
        "member `n1` of cluster group `amd64` is in the group already"
    );
    assert!(told[0].hints[0].contains("\"/amd64/n1\""), "{told:?}");
    let imported = rehearsal
        .testbed
        .provider
        .import(TYPE.into(), "/amd64/n1".to_owned());
    one.object = Some(imported.await.unwrap());
    one.settled(&member("n1")).await;
    let nobody = rehearsal
        .testbed
        .provider
        .import(TYPE.into(), "/amd64/n2".to_owned());
    assert!(nobody.await.is_err());
}

#[tokio::test]
async fn after_every_fault_the_next_run_has_the_member_in_its_group_once() {
    let failures = [
        Failure::Refused(403, "not authorized"),
        Failure::Unheard,
        Failure::Unanswered,
    ];
    for failure in failures {
        let rehearsal = cluster(&["n3"]).await;
        let one = rehearsal.testbed.resource(TYPE);
        rehearsal.twin.fail(Fault {
            method: "PUT",
            path: GROUP.to_owned(),
            failure: failure.clone(),
        });
        let config = one.config(&member("n1"));
        let plan = one.plan(&config).await;
        let failed = one.try_apply(&config, &plan).await;
        assert!(failed.diagnostics.has_errors(), "{failure:?}");
        let next = connect(&rehearsal.twin);
        converge(&next, TYPE, &one.marker, failed.object, &member("n1")).await;
        let members = group(&rehearsal).await["members"].clone();
        assert_eq!(members, json!(["n3", "n1"]), "{failure:?}");
    }
}
