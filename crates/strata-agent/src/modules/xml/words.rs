//! The words of a path.

use std::fmt;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(String),
    Number(f64),
    Sign(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Name(text) | Word::Sign(text) => write!(f, "`{text}`"),
            Word::Text(text) => write!(f, "`'{text}'`"),
            Word::Number(number) => write!(f, "`{number}`"),
        }
    }
}

/// Gives them one by one.
pub(super) struct Reader {
    words: Vec<Word>,
    at: usize,
}

const SIGNS: [&str; 19] = [
    "::", "//", "..", "!=", "<=", ">=", "/", ".", "@", "[", "]", "(", ")", ",", "|", "*", "=", "<",
    ">",
];

impl Reader {
    /// Divides a text.
    pub(super) fn new(text: &str) -> Result<Reader, String> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (word, length) = match first {
                '"' | '\'' => {
                    let inside = &rest[1..];
                    let end = inside.find(first).ok_or("a text is not closed")?;
                    (Word::Text(inside[..end].to_owned()), end + 2)
                }
                c if c.is_ascii_digit() => {
                    let is_inside = |c: char| c.is_ascii_digit() || c == '.';
                    let length = rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
                    let number = rest[..length].parse();
                    (
                        Word::Number(number.map_err(|_| "a number is wrong")?),
                        length,
                    )
                }
                c if is_letter(c) => name(rest),
                c => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                    Some(sign) => (Word::Sign((*sign).to_owned()), sign.len()),
                    None => return Err(format!("unexpected `{c}`")),
                },
            };
            words.push(word);
            rest = rest[length..].trim_start();
        }
        Ok(Reader { words, at: 0 })
    }

    pub(super) fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<Word> {
        let word = self.words.get(self.at).cloned();
        self.at += usize::from(word.is_some());
        word
    }

    fn is_sign(&self, at: usize, sign: &str) -> bool {
        matches!(self.words.get(at), Some(Word::Sign(found)) if found == sign)
    }

    /// Takes a sign if it is next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is_next = self.is_sign(self.at, sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes an operator that is a word.
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Word::Name(found)) if found == name);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) {
            return Ok(());
        }
        match self.peek() {
            Some(word) => Err(format!("unexpected {word}")),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// Whether a step could begin here.
    pub(super) fn begins_step(&self) -> bool {
        let signs = ["@", "*", ".", ".."];
        matches!(self.peek(), Some(Word::Name(_)))
            || signs.iter().any(|sign| self.is_sign(self.at, sign))
    }

    /// The name of an axis with its `::`, if one is next.
    pub(super) fn axis(&mut self) -> Option<String> {
        let Some(Word::Name(name)) = self.peek().cloned() else {
            return None;
        };
        let is_axis = self.is_sign(self.at + 1, "::");
        self.at += if is_axis { 2 } else { 0 };
        is_axis.then_some(name)
    }

    /// The name of a function with its bracket, if one is next; steps such as `text()` are none.
    pub(super) fn function(&mut self) -> Option<String> {
        let Some(Word::Name(name)) = self.peek().cloned() else {
            return None;
        };
        let is_step = matches!(name.as_str(), "text" | "node" | "comment");
        let is_function = self.is_sign(self.at + 1, "(") && !is_step;
        self.at += if is_function { 2 } else { 0 };
        is_function.then_some(name)
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// A name with its prefix; `::` behind it is none.
fn name(rest: &str) -> (Word, usize) {
    let is_inside = |c: char| is_letter(c) || c.is_numeric() || matches!(c, '-' | '.');
    let length = rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
    let behind = rest[length..]
        .strip_prefix(':')
        .filter(|behind| !behind.starts_with(':'));
    let local = behind.map(|behind| behind.find(|c| !is_inside(c)).unwrap_or(behind.len()));
    let star = behind.is_some_and(|behind| behind.starts_with('*'));
    let length = match local {
        Some(local) if local > 0 && !star => length + 1 + local,
        _ => length,
    };
    (Word::Name(rest[..length].to_owned()), length)
}
