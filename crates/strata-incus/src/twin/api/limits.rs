//! What a project uses of its limits, and how much room a pool has.

use serde_json::{Map, Value, json};

use super::super::{
    answer::{Answer, Answered, Refusal, not_found},
    route::Call,
    store::{Kind, Store},
};

/// The size of every pool, in bytes.
const POOL: u64 = 100 << 30;

fn count(store: &Store, project: &str, kind: Option<&str>) -> u64 {
    let instances = store.list(Kind::Instance, Some(project));
    let fit = |instance: &Value| kind.is_none_or(|kind| instance["type"] == kind);
    instances
        .iter()
        .filter(|(_, instance)| fit(instance))
        .count() as u64
}

pub(in super::super) fn usage(call: &Call<'_>, name: &str) -> Answered {
    let store = call.shared.store();
    let Some(project) = store.get(Kind::Project, "", name) else {
        return not_found("Project");
    };
    let kinds = [
        ("instances", None),
        ("containers", Some("container")),
        ("virtual-machines", Some("virtual-machine")),
    ];
    let resources = kinds.map(|(limit, kind)| {
        let text = project["config"][format!("limits.{limit}")].as_str();
        let most = text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
        let used = count(&store, name, kind);
        (limit.to_owned(), json!({ "Limit": most, "Usage": used }))
    });
    let resources: Map<String, Value> = resources.into_iter().collect();
    Ok(Answer::Sync(json!({ "resources": resources })))
}

/// Refuses an instance more than a project allows.
pub(super) fn check(store: &Store, project: &str, kind: &str) -> Result<(), Refusal> {
    let limits = match kind {
        "virtual-machine" => [("instances", None), ("virtual-machines", Some(kind))],
        _ => [("instances", None), ("containers", Some(kind))],
    };
    for (limit, counted) in limits {
        let config = store
            .get(Kind::Project, "", project)
            .map(|project| &project["config"]);
        let most = config.and_then(|config| config[format!("limits.{limit}")].as_str());
        let most: Option<u64> = most.and_then(|text| text.parse().ok());
        if most.is_some_and(|most| count(store, project, counted) >= most) {
            let message = format!(
                "Failed checking if instance creation allowed: Reached maximum number of instances of type {kind:?} in project {project:?}"
            );
            return super::super::answer::refuse(hyper::StatusCode::INTERNAL_SERVER_ERROR, message);
        }
    }
    Ok(())
}

pub(in super::super) fn room(call: &Call<'_>, pool: &str) -> Answered {
    match call.shared.store().get(Kind::Pool, "", pool) {
        Some(_) => Ok(Answer::Sync(
            json!({ "space": { "total": POOL, "used": 1 << 30 }, "inodes": {} }),
        )),
        None => not_found("Storage pool"),
    }
}
