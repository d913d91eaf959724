//! Python's regular expressions, on top of `fancy-regex`: with look-around and back references.
//!
//! A pattern without those runs on the `regex` crate, in time linear in its text. What backtracks beyond all bounds
//! is an error that names the pattern.

use fancy_regex::RegexBuilder;
use minijinja::{Error, ErrorKind};

/// A match in a text, with its groups.
pub(crate) type Captures<'t> = fancy_regex::Captures<'t, str>;

/// How a pattern is read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) ignore_case: bool,
    pub(crate) multi_line: bool,
    pub(crate) dot_all: bool,
}

/// How many steps back a match may take before it is given up.
const MOST_STEPS: usize = 1_000_000;

/// A pattern of Python, compiled.
pub(crate) struct Pattern {
    regex: fancy_regex::Regex,
    written: String,
}

/// Compiles a pattern of Python.
pub(crate) fn compile(pattern: &str, flags: Flags) -> Result<Pattern, Error> {
    let said = [
        (flags.ignore_case, 'i'),
        (flags.multi_line, 'm'),
        (flags.dot_all, 's'),
    ];
    let said: String = said
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, flag)| *flag)
        .collect();
    let translated = match said.is_empty() {
        true => translate(pattern),
        false => format!("(?{said}){}", translate(pattern)),
    };
    let regex = RegexBuilder::new(&translated)
        .backtrack_limit(MOST_STEPS)
        .delegate_size_limit(10 << 20)
        .build()
        .map_err(|error| invalid(pattern, "is not valid", &error))?;
    Ok(Pattern {
        regex,
        written: pattern.to_owned(),
    })
}

fn invalid(pattern: &str, what: &str, error: &fancy_regex::Error) -> Error {
    let message = error.to_string();
    let reason = message.lines().last().unwrap_or_default().trim().to_owned();
    Error::new(
        ErrorKind::InvalidOperation,
        format!("the pattern `{pattern}` {what}: {reason}"),
    )
}

impl Pattern {
    /// The first match with its groups.
    pub(crate) fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Error> {
        let found = self.regex.captures(text);
        found.map_err(|error| self.gave_up(&error))
    }

    /// All matches with their groups.
    pub(crate) fn all<'t>(&self, text: &'t str) -> Result<Vec<Captures<'t>>, Error> {
        let found = self.regex.captures_iter(text);
        found
            .map(|one| one.map_err(|error| self.gave_up(&error)))
            .collect()
    }

    /// Where the first match begins.
    pub(crate) fn start(&self, text: &str) -> Result<Option<usize>, Error> {
        let found = self.regex.find(text);
        let found = found.map_err(|error| self.gave_up(&error))?;
        Ok(found.map(|found| found.start()))
    }

    pub(crate) fn has_group(&self, name: &str) -> bool {
        self.regex
            .capture_names()
            .flatten()
            .any(|other| other == name)
    }

    /// Replaces the first `count` matches, all with 0. Gives also how many there were.
    pub(crate) fn replace(
        &self,
        text: &str,
        count: usize,
        mut with: impl FnMut(&Captures<'_>) -> String,
    ) -> Result<(String, usize), Error> {
        let most = if count == 0 { usize::MAX } else { count };
        let mut out = String::with_capacity(text.len());
        let (mut end, mut done) = (0, 0);
        for found in self.all(text)?.iter().take(most) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            out.push_str(&with(found));
            end = whole.end();
            done += 1;
        }
        out.push_str(&text[end..]);
        Ok((out, done))
    }

    fn gave_up(&self, error: &fancy_regex::Error) -> Error {
        invalid(&self.written, "takes too long", error)
    }
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
