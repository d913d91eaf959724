//! JSON, as Terraform writes it: `<`, `>` and `&` are escaped, keys are sorted.

use std::fmt::Write;

use strata_core::{Number, Text, Type, Value};

use super::{Function, FunctionError, Kind, Parameter, Returns, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "jsondecode",
        &[Parameter::new("str", Kind::String)],
        Returns::Dynamic,
        "Reads JSON.",
        |given, _| decode(text(given, 0)).map_err(|message| FunctionError::argument(0, message)),
    )
    .or_null(),
    Function::new(
        "jsonencode",
        &[Parameter::new("val", Kind::Any).nullable()],
        Returns::String,
        "Writes a value as JSON.",
        |given, _| match has_infinity(&given[0]) {
            true => Err(FunctionError::new("cannot serialize infinity as JSON")),
            false => Ok(Value::from(encode(&given[0]))),
        },
    ),
];

/// True if there is a number that JSON cannot hold.
fn has_infinity(value: &Value) -> bool {
    match value.unmarked() {
        Value::Number(number) => number.is_infinite(),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().any(has_infinity)
        }
        Value::Map(_, entries) | Value::Object(entries) => entries.values().any(has_infinity),
        _ => false,
    }
}

/// Writes a wholly known value without marks as JSON.
pub(crate) fn encode(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value.unmarked() {
        Value::Null(_) | Value::Unknown(_) | Value::Marked(..) => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => write!(out, "{number}").expect("writing to memory cannot fail"),
        Value::String(text) => write_text(text, out),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Map(_, entries) | Value::Object(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_value(item, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    if !text.bytes().any(may_need_escape) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escape = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            c if c < ' ' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            write!(out, "\\u{:04x}", c as u32).expect("writing to memory cannot fail");
        } else {
            out.push_str(escape);
        }
        plain = at + c.len_utf8();
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// True for the bytes that begin a character that is escaped, and few others.
fn may_need_escape(byte: u8) -> bool {
    // U+2028 and U+2029 begin with 0xe2.
    matches!(byte, 0..=0x1f | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

/// Objects with more keys do not share them.
const MOST_KEYS: usize = 64;

/// How deep JSON may nest.
const MAX_DEPTH: usize = 500;

/// Reads JSON: arrays become tuples, objects objects; numbers stay exact.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        keys: Vec::new(),
    };
    let value = reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.wrong("extra characters after the value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// The keys of the object that ended last: the next one mostly has the same, and shares them.
    keys: Vec<Text>,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count())
            + 1;
        format!("invalid JSON at line {line}, column {column}: {what}")
    }

    fn space(&mut self) {
        let rest = self.text.as_bytes()[self.at..].iter();
        self.at += rest
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn value(&mut self) -> Result<Value, String> {
        self.space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => Err(self.wrong("the text ends where a value should be")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong("nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::tuple(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.take(b']') {
                return Ok(Value::tuple(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or `]` should follow"));
            }
        }
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut entries: Vec<(Text, Value)> = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::object(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in quotes should be here"));
            }
            let key = self.key(entries.len())?;
            self.space();
            if !self.take(b':') {
                return Err(self.wrong("a colon should follow the key"));
            }
            entries.push((key, self.value()?));
            self.space();
            if self.take(b'}') {
                self.keep_keys(&entries);
                return Ok(Value::object(entries));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or `}` should follow"));
            }
        }
    }

    /// Reads the key of an entry: that of the object before, if it is the same.
    fn key(&mut self, entry: usize) -> Result<Text, String> {
        if let Some(key) = self.keys.get(entry)
            && let Some(rest) = self.text[self.at + 1..].strip_prefix(&**key)
            && rest.starts_with('"')
        {
            self.at += key.len() + 2;
            return Ok(key.clone());
        }
        self.string()
    }

    /// Keeps the keys up to the first that JSON writes with an escape.
    fn keep_keys(&mut self, entries: &[(Text, Value)]) {
        let same = |((key, _), kept): (&(Text, Value), &Text)| key == kept;
        let all_same = entries.len() == self.keys.len() && entries.iter().zip(&self.keys).all(same);
        if entries.len() <= MOST_KEYS && !all_same {
            let keys = entries.iter().map(|(key, _)| key);
            let plain = keys.take_while(|key| !key.bytes().any(may_need_escape));
            self.keys.clear();
            self.keys.extend(plain.cloned());
        }
    }

    fn word(&mut self) -> Result<Value, String> {
        for (word, value) in [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null(Type::Dynamic)),
        ] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("no value begins like this"))
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = &self.text[self.at..];
        let other = |c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let text = &rest[..rest.find(other).unwrap_or(rest.len())];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let leading_zero =
            digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        match text.parse::<Number>() {
            Ok(number) if !leading_zero && !text.ends_with('.') => {
                self.at += text.len();
                Ok(Value::Number(number))
            }
            _ => Err(self.wrong("not a number")),
        }
    }

    fn string(&mut self) -> Result<Text, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let stop = rest
                .bytes()
                .position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')
                .unwrap_or(rest.len());
            self.at += stop;
            match self.peek() {
                // Most texts have no escapes and are taken over in one piece.
                Some(b'"') if out.is_empty() => {
                    self.at += 1;
                    return Ok(rest[..stop].into());
                }
                _ => out.push_str(&rest[..stop]),
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(_) => return Err(self.wrong("a control character stands in a text")),
                None => return Err(self.wrong("a text does not end")),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        let c = match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(out),
            _ => return Err(self.wrong("not an escape")),
        };
        out.push(c);
        self.at += 2;
        Ok(())
    }

    /// Reads `\uNNNN`, or two of them that make one character.
    fn unicode(&mut self, out: &mut String) -> Result<(), String> {
        let first = self.code()?;
        let mut code = first;
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let mark = self.at;
            let second = self.code()?;
            if (0xdc00..0xe000).contains(&second) {
                code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            } else {
                self.at = mark;
            }
        }
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn code(&mut self) -> Result<u32, String> {
        let hex = self.text.get(self.at + 2..self.at + 6);
        let code = hex
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        self.at += 6;
        code.ok_or_else(|| "invalid JSON: \\u needs four hexadecimal digits".to_owned())
    }
}
