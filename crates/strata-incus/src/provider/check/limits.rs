//! Limits of projects, and room in pools.

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Value};

use super::{Planned, instance, network::number};
use crate::{client::ApiPath, provider::attributes::Attributes};

/// Fails if an instance goes beyond a limit of its project, or a volume beyond the room in its pool.
pub(super) async fn check(object: &Planned<'_>, prior: Option<&Value>, found: &mut Diagnostics) {
    match object.type_name {
        instance::TYPE => project(object, prior, found).await,
        "incus_storage_volume" if !object.is_there => pool(object, found).await,
        _ => {}
    }
}

/// What an instance takes of a project's limits, by the name of the limit.
const TAKEN: [(&str, &str); 2] = [("cpu", "limits.cpu"), ("memory", "limits.memory")];

async fn project(object: &Planned<'_>, prior: Option<&Value>, found: &mut Diagnostics) {
    let path = ApiPath::new(&["projects", object.project, "state"]);
    // Most projects have no limits; whether this one has is told with what it is.
    let limited = object
        .fetch(&ApiPath::new(&["projects", object.project]))
        .await;
    let limited = limited.is_some_and(|project| {
        let mut keys = project["config"].as_object().into_iter().flatten();
        keys.any(|(key, _)| key.starts_with("limits."))
    });
    if !limited {
        return;
    }
    let Some(state) = object.fetch(&path).await else {
        return;
    };
    let resources = &state["resources"];
    if prior.is_none() {
        let kinds = [
            "instances",
            match object.attributes().text("type") {
                Some("virtual-machine") => "virtual-machines",
                _ => "containers",
            },
        ];
        let beyond = kinds
            .into_iter()
            .filter_map(|kind| beyond(resources, kind, 1));
        beyond.for_each(|(limit, usage)| found.push(told(object, "instances", limit, usage, 1)));
    }
    for (name, key) in TAKEN {
        let before = prior
            .and_then(|prior| amount(Attributes(prior), key))
            .unwrap_or(0);
        let Some(after) = amount(object.attributes(), key) else {
            continue;
        };
        let more = after.saturating_sub(before);
        if more > 0
            && let Some((limit, usage)) = beyond(resources, name, more)
        {
            found.push(told(object, name, limit, usage, more));
        }
    }
}

/// The limit and what is used of it, if so much more is too much.
fn beyond(resources: &Json, name: &str, more: i64) -> Option<(i64, i64)> {
    let resource = &resources[name];
    let (limit, usage) = (number(&resource["Limit"]), number(&resource["Usage"]));
    let limit = limit
        .or_else(|| number(&resource["limit"]))
        .filter(|limit| *limit >= 0)?;
    let usage = usage.or_else(|| number(&resource["usage"])).unwrap_or(0);
    (usage.saturating_add(more) > limit).then_some((limit, usage))
}

fn told(object: &Planned<'_>, what: &str, limit: i64, usage: i64, more: i64) -> Diagnostic {
    let name = object.attributes().text("name").unwrap_or_default();
    let summary = format!(
        "instance `{name}` goes beyond the limits of project `{}`",
        object.project
    );
    let detail = format!("Of {what} it allows {limit} and has {usage}; this needs {more} more.");
    Diagnostic::error("incus-limit", summary).detail(detail)
}

async fn pool(object: &Planned<'_>, found: &mut Diagnostics) {
    let Some(size) = amount(object.attributes(), "size") else {
        return;
    };
    let pool = object.attributes().text("pool").unwrap_or_default();
    let Some(resources) = object.look(&["storage-pools", pool, "resources"]).await else {
        return;
    };
    let space = &resources["space"];
    let (Some(total), Some(used)) = (number(&space["total"]), number(&space["used"])) else {
        return;
    };
    // Many pools promise more than they have; more than all of it is never right.
    if total > 0 && size > total {
        let name = object.attributes().text("name").unwrap_or_default();
        let summary = format!("storage volume `{name}` is larger than its pool `{pool}`");
        let detail =
            format!("It asks for {size} bytes; the pool has {total}, of which {used} are used.");
        found.push(Diagnostic::error("incus-limit", summary).detail(detail));
    }
}

/// A number of things or of bytes that a key of `config` asks for.
fn amount(object: Attributes<'_>, key: &str) -> Option<i64> {
    bytes(object.map("config").get(key)?)
}

/// A number with a unit as Incus has them: powers of 1000, or with `i` of 1024.
fn bytes(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: i64 = text[..end].parse().ok()?;
    let unit: i64 = match text[end..].trim() {
        "" | "B" => 1,
        "kB" => 1000,
        "MB" => 1000_i64.pow(2),
        "GB" => 1000_i64.pow(3),
        "TB" => 1000_i64.pow(4),
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_have_units_of_both_kinds() {
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        assert_eq!(bytes("2GB"), Some(2_000_000_000));
        assert_eq!(bytes("4"), Some(4));
        for other in ["0-3", "50%", "", "9999999999TiB"] {
            assert_eq!(bytes(other), None, "{other}");
        }
    }

    #[test]
    fn a_limit_counts_only_where_there_is_one() {
        let resources =
            json!({ "instances": { "Limit": 3, "Usage": 3 }, "cpu": { "limit": -1, "usage": 9 } });
        assert_eq!(beyond(&resources, "instances", 1), Some((3, 3)));
        assert_eq!(beyond(&resources, "cpu", 1), None);
        assert_eq!(beyond(&resources, "memory", 1), None);
    }
}
