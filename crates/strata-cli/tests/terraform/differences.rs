//! Where two answers differ.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::{answer::Answer, normal};

/// Lines that say so, `theirs | ours`; empty if they are the same.
pub(crate) fn between(theirs: &Answer, ours: &Answer) -> String {
    let mut found = Vec::new();
    if theirs.code != ours.code {
        found.push(format!("exit code {} | {}", theirs.code, ours.code));
    }
    // Some of Terraform's refusals are no errors in form, and nothing is recorded of them but the exit code.
    if theirs.code == 1 && ours.code == 1 && theirs.lines.is_empty() {
        return String::new();
    }
    match (document(theirs), document(ours)) {
        (Some(theirs), Some(ours)) => compare("", &theirs, &ours, &mut found),
        _ => lines(
            &without_keys(without_warnings(&theirs.lines)),
            &without_keys(without_warnings(&ours.lines)),
            &mut found,
        ),
    }
    found.iter().map(|line| format!("    {line}\n")).collect()
}

fn document(answer: &Answer) -> Option<Json> {
    match answer.lines.as_slice() {
        [line] => serde_json::from_str(line).ok().map(normal::by_chance),
        _ => None,
    }
}

fn without_keys(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| normal::without_key(line)).collect()
}

/// What text says before its warnings, which Terraform puts at the end, and we on standard error.
fn without_warnings(lines: &[String]) -> &[String] {
    let is_warning = |line: &String| line.starts_with("Warning: ");
    let Some(end) = lines.iter().position(is_warning) else {
        return lines;
    };
    let blank = lines[..end].iter().rev();
    let blank = blank.take_while(|line| line.is_empty()).count();
    &lines[..end - blank]
}

fn lines(theirs: &[String], ours: &[String], found: &mut Vec<String>) {
    let gone = theirs.iter().filter(|line| !ours.contains(line));
    found.extend(gone.map(|line| format!("- {line}")));
    let more = ours.iter().filter(|line| !theirs.contains(line));
    found.extend(more.map(|line| format!("+ {line}")));
    if found.is_empty() && theirs != ours {
        found.push("the same lines in another order or number".to_owned());
    }
}

fn compare(path: &str, theirs: &Json, ours: &Json, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Json::Object(left), Json::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let none = Json::from("(nothing)");
                let (left, right) = (left.get(name), right.get(name));
                let path = format!("{path}.{name}");
                compare(&path, left.unwrap_or(&none), right.unwrap_or(&none), found);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                let name = left.get("address").and_then(Json::as_str);
                let name = name.map_or(at.to_string(), str::to_owned);
                compare(&format!("{path}[{name}]"), left, right, found);
            }
        }
        (left, right) if left == right => {}
        (left, right) => found.push(format!("{path}: {left} | {right}")),
    }
}
