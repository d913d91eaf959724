//! `striptags`: the words of a text with marks of HTML in it.

use minijinja::{Environment, Error, Value};

use super::{add, refuse};
use crate::python;

/// The names that are read; those of the several thousand others are refused.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("apos", '\''),
    ("gt", '>'),
    ("lt", '<'),
    ("nbsp", '\u{a0}'),
    ("quot", '"'),
];

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "striptags", striptags);
}

fn striptags(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    let text = without(&python::text(value), "<!--", "-->");
    let text = without(&text, "<", ">");
    let words: Vec<&str> = text.split_whitespace().collect();
    unescaped(&words.join(" "))
}

/// A text without what stands between two marks, and without them; what is not closed stays.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(open) {
        let Some(length) = rest[begin..].find(close) else {
            break;
        };
        out.push_str(&rest[..begin]);
        rest = &rest[begin + length + close.len()..];
    }
    out + rest
}

/// A text with characters in the place of `&lt;`, `&#60;` and `&#x3c;`.
fn unescaped(text: &str) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find('&') {
        let (before, mark) = rest.split_at(begin);
        out.push_str(before);
        let end = mark[1..].find(|c: char| c != '#' && !c.is_ascii_alphanumeric());
        let end = end.map(|end| end + 1);
        let end = end.filter(|end| mark[*end..].starts_with(';'));
        let Some(end) = end.filter(|end| *end > 1) else {
            out.push('&');
            rest = &mark[1..];
            continue;
        };
        out.push(character(&mark[1..end])?);
        rest = &mark[end + 1..];
    }
    Ok(out + rest)
}

fn character(name: &str) -> Result<char, Error> {
    let number = |digits: &str, base| u32::from_str_radix(digits, base).ok();
    let found = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16).and_then(char::from_u32),
            None => number(digits, 10).and_then(char::from_u32),
        },
        None => NAMED
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, character)| *character),
    };
    match found {
        Some(character) => Ok(character),
        None => refuse(format!(
            "the character `&{name};` is not supported by Strata in `striptags`"
        )),
    }
}
