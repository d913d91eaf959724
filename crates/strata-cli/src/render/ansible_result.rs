//! Results as Ansible's callbacks write them: which keys, and in what JSON or YAML.

use serde_json::{Map, Value as Json};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// On one line.
    Line,
    /// JSON, indented by four.
    Json,
    /// On one line, without a blank after commas.
    Dense,
    /// Indented by four, and on one line all the same.
    Flat,
    /// YAML below the line.
    Yaml,
}

/// A result without what is shown only to those who ask for it.
pub(crate) fn abridged(result: &str, verbosity: u8) -> Map<String, Json> {
    let Ok(Json::Object(mut map)) = serde_json::from_str(result) else {
        return Map::new();
    };
    let is_lost = map.contains_key("unreachable");
    let hidden = |name: &String| {
        name.starts_with("_ansible_")
            || matches!(name.as_str(), "failed" | "skipped")
            || is_lost && name == "ignored"
            || verbosity < 3 && matches!(name.as_str(), "invocation" | "diff")
    };
    map.retain(|name, _| !hidden(name));
    map
}

/// What `debug` is there to show: its message alone, or the variable alone.
pub(crate) fn debugged(mut map: Map<String, Json>) -> Map<String, Json> {
    if map.contains_key("msg") {
        map.retain(|name, _| {
            matches!(
                name.as_str(),
                "msg" | "exception" | "warnings" | "deprecations"
            )
        });
    } else {
        map.retain(|name, _| {
            !matches!(
                name.as_str(),
                "changed"
                    | "invocation"
                    | "skip_reason"
                    | "ansible_loop_var"
                    | "ansible_index_var"
                    | "ansible_loop"
            )
        });
    }
    map
}

/// Takes out of a result what programs printed and what is said, and gives it as it stands below, each part under its
/// name (callback `debug` of ansible.posix 2.1).
pub(crate) fn texts_apart(map: &mut Map<String, Json>) -> String {
    for name in ["stdout_lines", "stderr_lines"] {
        map.shift_remove(name);
    }
    let names = ["stdout", "stderr", "msg", "module_stdout", "module_stderr"];
    let parts = names.into_iter().filter_map(|name| {
        let text = match map.shift_remove(name)? {
            Json::String(text) => text,
            Json::Null | Json::Bool(false) => String::new(),
            Json::Array(items) if items.is_empty() => String::new(),
            Json::Object(map) if map.is_empty() => String::new(),
            other => strata_ops::playbook::shown_python(&other),
        };
        let head = name.to_uppercase();
        (!text.is_empty()).then(|| format!("\n\n{head}:\n\n{text}\n"))
    });
    // The line that it stands in ends by itself.
    let all: String = parts.collect();
    all.strip_suffix('\n').map(str::to_owned).unwrap_or(all)
}

/// Writes a result behind ` => `.
pub(crate) fn write(map: &Map<String, Json>, format: Format) -> String {
    let value = Json::Object(map.clone());
    match format {
        Format::Line => line(&value),
        Format::Dense => joined(&value, ","),
        Format::Flat => write(map, Format::Json).replace('\n', ""),
        Format::Json => {
            let mut text = String::new();
            indented(&value, 0, &mut text);
            text
        }
        Format::Yaml => yaml(map),
    }
}

fn sorted(map: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(other.0));
    entries
}

/// On one line, with a blank after commas and colons.
pub(crate) fn line(value: &Json) -> String {
    joined(value, ", ")
}

/// On one line, with `comma` between.
fn joined(value: &Json, comma: &str) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| joined(item, comma)).collect();
            format!("[{}]", items.join(comma))
        }
        Json::Object(map) => {
            let entries: Vec<String> = sorted(map)
                .into_iter()
                .map(|(name, value)| format!("{}: {}", quoted(name), joined(value, comma)))
                .collect();
            format!("{{{}}}", entries.join(comma))
        }
        scalar => scalar.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// Indented by four a level, as Python does it.
fn indented(value: &Json, depth: usize, text: &mut String) {
    let pad = |depth: usize| "    ".repeat(depth);
    match value {
        Json::Array(items) if !items.is_empty() => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ",\n" } else { "\n" });
                text.push_str(&pad(depth + 1));
                indented(item, depth + 1, text);
            }
            text.push_str(&format!("\n{}]", pad(depth)));
        }
        Json::Object(map) if !map.is_empty() => {
            text.push('{');
            for (at, (name, value)) in sorted(map).into_iter().enumerate() {
                text.push_str(if at > 0 { ",\n" } else { "\n" });
                text.push_str(&format!("{}{}: ", pad(depth + 1), quoted(name)));
                indented(value, depth + 1, text);
            }
            text.push_str(&format!("\n{}}}", pad(depth)));
        }
        other => text.push_str(&other.to_string()),
    }
}

/// YAML below the line, without the lists of lines that only repeat a text.
fn yaml(map: &Map<String, Json>) -> String {
    let mut map = map.clone();
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if map.contains_key(text) && map.contains_key(lines) {
            map.insert(lines.to_owned(), "<omitted>".into());
        }
    }
    let written = strata_ops::playbook::shown_yaml(&Json::Object(map));
    let lines = written.lines().map(|line| match line.is_empty() {
        true => String::new(),
        false => format!("    {line}"),
    });
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(result: &str, format: Format) -> String {
        write(&abridged(result, 0), format)
    }

    #[test]
    fn keys_are_sorted_and_what_only_marks_the_result_is_left_out() {
        let result =
            r#"{"rc":0,"changed":true,"failed":false,"diff":[],"cmd":["a","ü"],"invocation":{}}"#;
        assert_eq!(
            written(result, Format::Line),
            r#"{"changed": true, "cmd": ["a", "ü"], "rc": 0}"#
        );
    }

    #[test]
    fn debug_shows_its_message_or_variable_alone() {
        let shown = |result: &str| write(&debugged(abridged(result, 0)), Format::Json);
        assert_eq!(
            shown(r#"{"changed":false,"msg":"hi","x":1}"#),
            "{\n    \"msg\": \"hi\"\n}"
        );
        let nested = r#"{"changed":false,"x":{"a":1,"b":[1,{}]}}"#;
        let expected = "{\n    \"x\": {\n        \"a\": 1,\n        \"b\": [\n            1,\n            {}\n        ]\n    }\n}";
        assert_eq!(shown(nested), expected);
    }

    #[test]
    fn yaml_has_blocks_for_lines_and_lists_below_their_keys() {
        let result = r#"{"stdout":"a\n\nc","stdout_lines":["a","","c"],"msg":["x",{"a":1.5,"b":null}],"e":[]}"#;
        let expected = "\n    e: []\n    msg:\n    - x\n    -   a: 1.5\n        b: null\n    stdout: |-\n        a\n\n        c\n    stdout_lines: <omitted>";
        assert_eq!(written(result, Format::Yaml), expected);
    }
}
