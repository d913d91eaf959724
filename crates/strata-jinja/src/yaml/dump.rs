//! Values as PyYAML writes them.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::{
    scalar,
    text::{self, Place},
};
use crate::python;

/// How to write.
#[derive(Clone, Debug)]
pub struct DumpStyle {
    /// Blanks a level.
    pub indent: usize,
    /// Where lines are broken.
    pub width: usize,
    /// Whether keys are sorted.
    pub sort_keys: bool,
    /// Which collections are written in brackets.
    pub flow: Flow,
    /// Whether letters beyond ASCII stay as they are.
    pub unicode: bool,
    /// Whether `---` comes first.
    pub explicit_start: bool,
    /// Whether texts of several lines are blocks (`|-`), without blanks at their ends, as Ansible's callbacks show them.
    pub blocks: bool,
}

/// Which collections are written in brackets; those with nothing in them always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// None else.
    Never,
    /// Those without collections in them.
    Leaves,
    /// All.
    Always,
}

/// Writes a value with a line break at its end.
pub fn dump(value: &Json, style: &DumpStyle) -> String {
    let mut writer = Writer {
        style,
        out: String::new(),
        column: 0,
    };
    if style.explicit_start {
        writer.push("---");
        if matches!(value, Json::Array(_) | Json::Object(_)) && !writer.in_brackets(value) {
            writer.line(0);
        } else {
            writer.push(" ");
        }
    }
    writer.value(value, None, false);
    if !writer.out.ends_with('\n') {
        writer.push("\n");
    }
    writer.out
}

struct Writer<'a> {
    style: &'a DumpStyle,
    out: String,
    column: usize,
}

fn is_collection(value: &Json) -> bool {
    match value {
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
        _ => false,
    }
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rfind('\n') {
            Some(at) => text[at + 1..].chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn line(&mut self, indent: usize) {
        self.push("\n");
        self.push(&" ".repeat(indent));
    }

    fn in_brackets(&self, value: &Json) -> bool {
        let (is_empty, is_leaf) = match value {
            Json::Array(items) => (items.is_empty(), !items.iter().any(is_container)),
            Json::Object(map) => (map.is_empty(), !map.values().any(is_container)),
            _ => return false,
        };
        match self.style.flow {
            Flow::Never => is_empty,
            Flow::Leaves => is_leaf,
            Flow::Always => true,
        }
    }

    /// `indent` is that of what holds the value; none at the root.
    fn value(&mut self, value: &Json, indent: Option<usize>, in_mapping: bool) {
        match value {
            Json::Array(_) | Json::Object(_) if self.in_brackets(value) => {
                self.flow(value, indent.unwrap_or(0) + self.style.indent);
            }
            Json::Array(items) => self.list(items, indent, in_mapping),
            Json::Object(map) => self.mapping(map, indent),
            Json::String(text) => self.text(text, indent, false, false),
            scalar => {
                let text = plain_scalar(scalar);
                self.push(&text);
            }
        }
    }

    fn list(&mut self, items: &[Json], indent: Option<usize>, in_mapping: bool) {
        // A list in a mapping stands at the mapping's own column.
        let own = match indent {
            None => 0,
            Some(indent) if in_mapping => indent,
            Some(indent) => indent + self.style.indent,
        };
        let first_inline = !in_mapping && indent.is_some();
        for (at, item) in items.iter().enumerate() {
            if at > 0 || in_mapping {
                self.line(own);
            } else if first_inline {
                let missing = own.saturating_sub(self.column);
                self.push(&" ".repeat(missing));
            }
            self.push("-");
            let nested = is_collection(item) && !self.in_brackets(item);
            let gap = if nested {
                self.style.indent.saturating_sub(1).max(1)
            } else {
                1
            };
            self.push(&" ".repeat(gap));
            self.value(item, Some(own), false);
        }
    }

    fn mapping(&mut self, map: &serde_json::Map<String, Json>, indent: Option<usize>) {
        let own = indent.map_or(0, |indent| indent + self.style.indent);
        let mut entries: Vec<_> = map.iter().collect();
        if self.style.sort_keys {
            entries.sort_by_key(|(key, _)| *key);
        }
        for (at, (key, value)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.line(own);
            }
            self.text(key, Some(own), true, false);
            self.push(":");
            let block = is_collection(value) && !self.in_brackets(value);
            match value {
                Json::Array(_) if block => self.value(value, Some(own), true),
                Json::Object(_) if block => {
                    self.line(own + self.style.indent);
                    self.value(value, Some(own), false);
                }
                _ => {
                    self.push(" ");
                    self.value(value, Some(own), false);
                }
            }
        }
    }

    fn flow(&mut self, value: &Json, indent: usize) {
        let (open, close) = if value.is_array() {
            ("[", "]")
        } else {
            ("{", "}")
        };
        self.push(open);
        let empty = serde_json::Map::new();
        let mut entries: Vec<(Option<&String>, &Json)> = match value {
            Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
            other => other
                .as_object()
                .unwrap_or(&empty)
                .iter()
                .map(|(key, item)| (Some(key), item))
                .collect(),
        };
        if self.style.sort_keys {
            entries.sort_by_key(|(key, _)| *key);
        }
        for (at, (key, item)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.push(",");
            }
            if self.column > self.style.width {
                self.line(indent);
            } else if at > 0 {
                self.push(" ");
            }
            if let Some(key) = key {
                self.text(key, Some(indent), true, true);
                self.push(": ");
            }
            match item {
                Json::String(text) => self.text(text, Some(indent), false, true),
                Json::Array(_) | Json::Object(_) => self.flow(item, indent + self.style.indent),
                scalar => self.push(&plain_scalar(scalar)),
            }
        }
        self.push(close);
    }

    /// A text, a level below `indent`.
    fn text(&mut self, text: &str, indent: Option<usize>, is_key: bool, in_flow: bool) {
        let indent = indent.map_or(self.style.indent, |indent| indent + self.style.indent);
        if self.style.blocks && !is_key && text.contains('\n') {
            return self.block(text, indent);
        }
        let place = Place {
            in_flow,
            is_key,
            is_itself: is_itself(text),
            column: self.column,
            indent,
            width: self.style.width,
            unicode: self.style.unicode,
        };
        let written = text::written(text, &place);
        self.push(&written);
    }

    /// The lines of a text, below a mark.
    fn block(&mut self, text: &str, indent: usize) {
        let shown = |c: &char| *c == '\n' || !c.is_control();
        let text: String = text.trim_end().replace('\t', "    ");
        let text: String = text.chars().filter(shown).collect();
        if text.is_empty() {
            return self.push("''");
        }
        match text.starts_with([' ', '\n']) {
            true => self.push(&format!("|{}-", self.style.indent)),
            false => self.push("|-"),
        }
        for line in text.lines().map(str::trim_end) {
            match line.is_empty() {
                true => self.push("\n"),
                false => self.line(indent),
            }
            self.push(line);
        }
    }
}

fn is_container(value: &Json) -> bool {
    matches!(value, Json::Array(_) | Json::Object(_))
}

fn plain_scalar(value: &Json) -> String {
    match value {
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => float_scalar(float),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn float_scalar(float: f64) -> String {
    let text = python::float(float);
    match text.as_str() {
        "inf" | "nan" => format!(".{text}"),
        "-inf" => "-.inf".to_owned(),
        // YAML 1.1 takes no number with an exponent that has no point.
        _ if !text.contains('.') => text.replacen('e', ".0e", 1),
        _ => text,
    }
}

/// True if a text without quotes is read back as the same text, and as no number or the like.
fn is_itself(text: &str) -> bool {
    text != "="
        && text != "<<"
        && !looks_like_date(text)
        && !looks_like_base_60(text)
        && !looks_like_infinity(text)
        && matches!(scalar::plain(text), Json::String(_))
}

/// A moment, as YAML 1.1 writes it: a day in full, or one with a time.
fn looks_like_date(text: &str) -> bool {
    static MOMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let day = r"\d{4}-\d\d-\d\d";
        let time = r"\d\d?:\d\d:\d\d(\.\d*)?([ \t]*(Z|[-+]\d\d?(:\d\d)?))?";
        Regex::new(&format!(
            r"^({day}|\d{{4}}-\d\d?-\d\d?([Tt]|[ \t]+){time})$"
        ))
        .ok()
    });
    MOMENT.as_ref().is_some_and(|moment| moment.is_match(text))
}

/// Numbers such as `1:30.5`, which YAML 1.1 reads in base 60.
fn looks_like_base_60(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((whole, fraction)) = digits.split_once('.') else {
        return false;
    };
    let is_number = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let sixties: Vec<&str> = parts.collect();
    let is_sixtieth = |part: &&str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|first: char| first.is_ascii_digit())
        && is_number(first)
        && is_number(fraction)
        && !sixties.is_empty()
        && sixties.iter().all(is_sixtieth)
}

/// What YAML reads as no number that can be counted to.
fn looks_like_infinity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}
