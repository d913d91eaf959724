//! Snapshots of instances.

use hyper::StatusCode;
use serde_json::json;

use super::{
    super::{
        answer::{Answer, Answered, Started, bad_request, not_found, refuse},
        route::Call,
        store::Kind,
    },
    instances::path,
};

fn started(
    call: &Call<'_>,
    description: &'static str,
    name: &str,
    action: &'static str,
) -> Answered {
    let source = path(&call.project, name);
    let resource = ("instances", source.clone());
    let mut started = Started::new(description, resource, &call.project);
    started.lifecycle.push((action, source));
    Ok(Answer::Operation(started.into()))
}

pub(in super::super) fn create(call: &Call<'_>, instance: &str) -> Answered {
    let mut store = call.shared.store();
    let Some(of) = store.get(Kind::Instance, &call.project, instance).cloned() else {
        return not_found("Instance");
    };
    let Some(name) = call.body["name"].as_str() else {
        return bad_request("No name provided");
    };
    let stateful = call.body["stateful"] == true;
    if stateful && of["config"]["migration.stateful"] != "true" {
        return bad_request(
            "To create a stateful snapshot, the instance needs the \"migration.stateful\" config set to true",
        );
    }
    let key = format!("{instance}/{name}");
    if store.get(Kind::Snapshot, &call.project, &key).is_some() {
        let message = format!("Snapshot {name:?} already in use");
        return refuse(StatusCode::CONFLICT, message);
    }
    let mut snapshot = of;
    snapshot["name"] = json!(name);
    snapshot["stateful"] = json!(stateful);
    snapshot["created_at"] = json!(store.now());
    store.put(Kind::Snapshot, &call.project, &key, snapshot);
    drop(store);
    started(
        call,
        "Snapshotting instance",
        instance,
        "instance-snapshot-created",
    )
}

pub(in super::super) fn delete(call: &Call<'_>, instance: &str, name: &str) -> Answered {
    let key = format!("{instance}/{name}");
    match call
        .shared
        .store()
        .remove(Kind::Snapshot, &call.project, &key)
    {
        Some(_) => started(
            call,
            "Deleting snapshot",
            instance,
            "instance-snapshot-deleted",
        ),
        None => not_found("Instance snapshot"),
    }
}
