//! Objects that are no more than their settings: HA, backup jobs, replication, mappings, metrics, ACME.

use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, data, fail, null, wrong},
    api,
    call::{Call, split},
    store::{Settings, Store, digest, value},
};

/// A family of simple objects.
struct Family {
    /// Where they are.
    path: &'static str,
    kind: &'static str,
    /// The parameter that names one.
    id: &'static str,
    /// What a message calls one.
    what: &'static str,
}

const FAMILIES: [Family; 11] = [
    Family {
        path: "/cluster/ha/resources",
        kind: "ha-resource",
        id: "sid",
        what: "resource",
    },
    Family {
        path: "/cluster/ha/rules",
        kind: "ha-rule",
        id: "rule",
        what: "rule",
    },
    Family {
        path: "/cluster/ha/groups",
        kind: "ha-group",
        id: "group",
        what: "ha group",
    },
    Family {
        path: "/cluster/backup",
        kind: "backup-job",
        id: "id",
        what: "vzdump job",
    },
    Family {
        path: "/cluster/replication",
        kind: "replication",
        id: "id",
        what: "replication job",
    },
    Family {
        path: "/cluster/mapping/dir",
        kind: "mapping-dir",
        id: "id",
        what: "directory mapping",
    },
    Family {
        path: "/cluster/mapping/pci",
        kind: "mapping-pci",
        id: "id",
        what: "PCI mapping",
    },
    Family {
        path: "/cluster/mapping/usb",
        kind: "mapping-usb",
        id: "id",
        what: "USB mapping",
    },
    Family {
        path: "/cluster/metrics/server",
        kind: "metrics",
        id: "id",
        what: "metrics server",
    },
    Family {
        path: "/cluster/acme/plugins",
        kind: "acme-plugin",
        id: "id",
        what: "ACME plugin",
    },
    Family {
        path: "/cluster/acme/account",
        kind: "acme-account",
        id: "name",
        what: "ACME account",
    },
];

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    let verb = call.method.verb.as_str();
    let family = FAMILIES
        .iter()
        .find(|family| path.starts_with(family.path))?;
    let rest = &path[family.path.len()..];
    let one = rest.starts_with("/{") && rest.matches('/').count() == 1;
    if !rest.is_empty() && !one {
        return None;
    }
    if family.kind == "acme-account" {
        return super::acme::account(store, call, one);
    }
    // Before version 9 there were groups in their place.
    if family.kind == "ha-group" && store.can("ha-rules") {
        let doing = if verb == "POST" {
            "cannot create group"
        } else {
            "cannot index groups"
        };
        return Some(fail(format!(
            "{doing}: ha groups have been migrated to rules"
        )));
    }
    Some(match (verb, one) {
        ("GET", false) => list(store, family),
        ("POST", _) => create(store, call, family),
        ("GET", true) => read(store, call, family),
        ("PUT", true) => update(store, call, family),
        ("DELETE", true) => delete(store, call, family),
        _ => return None,
    })
}

/// The settings of a call as they read back.
fn settings(call: &Call) -> Map<String, Json> {
    let settings: Settings = call.rest(&["digest", "delete", "token", "data"]);
    let typed = settings.iter().map(|(name, text)| {
        if name == "prune-backups" {
            let parts = text.split(',').filter_map(|part| part.split_once('='));
            let kept: Map<String, Json> = parts
                .map(|(name, text)| (name.to_owned(), json!(text)))
                .collect();
            return (name.clone(), Json::Object(kept));
        }
        let facts = api::parameter(&call.method.parameters, name);
        let ty = facts
            .and_then(|facts| facts["type"].as_str())
            .unwrap_or("string");
        let shown = match ty {
            "array" => json!(text.split('\0').collect::<Vec<_>>()),
            ty => value(ty, text),
        };
        (name.clone(), shown)
    });
    typed.collect()
}

/// A name as it is kept: HA resources have their kind before the number.
fn name(store: &Store, call: &Call, family: &Family) -> String {
    let id = call.need(family.id).to_owned();
    match (family.kind, id.parse::<u32>()) {
        ("ha-resource", Ok(number)) => {
            let lxc = store
                .guests
                .get(&number)
                .is_some_and(|guest| guest.kind.name() == "lxc");
            format!("{}:{number}", if lxc { "ct" } else { "vm" })
        }
        ("backup-job", _) if id.is_empty() => uuid::Uuid::new_v4().to_string(),
        _ => id,
    }
}

fn list(store: &mut Store, family: &Family) -> Answered {
    let digest = digest(&json!(store.kind(family.kind)));
    let rows = store.kind(family.kind).values().map(|object| {
        let mut row = object.clone();
        match family.kind {
            "backup-job" => {}
            "metrics" => row
                .as_object_mut()
                .expect("an object is an object")
                .retain(|name, _| LISTED.contains(&name.as_str())),
            _ => row["digest"] = json!(digest),
        }
        row
    });
    let mut rows: Vec<Json> = rows.collect();
    if family.kind == "acme-plugin" && !rows.iter().any(|row| row["plugin"] == "standalone") {
        let empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        rows.push(json!({ "plugin": "standalone", "type": "standalone", "digest": empty }));
    }
    data(Json::Array(rows))
}

fn create(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    if store.kind(family.kind).contains_key(&id) {
        return match family.kind {
            "ha-resource" => fail(format!(
                "create resource failed: resource ID '{id}' already defined"
            )),
            "ha-rule" => fail(format!(
                "create ha rule failed: HA rule '{id}' already defined"
            )),
            "replication" => fail(format!("replication job '{id}' already exists")),
            "metrics" => fail(format!("Metric server '{id}' already exists")),
            "backup-job" => fail(format!("Job '{id}' already exists")),
            kind => fail(format!(
                "create {} failed: {} ID '{id}' already defined",
                family.what,
                kind.trim_start_matches("mapping-")
            )),
        };
    }
    let mut object = settings(call);
    object.insert(family.id.to_owned(), json!(id));
    if family.kind == "acme-plugin" {
        object.remove("id");
        object.insert("plugin".to_owned(), json!(id));
        super::acme::open(call, &mut object);
    }
    check(store, family, &id, &object)?;
    match family.kind {
        "ha-resource" => {
            object.insert("type".to_owned(), json!(id.split(':').next()));
            object
                .entry("state".to_owned())
                .or_insert_with(|| json!("started"));
        }
        "backup-job" => {
            object.insert("type".to_owned(), json!("vzdump"));
            object
                .entry("enabled".to_owned())
                .or_insert_with(|| json!(1));
        }
        "replication" => {
            let (guest, number) = id.split_once('-').unwrap_or((&id, "0"));
            object.insert("guest".to_owned(), value("integer", guest));
            object.insert("jobnum".to_owned(), json!(number));
        }
        "ha-rule" => {
            object.retain(|name, value| !(name == "disable" && *value == 0));
            object.insert("order".to_owned(), json!(1));
        }
        kind @ ("mapping-dir" | "mapping-pci" | "mapping-usb") => {
            object.insert(
                "type".to_owned(),
                json!(kind.trim_start_matches("mapping-")),
            );
        }
        _ => {}
    }
    store.kind(family.kind).insert(id, Json::Object(object));
    null()
}

/// What a list of metrics servers tells of each.
const LISTED: [&str; 5] = ["disable", "id", "port", "server", "type"];

/// Refuses what the description does not speak of.
fn check(
    store: &mut Store,
    family: &Family,
    id: &str,
    object: &Map<String, Json>,
) -> Result<(), Refusal> {
    match family.kind {
        "ha-resource" => {
            let number = id
                .split(':')
                .nth(1)
                .and_then(|number| number.parse::<u32>().ok());
            match number {
                None => wrong(
                    "sid",
                    "invalid format - value does not look like a valid ha resource id\n",
                ),
                Some(number) if !store.guests.contains_key(&number) && !store.lenient => {
                    fail(format!("resource '{id}' does not exist in cluster"))
                }
                _ => Ok(()),
            }
        }
        "ha-rule" => ha_rule(store, id, object),
        "backup-job" if !timed(object) => {
            let text = object["schedule"].as_str().unwrap_or_default();
            wrong(
                "schedule",
                format!(
                    "invalid format - invalid calendar event '{text}' - unable to parse calendar event at '{text}' - Context(\"weekday\")\n\n"
                ),
            )
        }
        "backup-job"
            if !["vmid", "all", "pool"]
                .iter()
                .any(|name| object.contains_key(*name)) =>
        {
            fail("400 Parameter verification failed.\nvmid: property is missing")
        }
        "replication" if !store.lenient => replication(store, id, object),
        _ => Ok(()),
    }
}

/// True if a job's schedule begins like one: with days, a time, or a word for both.
fn timed(job: &Map<String, Json>) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const WORDS: [&str; 10] = [
        "minutely",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
        "annually",
        "semiannually",
        "semi-annually",
    ];
    let Some(text) = job.get("schedule").and_then(Json::as_str) else {
        return true;
    };
    let first = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let is_day = |part: &str| DAYS.iter().any(|day| part.starts_with(day));
    WORDS.contains(&first.as_str())
        || first
            .split([',', '.'])
            .filter(|part| !part.is_empty())
            .all(is_day)
        || first.starts_with(|c: char| c.is_ascii_digit() || c == '*')
}

fn ha_rule(store: &mut Store, id: &str, rule: &Map<String, Json>) -> Result<(), Refusal> {
    let text = |name: &str| rule.get(name).and_then(Json::as_str).unwrap_or_default();
    let resources = split(text("resources"));
    let known = store.kind("ha-resource");
    let unmanaged: Vec<&str> = resources
        .iter()
        .filter(|name| !known.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !unmanaged.is_empty() && !store.lenient {
        return fail(format!(
            "create ha rule failed: cannot use unmanaged resource(s) {}.",
            unmanaged.join(", ")
        ));
    }
    if text("type") == "resource-affinity" && resources.len() < 2 {
        let more = match store.nodes.len() < 2 {
            true => ", rule defines more resources than available nodes",
            false => "",
        };
        return fail(format!(
            "create ha rule failed: 400 Rule '{id}' is invalid.\nresources: rule is ineffective as there are less than two resources{more}"
        ));
    }
    Ok(())
}

fn replication(store: &Store, id: &str, job: &Map<String, Json>) -> Result<(), Refusal> {
    let guest = id.split('-').next().unwrap_or_default();
    let found = guest.parse().ok().and_then(|id: u32| store.guests.get(&id));
    let Some(found) = found else {
        return fail(format!("Guest '{guest}' does not exist."));
    };
    let target = job.get("target").and_then(Json::as_str).unwrap_or_default();
    match store.nodes.contains_key(target) && found.node != target {
        true => Ok(()),
        false => fail(format!("Target '{target}' does not exist.")),
    }
}

fn read(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    let digest = digest(&json!(store.kind(family.kind)));
    let Some(mut object) = store.kind(family.kind).get(&id).cloned() else {
        return match family.kind {
            "ha-resource" => fail(format!("no such resource '{id}'")),
            "ha-rule" => fail(format!("no such ha rule '{id}'")),
            "backup-job" => wrong("id", format!("No such job '{id}'")),
            "replication" => fail(format!("no such replication job '{id}'")),
            "metrics" => fail(format!("status server entry '{id}' does not exist")),
            kind if kind.starts_with("mapping-") => fail(format!("mapping '{id}' not found")),
            _ => fail(format!("{} '{id}' not found", family.what)),
        };
    };
    let named = family.kind.starts_with("mapping-") || family.kind == "metrics";
    if let Some(members) = object.as_object_mut().filter(|_| named) {
        members.remove(family.id);
    }
    if !matches!(family.kind, "backup-job" | "metrics") {
        object["digest"] = json!(digest);
    }
    data(object)
}

fn update(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    let now = digest(&json!(store.kind(family.kind)));
    let doing = match family.kind {
        "ha-resource" => "update resources config failed: ".to_owned(),
        "ha-rule" => "update rules failed: ".to_owned(),
        kind if kind.starts_with("mapping-") => format!("update {} failed: ", family.what),
        _ => String::new(),
    };
    if call.text("digest").is_some_and(|digest| digest != now) {
        return fail(format!(
            "{doing}detected modified configuration - file changed by other user? Try again."
        ));
    }
    if family.kind.starts_with("mapping-") && call.text("map").is_none() {
        return fail(format!("{doing}missing value for required option 'map'"));
    }
    let mut changes = settings(call);
    changes.remove(family.id);
    if family.kind == "acme-plugin" {
        super::acme::open(call, &mut changes);
    }
    let Some(object) = store.kind(family.kind).get_mut(&id) else {
        return match family.kind {
            "backup-job" => fail("no such vzdump job"),
            _ => fail(format!("no such {} '{id}'", family.what)),
        };
    };
    let members = object.as_object_mut().expect("an object is an object");
    for gone in call.list("delete") {
        members.remove(&gone);
    }
    members.extend(changes);
    if family.kind == "ha-rule" {
        members.retain(|name, value| !(name == "disable" && *value == 0));
    }
    null()
}

fn delete(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    match (store.kind(family.kind).remove(&id), family.kind) {
        (Some(_), _) => null(),
        (None, "backup-job") => fail(format!(
            "400 Parameter verification failed.\nid: No such job '{id}'"
        )),
        (None, "ha-resource") => fail(format!("cannot delete service '{id}', not HA managed!")),
        (None, "ha-rule" | "mapping-dir" | "mapping-pci" | "mapping-usb") => null(),
        (None, "metrics") => fail(
            "cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Cluster/MetricServer.pm line 295.",
        ),
        (None, "replication") => fail(format!("no such job '{id}'")),
        (None, _) => fail(format!("no such {} '{id}'", family.what)),
    }
}

/// Takes a guest that is gone out of all that names it.
pub(super) fn purge(store: &mut Store, id: u32, kind: &str) {
    store.kind("ha-resource").remove(&format!("{kind}:{id}"));
    let prefix = format!("{id}-");
    store
        .kind("replication")
        .retain(|name, _| !name.starts_with(&prefix));
}
