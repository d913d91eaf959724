//! Text inside strings: lines and JSON.

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};
use strata_core::{Type, Value};

use super::sign::Sign;

/// Longer text is not looked into, in bytes.
const MOST: usize = 1 << 20;

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 3;

/// The value in a string that is a JSON object or array.
pub(super) fn json(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']);
    if !begins || text.len() > MOST {
        return None;
    }
    value(&serde_json::from_str(text).ok()?)
}

/// None where it is nested deeper than anybody writes.
fn value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null(Type::Dynamic),
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Number(number.to_string().parse().ok()?),
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::tuple(items.iter().map(value).collect::<Option<_>>()?),
        Json::Object(entries) => {
            let mut values = Vec::with_capacity(entries.len());
            for (name, json) in entries {
                values.push((name.as_str(), value(json)?));
            }
            Value::object(values)
        }
    })
}

/// Text with each line at a column.
pub(super) fn indented(text: &str, indent: usize) -> String {
    let line = |line: &str| match line.is_empty() {
        true => "\n".to_owned(),
        false => format!("{:indent$}{line}\n", ""),
    };
    text.trim_end_matches('\n').split('\n').map(line).collect()
}

/// The lines of two texts, those that go and come with their sign, far ones left out.
pub(super) fn difference(before: &str, after: &str, indent: usize) -> String {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT);
    let mut out = String::new();
    let mut shown = 0;
    for group in &groups {
        let first = group.first().map_or(0, |part| part.old_range().start);
        skipped(&mut out, first - shown.min(first), indent);
        for part in group {
            for change in diff.iter_changes(part) {
                let sign = match change.tag() {
                    ChangeTag::Delete => Sign::Remove,
                    ChangeTag::Insert => Sign::Add,
                    ChangeTag::Equal => Sign::Same,
                };
                let line = change.value().trim_end_matches(['\n', '\r']);
                out.push_str(&format!("{:indent$}{} {line}\n", "", sign.draw()));
            }
            shown = part.old_range().end;
        }
    }
    skipped(
        &mut out,
        before.lines().count().saturating_sub(shown),
        indent,
    );
    out
}

fn skipped(out: &mut String, lines: usize, indent: usize) {
    if lines > 0 {
        let plural = if lines == 1 { "" } else { "s" };
        let text = format!("# ({lines} unchanged line{plural} hidden)");
        out.push_str(&format!("{:1$}{text}\n", "", indent + 2));
    }
}
