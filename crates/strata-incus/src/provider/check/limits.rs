//! Limits of projects.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Value};

use super::{
    Planned, instance,
    network::number,
    tally::{Demand, ProjectState},
    units::amount,
};
use crate::{
    provider::{attributes::Attributes, devices},
    units::bytes,
};

/// What an instance takes of a project's limits: the limit's name, and the key that says how much.
const TAKEN: [(&str, &str); 3] = [
    ("cpu", "limits.cpu"),
    ("memory", "limits.memory"),
    ("processes", "limits.processes"),
];

/// Fails if an object goes beyond a limit of its project, with all else that the plan adds to it.
pub(super) async fn check(
    object: &Planned<'_>,
    project: &ProjectState,
    prior: Option<&Value>,
    found: &mut Diagnostics,
) {
    let limits = limits(&project.config);
    if limits.is_empty() {
        return;
    }
    let keys = match object.type_name {
        instance::TYPE => effective_keys(object).await,
        _ => Some(object.attributes().map("config")),
    };
    if object.type_name == instance::TYPE
        && let Some(keys) = &keys
    {
        let missing = TAKEN
            .iter()
            .filter(|(limit, key)| limits.contains_key(*limit) && !keys.contains_key(*key));
        missing.for_each(|(_, key)| found.push(unsaid(object, key)));
    }
    let demand = demand(object, prior, keys.as_ref());
    let path = object.path();
    let total = object
        .session
        .tally()
        .add(&object.room(), path.as_str(), demand.clone());
    let may_go = object.session.may_go(&object.room(), &path);
    for (limit, more) in demand.iter().filter(|(_, more)| **more > 0) {
        let all = total.get(limit).copied().unwrap_or(*more);
        if let Some(beyond) = beyond(&project.resources, limit, all, may_go) {
            found.push(beyond.told(object, limit, *more));
        }
    }
}

/// The limits that a project has, by their names.
fn limits(config: &Json) -> BTreeMap<&str, &str> {
    let keys = config.as_object().into_iter().flatten();
    let limits =
        keys.filter_map(|(key, value)| Some((key.strip_prefix("limits.")?, value.as_str()?)));
    limits.filter(|(_, value)| !value.is_empty()).collect()
}

/// The keys of an instance with those of its profiles; none if a profile is still to be made.
async fn effective_keys(object: &Planned<'_>) -> Option<BTreeMap<String, String>> {
    let own = object.attributes();
    let mut keys = BTreeMap::new();
    for profile in own.texts("profiles").unwrap_or_default() {
        if object.session.declared().has("incus_profile", &profile) {
            return None;
        }
        let there = object.look(&["profiles", &profile]).await?;
        let texts = there["config"].as_object().cloned().unwrap_or_default();
        keys.extend(
            texts
                .into_iter()
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))),
        );
    }
    keys.extend(own.map("config"));
    Some(keys)
}

/// What an object asks for beyond what it has.
fn demand(
    object: &Planned<'_>,
    prior: Option<&Value>,
    keys: Option<&BTreeMap<String, String>>,
) -> Demand {
    let is_new = prior.is_none() && !object.is_known();
    let own = object.attributes();
    let mut demand = Demand::new();
    let mut add = |limit: &str, more: i64| {
        demand.insert(limit.to_owned(), more);
    };
    match object.type_name {
        instance::TYPE => {
            if is_new {
                add("instances", 1);
                let is_machine = own.text("type") == Some("virtual-machine");
                add(
                    if is_machine {
                        "virtual-machines"
                    } else {
                        "containers"
                    },
                    1,
                );
            }
            for (limit, key) in TAKEN {
                let after = keys.and_then(|keys| bytes(keys.get(key)?));
                let before = prior.and_then(|prior| amount(Attributes(prior), key));
                if let Some(after) = after.filter(|_| is_new || before.is_some()) {
                    add(limit, after.saturating_sub(before.unwrap_or(0)));
                }
            }
            if let Some(after) = root_size(object.value).filter(|_| is_new || prior.is_some()) {
                add(
                    "disk",
                    after.saturating_sub(prior.and_then(root_size).unwrap_or(0)),
                );
            }
        }
        "incus_storage_volume" => {
            let before = prior.and_then(|prior| amount(Attributes(prior), "size"));
            if let Some(after) = amount(own, "size").filter(|_| is_new || prior.is_some()) {
                let more = after.saturating_sub(before.unwrap_or(0));
                add("disk", more);
                add(
                    &format!("disk.{}", own.text("pool").unwrap_or_default()),
                    more,
                );
            }
        }
        "incus_network" if is_new && !own.is_set("target") => add("networks", 1),
        _ => {}
    }
    demand
}

/// How large the disk is that an instance starts from.
fn root_size(object: &Value) -> Option<i64> {
    let devices = devices::of(object);
    let is_root =
        |device: &&BTreeMap<String, String>| device.get("path").is_some_and(|path| path == "/");
    bytes(devices.values().find(is_root)?.get("size")?)
}

/// A limit that would be passed.
struct Beyond {
    most: i64,
    used: i64,
    all: i64,
    /// False if something may go in the same run that makes room.
    surely: bool,
}

/// Whether so much more is too much, where so many of what is there may go in this run.
fn beyond(resources: &Json, name: &str, all: i64, may_go: usize) -> Option<Beyond> {
    let resource = &resources[name];
    let of =
        |upper: &str, lower: &str| number(&resource[upper]).or_else(|| number(&resource[lower]));
    let most = of("Limit", "limit").filter(|most| *most >= 0)?;
    let used = of("Usage", "usage").unwrap_or(0);
    let counts = ["instances", "containers", "virtual-machines", "networks"].contains(&name);
    let going = i64::try_from(may_go).unwrap_or(i64::MAX);
    let surely = match counts {
        true => used.saturating_sub(going).saturating_add(all) > most,
        false => may_go == 0,
    };
    let beyond = Beyond {
        most,
        used,
        all,
        surely,
    };
    (used.saturating_add(all) > most).then_some(beyond)
}

impl Beyond {
    fn told(&self, object: &Planned<'_>, what: &str, more: i64) -> Diagnostic {
        let Self {
            most, used, all, ..
        } = self;
        let summary = format!(
            "{} goes beyond the limits of project `{}`",
            object.name(),
            object.project
        );
        let with_others = match *all == more {
            true => String::new(),
            false => format!(" With what else is planned that is {all}."),
        };
        let detail = format!(
            "Of {what} it allows {most} and has {used}; this needs {more} more.{with_others}"
        );
        match self.surely {
            true => Diagnostic::error("incus-limit", summary).detail(detail),
            false => Diagnostic::warning("incus-limit", summary)
                .detail(format!("{detail} What goes in the same run may make room.")),
        }
    }
}

/// A project that limits something has each instance say how much of it it takes.
fn unsaid(object: &Planned<'_>, key: &str) -> Diagnostic {
    let summary = format!("{} does not say `{key}`", object.name());
    Diagnostic::error("incus-limit", summary).detail(format!(
        "Project `{}` limits it: every instance in it must have this key, or have it of a profile.",
        object.project
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, all: i64, may_go: usize) -> Option<bool> {
        let resources = json!({ "instances": { "Limit": 3, "Usage": 3 }, "cpu": { "limit": -1, "usage": 9 }, "memory": { "Limit": 10, "Usage": 0 } });
        beyond(&resources, name, all, may_go).map(|beyond| beyond.surely)
    }

    #[test]
    fn a_limit_counts_only_where_there_is_one() {
        assert_eq!(check("instances", 1, 0), Some(true));
        assert_eq!(check("cpu", 1, 0), None);
        assert_eq!(check("disk", 1, 0), None);
        assert_eq!(check("memory", 10, 0), None);
        assert_eq!(check("memory", 11, 0), Some(true));
    }

    #[test]
    fn what_may_go_makes_an_error_a_warning() {
        assert_eq!(check("instances", 1, 1), Some(false));
        assert_eq!(check("instances", 3, 2), Some(true));
        assert_eq!(check("memory", 11, 1), Some(false));
    }

    #[test]
    fn limits_are_found_by_their_names() {
        let config = json!({ "limits.cpu": "4", "limits.disk.pool.fast": "1GiB", "limits.memory": "", "features.images": "true" });
        let found: Vec<_> = limits(&config).into_iter().collect();
        assert_eq!(found, [("cpu", "4"), ("disk.pool.fast", "1GiB")]);
    }
}
