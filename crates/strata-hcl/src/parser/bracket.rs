//! What stands in brackets: parentheses, lists, objects.

use strata_core::Value;

use crate::syntax::node::{Node, NodeKind, ObjectItem};

use super::{Parsed, Parser, T, expression::literal, for_expression::FOR};

impl Parser<'_> {
    pub(super) fn parentheses(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        let inner = self.with_newlines(false, |parser| {
            let inner = parser.expression();
            let mut result = inner.as_ref().map(|_| ()).map_err(|reported| *reported);
            if result.is_ok() && !parser.is(T::CloseParenthesis) {
                result = Err(parser.unclosed(open, "Unbalanced parentheses", ")"));
            }
            parser.close(
                result,
                open,
                "Unbalanced parentheses",
                T::CloseParenthesis,
                ")",
            )?;
            inner
        })?;
        Ok(Node {
            kind: NodeKind::Parentheses(Box::new(inner)),
            range: self.range_from(open.start),
        })
    }

    pub(super) fn tuple(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        let kind = self.with_newlines(false, |parser| {
            if parser.begins_for() {
                let result = parser.for_expression(T::CloseBracket);
                let node = result.as_ref().map(|_| ()).map_err(|reported| *reported);
                parser.close(node, open, FOR, T::CloseBracket, "]")?;
                return result;
            }
            let mut items = Vec::new();
            let result = parser.items_until(T::CloseBracket, |parser| {
                let item = parser.expression()?;
                items.push(item);
                Ok(())
            });
            parser.close(
                result,
                open,
                "Unterminated tuple constructor expression",
                T::CloseBracket,
                "]",
            )?;
            Ok(NodeKind::Tuple(items))
        })?;
        Ok(Node {
            kind,
            range: self.range_from(open.start),
        })
    }

    pub(super) fn object(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        if self.with_newlines(false, Self::begins_object_for) {
            let kind = self.with_newlines(false, |parser| {
                let result = parser.for_expression(T::CloseBrace);
                let node = result.as_ref().map(|_| ()).map_err(|reported| *reported);
                parser.close(node, open, FOR, T::CloseBrace, "}")?;
                result
            })?;
            return Ok(Node {
                kind,
                range: self.range_from(open.start),
            });
        }
        let items = self.with_newlines(true, |parser| {
            let mut items = Vec::new();
            let result = parser.object_items(&mut items);
            parser.close(
                result,
                open,
                "Unterminated object constructor expression",
                T::CloseBrace,
                "}",
            )?;
            Ok(items)
        })?;
        Ok(Node {
            kind: NodeKind::Object(items),
            range: self.range_from(open.start),
        })
    }

    pub(super) fn object_items(&mut self, items: &mut Vec<ObjectItem>) -> Parsed<()> {
        let mut result = Ok(());
        loop {
            while self.take(T::Newline).is_some() {}
            if self.is(T::CloseBrace) || self.is(T::End) {
                return result;
            }
            let item = self
                .object_item(items)
                .and_then(|()| self.object_separator());
            if let Err(reported) = item {
                result = Err(reported);
                if !self.skip_to_separator(T::CloseBrace) {
                    return result;
                }
            }
        }
    }

    pub(super) fn object_separator(&mut self) -> Parsed<()> {
        match self.peek().kind {
            T::Comma | T::Newline => {
                self.next();
                Ok(())
            }
            T::CloseBrace | T::End => Ok(()),
            _ => Err(self.expected(
                "separator-required",
                "Missing attribute separator",
                "A comma or a new line should follow an item",
            )),
        }
    }

    pub(super) fn object_item(&mut self, items: &mut Vec<ObjectItem>) -> Parsed<()> {
        let key = self.expression()?;
        if self
            .take(T::Equal)
            .or_else(|| self.take(T::Colon))
            .is_none()
        {
            let summary = match self.peek().kind {
                T::End => "Unterminated object constructor expression",
                T::Comma | T::Newline => "Missing attribute value",
                _ => "Missing key/value separator",
            };
            return Err(self.expected(
                "invalid-object-item",
                summary,
                "`=` and a value should follow the key",
            ));
        }
        let value = self.expression()?;
        let (key, bare) = self.object_key(key)?;
        items.push(ObjectItem { key, bare, value });
        Ok(())
    }

    /// A bare name as key is that name; anything computed needs parentheses or quotes.
    pub(super) fn object_key(&mut self, key: Node) -> Parsed<(Node, bool)> {
        let range = key.range;
        match &key.kind {
            NodeKind::Variable(name) => Ok((literal(Value::string(name.clone()), range), true)),
            NodeKind::Literal(Value::Bool(_) | Value::Null(_)) => {
                let text = range.text(self.source);
                Ok((literal(Value::from(text), range), true))
            }
            _ => Ok((key, false)),
        }
    }
}
