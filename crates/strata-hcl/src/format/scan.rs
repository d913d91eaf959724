//! From text to all its tokens, those inside of templates, comments and line breaks included.

use std::borrow::Cow;

use crate::parser::lexer::{self, TokenKind as T};

/// What a token is, as far as space around it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Number,
    /// With its line break, if it runs to the end of the line.
    Comment,
    Newline,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    OpenQuote,
    CloseQuote,
    /// Text between quotes.
    QuotedText,
    /// A line of a heredoc, or a part of one.
    HeredocText,
    /// `<<EOT` with its line break.
    OpenHeredoc,
    /// The line of the marker without its line break.
    CloseHeredoc,
    /// `${`, `%{`, with their strip markers.
    OpenTemplate,
    CloseTemplate,
    Equal,
    Comma,
    Colon,
    DoubleColon,
    Dot,
    Ellipsis,
    Question,
    Minus,
    Bang,
    /// Arithmetic, comparison and logic.
    Operator,
    Other,
}

/// A token, and how many spaces stand before it.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: Cow<'a, str>,
    pub(super) spaces: usize,
}

impl<'a> Token<'a> {
    pub(super) fn new(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        Self {
            kind,
            text,
            spaces: 0,
        }
    }

    /// True for what ends a line: a line break, or a comment that has one.
    pub(super) fn ends_line(&self) -> bool {
        match self.kind {
            Kind::Newline => true,
            Kind::Comment => self.text.ends_with('\n'),
            _ => false,
        }
    }

    /// 1 for what opens, -1 for what closes, 0 for the rest.
    pub(super) fn bracket(&self) -> isize {
        match self.kind {
            Kind::OpenBrace | Kind::OpenBracket | Kind::OpenParenthesis | Kind::OpenTemplate => 1,
            Kind::CloseBrace
            | Kind::CloseBracket
            | Kind::CloseParenthesis
            | Kind::CloseTemplate => -1,
            _ => 0,
        }
    }
}

/// What the text is at some place.
enum Mode<'a> {
    /// Expressions, and how many braces are open in them.
    Main {
        braces: usize,
    },
    Quoted,
    Heredoc {
        marker: &'a str,
    },
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    modes: Vec<Mode<'a>>,
    tokens: Vec<Token<'a>>,
}

/// All tokens of a text that has been parsed without mistakes.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    scan(text).tokens
}

/// True if nothing is open at the end of the text, which may have mistakes.
pub(super) fn is_closed(text: &str) -> bool {
    let scanner = scan(text);
    let open: isize = scanner.tokens.iter().map(Token::bracket).sum();
    open <= 0 && scanner.modes.len() == 1
}

fn scan(text: &str) -> Scanner<'_> {
    let mut scanner = Scanner {
        text,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        modes: vec![Mode::Main { braces: 0 }],
        tokens: Vec::new(),
    };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner
}

impl<'a> Scanner<'a> {
    fn step(&mut self) {
        match self.modes.last() {
            Some(Mode::Quoted) => self.quoted(),
            Some(Mode::Heredoc { marker }) => self.heredoc(marker),
            _ => self.main(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = &self.rest()[..length];
        self.tokens.push(Token::new(kind, text));
        self.at += length;
    }

    fn main(&mut self) {
        let rest = self.rest();
        if rest.starts_with([' ', '\t']) {
            self.at += 1;
        } else if let Some(length) = comment(rest) {
            self.push(Kind::Comment, length);
        } else if rest.starts_with("\r\n") {
            self.push(Kind::Newline, 2);
        } else {
            self.sign(rest);
        }
    }

    fn sign(&mut self, rest: &'a str) {
        if self.closes_template() {
            self.modes.pop();
            return self.push(Kind::CloseTemplate, rest.find('}').map_or(1, |at| at + 1));
        }
        let range = lexer::token(self.text, self.at);
        let start = range.range.start as usize;
        let length = (range.range.end as usize).saturating_sub(start).max(1);
        self.at = start;
        match range.kind {
            T::End => self.at = self.text.len(),
            T::Heredoc => self.open_heredoc(),
            kind => self.plain(kind, length),
        }
    }

    fn plain(&mut self, kind: T, length: usize) {
        match kind {
            T::Quote => self.modes.push(Mode::Quoted),
            T::OpenBrace => self.brace(|braces| braces + 1),
            T::CloseBrace => self.brace(|braces| braces.saturating_sub(1)),
            _ => {}
        }
        self.push(kind_of(kind), length);
    }

    fn brace(&mut self, change: impl Fn(usize) -> usize) {
        if let Some(Mode::Main { braces }) = self.modes.last_mut() {
            *braces = change(*braces);
        }
    }

    /// True at the brace that ends an interpolation or directive.
    fn closes_template(&self) -> bool {
        let rest = self.rest();
        let inside = self.modes.len() > 1;
        let closed = matches!(self.modes.last(), Some(Mode::Main { braces: 0 }));
        inside && closed && (rest.starts_with('}') || rest.starts_with("~}"))
    }

    fn open_heredoc(&mut self) {
        let rest = self.rest();
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let marker = rest[2..length].trim_start_matches('-').trim();
        self.modes.push(Mode::Heredoc { marker });
        self.push(Kind::OpenHeredoc, length);
    }

    fn quoted(&mut self) {
        let rest = self.rest();
        let length = text_length(rest, &['"', '\\', '$', '%'], true);
        if length > 0 {
            self.push(Kind::QuotedText, length);
        } else if rest.starts_with('"') {
            self.modes.pop();
            self.push(Kind::CloseQuote, 1);
        } else {
            self.open_template(rest);
        }
    }

    fn heredoc(&mut self, marker: &str) {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let starts = self.text[..self.at].ends_with('\n');
        if starts && line.trim() == marker {
            self.modes.pop();
            let length = line.strip_suffix('\r').unwrap_or(line).len();
            return self.push(Kind::CloseHeredoc, length);
        }
        match text_length(rest, &['\n', '$', '%'], false) {
            0 => self.open_template(rest),
            length => self.push(Kind::HeredocText, length),
        }
    }

    fn open_template(&mut self, rest: &str) {
        self.modes.push(Mode::Main { braces: 0 });
        let strips = rest[2..].starts_with('~');
        self.push(Kind::OpenTemplate, 2 + usize::from(strips));
    }
}

/// How long a comment is that begins here, with its line break.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with('#') || rest.starts_with("//") {
        return Some(rest.find('\n').map_or(rest.len(), |at| at + 1));
    }
    let inside = rest.strip_prefix("/*")?;
    Some(inside.find("*/").map_or(rest.len(), |at| at + 4))
}

/// How much plain text stands here: up to a quote, the end of the line (with it), or a template.
fn text_length(text: &str, stops: &[char], escapes: bool) -> usize {
    let mut at = 0;
    while let Some(found) = text[at..].find(stops) {
        at += found;
        let rest = &text[at..];
        let second = rest.chars().nth(1).map_or(0, char::len_utf8);
        match rest.as_bytes()[0] {
            b'"' => return at,
            b'\n' => return at + 1,
            b'\\' if escapes => at += 1 + second,
            _ if rest.starts_with("$${") || rest.starts_with("%%{") => at += 3,
            _ if rest.starts_with("${") || rest.starts_with("%{") => return at,
            _ => at += 1,
        }
    }
    text.len()
}

fn kind_of(kind: T) -> Kind {
    match kind {
        T::Identifier => Kind::Identifier,
        T::Number => Kind::Number,
        T::Newline => Kind::Newline,
        T::Quote => Kind::OpenQuote,
        T::OpenBrace => Kind::OpenBrace,
        T::CloseBrace => Kind::CloseBrace,
        T::OpenBracket => Kind::OpenBracket,
        T::CloseBracket => Kind::CloseBracket,
        T::OpenParenthesis => Kind::OpenParenthesis,
        T::CloseParenthesis => Kind::CloseParenthesis,
        T::Equal => Kind::Equal,
        T::Comma => Kind::Comma,
        T::Colon => Kind::Colon,
        T::DoubleColon => Kind::DoubleColon,
        T::Dot => Kind::Dot,
        T::Ellipsis => Kind::Ellipsis,
        T::Question => Kind::Question,
        T::Minus => Kind::Minus,
        T::Not => Kind::Bang,
        T::Star | T::Slash | T::Percent | T::Plus => Kind::Operator,
        T::EqualEqual | T::NotEqual | T::AndAnd | T::OrOr => Kind::Operator,
        T::Less | T::LessOrEqual | T::Greater | T::GreaterOrEqual => Kind::Operator,
        _ => Kind::Other,
    }
}
