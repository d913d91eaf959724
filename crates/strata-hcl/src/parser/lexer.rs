//! From text to tokens, one at a time and on demand.
//!
//! The parser asks for the token at an offset. Text inside quotes and heredocs is not tokens: the parser of
//! templates reads that by itself, so the lexer only says that it begins.

use crate::syntax::ByteRange;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Identifier,
    Number,
    /// `"`
    Quote,
    /// `<<` or `<<-` before a name.
    Heredoc,
    Newline,
    End,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    Equal,
    Comma,
    Colon,
    DoubleColon,
    Dot,
    Ellipsis,
    Arrow,
    Question,
    Star,
    Slash,
    Percent,
    Plus,
    Minus,
    Not,
    EqualEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    AndAnd,
    OrOr,
    /// `~` before a brace that ends an interpolation.
    Tilde,
    /// A comment that does not end.
    OpenComment,
    /// Anything else.
    Other,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) range: ByteRange,
}

use TokenKind as T;

const THREE: [(&str, TokenKind); 1] = [("...", T::Ellipsis)];
const TWO: [(&str, TokenKind); 8] = [
    ("==", T::EqualEqual),
    ("=>", T::Arrow),
    ("!=", T::NotEqual),
    ("<=", T::LessOrEqual),
    (">=", T::GreaterOrEqual),
    ("&&", T::AndAnd),
    ("||", T::OrOr),
    ("::", T::DoubleColon),
];

/// The token at or after `from`, past spaces and comments.
pub(crate) fn token(text: &str, from: usize) -> Token {
    let start = match skip_space(text, from) {
        Ok(start) => start,
        Err(comment) => return make(T::OpenComment, comment, text.len()),
    };
    let rest = &text[start..];
    let Some(first) = rest.chars().next() else {
        return make(T::End, text.len(), text.len());
    };
    if is_identifier_start(first) {
        return make(T::Identifier, start, start + identifier_length(rest));
    }
    if first.is_ascii_digit() {
        return make(T::Number, start, start + number_length(rest));
    }
    if is_heredoc(rest) {
        return make(T::Heredoc, start, start + 2);
    }
    let longer = THREE.iter().chain(&TWO);
    for (sign, kind) in longer {
        if rest.starts_with(sign) {
            return make(*kind, start, start + sign.len());
        }
    }
    // `~` has a meaning before a `}` alone.
    let kind = match first {
        '~' if rest.starts_with("~}") => T::Tilde,
        _ => single(first),
    };
    make(kind, start, start + first.len_utf8())
}

fn make(kind: TokenKind, start: usize, end: usize) -> Token {
    Token {
        kind,
        range: ByteRange::new(start, end),
    }
}

fn single(first: char) -> TokenKind {
    match first {
        '"' => T::Quote,
        '\n' => T::Newline,
        '{' => T::OpenBrace,
        '}' => T::CloseBrace,
        '[' => T::OpenBracket,
        ']' => T::CloseBracket,
        '(' => T::OpenParenthesis,
        ')' => T::CloseParenthesis,
        '=' => T::Equal,
        ',' => T::Comma,
        ':' => T::Colon,
        '.' => T::Dot,
        '?' => T::Question,
        '*' => T::Star,
        '/' => T::Slash,
        '%' => T::Percent,
        '+' => T::Plus,
        '-' => T::Minus,
        '!' => T::Not,
        '<' => T::Less,
        '>' => T::Greater,
        _ => T::Other,
    }
}

/// The offset of what follows spaces and comments, or where a comment begins that does not end.
fn skip_space(text: &str, mut at: usize) -> Result<usize, usize> {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start_matches([' ', '\t']);
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("\r\n") || at == 0 && trimmed.starts_with('\u{feff}') {
            at += trimmed.chars().next().map_or(0, char::len_utf8);
            continue;
        }
        if trimmed.starts_with('#') || trimmed.starts_with("//") {
            at += trimmed.find('\n').unwrap_or(trimmed.len());
        } else if let Some(inside) = trimmed.strip_prefix("/*") {
            // The star of the beginning is not that of the end: `/*/` goes on.
            at += inside.find("*/").ok_or(at)? + 4;
        } else {
            return Ok(at);
        }
    }
}

/// True for what a name can begin with.
pub(crate) fn is_identifier_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn identifier_length(text: &str) -> usize {
    let other = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    text.find(other).unwrap_or(text.len())
}

/// As in Terraform digits, dots and exponents in any order are one number, up to the last digit: what is none is refused
/// whole.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut at, mut end) = (0, 0);
    loop {
        at += match bytes.get(at) {
            Some(b'0'..=b'9' | b'.') => 1,
            Some(b'e' | b'E') if is_digit(at + 1) => 2,
            Some(b'e' | b'E')
                if matches!(bytes.get(at + 1), Some(b'+' | b'-')) && is_digit(at + 2) =>
            {
                3
            }
            _ => return end,
        };
        if is_digit(at - 1) {
            end = at;
        }
    }
}

fn is_heredoc(text: &str) -> bool {
    text.strip_prefix("<<").is_some_and(|rest| {
        let name = rest.strip_prefix('-').unwrap_or(rest);
        name.starts_with(is_identifier_start)
    })
}

/// True if `text` is one whole name.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(is_identifier_start) && identifier_length(text) == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let mut at = 0;
        let mut kinds = Vec::new();
        loop {
            let token = token(text, at);
            if token.kind == T::End {
                return kinds;
            }
            kinds.push(token.kind);
            at = token.range.end as usize;
        }
    }

    #[test]
    fn longest_sign_wins_and_comments_vanish() {
        assert_eq!(
            kinds("a-b == 1.5e3 # end\n/* x */ => ..."),
            [
                T::Identifier,
                T::EqualEqual,
                T::Number,
                T::Newline,
                T::Arrow,
                T::Ellipsis
            ]
        );
        assert_eq!(kinds("1.foo"), [T::Number, T::Dot, T::Identifier]);
        assert_eq!(kinds("1..."), [T::Number, T::Ellipsis]);
        for whole in ["1.e5", "1..2", "1.2.3", "1e+5.2"] {
            assert_eq!(kinds(whole), [T::Number], "{whole}");
        }
        assert_eq!(
            kinds("a << 1"),
            [T::Identifier, T::Less, T::Less, T::Number]
        );
        assert_eq!(kinds("/* a"), [T::OpenComment]);
        assert_eq!(kinds("/*/ a */ b"), [T::Identifier]);
        assert_eq!(kinds("/*/"), [T::OpenComment]);
    }
}
