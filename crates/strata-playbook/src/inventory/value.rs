//! Values in INI inventories: a Python literal where the text is one, else the text.

use serde_json::Value as Json;

use crate::play::JsonMap;

/// The value of `name=VALUE`.
pub(super) fn parse(text: &str) -> Json {
    let text = text.trim();
    let mut reader = Literal {
        rest: without_comment(text),
    };
    match reader.whole() {
        Some(value) if reader.rest.trim().is_empty() => value,
        _ => Json::String(text.to_owned()),
    }
}

/// Text up to what Python takes for a comment: a `#` outside of quotes.
pub(super) fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '#') => return text[..at].trim(),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character && previous != '\\' => quote = None,
            _ => {}
        }
        previous = character;
    }
    text.trim()
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

    /// A value, or several with commas between: a tuple.
    fn whole(&mut self) -> Option<Json> {
        let first = self.value(0)?;
        if !self.eat(",") {
            return Some(first);
        }
        let mut items = vec![first];
        while !self.rest.trim().is_empty() {
            items.push(self.value(0)?);
            if !self.eat(",") {
                break;
            }
        }
        Some(Json::Array(items))
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.blank();
        if depth > 50 {
            return None;
        }
        match self.rest.chars().next()? {
            '\'' | '"' => self.texts().map(Json::String),
            '[' => self.list('[', ']', depth).map(|(items, _)| items.into()),
            // One value in parentheses is that value, unless a comma follows it.
            '(' => self
                .list('(', ')', depth)
                .map(|(mut items, comma)| match items.len() {
                    1 if !comma => items.remove(0),
                    _ => items.into(),
                }),
            '{' => self.dict(depth),
            _ => self.word(),
        }
    }

    /// Texts that follow one another are one.
    fn texts(&mut self) -> Option<String> {
        let mut whole = self.text()?;
        while self.rest.trim_start().starts_with(['\'', '"']) {
            self.blank();
            whole.push_str(&self.text()?);
        }
        Some(whole)
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

    /// Values between brackets, and whether the last has a comma behind it.
    fn list(&mut self, open: char, close: char, depth: usize) -> Option<(Vec<Json>, bool)> {
        self.rest = self.rest.strip_prefix(open)?;
        let close = close.to_string();
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(&close) {
            items.push(self.value(depth + 1)?);
            comma = self.eat(",");
            if !comma && !self.rest.trim_start().starts_with(&close) {
                return None;
            }
        }
        Some((items, comma))
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
        // A sign may stand apart.
        if let Some(rest) = self.rest.strip_prefix(['-', '+']) {
            let bare = rest.trim_start();
            if bare.len() < rest.len() && bare.starts_with(|c: char| c.is_ascii_digit()) {
                let is_negative = self.rest.starts_with('-');
                self.rest = bare;
                let value = self.word()?;
                return match (is_negative, value.as_i64()) {
                    (false, _) => Some(value),
                    (true, Some(number)) => Some(Json::from(-number)),
                    (true, None) => Some(Json::from(-value.as_f64()?)),
                };
            }
        }
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

/// A number as Python's literals have it: no leading zeros, `_` between digits, other bases by their marks.
fn number(word: &str) -> Option<Json> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let gaps = digits.ends_with('_') || digits.contains("__") || digits.contains("_.");
    if gaps || digits.contains("._") {
        return None;
    }
    let lower = digits.replace('_', "").to_ascii_lowercase();
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = lower.strip_prefix(mark) {
            let plain = rest.chars().all(|c| c.is_digit(base));
            let value = i64::from_str_radix(rest, base).ok().filter(|_| plain)?;
            return Some(Json::from(if word.starts_with('-') {
                -value
            } else {
                value
            }));
        }
    }
    let sign = if word.starts_with('-') { "-" } else { "" };
    if lower.chars().all(|c| c.is_ascii_digit()) {
        let zeros = lower.len() > 1 && lower.starts_with('0') && lower.chars().any(|c| c != '0');
        let value = format!("{sign}{lower}").parse::<i64>().ok();
        return value.filter(|_| !zeros).map(Json::from);
    }
    let float = lower
        .chars()
        .all(|c| c.is_ascii_digit() || ".e+-".contains(c));
    let value: f64 = format!("{sign}{lower}").parse().ok().filter(|_| float)?;
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
            ("80,443", json!([80, 443])),
            ("1, 2 ,", json!([1, 2])),
            ("1,a", json!("1,a")),
            ("(1)", json!(1)),
            ("(1,)", json!([1])),
            ("1_000", json!(1000)),
            ("1__0", json!("1__0")),
            ("0x1F", json!(31)),
            ("-0x10", json!(-16)),
            ("0o17", json!(15)),
            ("0x", json!("0x")),
            ("+5", json!(5)),
            ("- 1", json!(-1)),
            ("--5", json!("--5")),
            ("1e3", json!(1000.0)),
            ("'x' 'y'", json!("xy")),
            ("5 # c", json!(5)),
            ("text # c", json!("text # c")),
            ("x#y", json!("x#y")),
            ("{1: [2, (3, 4)]}", json!({"1": [2, [3, 4]]})),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
