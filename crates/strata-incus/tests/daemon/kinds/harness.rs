//! What is done with each type.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, resume_unwind},
};

use futures_util::FutureExt;
use serde_json::Value as Json;
use strata_core::{Value, provider::PlanResponse, schema::Presence};

use super::{Attributes, Change, Here, How, Kind, table};
use crate::testbed::Resource;

#[tokio::test]
async fn every_type_lives_through_everything_on_a_twin() {
    let here = Here::twin().await;
    live(&here).await;
}

#[tokio::test]
async fn every_type_that_a_real_daemon_can_have_lives_through_everything_on_one() {
    let Some(here) = Here::real().await else {
        return;
    };
    let lived = AssertUnwindSafe(live(&here)).catch_unwind().await;
    if let Err(panic) = lived {
        here.sweep().await;
        resume_unwind(panic);
    }
    here.leave().await;
}

async fn live(here: &Here) {
    let mut failed = Vec::new();
    for kind in table(here) {
        println!("{}", kind.type_name);
        let before = here.listing().await;
        let lived = AssertUnwindSafe(one(here, &kind)).catch_unwind().await;
        let after = here.listing().await;
        match lived {
            Ok(()) => same(&before, &after, kind.type_name),
            Err(_) => failed.push(kind.type_name),
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// Demands that nothing came and nothing went.
pub(crate) fn same(before: &BTreeSet<String>, after: &BTreeSet<String>, what: &str) {
    let differing: Vec<&String> = before.symmetric_difference(after).collect();
    assert!(differing.is_empty(), "what {what} leaves: {differing:#?}");
}

async fn one(here: &Here, kind: &Kind) {
    let mut resource = here.testbed.resource(kind.type_name);
    resource.apply(&kind.minimal).await;
    resource.settled(&kind.minimal).await;
    looked_up(here, kind, &resource).await;
    for change in &kind.changes {
        println!("  {}", change.argument);
        let attributes = kind.changed(change);
        into(&mut resource, kind, change, &attributes).await;
    }
    imported(here, kind, &mut resource).await;
    drifted(here, kind, &mut resource).await;
    removed(here, kind, &mut resource).await;
    let last = resource.object.clone();
    resource.delete().await;
    // Whoever was faster has done no harm.
    resource.object = last;
    resource.delete().await;
}

/// The data source of the same name, if there is one, tells the same.
async fn looked_up(here: &Here, kind: &Kind, resource: &Resource<'_>) {
    let provider = here.testbed.incus.provider();
    let Some(source) = provider.schema().data_sources.get(kind.type_name) else {
        return;
    };
    let object = &resource.object.as_ref().unwrap().value;
    let mut config = source.block.empty_value().as_entries().unwrap().clone();
    for (name, attribute) in &source.block.attributes {
        let by = |name: &str| ["project", "remote", "target", "fingerprint"].contains(&name);
        if attribute.presence == Presence::Required || by(name) {
            let ours = if **name == *"storage_pool" {
                "pool"
            } else {
                name
            };
            let value = object.get(ours).cloned();
            config.insert(
                (**name).into(),
                value.unwrap_or(Value::Null(attribute.ty.clone())),
            );
        }
    }
    let config = Value::object(config);
    let told = here
        .testbed
        .provider
        .read_data(kind.type_name.into(), config);
    let told = told.await.unwrap();
    for (name, known) in object.as_entries().unwrap() {
        let Some(told) = told.get(name).filter(|told| told.ty() == known.ty()) else {
            continue;
        };
        // It shows the server's keys, too.
        let differs = match (&**name, known.as_entries()) {
            ("config", Some(keys)) => keys.iter().any(|(key, value)| told.get(key) != Some(value)),
            _ => !known.is_null() && told != known,
        };
        assert!(!differs, "{name}: {told:?}, not {known:?}");
    }
}

#[test]
fn every_data_source_but_the_clusters_is_looked_up_with_its_resource() {
    let incus = strata_incus::Incus::new(crate::testbed::settings(&[], crate::testbed::short()));
    let provider = incus.provider();
    let schema = provider.schema();
    let alone = schema
        .data_sources
        .keys()
        .filter(|name| !schema.resources.contains_key(*name));
    let alone: Vec<&str> = alone.map(|name| &**name).collect();
    assert_eq!(alone, ["incus_cluster"]);
}

/// Changes an argument, and changes it back.
async fn into(resource: &mut Resource<'_>, kind: &Kind, change: &Change, attributes: &Attributes) {
    let plan = resource.plan(&resource.config(attributes)).await;
    let prior = &resource.object.as_ref().unwrap().value;
    assert_ne!(&plan.planned, prior, "another value is a change");
    let replaced = replaced(&plan);
    match change.how {
        How::InPlace => assert_eq!(replaced, [""; 0]),
        How::Anew | How::AnewInPlan => {
            assert!(
                replaced.iter().any(|name| name == change.argument),
                "{replaced:?}"
            );
        }
    }
    if change.how == How::AnewInPlan {
        return;
    }
    for attributes in [attributes, &kind.minimal] {
        if change.how == How::Anew {
            resource.delete().await;
        }
        resource.apply(attributes).await;
        resource.settled(attributes).await;
    }
}

fn replaced(plan: &PlanResponse) -> Vec<String> {
    let paths = plan.requires_replace.iter();
    paths.map(ToString::to_string).collect()
}

/// Takes over what is there: nothing is left to do but what no server tells.
async fn imported(here: &Here, kind: &Kind, resource: &mut Resource<'_>) {
    let provider = &here.testbed.provider;
    let id = kind.id.clone().unwrap_or_else(|| "x".to_owned());
    let id = match id.contains("FINGERPRINT") {
        true => id.replace("FINGERPRINT", resource.get("fingerprint").as_str().unwrap()),
        false => id,
    };
    let imported = provider.import(kind.type_name.into(), id).await;
    if kind.id.is_none() {
        assert!(imported.is_err(), "it has no id");
        return;
    }
    let known = resource.object.replace(imported.unwrap());
    let told: Attributes = kind
        .minimal
        .iter()
        .filter(|(name, _)| !kind.untold.contains(name))
        .cloned()
        .collect();
    resource.settled(&told).await;
    resource.object = known;
}

/// Somebody else changes it: a plan shows that, and an apply changes it back.
async fn drifted(here: &Here, kind: &Kind, resource: &mut Resource<'_>) {
    let Some(drift) = kind.drift.clone() else {
        return;
    };
    let answer = here.ask("PATCH", &kind.path, drift).await;
    assert_eq!(answer["error_code"].as_i64().unwrap_or(0), 0, "{answer}");
    assert!(resource.refresh().await);
    let plan = resource.plan(&resource.config(&kind.minimal)).await;
    let found = &resource.object.as_ref().unwrap().value;
    assert_ne!(&plan.planned, found, "the drift shows");
    resource.apply(&kind.minimal).await;
    resource.settled(&kind.minimal).await;
}

/// Somebody else removes it: a refresh finds nothing, and an apply makes it again.
async fn removed(here: &Here, kind: &Kind, resource: &mut Resource<'_>) {
    if kind.type_name == "incus_server" {
        return;
    }
    let stop = serde_json::json!({ "action": "stop", "force": true });
    if resource.object.as_ref().unwrap().value.get("running") == Some(&Value::from(true)) {
        here.ask("PUT", format!("{}/state", kind.path), stop).await;
    }
    let path = match kind.path.is_empty() {
        true => format!(
            "/1.0/images/{}",
            resource.get("fingerprint").as_str().unwrap()
        ),
        false => kind.path.clone(),
    };
    here.ask("DELETE", path, Json::Null).await;
    assert!(!resource.refresh().await, "it is gone");
    resource.apply(&kind.minimal).await;
    resource.settled(&kind.minimal).await;
}
