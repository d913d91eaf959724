//! From text to tree, going on after mistakes.
//!
//! [`parse`] reads bodies ([`body`]), those read expressions ([`expression`]), those read templates
//! ([`template`]); all share the [`Parser`], a cursor over the text that keeps the current token. A mistake is
//! reported where it is found and returned as [`Reported`]; who can go on behind it (a body at the next item,
//! a bracket at the next comma) catches it. Nesting beyond [`MAX_NESTING`] is a mistake as well.

mod body;
mod bracket;
mod expression;
mod for_expression;
mod heredoc;
pub(crate) mod lexer;
mod recovery;
mod template;

use std::{collections::HashSet, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Source};

use crate::syntax::{
    ByteRange, Expression, Name,
    body::Body,
    node::{Node, NodeKind},
};
pub(crate) use lexer::is_identifier;
use lexer::{Token, TokenKind as T, TokenKind};

/// How deep expressions and blocks may nest.
pub(crate) const MAX_NESTING: usize = 128;

/// Parses a file in native syntax. Always gives a body; what is mistaken is reported and left out.
pub fn parse(source: &Arc<Source>, diags: &mut Diagnostics) -> Body {
    Parser::new(source, diags).file()
}

/// Parses one expression, as the console and `-var` have it.
pub fn parse_expression(source: &Arc<Source>, diags: &mut Diagnostics) -> Expression {
    let mut parser = Parser::new(source, diags);
    parser.newlines = false;
    let parsed = parser.expression().and_then(|node| {
        let token = parser.peek();
        if token.kind == T::End {
            return Ok(node);
        }
        let found = parser.describe(token);
        Err(parser.report(
            token.range,
            "extra-characters",
            "Extra characters after expression",
            format!("The expression is complete, but {found} follows."),
        ))
    });
    let node = parsed.unwrap_or(parser.error_node(0));
    Expression::new(source.clone(), node)
}

/// Parses a whole text as a template, as `templatefile` does.
pub fn parse_template(source: &Arc<Source>, diags: &mut Diagnostics) -> Expression {
    let mut parser = Parser::new(source, diags);
    let node = parser.template_file().unwrap_or(parser.error_node(0));
    Expression::new(source.clone(), node)
}

/// Parses a part of a source as one expression.
pub(crate) fn parse_expression_within(
    source: &Arc<Source>,
    range: ByteRange,
    diags: &mut Diagnostics,
) -> Expression {
    let mut parser = Parser::within(source, range, diags);
    parser.newlines = false;
    let node = match parser.expression() {
        Ok(node) if parser.is(T::End) => node,
        Ok(_) => {
            let token = parser.peek();
            let found = parser.describe(token);
            parser.report(
                token.range,
                "extra-characters",
                "Extra characters after expression",
                format!("The expression is complete, but {found} follows."),
            );
            parser.error_node(range.start)
        }
        Err(_) => parser.error_node(range.start),
    };
    Expression::new(source.clone(), node)
}

/// Parses a part of a source as a template without quotes.
pub(crate) fn parse_template_within(
    source: &Arc<Source>,
    range: ByteRange,
    diags: &mut Diagnostics,
) -> Node {
    let mut parser = Parser::within(source, range, diags);
    let node = parser.template_file();
    node.unwrap_or(parser.error_node(range.start))
}

/// A mistake that has been reported already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported;

type Parsed<T> = Result<T, Reported>;

pub(crate) struct Parser<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    /// Where the last thing taken ended.
    end: usize,
    /// True where a line break ends things; false inside brackets.
    newlines: bool,
    depth: usize,
    peeked: Option<(usize, Token)>,
    /// Names that were met: each is kept once, since most come again and again.
    names: HashSet<Arc<str>>,
    diags: &'a mut Diagnostics,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>, diags: &'a mut Diagnostics) -> Self {
        Self {
            source,
            text: &source.text,
            at: 0,
            end: 0,
            newlines: true,
            depth: 0,
            peeked: None,
            names: HashSet::new(),
            diags,
        }
    }

    /// A parser that begins and ends inside a source.
    fn within(source: &'a Arc<Source>, range: ByteRange, diags: &'a mut Diagnostics) -> Self {
        let (start, end) = (range.start as usize, range.end as usize);
        let mut parser = Self::new(source, diags);
        parser.text = &source.text[..end];
        parser.go_to(start);
        parser
    }

    /// The current token; line breaks only where they matter.
    fn peek(&mut self) -> Token {
        let mut token = self.peek_raw();
        while token.kind == T::Newline && !self.newlines {
            self.at = token.range.end as usize;
            token = self.peek_raw();
        }
        token
    }

    fn peek_raw(&mut self) -> Token {
        match self.peeked {
            Some((at, token)) if at == self.at => token,
            _ => {
                let token = lexer::token(self.text, self.at);
                self.peeked = Some((self.at, token));
                token
            }
        }
    }

    /// The token after the current one.
    fn peek_second(&mut self) -> Token {
        let mut end = self.peek().range.end as usize;
        loop {
            let token = lexer::token(self.text, end);
            if token.kind != T::Newline || self.newlines {
                return token;
            }
            end = token.range.end as usize;
        }
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.go_to(token.range.end as usize);
        token
    }

    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.end = at;
    }

    fn is(&mut self, kind: TokenKind) -> bool {
        self.peek().kind == kind
    }

    fn take(&mut self, kind: TokenKind) -> Option<Token> {
        if self.is(kind) {
            Some(self.next())
        } else {
            None
        }
    }

    fn is_word(&mut self, word: &str) -> bool {
        let token = self.peek();
        token.kind == T::Identifier && token.range.text(self.source) == word
    }

    fn take_word(&mut self, word: &str) -> Option<Token> {
        if self.is_word(word) {
            Some(self.next())
        } else {
            None
        }
    }

    fn name(&mut self, token: Token) -> Name {
        Name {
            text: self.named(token.range.text(self.source)),
            range: token.range,
        }
    }

    /// A name, shared with all that are the same.
    fn named(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    fn range_from(&self, start: u32) -> ByteRange {
        ByteRange::new(start as usize, self.end.max(start as usize))
    }

    fn error_node(&self, start: u32) -> Node {
        Node {
            kind: NodeKind::Error,
            range: ByteRange::new(start as usize, self.end.max(start as usize)),
        }
    }

    /// Runs `parse` where line breaks matter or not, and goes back to what was before.
    fn with_newlines<R>(&mut self, newlines: bool, parse: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.newlines, newlines);
        let result = parse(self);
        self.newlines = before;
        result
    }

    /// Runs `parse` one level deeper, if there is room.
    fn nested<R>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<R>) -> Parsed<R> {
        if self.depth >= MAX_NESTING {
            let token = self.peek();
            // What is deeper would only repeat this; nothing after it can be trusted.
            self.go_to(self.text.len());
            return Err(self.report_hint(
                token.range,
                "nested-too-deeply",
                "Nested too deeply",
                format!("Blocks and expressions may nest {MAX_NESTING} levels deep."),
                "split it into local values",
            ));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn report(
        &mut self,
        range: ByteRange,
        code: &'static str,
        summary: &str,
        detail: impl Into<String>,
    ) -> Reported {
        let diagnostic = Diagnostic::error(code, summary)
            .detail(detail)
            .at(range.span(self.source));
        self.diags.push(diagnostic);
        Reported
    }

    fn report_hint(
        &mut self,
        range: ByteRange,
        code: &'static str,
        summary: &str,
        detail: impl Into<String>,
        hint: &str,
    ) -> Reported {
        let diagnostic = Diagnostic::error(code, summary)
            .detail(detail)
            .at(range.span(self.source))
            .hint(hint);
        self.diags.push(diagnostic);
        Reported
    }

    /// Names a token as a message would.
    fn describe(&self, token: Token) -> String {
        match token.kind {
            T::End => "the end of the file".to_owned(),
            T::Newline => "the end of the line".to_owned(),
            T::OpenComment => "a comment without end".to_owned(),
            T::Quote => "a quoted text".to_owned(),
            T::Heredoc => "a heredoc".to_owned(),
            _ => format!("`{}`", token.range.text(self.source)),
        }
    }

    /// Reports what should be at the current token.
    fn expected(&mut self, code: &'static str, summary: &str, what: &str) -> Reported {
        let token = self.peek();
        let detail = format!("{what}, but {} is here.", self.describe(token));
        let summary = match (code, token.kind) {
            ("expression-required", T::End) => "Missing expression",
            _ => summary,
        };
        match token.kind {
            T::OpenComment => self.report_hint(
                token.range,
                "unterminated-comment",
                "Unterminated comment",
                "The comment that begins here has no `*/`.",
                "end it with `*/`",
            ),
            T::Other => {
                let (unused, hint) = unused(token.range.text(self.source));
                let diagnostic = Diagnostic::error("invalid-character", unused)
                    .detail("The language has no use for it here.")
                    .at(token.range.span(self.source));
                self.diags.push(match hint {
                    Some(hint) => diagnostic.hint(hint),
                    None => diagnostic,
                });
                // As Terraform, which says next what it looked for.
                self.report(token.range, code, summary, detail)
            }
            _ => self.report(token.range, code, summary, detail),
        }
    }
}

/// What is said of a character that the language does not use, and what may have been meant.
fn unused(text: &str) -> (&'static str, Option<&'static str>) {
    let hint = match text {
        "'" | "“" | "”" | "‘" | "’" => Some("use double quotes: \"…\""),
        "`" => Some("text of several lines is a heredoc: `<<-EOT`"),
        ";" => Some("arguments stand on lines of their own, items are separated by commas"),
        "&" => Some("the boolean operator is `&&`"),
        "|" => Some("the boolean operator is `||`"),
        "~" => Some("the boolean operator is `!`"),
        "$" => Some("write references without `${…}`, or the whole as a text: \"${…}\""),
        _ => None,
    };
    let summary = match text {
        "&" | "|" | "~" | "^" => "Unsupported operator",
        _ => "Invalid character",
    };
    (summary, hint)
}
