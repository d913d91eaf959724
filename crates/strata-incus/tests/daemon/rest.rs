//! The twin beside the published description of the API: it answers every call, and every field has its type.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::objects::Rehearsal;

/// The facts that the twin itself fills its answers from.
const DESCRIPTION: &str = include_str!("../../src/twin/description.txt");

/// Calls that the twin does not answer; `docs/compatibility.md` names them, too.
const NOT_ANSWERED: [&str; 8] = [
    "/bitmaps",
    "/debug/memory",
    "/debug/repair",
    "/events",
    "/nbd",
    "/nvram",
    "/port-forward",
    "/sftp",
];

/// One call of the description, for objects that are there.
struct Described {
    method: &'static str,
    path: String,
    answer: &'static str,
}

fn calls(names: &BTreeMap<&str, String>) -> Vec<Described> {
    let lines = DESCRIPTION.lines();
    let known = |line: &&str| !NOT_ANSWERED.iter().any(|word| line.contains(word));
    let calls = lines
        .filter(|line| !line.starts_with(['#', '=']))
        .filter(known);
    let calls = calls.map(|line| {
        let mut words = line.split(' ');
        let (method, template) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = template.split_once('?').unwrap_or((template, ""));
        Described {
            method,
            path: filled(path, names) + if query.is_empty() { "" } else { "?" } + query,
            answer: words.next().unwrap_or_default(),
        }
    });
    calls.collect()
}

/// A path with names in the place of what stands for any: by the word before.
fn filled(path: &str, names: &BTreeMap<&str, String>) -> String {
    let mut filled: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        let before = filled.last().copied().unwrap_or_default();
        filled.push(match segment.starts_with('{') {
            false => segment,
            true if filled.len() > 3 && segment == "{type}" => "custom",
            true => names
                .get(before)
                .map_or_else(|| panic!("{path}: {before}"), String::as_str),
        });
    }
    filled.join("/")
}

/// Objects of each kind; gives their names by the word before them in paths.
async fn ground(rehearsal: &Rehearsal) -> BTreeMap<&'static str, String> {
    let pool = "/1.0/storage-pools/default";
    let ovn = |address: &str| json!({ "network": "incusbr0", "ipv4.address": address });
    let image = json!({ "type": "image", "alias": "debian/12" });
    let der = "MAA=";
    let made = [
        (
            "/1.0/networks".to_owned(),
            json!({ "name": "inner", "type": "ovn", "config": ovn("10.9.0.1/24") }),
        ),
        (
            "/1.0/networks".to_owned(),
            json!({ "name": "outer", "type": "ovn", "config": ovn("10.8.0.1/24") }),
        ),
        (
            "/1.0/networks/inner/forwards".to_owned(),
            json!({ "listen_address": "192.0.2.1" }),
        ),
        (
            "/1.0/networks/inner/load-balancers".to_owned(),
            json!({ "listen_address": "192.0.2.1" }),
        ),
        (
            "/1.0/networks/inner/peers".to_owned(),
            json!({ "name": "a", "target_network": "outer" }),
        ),
        ("/1.0/network-acls".to_owned(), json!({ "name": "a" })),
        (
            "/1.0/network-address-sets".to_owned(),
            json!({ "name": "a", "addresses": [] }),
        ),
        (
            "/1.0/network-integrations".to_owned(),
            json!({ "name": "a", "type": "ovn" }),
        ),
        (
            "/1.0/network-zones".to_owned(),
            json!({ "name": "a.example" }),
        ),
        (
            "/1.0/network-zones/a.example/records".to_owned(),
            json!({ "name": "a" }),
        ),
        ("/1.0/profiles".to_owned(), json!({ "name": "a" })),
        ("/1.0/projects".to_owned(), json!({ "name": "a" })),
        ("/1.0/cluster/groups".to_owned(), json!({ "name": "a" })),
        (
            "/1.0/certificates".to_owned(),
            json!({ "name": "a", "type": "client", "certificate": der }),
        ),
        (
            "/1.0/instances".to_owned(),
            json!({ "name": "a", "source": image }),
        ),
        (
            "/1.0/instances/a/snapshots".to_owned(),
            json!({ "name": "a" }),
        ),
        (
            "/1.0/instances/a/backups".to_owned(),
            json!({ "name": "a" }),
        ),
        (format!("{pool}/volumes/custom"), json!({ "name": "a" })),
        (
            format!("{pool}/volumes/custom/a/snapshots"),
            json!({ "name": "a" }),
        ),
        (
            format!("{pool}/volumes/custom/a/backups"),
            json!({ "name": "a" }),
        ),
        (format!("{pool}/buckets"), json!({ "name": "a" })),
        (format!("{pool}/buckets/a/keys"), json!({ "name": "a" })),
        (format!("{pool}/buckets/a/backups"), json!({ "name": "a" })),
    ];
    for (path, body) in made {
        let path: &'static str = Box::leak(path.into_boxed_str());
        let answer = rehearsal.ask("POST", path, body).await;
        assert_eq!(answer["error"].as_str().unwrap_or_default(), "", "{path}");
    }
    let file = "/1.0/instances/a/files?path=/tmp/a";
    rehearsal.ask("POST", file, json!({})).await;
    let first = |list: Json| {
        let path = list["metadata"][0].as_str().unwrap().to_owned();
        path.rsplit('/').next().unwrap().to_owned()
    };
    let fingerprint = rehearsal
        .ask("GET", "/1.0/images?recursion=1", Json::Null)
        .await;
    let certificate = first(rehearsal.ask("GET", "/1.0/certificates", Json::Null).await);
    let address = || "192.0.2.1".to_owned();
    let mut names = BTreeMap::from([
        ("networks", "inner".to_owned()),
        ("forwards", address()),
        ("load-balancers", address()),
        ("network-zones", "a.example".to_owned()),
        ("storage-pools", "default".to_owned()),
        ("members", "n1".to_owned()),
        (
            "images",
            fingerprint["metadata"][0]["fingerprint"]
                .as_str()
                .unwrap()
                .to_owned(),
        ),
        ("aliases", "debian%2F12".to_owned()),
        ("certificates", certificate),
    ]);
    let plain = [
        "peers",
        "network-acls",
        "network-address-sets",
        "network-integrations",
        "records",
        "profiles",
        "projects",
        "groups",
        "instances",
        "snapshots",
        "backups",
        "custom",
        "buckets",
        "keys",
        "logs",
        "exec-output",
        "operations",
        "warnings",
    ];
    names.extend(plain.map(|word| (word, "a".to_owned())));
    names
}

#[tokio::test]
async fn what_the_twin_tells_has_every_field_of_the_description_and_its_type() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let names = ground(&rehearsal).await;
    let mut wrong = Vec::new();
    for call in calls(&names)
        .into_iter()
        .filter(|call| call.method == "GET")
    {
        // Of these there are none in a model, and their answers have a path of their own.
        let absent = [
            "/operations/",
            "/warnings/",
            "/logs/exec-output/a",
            "/logs/a",
            "/files",
            "/export",
            "/metrics",
            "/log",
            "/console",
        ];
        if absent.iter().any(|word| call.path.contains(word)) || call.answer.is_empty() {
            continue;
        }
        let path: &'static str = Box::leak(call.path.clone().into_boxed_str());
        let answer = rehearsal.ask("GET", path, Json::Null).await;
        if answer["type"] != "sync" {
            wrong.push(format!("{path}: {}", answer["error"]));
        }
        differing(call.answer, &answer["metadata"], path, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Names the fields that an answer lacks, or that are of another type.
fn differing(ty: &str, value: &Json, place: &str, wrong: &mut Vec<String>) {
    let fits = match ty {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        // What is empty is null in some answers of a daemon.
        "array" => value.is_array() || value.is_null(),
        "object" => value.is_object() || value.is_null(),
        _ => true,
    };
    if !fits {
        wrong.push(format!("{place}: {value} is not {ty}"));
    }
    if let Some(element) = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')) {
        for value in value.as_array().into_iter().flatten() {
            differing(element, value, place, wrong);
        }
    }
    let head = format!("= {ty} ");
    let fields = DESCRIPTION
        .lines()
        .find_map(|line| line.strip_prefix(head.as_str()));
    for (name, ty) in fields
        .into_iter()
        .flat_map(|fields| fields.split(' '))
        .filter_map(|field| field.split_once(':'))
    {
        match value.get(name) {
            Some(value) => differing(ty, value, &format!("{place} {name}"), wrong),
            None if value.is_object() => wrong.push(format!("{place}: no {name}")),
            None => {}
        }
    }
}

#[tokio::test]
async fn the_twin_answers_every_call_of_the_description() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let names = ground(&rehearsal).await;
    let mut calls = calls(&names);
    // First what asks, last what removes, and that from within.
    let rank = |call: &Described| match call.method {
        "GET" | "HEAD" => (0, 0),
        "DELETE" => (2, usize::MAX - call.path.matches('/').count()),
        _ => (1, 0),
    };
    calls.sort_by_key(rank);
    let mut missing = Vec::new();
    for call in calls
        .into_iter()
        .filter(|call| !call.path.ends_with("/websocket"))
    {
        let socket = rehearsal.twin.socket().to_owned();
        let (method, path) = (call.method, call.path.clone());
        let body = if method == "GET" || method == "HEAD" {
            ""
        } else {
            "{}"
        };
        let asking =
            tokio::task::spawn_blocking(move || crate::raw::exchange(&socket, method, &path, body));
        let answer = asking.await.unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        if ["405", "501", ""].contains(&status.as_str()) {
            missing.push(format!("{method} {}: {status}", call.path));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
