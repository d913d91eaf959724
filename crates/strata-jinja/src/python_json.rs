//! JSON as Python's `json.dumps` writes it.

use serde_json::Value as Json;

use crate::python;

/// How to write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Style {
    /// Blanks a level; none: all on one line.
    pub(crate) indent: Option<usize>,
    /// Whether keys are sorted.
    pub(crate) sort_keys: bool,
    /// Whether all but ASCII is escaped.
    pub(crate) ascii: bool,
    /// What stands between items and behind keys.
    pub(crate) separators: Option<(String, String)>,
}

/// Writes a value.
pub(crate) fn dump(value: &Json, style: &Style) -> String {
    let mut out = String::new();
    write(value, style, 0, &mut out);
    out
}

fn write(value: &Json, style: &Style, level: usize, out: &mut String) {
    match value {
        Json::String(text) => write_text(text, style.ascii, out),
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => out.push_str(&python::float(float)),
            None => out.push_str(&number.to_string()),
        },
        Json::Array(items) if items.is_empty() => out.push_str("[]"),
        Json::Object(map) if map.is_empty() => out.push_str("{}"),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(at, style, level + 1, out);
                write(item, style, level + 1, out);
            }
            close(style, level, ']', out);
        }
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            if style.sort_keys {
                entries.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                separate(at, style, level + 1, out);
                write_text(key, style.ascii, out);
                out.push_str(style.separators.as_ref().map_or(": ", |(_, key)| key));
                write(item, style, level + 1, out);
            }
            close(style, level, '}', out);
        }
        other => out.push_str(&other.to_string()),
    }
}

fn separate(at: usize, style: &Style, level: usize, out: &mut String) {
    if at > 0 {
        let usual = if style.indent.is_some() { "," } else { ", " };
        out.push_str(style.separators.as_ref().map_or(usual, |(item, _)| item));
    }
    line_break(style, level, out);
}

fn close(style: &Style, level: usize, bracket: char, out: &mut String) {
    line_break(style, level, out);
    out.push(bracket);
}

fn line_break(style: &Style, level: usize, out: &mut String) {
    if let Some(width) = style.indent {
        out.push('\n');
        out.push_str(&" ".repeat(width * level));
    }
}

fn write_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other if other < ' ' || ascii && !other.is_ascii() => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
