//! Values as `terraform console` writes them.

use std::fmt::Write;

use strata_core::{Marks, Type, Value};

/// Writes a value; sensitive and unknown parts are only named.
pub(crate) fn value(value: &Value, indent: usize) -> String {
    if let Value::Unknown(_) = value.unmarked() {
        return "(known after apply)".to_owned();
    }
    let marks = value.marks();
    if marks.contains(Marks::SENSITIVE) {
        return "(sensitive value)".to_owned();
    }
    if marks.contains(Marks::EPHEMERAL) {
        return "(ephemeral value)".to_owned();
    }
    match value.unmarked() {
        Value::Unknown(_) => "(known after apply)".to_owned(),
        Value::Null(ty) => null(ty),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text, indent),
        Value::List(_, items) => wrapped("tolist", &sequence(items, indent)),
        Value::Set(_, items) => wrapped("toset", &sequence(items, indent)),
        Value::Tuple(items) => sequence(items, indent),
        Value::Map(..) => wrapped("tomap", &entries(value, indent)),
        _ => entries(value, indent),
    }
}

fn wrapped(function: &str, inside: &str) -> String {
    format!("{function}({inside})")
}

fn null(ty: &Type) -> String {
    let of = |function: &str, element: &Type| {
        format!("{function}(null) /* of {} */", element.friendly_name())
    };
    match ty {
        Type::Dynamic => "null".to_owned(),
        Type::Bool => "tobool(null)".to_owned(),
        Type::Number => "tonumber(null)".to_owned(),
        Type::String => "tostring(null)".to_owned(),
        Type::List(element) => of("tolist", element),
        Type::Set(element) => of("toset", element),
        Type::Map(element) => of("tomap", element),
        other => format!("null /* {} */", other.friendly_name()),
    }
}

fn sequence(items: &[Value], indent: usize) -> String {
    if items.is_empty() {
        return "[]".to_owned();
    }
    let inner = " ".repeat(indent + 2);
    let lines: String = items
        .iter()
        .map(|item| format!("{inner}{},\n", value(item, indent + 2)))
        .collect();
    format!("[\n{lines}{}]", " ".repeat(indent))
}

fn entries(whole: &Value, indent: usize) -> String {
    let entries = whole.as_entries();
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
        return "{}".to_owned();
    };
    let inner = " ".repeat(indent + 2);
    let mut lines = String::new();
    for (key, item) in entries {
        let (key, item) = (string(key, indent + 2), value(item, indent + 2));
        writeln!(lines, "{inner}{key} = {item}").expect("a string takes all");
    }
    format!("{{\n{lines}{}}}", " ".repeat(indent))
}

/// A heredoc for text of several lines, else in quotes as Go writes them.
fn string(text: &str, indent: usize) -> String {
    let lines: Vec<_> = text.split('\n').collect();
    if lines.len() == 1 {
        return quoted(text);
    }
    let mut marker = "EOT".to_owned();
    while lines.iter().any(|line| line.trim() == marker) {
        marker.push('_');
    }
    let (open, space) = if indent > 0 {
        ("<<-", " ".repeat(indent))
    } else {
        ("<<", String::new())
    };
    let body: String = lines
        .iter()
        .map(|line| format!("{space}{line}\n"))
        .collect();
    format!("{open}{marker}\n{body}{space}{marker}")
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&escaped(u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn escaped(code: u32) -> String {
    match code {
        0..0x80 => format!("\\x{code:02x}"),
        0x80..0x1_0000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn is_printable(c: char) -> bool {
    // A mark is only left as it is behind something to stand on.
    c == '\'' || String::from_iter(['a', c]).escape_debug().count() == 2
}

/// A type with elements; what takes several lines itself begins on its own.
fn collection(name: &str, element: &Type, indent: usize) -> String {
    let inner = ty(element, indent + 4);
    if !inner.contains('\n') {
        return format!("{name}({inner})");
    }
    let (space, outer) = (" ".repeat(indent + 4), " ".repeat(indent));
    format!("{name}(\n{space}{inner},\n{outer})")
}

/// Writes a type as the console's `type` does.
pub(crate) fn ty(ty: &Type, indent: usize) -> String {
    let (inner, outer) = (" ".repeat(indent + 4), " ".repeat(indent));
    match ty {
        Type::Dynamic => "dynamic".to_owned(),
        Type::Bool | Type::Number | Type::String => ty.to_string(),
        Type::List(element) => collection("list", element, indent),
        Type::Set(element) => collection("set", element, indent),
        Type::Map(element) => collection("map", element, indent),
        Type::Tuple(items) if items.is_empty() => "tuple([])".to_owned(),
        Type::Object(attributes) if attributes.is_empty() => "object({})".to_owned(),
        Type::Tuple(items) => {
            let line = |item| format!("{inner}{},\n", self::ty(item, indent + 4));
            format!(
                "tuple([\n{}{outer}])",
                items.iter().map(line).collect::<String>()
            )
        }
        Type::Object(attributes) => {
            let lines: String = attributes
                .iter()
                .map(|(name, attribute)| {
                    format!("{inner}{name}: {},\n", self::ty(&attribute.ty, indent + 4))
                })
                .collect();
            format!("object({{\n{lines}{outer}}})")
        }
    }
}
