//! From text to values with their places.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Source, value::Number};

use crate::{parser::MAX_NESTING, syntax::ByteRange};

/// What a text holds.
pub(super) struct Read {
    /// The value.
    pub(super) value: Json,
    /// The text with its escaped strings decoded in place; none if there are no escapes.
    pub(super) shadow: Option<String>,
}

/// A value with its place.
pub(super) struct Json {
    pub(super) kind: Kind,
    pub(super) range: ByteRange,
}

/// What a value is.
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    /// Stands decoded in the shadow, between the first and last byte of the range.
    String,
    Array(Vec<Json>),
    /// Keys are strings.
    Object(Vec<(Json, Json)>),
}

/// Reads a whole text; none after a mistake, which is reported.
pub(super) fn read(source: &Arc<Source>, diags: &mut Diagnostics) -> Option<Read> {
    let mut reader = Reader {
        text: source.text.as_bytes(),
        at: 0,
        decoded: Vec::new(),
    };
    let result = reader.file();
    match result {
        Ok(value) => Some(Read {
            value,
            shadow: shadow(&source.text, &reader.decoded),
        }),
        Err(wrong) => {
            diags.push(
                Diagnostic::error("invalid-json", wrong.summary)
                    .detail(wrong.detail)
                    .at(wrong.range.span(source)),
            );
            None
        }
    }
}

/// Puts decoded strings where they stood, filled with spaces: what is decoded is never longer.
fn shadow(text: &str, decoded: &[(ByteRange, String)]) -> Option<String> {
    if decoded.is_empty() {
        return None;
    }
    let mut shadow = String::with_capacity(text.len());
    let mut at = 0;
    for (range, content) in decoded {
        shadow.push_str(&text[at..range.start as usize]);
        shadow.push_str(content);
        at = range.end as usize;
        shadow.extend(std::iter::repeat_n(' ', at - shadow.len()));
    }
    shadow.push_str(&text[at..]);
    Some(shadow)
}

struct Wrong {
    summary: &'static str,
    detail: String,
    range: ByteRange,
}

type Result<T> = std::result::Result<T, Wrong>;

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// Strings with escapes: where their content stands, and what it says.
    decoded: Vec<(ByteRange, String)>,
}

impl Reader<'_> {
    fn file(&mut self) -> Result<Json> {
        let value = self.value(0)?;
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.wrong(
                "Extraneous data after value",
                "Extra characters appear after the JSON value.",
            )),
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn wrong(&self, summary: &'static str, detail: impl Into<String>) -> Wrong {
        self.wrong_from(self.at, summary, detail)
    }

    fn wrong_from(&self, start: usize, summary: &'static str, detail: impl Into<String>) -> Wrong {
        let end = (start + 1).min(self.text.len());
        Wrong {
            summary,
            detail: detail.into(),
            range: ByteRange::new(start.min(end), end.max(self.at.min(self.text.len()))),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json> {
        if depth >= MAX_NESTING {
            let detail = format!("Values are nested more than {MAX_NESTING} deep.");
            return Err(self.wrong("Nesting too deep", detail));
        }
        let first = self.peek();
        let start = self.at;
        let kind = match first {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => return self.string(),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.keyword()?,
            Some(_) => {
                return Err(self.wrong(
                    "Invalid JSON value",
                    "A JSON value cannot begin with this character.",
                ));
            }
            None => {
                return Err(self.wrong(
                    "Missing value",
                    "A JSON value must be here, but the file ends.",
                ));
            }
        };
        let range = ByteRange::new(start, self.at);
        Ok(Json { kind, range })
    }

    fn object(&mut self, depth: usize) -> Result<Kind> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            match self.peek() {
                Some(b'}') => break,
                Some(b'"') => {}
                None => return Err(self.unclosed(start, "object")),
                Some(_) => {
                    return Err(self.wrong(
                        "Invalid object property name",
                        "A property name is a JSON string in double quotes.",
                    ));
                }
            }
            let key = self.string()?;
            if self.peek() != Some(b':') {
                let detail = "A colon must stand between a property name and its value.";
                return Err(self.wrong("Missing property value colon", detail));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            items.push((key, value));
            if !self.comma(b'}', start, "object")? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::Object(items))
    }

    fn array(&mut self, depth: usize) -> Result<Kind> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        while self.peek() != Some(b']') {
            if self.peek().is_none() {
                return Err(self.unclosed(start, "array"));
            }
            items.push(self.value(depth + 1)?);
            if !self.comma(b']', start, "array")? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::Array(items))
    }

    /// True if another item follows a comma; false at the closing bracket, which stays.
    fn comma(&mut self, close: u8, start: usize, what: &str) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                if self.peek() == Some(close) {
                    let detail =
                        format!("JSON does not allow a comma after the last item of an {what}.");
                    let summary = match close {
                        b'}' => "Trailing comma in object",
                        _ => "Trailing comma in array",
                    };
                    return Err(self.wrong_from(comma, summary, detail));
                }
                Ok(true)
            }
            Some(found) if found == close => Ok(false),
            None => Err(self.unclosed(start, what)),
            Some(_) => {
                let detail = format!("A comma must stand between the items of an {what}.");
                Err(self.wrong("Missing item separator", detail))
            }
        }
    }

    fn unclosed(&self, start: usize, what: &str) -> Wrong {
        let summary = match what {
            "object" => "Unclosed object",
            _ => "Unclosed array",
        };
        let mut wrong = self.wrong(
            summary,
            format!("There is no closing bracket for this JSON {what}."),
        );
        wrong.range = ByteRange::new(start, start + 1);
        wrong
    }

    fn keyword(&mut self) -> Result<Kind> {
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(u8::is_ascii_alphanumeric)
        {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            b"true" => Ok(Kind::Bool(true)),
            b"false" => Ok(Kind::Bool(false)),
            b"null" => Ok(Kind::Null),
            _ => Err(self.wrong_from(
                start,
                "Invalid JSON keyword",
                "The keywords of JSON are `true`, `false` and `null`.",
            )),
        }
    }

    fn number(&mut self) -> Result<Kind> {
        let start = self.at;
        let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        while self.text.get(self.at).is_some_and(part) {
            self.at += 1;
        }
        let text = str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        match text.parse::<Number>() {
            Ok(number) => Ok(Kind::Number(number)),
            Err(_) => Err(self.wrong_from(
                start,
                "Invalid JSON number",
                "This is not a number as JSON writes them.",
            )),
        }
    }

    fn string(&mut self) -> Result<Json> {
        let start = self.at;
        self.at += 1;
        let content = self.at;
        let mut decoded = String::new();
        let mut copied = content;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    decoded.push_str(self.slice(copied, self.at));
                    self.escape(&mut decoded)?;
                    copied = self.at;
                }
                None | Some(b'\n') => {
                    return Err(self.wrong_from(
                        start,
                        "Unclosed string",
                        "There is no closing quote for this JSON string.",
                    ));
                }
                Some(byte) if *byte < b' ' => {
                    return Err(self.wrong(
                        "Invalid JSON string",
                        "Control characters must be escaped in JSON strings.",
                    ));
                }
                Some(_) => self.at += 1,
            }
        }
        let end = self.at;
        self.at += 1;
        if copied == content {
            return Ok(Json {
                kind: Kind::String,
                range: ByteRange::new(start, self.at),
            });
        }
        decoded.push_str(self.slice(copied, end));
        let range = ByteRange::new(start, content + decoded.len() + 1);
        self.decoded.push((ByteRange::new(content, end), decoded));
        Ok(Json {
            kind: Kind::String,
            range,
        })
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        str::from_utf8(&self.text[start..end]).unwrap_or_default()
    }

    fn escape(&mut self, decoded: &mut String) -> Result<()> {
        let start = self.at;
        self.at += 2;
        let c = match self.text.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode().ok_or_else(|| self.invalid_escape(start))?,
            _ => return Err(self.invalid_escape(start)),
        };
        decoded.push(c);
        Ok(())
    }

    fn invalid_escape(&self, start: usize) -> Wrong {
        self.wrong_from(
            start,
            "Invalid JSON string",
            "This escape sequence is not one of JSON's.",
        )
    }

    /// The rest of `\uNNNN`, with the second half of a pair; a half alone reads as the replacement character.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
            self.at = before;
        }
        Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let digits = str::from_utf8(digits).ok()?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| plain)?;
        self.at += 4;
        Some(number)
    }
}
