//! Rows of items in brackets, and how to go on after a mistaken one.

use crate::syntax::ByteRange;

use super::{Parsed, Parser, Reported, T, TokenKind};

impl Parser<'_> {
    /// Reads items separated by commas up to, not including, `close`; goes on after mistaken ones.
    pub(super) fn items_until(
        &mut self,
        close: TokenKind,
        mut item: impl FnMut(&mut Self) -> Parsed<()>,
    ) -> Parsed<()> {
        let mut result = Ok(());
        while !self.is(close) && !self.is(T::End) {
            let parsed = item(self).and_then(|()| self.comma_unless(close));
            if let Err(reported) = parsed {
                result = Err(reported);
                if !self.skip_to_separator(close) {
                    return result;
                }
            }
        }
        result
    }

    pub(super) fn comma_unless(&mut self, close: TokenKind) -> Parsed<()> {
        if self.take(T::Comma).is_some() || self.is(close) || self.is(T::End) {
            return Ok(());
        }
        let summary = match close {
            T::CloseParenthesis => "Missing argument separator",
            _ => "Missing item separator",
        };
        Err(self.expected(
            "separator-required",
            summary,
            "A comma or the closing bracket should follow",
        ))
    }

    /// Takes the closing bracket, after a mistake too.
    pub(super) fn close(
        &mut self,
        result: Parsed<()>,
        open: ByteRange,
        summary: &str,
        close: TokenKind,
        sign: &str,
    ) -> Parsed<()> {
        if result.is_err() {
            self.skip_to_close(close);
            return result;
        }
        match self.take(close) {
            Some(_) => Ok(()),
            None => Err(self.unclosed(open, summary, sign)),
        }
    }

    pub(super) fn unclosed(&mut self, open: ByteRange, summary: &str, sign: &str) -> Reported {
        let token = self.peek();
        let detail = format!(
            "`{sign}` should follow, but {} is here.",
            self.describe(token)
        );
        let diagnostic = strata_core::Diagnostic::error("unclosed-bracket", summary)
            .detail(detail)
            .label(token.range.span(self.source), "")
            .label(open.span(self.source), "opened here")
            .hint(format!("add `{sign}`"));
        self.diags.push(diagnostic);
        Reported
    }

    /// Goes past the next separator on this level, or to `close`; false if neither comes.
    pub(super) fn skip_to_separator(&mut self, close: TokenKind) -> bool {
        self.skip_balanced(close, true)
    }

    pub(super) fn skip_to_close(&mut self, close: TokenKind) {
        if self.skip_balanced(close, false) {
            self.take(close);
        }
    }

    pub(super) fn skip_balanced(&mut self, close: TokenKind, separators: bool) -> bool {
        let mut open = 0_usize;
        loop {
            let token = self.peek_raw();
            match token.kind {
                T::End | T::OpenComment => return false,
                kind if open == 0 && kind == close => return true,
                T::Comma if open == 0 && separators => {
                    self.next();
                    return true;
                }
                T::Newline if open == 0 && separators && close == T::CloseBrace => {
                    self.next();
                    return true;
                }
                // Other brackets are not closed by braces or lines that set the next argument.
                T::Newline
                    if close != T::CloseBrace && self.line_sets_argument(token.range.end) =>
                {
                    return false;
                }
                T::OpenBrace | T::OpenBracket | T::OpenParenthesis => open += 1,
                T::CloseBrace | T::CloseBracket | T::CloseParenthesis => {
                    if open == 0 {
                        return false;
                    }
                    open -= 1;
                }
                T::Quote => {
                    self.skip_quoted();
                    continue;
                }
                T::Heredoc => {
                    self.skip_heredoc();
                    continue;
                }
                _ => {}
            }
            self.go_to(token.range.end as usize);
        }
    }

    pub(super) fn line_sets_argument(&self, at: u32) -> bool {
        let line = self.text[at as usize..].lines().next().unwrap_or("");
        let Some((name, rest)) = line.split_once('=') else {
            return line.trim() == "}";
        };
        super::is_identifier(name.trim()) && !rest.starts_with(['=', '>'])
    }
}
