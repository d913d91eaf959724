//! Values as Python writes them: `str()` and `repr()`.

use minijinja::{Error, ErrorKind, Value, value::ValueKind};

use crate::convert;

/// How deep a value is written before it is cut off.
const MAX_DEPTH: usize = 200;

/// `str(value)`.
pub(crate) fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => repr(value),
    }
}

/// The same, if nothing inside of the value is undefined or a mistake.
pub(crate) fn checked_text(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    let mut out = Out::default();
    write_repr(value, 0, &mut out);
    out.wrong.map_or(Ok(out.text), Err)
}

/// A value as Python's `str()` writes it.
pub fn as_python(value: &serde_json::Value) -> String {
    text(&crate::convert::from_json(value))
}

/// What a template puts out for a value: as [`text`], but nothing for None and `omit`.
pub(crate) fn output(value: &Value) -> String {
    written(value).0
}

/// The same, if nothing inside of the value is undefined or a mistake.
pub(crate) fn checked_output(value: &Value) -> Result<String, Error> {
    let (text, wrong) = written(value);
    wrong.map_or(Ok(text), Err)
}

fn written(value: &Value) -> (String, Option<Error>) {
    match value.as_str() {
        Some(crate::OMIT) => (String::new(), None),
        Some(text) => (text.to_owned(), None),
        None if value.is_none() => (String::new(), None),
        None => {
            let mut out = Out {
                tuples_as_lists: true,
                ..Out::default()
            };
            write_repr(value, 0, &mut out);
            (out.text, out.wrong)
        }
    }
}

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = Out::default();
    write_repr(value, 0, &mut out);
    out.text
}

/// A value being written.
#[derive(Default)]
struct Out {
    text: String,
    /// The first part that has no value.
    wrong: Option<Error>,
    /// As ansible-core 2.19 writes what a template puts out, though not what its filters make a text of.
    tuples_as_lists: bool,
}

impl Out {
    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push(&mut self, character: char) {
        self.text.push(character);
    }
}

fn write_repr(value: &Value, depth: usize, out: &mut Out) {
    if depth > MAX_DEPTH {
        out.push_str("...");
        return;
    }
    match value.kind() {
        ValueKind::Undefined => {
            let error = || Error::from(ErrorKind::UndefinedError);
            out.wrong.get_or_insert_with(error);
        }
        ValueKind::Invalid => {
            out.wrong.get_or_insert_with(|| convert::invalid(value));
        }
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => out.push_str(&number(value)),
        ValueKind::String => out.push_str(&quoted(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => list(value, depth, out),
        ValueKind::Map => mapping(value, depth, out),
        _ => out.push_str(&value.to_string()),
    }
}

fn list(value: &Value, depth: usize, out: &mut Out) {
    let is_tuple = value.is_tuple() && !out.tuples_as_lists;
    out.push(if is_tuple { '(' } else { '[' });
    let mut count = 0;
    for item in value.try_iter().into_iter().flatten() {
        if count > 0 {
            out.push_str(", ");
        }
        write_repr(&item, depth + 1, out);
        count += 1;
    }
    if is_tuple && count == 1 {
        out.push(',');
    }
    out.push(if is_tuple { ')' } else { ']' });
}

fn mapping(value: &Value, depth: usize, out: &mut Out) {
    out.push('{');
    for (at, key) in value.try_iter().into_iter().flatten().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write_repr(&key, depth + 1, out);
        out.push_str(": ");
        write_repr(&value.get_item(&key).unwrap_or_default(), depth + 1, out);
    }
    out.push('}');
}

fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match f64::try_from(value.clone()) {
        Ok(number) => float(number),
        Err(_) => value.to_string(),
    }
}

/// `repr()` of a float: the shortest digits that mean the number, with an exponent when it is far from one.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = number.to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// `repr()` of a text.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        push_escaped(character, quote, &mut out);
    }
    out.push(quote);
    out
}

fn push_escaped(character: char, quote: char, out: &mut String) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if character == quote => {
            out.push('\\');
            out.push(quote);
        }
        _ if character.is_control() || character == '\u{a0}' => {
            out.push_str(&format!("\\x{:02x}", u32::from(character)));
        }
        _ => out.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_does() {
        let texts = [1.0, 0.1, 1e15, 1e16, 1.5e-5, -2.5, 0.0001, 1e22].map(float);
        assert_eq!(
            texts,
            [
                "1.0",
                "0.1",
                "1000000000000000.0",
                "1e+16",
                "1.5e-05",
                "-2.5",
                "0.0001",
                "1e+22"
            ]
        );
    }

    #[test]
    fn texts_choose_their_quotes() {
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("a'\"\n"), "'a\\'\"\\n'");
    }
}
