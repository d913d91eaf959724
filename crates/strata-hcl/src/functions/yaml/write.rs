//! From values to YAML: blocks, all text in double quotes or, with line breaks, as it stands.

use std::fmt::Write;

use strata_core::Value;

/// The column after which a long text is broken at the next space.
const WIDTH: usize = 80;

/// Writes a wholly known value as a document.
pub(super) fn encode(value: &Value) -> String {
    let mut out = String::new();
    match value.unmarked() {
        value if is_block(value) => block(value, 0, &mut out),
        value => {
            scalar(value, 2, &mut out);
            out.push('\n');
            // A plain scalar alone could go on, so its end is marked.
            if !matches!(value, Value::String(_))
                && value.as_sequence().is_none()
                && value.as_entries().is_none()
            {
                out.push_str("...\n");
            }
        }
    }
    out
}

/// True for what has elements, which then take lines of their own.
fn is_block(value: &Value) -> bool {
    value.as_sequence().is_some_and(|items| !items.is_empty())
        || value
            .as_entries()
            .is_some_and(|entries| !entries.is_empty())
}

/// Writes elements line by line; the first line begins where `out` ends.
fn block(value: &Value, indent: usize, out: &mut String) {
    let mut first = true;
    let mut start = |out: &mut String| {
        if !std::mem::replace(&mut first, false) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    for item in value.as_sequence().unwrap_or(&[]) {
        start(out);
        out.push_str("- ");
        element(item, indent, out);
    }
    for (key, item) in value.as_entries().into_iter().flatten() {
        start(out);
        quoted(key, usize::MAX, out);
        out.push(':');
        entry(item, indent, out);
    }
}

fn element(item: &Value, indent: usize, out: &mut String) {
    if is_block(item) {
        block(item, indent + 2, out);
    } else {
        scalar(item, indent + 2, out);
        out.push('\n');
    }
}

fn entry(item: &Value, indent: usize, out: &mut String) {
    if !is_block(item) {
        out.push(' ');
        scalar(item, indent + 2, out);
        out.push('\n');
        return;
    }
    // Lists stand under their key without indentation.
    let inside = if item.as_sequence().is_some() {
        indent
    } else {
        indent + 2
    };
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', inside));
    block(item, inside, out);
}

/// Writes what takes no lines of its own, without the line break after it.
fn scalar(value: &Value, indent: usize, out: &mut String) {
    match value.unmarked() {
        Value::Bool(truth) => write!(out, "{truth}").expect("writing to memory cannot fail"),
        Value::Number(number) => write!(out, "{number}").expect("writing to memory cannot fail"),
        Value::String(text) if can_be_literal(text) => literal(text, indent, out),
        Value::String(text) => quoted(text, indent, out),
        value if value.as_sequence().is_some() => out.push_str("[]"),
        value if value.as_entries().is_some() => out.push_str("{}"),
        _ => out.push_str("null"),
    }
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
        && !matches!(c, '\u{2028}' | '\u{2029}')
}

fn can_be_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.ends_with(' ')
        && !text.contains(" \n")
        && text.chars().all(|c| c == '\n' || is_printable(c))
}

fn literal(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let body = match text.strip_suffix('\n') {
        None => {
            out.push('-');
            text
        }
        Some(body) => {
            if body.is_empty() || body.ends_with('\n') {
                out.push('+');
            }
            body
        }
    };
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
}

/// Writes text in double quotes; breaks it where it is long, unless the indentation is [`usize::MAX`].
fn quoted(text: &str, indent: usize, out: &mut String) {
    let line_start = out.rfind('\n').map_or(0, |at| at + 1);
    let mut column = out[line_start..].chars().count() + 1;
    out.push('"');
    let mut spaces = false;
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if c == ' ' && indent != usize::MAX && !spaces && column > WIDTH && at > 0 && next.is_some()
        {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
            if next == Some(' ') {
                out.push('\\');
                column += 1;
            }
            spaces = true;
            continue;
        }
        spaces = c == ' ';
        let before = out.len();
        character(c, out);
        column += out[before..].chars().count();
    }
    out.push('"');
}

fn character(c: char, out: &mut String) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '\u{85}' => "\\N",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        c if is_printable(c) => return out.push(c),
        _ => "",
    };
    let code = c as u32;
    match code {
        _ if !short.is_empty() => out.push_str(short),
        0..=0xff => write!(out, "\\x{code:02X}").expect("writing to memory cannot fail"),
        0x100..=0xffff => write!(out, "\\u{code:04X}").expect("writing to memory cannot fail"),
        _ => write!(out, "\\U{code:08X}").expect("writing to memory cannot fail"),
    }
}
