//! Every kind of object with every fault of a server: the next run makes it, and nothing is left twice.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use strata_core::provider::Object;
use strata_incus::twin::{Failure, Fault};

use crate::{
    faults::converge,
    kinds::{Here, Kind, same, table},
    testbed::Resource,
};

/// What goes wrong, by name.
fn failures() -> Vec<(&'static str, Failure)> {
    vec![
        ("refused", Failure::Refused(403, "not authorized")),
        ("slow", Failure::Slow(Duration::from_millis(20))),
        ("unheard", Failure::Unheard),
        ("unanswered", Failure::Unanswered),
        ("dropped while an operation runs", Failure::Dropped),
        (
            "half done",
            Failure::HalfDone("Failed to run: exit status 1"),
        ),
        (
            "quota",
            Failure::Refused(
                500,
                "Reached maximum number of objects in project \"default\"",
            ),
        ),
        (
            "full pool",
            Failure::HalfDone("write: no space left on device"),
        ),
        (
            "certificate expired",
            Failure::Refused(403, "x509: certificate has expired or is not yet valid"),
        ),
    ]
}

/// The call that makes one.
fn create(kind: &Kind) -> (&'static str, String) {
    match kind.type_name {
        "incus_image" => ("POST", "/1.0/images".to_owned()),
        "incus_server" => ("PUT", kind.path.clone()),
        _ => ("POST", kind.path.rsplit_once('/').unwrap().0.to_owned()),
    }
}

/// Has kinds of objects meet each failure, each failure on a twin of its own; gives how many met one.
async fn each(
    kinds: impl Fn(Kind) -> Option<Kind>,
    meets: impl AsyncFn(&Here, &Kind, Failure),
) -> usize {
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, failure) in failures() {
        let here = Here::twin().await;
        for kind in table(&here).into_iter().filter_map(&kinds) {
            let told = format!("{name}: {}", kind.type_name);
            println!("{told}");
            count += 1;
            let met = AssertUnwindSafe(meets(&here, &kind, failure.clone()));
            if met.catch_unwind().await.is_err() {
                wrong.push(told);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    count
}

#[tokio::test]
async fn after_every_fault_of_a_create_the_next_run_converges() {
    each(Some, meets).await;
}

#[tokio::test]
async fn what_is_made_of_a_backup_converges_after_every_fault() {
    let count = each(Kind::of_a_backup, meets).await;
    // Instances, images, volumes and buckets.
    assert_eq!(count, 4 * failures().len());
}

#[tokio::test]
async fn after_every_fault_of_an_update_or_a_delete_the_next_run_converges() {
    each(Some, changes_and_goes).await;
}

/// A create that meets a failure, and the run after it.
async fn meets(here: &Here, kind: &Kind, failure: Failure) {
    let before = here.listing().await;
    let (method, path) = create(kind);
    let (twin, _) = here.twin.as_ref().unwrap();
    twin.fail(Fault {
        method,
        path,
        failure,
    });
    let resource = here.testbed.resource(kind.type_name);
    let config = resource.config(&kind.minimal);
    let plan = resource.plan(&config).await;
    let response = resource.try_apply(&config, &plan).await;
    match response.diagnostics.has_errors() {
        false => ended_well(here, kind, response.object).await,
        true => next_run(here, kind, &resource, response.object).await,
    }
    same(&before, &here.listing().await, kind.type_name);
}

async fn ended_well(here: &Here, kind: &Kind, made: Option<Object>) {
    let next = here.again();
    let mut resource = next.resource(kind.type_name);
    resource.object = made;
    resource.settled(&kind.minimal).await;
    resource.delete().await;
}

async fn next_run(here: &Here, kind: &Kind, failed: &Resource<'_>, left: Option<Object>) {
    let next = here.again();
    let mut resource = converge(&next, kind.type_name, &failed.marker, left, &kind.minimal).await;
    resource.delete().await;
}

/// An update and a delete that meet a failure, each with the run after it.
async fn changes_and_goes(here: &Here, kind: &Kind, failure: Failure) {
    let before = here.listing().await;
    let (twin, _) = here.twin.as_ref().unwrap();
    let fail = |method| {
        let (path, failure) = (kind.path.clone(), failure.clone());
        twin.fail(Fault {
            method,
            path,
            failure,
        });
    };
    let mut resource = here.testbed.resource(kind.type_name);
    resource.apply(&kind.minimal).await;
    if let Some(changed) = kind.updated() {
        fail("PUT");
        let config = resource.config(&changed);
        let plan = resource.plan(&config).await;
        resource.object = resource.try_apply(&config, &plan).await.object;
        assert!(resource.refresh().await, "it is still there");
        resource.apply(&changed).await;
        resource.settled(&changed).await;
    }
    // An image is known by what it holds, and the keys of a server go by an update.
    if !["incus_image", "incus_server"].contains(&kind.type_name) {
        fail("DELETE");
    }
    resource.object = resource.try_delete().await.object;
    if resource.object.is_some() && resource.refresh().await {
        resource.delete().await;
    }
    same(&before, &here.listing().await, kind.type_name);
}

#[tokio::test]
async fn a_name_that_somebody_takes_between_plan_and_apply_stays_theirs() {
    let here = Here::twin().await;
    let others = ["incus_server", "incus_image"];
    let parts = |kind: &Kind| kind.minimal.iter().any(|(name, _)| *name == "target");
    let kinds = table(&here).into_iter();
    let mut wrong = Vec::new();
    for kind in kinds.filter(|kind| !others.contains(&kind.type_name) && !parts(kind)) {
        println!("{}", kind.type_name);
        let kept = AssertUnwindSafe(stays_theirs(&here, &kind));
        if kept.catch_unwind().await.is_err() {
            wrong.push(kind.type_name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

async fn stays_theirs(here: &Here, kind: &Kind) {
    let resource = here.testbed.resource(kind.type_name);
    let config = resource.config(&kind.minimal);
    let plan = resource.plan(&config).await;
    let next = here.again();
    let mut theirs = next.resource(kind.type_name);
    theirs.apply(&kind.minimal).await;

    let response = resource.try_apply(&config, &plan).await;
    assert!(response.object.is_none(), "it is not ours");
    let hints = response.diagnostics.iter().flat_map(|told| &told.hints);
    let hints: Vec<_> = hints.map(ToString::to_string).collect();
    let block = format!("import {{\n  to = {}.NAME\n  id = ", kind.type_name);
    assert!(hints.iter().any(|hint| hint.contains(&block)), "{hints:?}");
    theirs.settled(&kind.minimal).await;
    theirs.delete().await;
    let mut resource = here.testbed.resource(kind.type_name);
    resource.apply(&kind.minimal).await;
    resource.delete().await;
}
