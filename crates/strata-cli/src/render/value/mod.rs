//! Values and how they change, in the look of Terraform's plans.
//!
//! [`ValueLines`] (`change`) draws a change: what is unchanged is folded, and strings that hold text of several lines, JSON or
//! encoded
//! user data are shown by what is in them. Nested blocks are drawn as blocks (`blocks`).

mod blocks;
mod change;
mod elements;
mod sign;
mod still;
mod strings;
#[cfg(test)]
mod tests;
mod text;
mod user_data;
mod whole;

pub(crate) use change::ValueLines;
pub(crate) use still::still;

use strata_core::{Marks, Value};

/// A string as HCL writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(is_plain) {
        quoted.push_str(text);
        quoted.push('"');
        return quoted;
    }
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value in one line, as HCL; sensitive and unknown ones by what they are.
pub(crate) fn short(value: &Value) -> String {
    if value.marks().contains(Marks::SENSITIVE) {
        return "(sensitive value)".to_owned();
    }
    match value.unmarked() {
        Value::Null(_) => "null".to_owned(),
        Value::Unknown(_) => "(known after apply)".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            format!(
                "[{}]",
                items.iter().map(short).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Map(_, entries) | Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, value)| format!("{} = {}", quoted(name), short(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Marked(value, _) => short(value),
    }
}

/// Text of several lines; inside of something else it is indented like that.
fn heredoc(text: &str, indent: usize) -> String {
    let mark = if indent == 0 { "<<EOT" } else { "<<-EOT" };
    let lines = text
        .split('\n')
        .map(|line| format!("{:indent$}{line}\n", ""));
    format!("{mark}\n{}{:indent$}EOT", lines.collect::<String>(), "")
}

/// A value over several lines, as `terraform output` and `console` write it.
pub(crate) fn long(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    let end = " ".repeat(indent);
    if value.marks().contains(Marks::SENSITIVE) {
        return "(sensitive value)".to_owned();
    }
    if let Some(text) = value.as_str().filter(|text| text.contains('\n')) {
        return heredoc(text, indent);
    }
    match value.unmarked() {
        Value::List(_, items) | Value::Tuple(items) | Value::Set(_, items) if !items.is_empty() => {
            let (open, close) = match value.unmarked() {
                Value::List(..) => ("tolist([", "])"),
                Value::Set(..) => ("toset([", "])"),
                _ => ("[", "]"),
            };
            let items: Vec<_> = items
                .iter()
                .map(|item| format!("{pad}{},\n", long(item, indent + 2)))
                .collect();
            format!("{open}\n{}{end}{close}", items.concat())
        }
        Value::Map(_, entries) | Value::Object(entries) if !entries.is_empty() => {
            let (open, close) = if matches!(value.unmarked(), Value::Map(..)) {
                ("tomap({", "})")
            } else {
                ("{", "}")
            };
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, value)| {
                    format!("{pad}{} = {}\n", quoted(name), long(value, indent + 2))
                })
                .collect();
            format!("{open}\n{}{end}{close}", entries.concat())
        }
        value => short(value),
    }
}
