//! From YAML to values: sequences become tuples, mappings objects.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use strata_core::{Number, Text, Type, Value};

/// How many values a document may have, those that aliases repeat counted each time.
const MAX_VALUES: usize = 1_000_000;
/// How deep a document may nest.
const MAX_DEPTH: usize = 500;

/// Reads one document.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    check_beginning(text)?;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| {
            let place = error.marker();
            format!(
                "on line {}, column {}: {}",
                place.line(),
                place.col() + 1,
                error.info()
            )
        })?;
        reader.event(event)?;
    }
    reader
        .result
        .map(|(value, _)| value)
        .ok_or_else(|| "on line 1, column 1: missing start of document".to_owned())
}

/// Refuses a document of another version than 1.1, and one that begins with a tab, as Terraform's reader does.
fn check_beginning(text: &str) -> Result<(), String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let directives = lines
        .by_ref()
        .take_while(|line| line.starts_with(['%', '#']));
    let versions = directives.filter_map(|line| line.strip_prefix("%YAML"));
    for version in versions {
        let version = version.split('#').next().unwrap_or_default();
        if version.trim() != "1.1" {
            return Err("found incompatible YAML document".to_owned());
        }
    }
    match text.starts_with('\t') {
        true => Err("found character that cannot start any token".to_owned()),
        false => Ok(()),
    }
}

/// A sequence or mapping that is not complete yet.
struct Open {
    anchor: usize,
    mapping: bool,
    items: Vec<Value>,
    size: usize,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    result: Option<(Value, usize)>,
    documents: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "on line 1, column 1: unexpected extra content after value";
                    return Err(message.to_owned());
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.complete(value, 1, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(anchor, false, tag.as_deref())?,
            Event::MappingStart(_, anchor, tag) => self.begin(anchor, true, tag.as_deref())?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err("an alias refers to what it stands in".to_owned());
                };
                self.complete(value, size, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, mapping: bool, tag: Option<&Tag>) -> Result<(), String> {
        let known = tag.is_none_or(|tag| matches!(name(tag), Some("seq" | "map")));
        if !known {
            return Err("the tag of a collection is not supported".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        self.open.push(Open {
            anchor,
            mapping,
            items: Vec::new(),
            size: 1,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = if open.mapping {
            object(open.items)?
        } else {
            Value::tuple(open.items)
        };
        self.complete(value, open.size, open.anchor)
    }

    fn complete(&mut self, value: Value, size: usize, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.size = open.size.saturating_add(size);
                if open.size > MAX_VALUES {
                    return Err(format!("the document has more than {MAX_VALUES} values"));
                }
                open.items.push(value);
            }
            None => self.result = Some((value, size)),
        }
        Ok(())
    }
}

/// Makes an object of keys and values in turn; `<<` takes in what other mappings have.
fn object(items: Vec<Value>) -> Result<Value, String> {
    let mut entries: Vec<(Text, Value)> = Vec::new();
    let mut merged: Vec<(Text, Value)> = Vec::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        let key = match key.convert(&Type::String) {
            Ok(Value::String(key)) => key,
            _ => return Err("a key of a mapping is no text".to_owned()),
        };
        if &*key != "<<" {
            entries.push((key, value));
            continue;
        }
        let Some(source) = value.as_entries() else {
            let kind = match value.as_sequence() {
                Some(_) => "tuple".to_owned(),
                None => value.ty().friendly_name(),
            };
            return Err(format!("cannot merge {kind} into mapping"));
        };
        let source = source.iter();
        merged.extend(source.map(|(key, value)| (key.clone(), value.clone())));
    }
    merged.extend(entries);
    Ok(Value::object(merged))
}

/// The name of a tag of YAML itself, such as `str`.
fn name(tag: &Tag) -> Option<&str> {
    (tag.handle() == "tag:yaml.org,2002:").then(|| tag.suffix())
}

/// A tag as it is written.
fn shown(tag: &Tag) -> String {
    match name(tag) {
        Some(name) => format!("!!{name}"),
        None => format!("{}{}", tag.handle(), tag.suffix()),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = style == ScalarStyle::Plain;
    match tag {
        None if plain => plain_scalar(text),
        None => Ok(Value::from(text)),
        Some(tag) => match name(tag) {
            Some("str" | "binary") => Ok(Value::from(text)),
            Some(kind @ ("int" | "float" | "bool" | "null" | "timestamp")) if plain => {
                match (plain_scalar(text)?, kind) {
                    (Value::String(_), "null") => Ok(Value::Null(Type::Dynamic)),
                    (Value::String(_), "int" | "float" | "bool") => {
                        Err(format!("cannot parse {text:?} as tag:yaml.org,2002:{kind}"))
                    }
                    (value, _) => Ok(value),
                }
            }
            Some("int" | "float" | "bool" | "null" | "timestamp") => Ok(Value::from(text)),
            _ => Err(format!("unsupported tag {:?}", shown(tag))),
        },
    }
}

fn plain_scalar(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null(Type::Dynamic),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => infinity("inf"),
        "-.inf" | "-.Inf" | "-.INF" => infinity("-inf"),
        ".nan" | ".NaN" | ".NAN" => {
            return Err("not-a-number is not supported".to_owned());
        }
        text => match number(text) {
            Some(number) => Value::Number(number),
            None => Value::from(
                super::super::time::yaml_timestamp(text).unwrap_or_else(|| text.to_owned()),
            ),
        },
    })
}

fn infinity(name: &str) -> Value {
    Value::Number(name.parse().unwrap_or(Number::ZERO))
}

fn number(text: &str) -> Option<Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return Number::from_radix(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return Number::from_radix(octal, 8);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    digits.strip_suffix('.').unwrap_or(digits).parse().ok()
}
