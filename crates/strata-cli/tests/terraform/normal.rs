//! Making alike what is another at every run: ids, times, versions, and where the folder is.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value as Json, json};

/// The names that stand for random ids, the same for the same id throughout a scenario.
pub(crate) struct Names {
    folder: String,
    ids: BTreeMap<String, String>,
}

impl Names {
    pub(crate) fn new(folder: &Path) -> Self {
        let folder = folder.display().to_string();
        let ids = BTreeMap::new();
        Self { folder, ids }
    }

    /// A document with its keys in order, and new ids numbered.
    pub(crate) fn document(&mut self, json: Json) -> Json {
        let mut json = sorted(json);
        hide(&mut json);
        self.rename(&mut json);
        json
    }

    fn rename(&mut self, json: &mut Json) {
        match json {
            Json::String(text) => *text = self.number(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.rename(item)),
            Json::Object(entries) => entries.values_mut().for_each(|value| self.rename(value)),
            _ => {}
        }
    }

    /// Text in which ids that are not known yet get a number.
    fn number(&mut self, text: &str) -> String {
        for id in ids(text) {
            let next = format!("<id {}>", self.ids.len() + 1);
            self.ids.entry(id).or_insert(next);
        }
        self.text(text)
    }

    /// Text in which ids that are not known yet are only called so.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.folder, "<folder>");
        for id in ids(&text) {
            let name = self.ids.get(&id).map_or("<id>", String::as_str);
            text = text.replace(&id, name);
        }
        text
    }
}

/// The random ids in a text: 36 letters, as `9c1d3f0e-….`.
fn ids(text: &str) -> Vec<String> {
    let is_part = |c: char| c == '-' || c.is_ascii_hexdigit();
    let words = text.split(|c: char| !is_part(c));
    let is_id = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    words.filter(is_id).map(str::to_owned).collect()
}

fn sorted(json: Json) -> Json {
    match json {
        Json::Object(entries) => {
            let entries: BTreeMap<String, Json> = entries.into_iter().collect();
            let entries = entries.into_iter().map(|(name, value)| {
                let value = sorted(value);
                match name.as_str() {
                    // Terraform gives these in no order.
                    "relevant_attributes" | "checks" | "check_results" => (name, in_order(value)),
                    "provider_schemas" => (name, wordless(value)),
                    _ => (name, value),
                }
            });
            Json::Object(entries.collect())
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        leaf => leaf,
    }
}

/// A document without what is chance in it: keys of objects that were set aside, and the order of what conditions found;
/// and without the words of mistakes.
pub(crate) fn by_chance(json: Json) -> Json {
    match json {
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(name, value)| {
                let value = by_chance(value);
                let value = match (name.as_str(), value) {
                    (
                        "objects"
                        | "failure_messages"
                        | "problems"
                        | "sensitive_attributes"
                        | "child_modules",
                        value,
                    ) => in_order(value),
                    ("deposed" | "deposed_key", Json::String(key)) if is_key(&key) => {
                        json!("<deposed>")
                    }
                    ("diagnostics", Json::Array(found)) => found.iter().map(mistake).collect(),
                    (_, value) => value,
                };
                (name, value)
            });
            Json::Object(entries.collect())
        }
        Json::Array(items) => items.into_iter().map(by_chance).collect(),
        leaf => leaf,
    }
}

/// The key of an object that was set aside.
fn is_key(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A line of text without such a key.
pub(crate) fn without_key(line: &str) -> String {
    const BEFORE: &str = "(deposed object ";
    let key = line.split_once(BEFORE).and_then(|(_, rest)| rest.get(..8));
    match key.filter(|key| is_key(key)) {
        Some(key) => line.replace(key, "<deposed>"),
        None => line.to_owned(),
    }
}

/// Schemas without what is written for people, which is in each program's own words.
fn wordless(json: Json) -> Json {
    match json {
        Json::Object(mut entries) => {
            entries.retain(|name, _| {
                !["description", "description_kind", "summary"].contains(&name.as_str())
            });
            let entries = entries.into_iter();
            Json::Object(
                entries
                    .map(|(name, value)| (name, wordless(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

fn in_order(json: Json) -> Json {
    match json {
        Json::Array(mut items) => {
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        other => other,
    }
}

/// Times; and how often a state was written, which is once with us and once a resource with Terraform.
fn hide(json: &mut Json) {
    let Json::Object(entries) = json else { return };
    for name in ["timestamp", "serial", "lineage"] {
        if let Some(value) = entries.get_mut(name) {
            *value = json!("<any>");
        }
    }
}

/// The lines of a stream that tell of the work, in a fixed order; without times.
///
/// Of a plan that failed only the mistakes: what had been planned by then is chance.
pub(crate) fn stream(text: &str, code: Option<i32>, names: &Names) -> Vec<String> {
    let events: Vec<Json> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| json!({ "type": line })))
        .collect();
    let applied = events.iter().any(|event| event["type"] == "apply_start");
    let tested = events.iter().any(|event| event["type"] == "test_abstract");
    let only_mistakes = code == Some(1) && !applied && !tested;
    let shown = events
        .into_iter()
        .filter(|event| event["type"] != "version")
        .filter(|event| !only_mistakes || event["type"] == "diagnostic");
    let mut lines: Vec<String> = shown.map(|event| names.text(&event_line(event))).collect();
    lines.sort();
    lines
}

fn event_line(event: Json) -> String {
    let mut event = sorted(event);
    if let Some(entries) = event.as_object_mut() {
        entries.retain(|name, _| !["@timestamp", "@module", "@level"].contains(&name.as_str()));
    }
    if let Some(diagnostic) = event.get_mut("diagnostic") {
        *diagnostic = mistake(diagnostic);
        event["@message"] = json!(our_name(event["@message"].as_str().unwrap_or_default()));
    }
    if let Some(hook) = event.get_mut("hook").and_then(Json::as_object_mut) {
        hook.remove("elapsed_seconds");
        event["@message"] = json!(at_once(event["@message"].as_str().unwrap_or_default()));
    }
    event.to_string()
}

/// How long something took is chance: `complete after 2s` becomes `complete after 0s`.
fn at_once(message: &str) -> String {
    let Some((before, rest)) = message.split_once(" after ") else {
        return message.to_owned();
    };
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    match unit.len() < rest.len() && unit.starts_with('s') {
        true => format!("{before} after 0{unit}"),
        false => message.to_owned(),
    }
}

/// Each program calls itself by its own name.
fn our_name(text: &str) -> String {
    text.replace("Terraform", "Strata")
}

/// What is wrong and where; the details are in words of our own, and we say the address more often.
fn mistake(diagnostic: &Json) -> Json {
    let mut kept = Map::new();
    for name in ["severity", "summary"] {
        let text = diagnostic[name].as_str().unwrap_or_default();
        kept.insert(name.to_owned(), json!(our_name(text)));
    }
    if let Some(range) = diagnostic.get("range") {
        kept.insert("line".to_owned(), range["start"]["line"].clone());
        kept.insert("file".to_owned(), range["filename"].clone());
    }
    Json::Object(kept)
}

/// The summaries of the errors in a text: `Error: …` with Terraform, `error[code]: …` with us.
pub(crate) fn errors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text.lines().filter_map(error).collect();
    found.sort();
    found.dedup();
    found
}

fn error(line: &str) -> Option<String> {
    let line = line.trim_start_matches(['│', '╷', ' ']);
    let summary = match line.strip_prefix("error[") {
        Some(coded) => coded.split_once("]: ")?.1,
        None => line.strip_prefix("Error: ")?,
    };
    Some(format!("Error: {}", our_name(summary.trim_end())))
}
