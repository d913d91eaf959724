//! What a project uses of its limits, and how much room a pool has.

use serde_json::{Map, Value, json};

use super::super::{
    answer::{Answer, Answered, Refusal, not_found},
    route::Call,
    store::{Kind, Store},
};
use crate::units::bytes;

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
    let sums = [
        ("cpu", "limits.cpu"),
        ("memory", "limits.memory"),
        ("processes", "limits.processes"),
        ("disk", ""),
    ];
    let sums = sums.map(|(limit, key)| {
        let text = project["config"][format!("limits.{limit}")].as_str();
        let most = text.and_then(bytes).unwrap_or(-1);
        let used: i64 = match limit {
            "disk" => {
                let volumes = store.list(Kind::Volume, Some(name)).into_iter();
                volumes
                    .filter_map(|(_, volume)| bytes(volume["config"]["size"].as_str()?))
                    .sum()
            }
            _ => {
                let instances = store.list(Kind::Instance, Some(name)).into_iter();
                instances
                    .filter_map(|(_, instance)| bytes(instance["config"][key].as_str()?))
                    .sum()
            }
        };
        (limit.to_owned(), json!({ "Limit": most, "Usage": used }))
    });
    let networks = store.list(Kind::Network, Some(name)).len();
    let text = project["config"]["limits.networks"].as_str();
    let most = text.and_then(bytes).unwrap_or(-1);
    let networks = (
        "networks".to_owned(),
        json!({ "Limit": most, "Usage": networks }),
    );
    let keys = project["config"].as_object().into_iter().flatten();
    let pools = keys.filter_map(|(key, limit)| {
        let pool = key.strip_prefix("limits.disk.pool.")?;
        let volumes = store.list(Kind::Volume, Some(name)).into_iter();
        let within = volumes.filter(|(key, _)| key.split('/').next() == Some(pool));
        let sizes = within.filter_map(|(_, volume)| bytes(volume["config"]["size"].as_str()?));
        let used: i64 = sizes.sum();
        Some((
            format!("disk.{pool}"),
            json!({ "Limit": bytes(limit.as_str()?)?, "Usage": used }),
        ))
    });
    let resources = resources
        .into_iter()
        .chain(sums)
        .chain([networks])
        .chain(pools);
    let resources: Map<String, Value> = resources.collect();
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
