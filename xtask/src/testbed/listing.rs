//! Everything on the daemon as sorted lines, so that before and after can be compared.
//!
//! A line is a kind, a project where there is one, a name and the few facts that a test could
//! leave behind. Nothing in it changes by itself (no times, no addresses, no counters).

use serde_json::Value;

use super::site::Site;
use crate::failure::Failure;
use crate::process;

/// A kind of thing: what to ask and which facts to print.
struct Kind {
    name: &'static str,
    query: &'static str,
    facts: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "certificate",
        query: "/1.0/certificates?recursion=1",
        facts: &["name", "type"],
    },
    Kind {
        name: "image",
        query: "/1.0/images?recursion=1&all-projects=true",
        facts: &["project", "fingerprint"],
    },
    Kind {
        name: "instance",
        query: "/1.0/instances?recursion=1&all-projects=true",
        facts: &["project", "name", "status"],
    },
    Kind {
        name: "network",
        query: "/1.0/networks?recursion=1&all-projects=true",
        // Unmanaged ones are the machine's own interfaces, which come and go with containers.
        facts: &["project", "name", "type"],
    },
    Kind {
        name: "network-acl",
        query: "/1.0/network-acls?recursion=1&all-projects=true",
        facts: &["project", "name"],
    },
    Kind {
        name: "network-zone",
        query: "/1.0/network-zones?recursion=1&all-projects=true",
        facts: &["project", "name"],
    },
    Kind {
        name: "profile",
        query: "/1.0/profiles?recursion=1&all-projects=true",
        facts: &["project", "name", "config", "devices"],
    },
    Kind {
        name: "project",
        query: "/1.0/projects?recursion=1",
        facts: &["name"],
    },
    Kind {
        name: "storage-pool",
        query: "/1.0/storage-pools?recursion=1",
        facts: &["name", "driver"],
    },
];

/// Lists all there is.
pub(crate) fn everything(site: &Site) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for kind in KINDS {
        let mut answer = ask(site, kind.query)?;
        if let Some(entries) = answer.as_array_mut() {
            entries.retain(|entry| entry["managed"] != false);
        }
        lines.extend(lines_of(kind.name, &answer, kind.facts));
    }
    for pool in ask(site, "/1.0/storage-pools?recursion=1")?
        .as_array()
        .into_iter()
        .flatten()
    {
        let name = pool["name"].as_str().unwrap_or_default();
        let query = format!("/1.0/storage-pools/{name}/volumes?recursion=1&all-projects=true");
        let facts = ["project", "type", "name"];
        lines.extend(lines_of(
            &format!("volume {name}"),
            &ask(site, &query)?,
            &facts,
        ));
    }
    lines.sort();
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

fn ask(site: &Site, query: &str) -> Result<Value, Failure> {
    let answer = process::output_of(&mut site.incus(&["query", query]))?;
    serde_json::from_str(&answer)
        .map_err(|error| Failure::new(format!("the answer to `{query}` is no JSON: {error}")))
}

fn lines_of(kind: &str, answer: &Value, facts: &[&str]) -> Vec<String> {
    let entries = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |entry: &Value| {
        let facts: Vec<String> = facts
            .iter()
            .filter_map(|fact| shown(&entry[*fact]))
            .collect();
        format!("{kind} {}", facts.join(" "))
    };
    entries.iter().map(line).collect()
}

/// Prints a fact: a text as it is, a map with sorted keys, an absent or empty one not at all.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(entries) if entries.is_empty() => None,
        Value::Object(entries) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{key}={}", shown(value).unwrap_or_default())
            };
            let mut pairs: Vec<String> = entries.iter().map(pair).collect();
            pairs.sort();
            Some(format!("{{{}}}", pairs.join(" ")))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_the_facts_asked_for_and_maps_in_order() {
        let answer = serde_json::json!([
            { "name": "default", "project": "p", "devices": { "root": { "type": "disk" }, "eth0": {} }, "used": 3 },
            { "name": "bare", "project": "" },
        ]);
        let lines = lines_of("profile", &answer, &["project", "name", "devices"]);
        assert_eq!(
            lines,
            ["profile p default {eth0= root={type=disk}}", "profile bare"]
        );
    }
}
