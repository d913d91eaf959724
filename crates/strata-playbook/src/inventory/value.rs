//! Values in INI inventories: a Python literal where the text is one, else the text.

use serde_json::Value as Json;

use crate::play::JsonMap;

/// The value of `name=VALUE`.
pub(super) fn parse(text: &str) -> Json {
    let text = text.trim();
    let mut reader = Literal { rest: text };
    match reader.value(0) {
        Some(value) if reader.rest.trim().is_empty() => value,
        _ => Json::String(text.to_owned()),
    }
}

/// Reads Python literals: numbers, texts, True, False, None, lists, tuples, dicts.
struct Literal<'a> {
    rest: &'a str,
}

impl Literal<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.blank();
        if depth > 50 {
            return None;
        }
        match self.rest.chars().next()? {
            '\'' | '"' => self.text().map(Json::String),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            '{' => self.dict(depth),
            _ => self.word(),
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut out = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => {
                    let (_, next) = characters.next()?;
                    match next {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        '\\' | '\'' | '"' => out.push(next),
                        other => {
                            out.push('\\');
                            out.push(other);
                        }
                    }
                }
                _ if character == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Some(out);
                }
                other => out.push(other),
            }
        }
        None
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Json> {
        self.rest = self.rest.strip_prefix(open)?;
        let close = close.to_string();
        let mut items = Vec::new();
        while !self.eat(&close) {
            items.push(self.value(depth + 1)?);
            if !self.eat(",") && !self.rest.trim_start().starts_with(&close) {
                return None;
            }
        }
        Some(Json::Array(items))
    }

    fn dict(&mut self, depth: usize) -> Option<Json> {
        self.rest = self.rest.strip_prefix('{')?;
        let mut map = JsonMap::new();
        while !self.eat("}") {
            let key = match self.value(depth + 1)? {
                Json::String(text) => text,
                other => other.to_string(),
            };
            if !self.eat(":") {
                return None;
            }
            map.insert(key, self.value(depth + 1)?);
            if !self.eat(",") && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(Json::Object(map))
    }

    fn word(&mut self) -> Option<Json> {
        let length = self
            .rest
            .find(|c: char| c.is_whitespace() || ",]})".contains(c) || c == ':')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        let value = match word {
            "True" => Json::Bool(true),
            "False" => Json::Bool(false),
            "None" => Json::Null,
            _ => number(word)?,
        };
        self.rest = rest;
        Some(value)
    }
}

/// A number as Python's literals have it: no leading zeros.
fn number(word: &str) -> Option<Json> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let plain = digits.chars().all(|c| c.is_ascii_digit());
    if plain {
        let zeros = digits.len() > 1 && digits.starts_with('0') && digits.chars().any(|c| c != '0');
        return if zeros {
            None
        } else {
            word.parse::<i64>().ok().map(Json::from)
        };
    }
    let float = digits
        .chars()
        .all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    let value: f64 = word.parse().ok().filter(|_| float)?;
    serde_json::Number::from_f64(value).map(Json::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_have_types_and_all_else_is_text() {
        for (text, value) in [
            ("22", json!(22)),
            ("022", json!("022")),
            ("True", json!(true)),
            ("true", json!("true")),
            ("'a b'", json!("a b")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("['a', 1]", json!(["a", 1])),
            ("{'a': [1, 2]}", json!({"a": [1, 2]})),
            ("1.5", json!(1.5)),
            ("a b", json!("a b")),
            ("", json!("")),
            ("[a]", json!("[a]")),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
