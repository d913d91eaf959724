//! Objects that are no more than their settings: HA, backup jobs, replication, mappings, metrics, ACME.

use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, data, fail, null, wrong},
    api,
    call::Call,
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
        what: "mapping",
    },
    Family {
        path: "/cluster/mapping/pci",
        kind: "mapping-pci",
        id: "id",
        what: "mapping",
    },
    Family {
        path: "/cluster/mapping/usb",
        kind: "mapping-usb",
        id: "id",
        what: "mapping",
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
        id: "plugin",
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
    if family.kind == "ha-group" {
        return Some(fail(
            "cannot index groups: ha groups have been migrated to rules",
        ));
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
        if family.kind != "backup-job" {
            row["digest"] = json!(digest);
        }
        row
    });
    data(rows.collect())
}

fn create(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    if store.kind(family.kind).contains_key(&id) {
        return match family.kind {
            "ha-resource" => fail(format!(
                "create resource failed: resource ID '{id}' already defined"
            )),
            "ha-rule" => fail(format!("HA rule '{id}' already exists")),
            "replication" => fail(format!("replication job '{id}' already exists")),
            "metrics" => fail(format!(
                "create metrics server failed: Metric server '{id}' already exists"
            )),
            "backup-job" => fail(format!("Job '{id}' already exists")),
            _ => fail(format!(
                "create mapping failed: mapping ID '{id}' already defined"
            )),
        };
    }
    let mut object = settings(call);
    object.insert(family.id.to_owned(), json!(id));
    match family.kind {
        "ha-resource" => {
            let number = id
                .split(':')
                .nth(1)
                .and_then(|number| number.parse::<u32>().ok());
            if !number.is_some_and(|number| store.guests.contains_key(&number)) && !store.lenient {
                return fail(format!("cannot add service '{id}': service does not exist"));
            }
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
            object
                .entry("disable".to_owned())
                .or_insert_with(|| json!(0));
        }
        _ => {}
    }
    store.kind(family.kind).insert(id, Json::Object(object));
    null()
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
            _ => fail(format!("{} '{id}' not found", family.what)),
        };
    };
    if family.kind != "backup-job" {
        object["digest"] = json!(digest);
    }
    data(object)
}

fn update(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    let now = digest(&json!(store.kind(family.kind)));
    if call.text("digest").is_some_and(|digest| digest != now) {
        return fail("detected modified configuration - file changed by other user? Try again.");
    }
    let mut changes = settings(call);
    changes.remove(family.id);
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
    null()
}

fn delete(store: &mut Store, call: &Call, family: &Family) -> Answered {
    let id = name(store, call, family);
    match (store.kind(family.kind).remove(&id), family.kind) {
        (Some(_), _) => null(),
        (None, "backup-job") => fail("no such vzdump job"),
        (None, "ha-resource") => fail(format!(
            "delete resource failed: cannot delete service '{id}', not HA managed!"
        )),
        (None, "ha-rule" | "metrics") => null(),
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
