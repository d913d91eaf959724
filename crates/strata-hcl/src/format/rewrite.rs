//! Old spellings become today's: bare labels, `"${x}"` for `x`, `"string"` for `string`.

use crate::syntax::body::{Block, Body};

use super::scan::{Kind, Token};

struct Rewriter<'a> {
    from: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    to: Vec<Token<'a>>,
}

/// Rewrites the tokens of a file; `body` is the same file, parsed.
pub(super) fn body<'a>(tokens: Vec<Token<'a>>, body: &Body) -> Vec<Token<'a>> {
    let mut rewriter = Rewriter {
        to: Vec::with_capacity(tokens.len()),
        from: tokens.into_iter().peekable(),
    };
    rewriter.items(body, Place::File);
    rewriter.to
}

/// Where a body stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    /// In a `variable` at the top.
    Variable,
    Block,
}

impl<'a> Rewriter<'a> {
    fn items(&mut self, body: &Body, place: Place) {
        let mut blocks = body.blocks.iter();
        while let Some(token) = self.from.next_if(|token| token.kind != Kind::CloseBrace) {
            let name = (token.kind == Kind::Identifier).then(|| token.text.clone());
            self.to.push(token);
            let Some(name) = name else { continue };
            let comments = self.comments();
            if let Some(equal) = self.from.next_if(|token| token.kind == Kind::Equal) {
                self.to.extend(comments);
                self.to.push(equal);
                let comments = self.comments();
                self.to.extend(comments);
                self.attribute(place == Place::Variable && name == "type");
            } else if let Some(block) = blocks.next() {
                self.labels(block, comments);
                self.block(block, place);
            }
        }
    }

    fn comments(&mut self) -> Vec<Token<'a>> {
        let mut comments = Vec::new();
        while let Some(comment) = self.from.next_if(|token| token.kind == Kind::Comment) {
            comments.push(comment);
        }
        comments
    }

    fn attribute(&mut self, is_type: bool) {
        let mut value = self.value();
        let inside = value.iter().rposition(|token| token.kind != Kind::Comment);
        let after = value.split_off(inside.map_or(0, |last| last + 1));
        let value = if is_type {
            type_constraint(value)
        } else {
            unwrap(value)
        };
        self.to.extend(value);
        self.to.extend(after);
    }

    /// Takes the tokens up to the end of the item.
    fn value(&mut self) -> Vec<Token<'a>> {
        let mut depth = 0;
        let mut value = Vec::new();
        loop {
            let goes_on = |token: &Token<'_>| depth > 0 || !ends_value(token);
            let Some(token) = self.from.next_if(goes_on) else {
                return value;
            };
            depth += token.bracket();
            depth += isize::from(token.kind == Kind::OpenHeredoc);
            depth -= isize::from(token.kind == Kind::CloseHeredoc);
            value.push(token);
        }
    }

    fn block(&mut self, block: &Block, place: Place) {
        if let Some(open) = self.from.next() {
            self.to.push(open);
        }
        let is_variable = place == Place::File && &*block.kind.text == "variable";
        let inside = if is_variable {
            Place::Variable
        } else {
            Place::Block
        };
        self.items(&block.body, inside);
        if let Some(close) = self.from.next() {
            self.to.push(close);
        }
    }

    /// Quotes the labels; `old` are the comments before them. Only comments after the last label stay.
    fn labels(&mut self, block: &Block, mut old: Vec<Token<'a>>) {
        while let Some(token) = self.from.next_if(|token| token.kind != Kind::OpenBrace) {
            old.push(token);
        }
        for label in &block.labels {
            self.to.push(Token::new(Kind::OpenQuote, "\""));
            self.to
                .push(Token::new(Kind::QuotedText, quoted(&label.text)));
            self.to.push(Token::new(Kind::CloseQuote, "\""));
        }
        let last = old.iter().rposition(|token| token.kind != Kind::Comment);
        self.to.extend(old.drain(last.map_or(0, |last| last + 1)..));
    }
}

fn ends_value(token: &Token<'_>) -> bool {
    token.ends_line() || token.kind == Kind::CloseBrace
}

/// Writes a text as it stands between quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => out.extend([c, c]),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out
}

/// True for letters, marks, numbers, punctuation, symbols and the space, as Go has it.
fn is_printable(c: char) -> bool {
    // A mark is only left as it is behind something to stand on.
    let text = String::from_iter(['a', c]);
    c == '\'' || text.escape_debug().count() == 2
}

/// Takes the wrapping off `"${x}"`; anything else stays.
fn unwrap(mut value: Vec<Token<'_>>) -> Vec<Token<'_>> {
    if !is_one_interpolation(&value) {
        return value;
    }
    value.truncate(value.len() - 2);
    let inside = value.split_off(2);
    let first = inside.iter().position(|token| token.kind != Kind::Newline);
    let last = inside.iter().rposition(|token| token.kind != Kind::Newline);
    let (Some(first), Some(last)) = (first, last) else {
        return inside;
    };
    let inside = inside[first..=last].to_vec();
    // Terraform overlooks comments that end a line before the value does, and writes what it cannot read back.
    let ends_line = |token: &Token<'_>| token.kind == Kind::Newline || token.ends_line();
    let several_lines = inside[..inside.len() - 1].iter().any(ends_line);
    let bracketed = inside[0].kind == Kind::OpenParenthesis
        && inside[inside.len() - 1].kind == Kind::CloseParenthesis;
    if several_lines && !bracketed {
        in_parentheses(inside)
    } else {
        inside
    }
}

fn in_parentheses(inside: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut value = vec![Token::new(Kind::OpenParenthesis, "(")];
    value.extend(inside);
    value.push(Token::new(Kind::CloseParenthesis, ")"));
    value
}

/// True for `"${…}"` with no text or second interpolation beside.
fn is_one_interpolation(value: &[Token<'_>]) -> bool {
    let [open, template, inside @ .., end, close] = value else {
        return false;
    };
    let wrapped = [open.kind, template.kind, end.kind, close.kind]
        == [
            Kind::OpenQuote,
            Kind::OpenTemplate,
            Kind::CloseTemplate,
            Kind::CloseQuote,
        ];
    let mut quotes = 0;
    wrapped
        && !inside.is_empty()
        && inside.iter().all(|token| {
            match token.kind {
                Kind::OpenQuote => quotes += 1,
                Kind::CloseQuote => quotes -= 1,
                Kind::OpenTemplate | Kind::CloseTemplate | Kind::QuotedText => return quotes > 0,
                _ => {}
            }
            true
        })
}

/// Writes a type as it is written since 0.12.
fn type_constraint(value: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let kinds: Vec<Kind> = value.iter().map(|token| token.kind).collect();
    match *kinds {
        [Kind::Identifier] => match &*value[0].text {
            "list" | "map" | "set" => collection(value[0].clone(), "any"),
            _ => value,
        },
        [Kind::OpenQuote, Kind::QuotedText, Kind::CloseQuote] => match &*value[1].text {
            "string" => vec![Token::new(Kind::Identifier, "string")],
            "list" => collection(Token::new(Kind::Identifier, "list"), "string"),
            "map" => collection(Token::new(Kind::Identifier, "map"), "string"),
            _ => value,
        },
        _ => value,
    }
}

fn collection<'a>(name: Token<'a>, element: &'static str) -> Vec<Token<'a>> {
    vec![
        name,
        Token::new(Kind::OpenParenthesis, "("),
        Token::new(Kind::Identifier, element),
        Token::new(Kind::CloseParenthesis, ")"),
    ]
}
