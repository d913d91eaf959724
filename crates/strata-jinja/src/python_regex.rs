//! Python's regular expressions on top of the `regex` crate.
//!
//! What that crate lacks (look-around, back references inside of a pattern) is refused by name.

use minijinja::{Error, ErrorKind};
use regex::{Captures, Regex, RegexBuilder};

/// How a pattern is read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) ignore_case: bool,
    pub(crate) multi_line: bool,
    pub(crate) dot_all: bool,
}

/// Compiles a pattern of Python.
pub(crate) fn compile(pattern: &str, flags: Flags) -> Result<Regex, Error> {
    for lookaround in ["(?=", "(?!", "(?<=", "(?<!"] {
        if pattern.contains(lookaround) {
            return Err(unsupported(
                pattern,
                &format!("look-around `{lookaround}...)`"),
            ));
        }
    }
    let translated = translate(pattern);
    RegexBuilder::new(&translated)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(10 << 20)
        .build()
        .map_err(|error| {
            let message = error.to_string();
            if message.contains("backreference") {
                return unsupported(pattern, "a back reference");
            }
            let reason = message.lines().last().unwrap_or_default().trim().to_owned();
            Error::new(
                ErrorKind::InvalidOperation,
                format!("the pattern `{pattern}` is not valid: {reason}"),
            )
        })
}

fn unsupported(pattern: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the pattern `{pattern}` uses {what}, which Strata does not support"),
    )
}

/// What is spelled differently: `\Z`, escapes of plain characters, `{` that begins no count.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('Z') => out.push_str("\\z"),
                Some(next) if next.is_ascii_alphanumeric() || !next.is_ascii() => {
                    out.push('\\');
                    out.push(next);
                }
                Some(next @ ('<' | '>')) => out.push(next),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
                // A bracket that comes first stands for itself.
                if characters.peek() == Some(&'^') {
                    out.push('^');
                    characters.next();
                }
                if characters.peek() == Some(&']') {
                    out.push_str("\\]");
                    characters.next();
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '{' if !in_class && !begins_count(characters.clone()) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

fn begins_count(rest: impl Iterator<Item = char>) -> bool {
    let count: String = rest
        .take_while(|character| *character != '}')
        .take(20)
        .collect();
    !count.is_empty()
        && count != ","
        && count
            .chars()
            .all(|character| character.is_ascii_digit() || character == ',')
}

/// Fills in a replacement text of Python: `\1`, `\g<1>`, `\g<name>`, `\n`.
pub(crate) fn expand(replacement: &str, captures: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (text, used) = escape_in_replacement(rest, captures);
        out.push_str(&text);
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

fn escape_in_replacement(rest: &str, captures: &Captures<'_>) -> (String, usize) {
    let group = |at: usize| {
        captures
            .get(at)
            .map_or("", |found| found.as_str())
            .to_owned()
    };
    let Some(next) = rest.chars().next() else {
        return ("\\".to_owned(), 0);
    };
    match next {
        '0'..='9' => {
            let digits = rest
                .chars()
                .take(2)
                .take_while(char::is_ascii_digit)
                .count();
            let number = rest[..digits].parse().unwrap_or_default();
            (group(number), digits)
        }
        'g' if rest[1..].starts_with('<') => match rest.find('>') {
            Some(end) => {
                let name = &rest[2..end];
                let text = match name.parse() {
                    Ok(number) => group(number),
                    Err(_) => captures
                        .name(name)
                        .map_or("", |found| found.as_str())
                        .to_owned(),
                };
                (text, end + 1)
            }
            None => ("\\g".to_owned(), 1),
        },
        'n' => ("\n".to_owned(), 1),
        't' => ("\t".to_owned(), 1),
        'r' => ("\r".to_owned(), 1),
        '\\' => ("\\".to_owned(), 1),
        other => (format!("\\{other}"), other.len_utf8()),
    }
}
