//! Makes the committed data of `strata-proxmox` from published facts of Proxmox VE and its provider.
//!
//! Three outputs, each one JSON value a line and without texts of others: what the API takes
//! (`src/twin/api/facts.jsonl`), the exchanges recorded from a real server
//! (`tests/recordings/*.jsonl`), and the arguments of the provider's types
//! (`src/provider/schema/facts.jsonl`).

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

use crate::failure::Failure;

const CRATE: &str = "crates/strata-proxmox";

/// Which outputs to make: `api`, `recordings`, `schema`, or all without a word. `STRATA_DATA` names the folder of the facts.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let folder = std::env::var("STRATA_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let folder = Path::new(&folder);
    let wanted = |name: &str| words.is_empty() || words.contains(&name);
    if wanted("api") {
        api(&folder.join("pve-api.json"))?;
    }
    if wanted("recordings") {
        recordings(&folder.join("pve-recordings"))?;
    }
    if wanted("schema") {
        schema(&folder.join("bpg-proxmox-schema.json"))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn write(path: &str, lines: &[Value]) -> Result<(), Failure> {
    let path = Path::new(CRATE).join(path);
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    fs::write(&path, text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn api(source: &Path) -> Result<(), Failure> {
    let description = read(source)?;
    let mut lines = vec![json!({ "formats": limits(&description["formats"]) })];
    for (path, methods) in entries(&description["paths"]) {
        for (method, facts) in entries(methods) {
            let mut line = json!({
                "m": method,
                "p": path,
                "a": limits(&facts["parameters"]),
                "c": facts["permissions"],
            });
            if let Some(since) = facts.get("since") {
                line["s"] = since.clone();
            }
            if facts.get("proxyto").is_some() {
                line["x"] = json!(1);
            }
            lines.push(line);
        }
    }
    write("src/twin/api/facts.jsonl", &lines)
}

/// Keeps what can be checked; defaults and texts are left out.
fn limits(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, value)| match name.as_str() {
                "default" | "description" | "verbose_description" | "title" => value.is_object(),
                _ => true,
            });
            Value::Object(
                kept.map(|(name, value)| (name.clone(), limits(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(limits).collect(),
        other => other.clone(),
    }
}

fn recordings(folder: &Path) -> Result<(), Failure> {
    let trouble = |error: std::io::Error| Failure::new(format!("{}: {error}", folder.display()));
    let mut files: Vec<_> = fs::read_dir(folder)
        .map_err(trouble)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).map_err(trouble)?;
        let lines: Result<Vec<Value>, _> = text.lines().map(exchange).collect();
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        write(&format!("tests/recordings/{name}"), &lines?)?;
    }
    Ok(())
}

/// One exchange without what nobody compares: times of the recording, headers, and texts said twice.
fn exchange(line: &str) -> Result<Value, Failure> {
    let mut full: Value =
        serde_json::from_str(line).map_err(|error| Failure::new(error.to_string()))?;
    let request = &full["request"];
    let mut short = Map::new();
    short.insert("scenario".to_owned(), full["scenario"].clone());
    short.insert("step".to_owned(), full["step"].clone());
    short.insert("request".to_owned(), request.clone());
    let body = &full["response"]["body"];
    let mut response = json!({ "status": full["response"]["status"], "body": body });
    let reason = full["response"]["reason"].as_str().unwrap_or_default();
    let message = body["message"].as_str();
    let is_message = message.is_some_and(|message| message.trim_end() == reason);
    if !is_message && reason != "OK" {
        response["reason"] = json!(reason);
    }
    short.insert("response".to_owned(), response);
    let volatile = full["volatile"].as_array().into_iter().flatten();
    let volatile: Vec<_> = volatile
        .filter(|pointer| *pointer != "/ms")
        .cloned()
        .collect();
    if !volatile.is_empty() {
        short.insert("volatile".to_owned(), volatile.into());
    }
    for (name, value) in [
        ("note", full["note"].take()),
        ("deviation", full["deviation"].take()),
    ] {
        if value.as_str().is_some_and(|text| !text.is_empty()) {
            short.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(short))
}

fn schema(source: &Path) -> Result<(), Failure> {
    let facts = read(source)?;
    let mut lines = Vec::new();
    for (kind, section) in [("resource", "resources"), ("data", "data_sources")] {
        for (_, facts) in entries(&facts[section]) {
            lines.push(json!({
                "kind": kind,
                "types": facts["types"],
                "sdk": facts["engine"] == "sdk",
                "args": arguments(&facts["args"]),
            }));
        }
    }
    write("src/provider/schema/facts.jsonl", &lines)
}

fn arguments(facts: &Value) -> Value {
    let all = entries(facts).map(|(name, facts)| (name.clone(), argument(facts)));
    Value::Object(all.collect())
}

/// `t` type, `p` who sets it (r, o, c, oc), `f` force new, `s` sensitive, `w` write-only, `d` default,
/// `n` the most blocks, `b` what is inside.
fn argument(facts: &Value) -> Value {
    let truth = |name: &str| facts[name] == true;
    let presence = match (truth("required"), truth("optional"), truth("computed")) {
        (true, ..) => "r",
        (_, true, true) => "oc",
        (_, true, false) => "o",
        _ => "c",
    };
    let mut short = json!({ "t": ty(facts), "p": presence });
    for (name, flag) in [("f", "forceNew"), ("s", "sensitive"), ("w", "writeOnly")] {
        if truth(flag) {
            short[name] = json!(1);
        }
    }
    if let Some(default) = default(facts) {
        short["d"] = default;
    }
    if let Some(most) = facts["maxItems"].as_u64() {
        short["n"] = json!(most);
    }
    if facts["block"].is_object() {
        short["b"] = arguments(&facts["block"]);
    }
    short
}

fn ty(facts: &Value) -> String {
    let ty = facts["type"].as_str().unwrap_or("string");
    // A few have a sentence of the documentation behind the type.
    let ty = ty.split(',').next().unwrap_or_default();
    match (ty, facts["elem"].as_str()) {
        ("list" | "set" | "map", Some(element @ ("string" | "bool"))) => {
            format!("{ty} of {element}")
        }
        ("list" | "set" | "map", Some("int64")) => format!("{ty} of number"),
        ("list" | "set" | "map", _) if !facts["block"].is_object() => format!("{ty} of string"),
        ("int" | "float", _) => "number".to_owned(),
        (ty, _) => ty.to_owned(),
    }
}

fn default(facts: &Value) -> Option<Value> {
    let default = facts.get("default")?;
    let Some(text) = default.as_str() else {
        return Some(default.clone());
    };
    let number = matches!(facts["type"].as_str(), Some("int" | "float" | "number"));
    match text {
        "(block with its defaults)" | "[]" => None,
        "dvCPULimit" => Some(json!(0)),
        text if text.starts_with("time.Unix(0") => Some(json!("1970-01-01T00:00:00Z")),
        "true" | "false" if facts["type"] == "bool" => Some(json!(text == "true")),
        text if number => text.parse::<i64>().ok().map(Value::from),
        text => Some(json!(text)),
    }
}
