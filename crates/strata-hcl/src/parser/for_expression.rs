//! `[for …]` and `{for …}`, from after the bracket to before its end.

use crate::syntax::{
    Name,
    node::{For, Node, NodeKind},
};

use super::{Parsed, Parser, T, TokenKind};

/// What is said of all mistakes in a `for`.
pub(super) const FOR: &str = "Invalid 'for' expression";

impl Parser<'_> {
    /// No list can begin with something that is called `for`.
    pub(super) fn begins_for(&mut self) -> bool {
        self.is_word("for")
    }

    /// The same of an object, but for a key: `strata.hcl` has `retry = { for = "30s" }`, which Terraform would refuse.
    pub(super) fn begins_object_for(&mut self) -> bool {
        self.begins_for() && !matches!(self.peek_second().kind, T::Equal | T::Colon)
    }

    /// Reads from `for` to before the closing bracket.
    pub(super) fn for_expression(&mut self, close: TokenKind) -> Parsed<NodeKind> {
        self.next();
        if !self.is(T::Identifier) {
            let range = self.peek().range;
            let detail = "For expression requires variable name after 'for'.";
            return Err(self.report(range, "invalid-for", FOR, detail));
        }
        let (key_name, value_name, collection) = self.for_header(FOR)?;
        if self.take(T::Colon).is_none() {
            return Err(self.expected(
                "invalid-for",
                FOR,
                "`:` should follow what the `for` goes through",
            ));
        }
        let mut key = None;
        let mut value = self.expression()?;
        if close == T::CloseBrace {
            if self.take(T::Arrow).is_none() {
                return Err(self.expected("invalid-for", FOR, "`=>` should follow the key"));
            }
            key = Some(value);
            value = self.expression()?;
        }
        let group = self.for_group(close)?;
        let condition = match self.take_word("if") {
            Some(_) => Some(self.expression()?),
            None => None,
        };
        if !self.is(close) {
            return Err(self.expected("invalid-for", FOR, "The closing bracket should follow"));
        }
        Ok(NodeKind::For(Box::new(For {
            key_name,
            value_name,
            collection,
            key,
            value,
            group,
            condition,
        })))
    }

    pub(super) fn for_group(&mut self, close: TokenKind) -> Parsed<bool> {
        let Some(token) = self.take(T::Ellipsis) else {
            return Ok(false);
        };
        if close == T::CloseBracket {
            return Err(self.report_hint(
                token.range,
                "invalid-for",
                FOR,
                "`...` groups the values of one key, and a list has no keys.",
                "remove `...`, or use `{for …}`",
            ));
        }
        Ok(true)
    }

    /// Reads `k, v in collection`; `summary` is what is said of a mistake.
    pub(super) fn for_header(&mut self, summary: &str) -> Parsed<(Option<Name>, Name, Node)> {
        let mut key_name = None;
        let mut value_name = self.for_name(summary)?;
        if self.take(T::Comma).is_some() {
            key_name = Some(std::mem::replace(&mut value_name, self.for_name(summary)?));
        }
        if self.take_word("in").is_none() {
            return Err(self.expected(
                "invalid-for",
                summary,
                "`in` should follow the names of a `for`",
            ));
        }
        Ok((key_name, value_name, self.expression()?))
    }

    pub(super) fn for_name(&mut self, summary: &str) -> Parsed<Name> {
        match self.take(T::Identifier) {
            Some(token) => Ok(self.name(token)),
            None => Err(self.expected("invalid-for", summary, "A name should follow")),
        }
    }
}
