//! Expressions: operators by precedence, then terms with what is applied to them.

use strata_core::{Number, Value};

use crate::syntax::{
    ByteRange, Name,
    node::{
        BinaryOperator, Call, Conditional, For, Node, NodeKind, ObjectItem, Operation, Step,
        StepKind, UnaryOperator,
    },
};

use super::{Parsed, Parser, Reported, T, TokenKind};

/// An operator and how strongly it binds; the weakest is 0.
fn operator(kind: TokenKind) -> Option<(BinaryOperator, usize)> {
    Some(match kind {
        T::OrOr => (BinaryOperator::Or, 0),
        T::AndAnd => (BinaryOperator::And, 1),
        T::EqualEqual => (BinaryOperator::Equal, 2),
        T::NotEqual => (BinaryOperator::NotEqual, 2),
        T::Less => (BinaryOperator::Less, 3),
        T::LessOrEqual => (BinaryOperator::LessOrEqual, 3),
        T::Greater => (BinaryOperator::Greater, 3),
        T::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, 3),
        T::Plus => (BinaryOperator::Add, 4),
        T::Minus => (BinaryOperator::Subtract, 4),
        T::Star => (BinaryOperator::Multiply, 5),
        T::Slash => (BinaryOperator::Divide, 5),
        T::Percent => (BinaryOperator::Remainder, 5),
        _ => return None,
    })
}

/// A row of operands of one precedence that is not complete yet; the next operand belongs to `pending`.
struct Open {
    level: usize,
    first: Node,
    operations: Vec<Operation>,
    pending: (BinaryOperator, ByteRange),
}

impl Open {
    fn begin(level: usize, first: Node, pending: (BinaryOperator, ByteRange)) -> Self {
        Self {
            level,
            first,
            operations: Vec::new(),
            pending,
        }
    }

    fn push(&mut self, right: Node) {
        let (operator, range) = self.pending;
        self.operations.push(Operation {
            operator,
            range,
            right,
        });
    }

    fn close(mut self, right: Node) -> Node {
        let range = self.first.range.to(right.range);
        self.push(right);
        Node {
            kind: NodeKind::Binary(Box::new(self.first), self.operations),
            range,
        }
    }
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Node> {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed<Node> {
        let condition = self.binary()?;
        if self.take(T::Question).is_none() {
            return Ok(condition);
        }
        let then = self.expression()?;
        if self.take(T::Colon).is_none() {
            return Err(self.expected(
                "incomplete-conditional",
                "A conditional lacks its second value",
                "A conditional is `condition ? value : other`; `:` should follow",
            ));
        }
        let otherwise = self.expression()?;
        let range = condition.range.to(otherwise.range);
        let conditional = Conditional {
            condition,
            then,
            otherwise,
        };
        Ok(Node {
            kind: NodeKind::Conditional(Box::new(conditional)),
            range,
        })
    }

    /// Reads operands and operators; what binds more strongly closes before what binds less.
    fn binary(&mut self) -> Parsed<Node> {
        let mut rows: Vec<Open> = Vec::new();
        loop {
            let mut operand = self.unary()?;
            let next = operator(self.peek().kind);
            let level = next.map_or(0, |(_, level)| level);
            while let Some(row) = rows.pop_if(|row| next.is_none() || row.level > level) {
                operand = row.close(operand);
            }
            let Some((operator, level)) = next else {
                return Ok(operand);
            };
            let pending = (operator, self.next().range);
            match rows.last_mut() {
                Some(row) if row.level == level => {
                    row.push(operand);
                    row.pending = pending;
                }
                _ => rows.push(Open::begin(level, operand, pending)),
            }
        }
    }

    fn unary(&mut self) -> Parsed<Node> {
        let operator = match self.peek().kind {
            T::Minus => UnaryOperator::Negate,
            T::Not => UnaryOperator::Not,
            _ => return self.access(),
        };
        let start = self.next().range;
        let operand = self.nested(Self::unary)?;
        let range = start.to(operand.range);
        Ok(Node {
            kind: NodeKind::Unary(operator, Box::new(operand)),
            range,
        })
    }

    fn access(&mut self) -> Parsed<Node> {
        let of = self.term()?;
        let start = of.range.start;
        let mut steps = Vec::new();
        loop {
            match self.peek().kind {
                T::Dot => self.dot(&mut steps)?,
                T::OpenBracket => {
                    let step = self.bracket()?;
                    steps.push(step);
                }
                _ => break,
            }
        }
        if steps.is_empty() {
            return Ok(of);
        }
        Ok(Node {
            kind: NodeKind::Access(Box::new(of), steps),
            range: self.range_from(start),
        })
    }

    /// Reads `.name`, `.0`, `.0.1` or `.*`.
    fn dot(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        let dot = self.next().range;
        let token = self.peek();
        let kind = match token.kind {
            T::Identifier => StepKind::Attribute(token.range.text(self.source).into()),
            T::Star => StepKind::AttributeSplat,
            T::Number => return self.legacy_indexes(dot, steps),
            _ => {
                return Err(self.expected(
                    "invalid-attribute-name",
                    "A dot without an attribute name",
                    "A name should follow the dot",
                ));
            }
        };
        self.next();
        steps.push(Step {
            kind,
            range: dot.to(token.range),
        });
        Ok(())
    }

    /// Reads `.0`; the lexer takes `.0.1` for the number 0.1.
    fn legacy_indexes(&mut self, dot: ByteRange, steps: &mut Vec<Step>) -> Parsed<()> {
        let token = self.next();
        let text = token.range.text(self.source);
        let mut start = dot.start;
        let mut at = token.range.start;
        for digits in text.split('.') {
            let range = ByteRange {
                start: at,
                end: at + digits.len() as u32,
            };
            let Ok(index) = digits.parse::<u32>() else {
                return Err(self.report(
                    range,
                    "invalid-index",
                    "Not an index",
                    format!("`{digits}` after a dot is neither a name nor a whole number."),
                ));
            };
            steps.push(Step {
                kind: StepKind::Index(literal(Value::from(i64::from(index)), range)),
                range: ByteRange {
                    start,
                    end: range.end,
                },
            });
            start = range.end;
            at = range.end + 1;
        }
        Ok(())
    }

    /// Reads `[key]` or `[*]`.
    fn bracket(&mut self) -> Parsed<Step> {
        let open = self.next().range;
        self.with_newlines(false, |parser| {
            if parser.is(T::Star) && parser.peek_second().kind == T::CloseBracket {
                parser.next();
                let close = parser.next();
                return Ok(Step {
                    kind: StepKind::Splat,
                    range: open.to(close.range),
                });
            }
            let key = match parser.expression() {
                Ok(key) => key,
                Err(reported) => {
                    parser.skip_to_close(T::CloseBracket);
                    return Err(reported);
                }
            };
            if !parser.is(T::CloseBracket) {
                let reported = parser.unclosed(open, "an index", "]");
                parser.skip_to_close(T::CloseBracket);
                return Err(reported);
            }
            let close = parser.next();
            Ok(Step {
                kind: StepKind::Index(key),
                range: open.to(close.range),
            })
        })
    }

    fn term(&mut self) -> Parsed<Node> {
        let token = self.peek();
        match token.kind {
            T::Identifier => self.word(),
            T::Number => {
                self.next();
                let text = token.range.text(self.source);
                match text.parse::<Number>() {
                    Ok(number) => Ok(literal(Value::Number(number), token.range)),
                    Err(_) => Err(self.report(
                        token.range,
                        "invalid-number",
                        "Not a number",
                        format!("`{text}` cannot be read as a number."),
                    )),
                }
            }
            T::Quote => self.quoted(),
            T::Heredoc => self.heredoc(),
            T::OpenParenthesis => self.parentheses(),
            T::OpenBracket => self.tuple(),
            T::OpenBrace => self.object(),
            _ => Err(self.expected(
                "expression-required",
                "An expression should be here",
                "A value, a reference or a call should be here",
            )),
        }
    }

    fn word(&mut self) -> Parsed<Node> {
        let token = self.next();
        let text = token.range.text(self.source);
        if self.is(T::OpenParenthesis) || self.is(T::DoubleColon) {
            let name = self.function_name(token.range)?;
            return self.call(name);
        }
        Ok(match text {
            "true" => literal(Value::Bool(true), token.range),
            "false" => literal(Value::Bool(false), token.range),
            "null" => literal(Value::Null(strata_core::Type::Dynamic), token.range),
            name => Node {
                kind: NodeKind::Variable(name.into()),
                range: token.range,
            },
        })
    }

    /// Reads the rest of `provider::name::function`.
    fn function_name(&mut self, first: ByteRange) -> Parsed<Name> {
        let mut range = first;
        while self.take(T::DoubleColon).is_some() {
            let Some(part) = self.take(T::Identifier) else {
                return Err(self.expected(
                    "invalid-function-name",
                    "A function name is incomplete",
                    "A name should follow `::`",
                ));
            };
            range = range.to(part.range);
        }
        if !self.is(T::OpenParenthesis) {
            return Err(self.expected(
                "invalid-function-call",
                "A function is called with parentheses",
                "`(` should follow the function's name",
            ));
        }
        Ok(Name {
            text: range.text(self.source).into(),
            range,
        })
    }

    fn call(&mut self, name: Name) -> Parsed<Node> {
        let open = self.next().range;
        let mut arguments = Vec::new();
        let mut expand = false;
        let start = name.range.start;
        self.with_newlines(false, |parser| {
            let result = parser.items_until(T::CloseParenthesis, |parser| {
                let argument = parser.expression()?;
                arguments.push(argument);
                if parser.take(T::Ellipsis).is_some() {
                    expand = true;
                    parser.take(T::Comma);
                    if !parser.is(T::CloseParenthesis) {
                        return Err(parser.expected(
                            "misplaced-expansion",
                            "Only the last argument can be expanded",
                            "`)` should follow `...`",
                        ));
                    }
                }
                Ok(())
            });
            parser.close(result, open, "a call", T::CloseParenthesis, ")")
        })?;
        let call = Call {
            name,
            arguments,
            expand,
        };
        Ok(Node {
            kind: NodeKind::Call(Box::new(call)),
            range: self.range_from(start),
        })
    }

    fn parentheses(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        let inner = self.with_newlines(false, |parser| {
            let inner = parser.expression();
            let mut result = inner.as_ref().map(|_| ()).map_err(|reported| *reported);
            if result.is_ok() && !parser.is(T::CloseParenthesis) {
                result = Err(parser.unclosed(open, "a parenthesis", ")"));
            }
            parser.close(result, open, "a parenthesis", T::CloseParenthesis, ")")?;
            inner
        })?;
        Ok(Node {
            kind: NodeKind::Parentheses(Box::new(inner)),
            range: self.range_from(open.start),
        })
    }

    fn tuple(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        let kind = self.with_newlines(false, |parser| {
            if parser.begins_for() {
                let result = parser.for_expression(T::CloseBracket);
                let node = result.as_ref().map(|_| ()).map_err(|reported| *reported);
                parser.close(node, open, "a `for`", T::CloseBracket, "]")?;
                return result;
            }
            let mut items = Vec::new();
            let result = parser.items_until(T::CloseBracket, |parser| {
                let item = parser.expression()?;
                items.push(item);
                Ok(())
            });
            parser.close(result, open, "a list", T::CloseBracket, "]")?;
            Ok(NodeKind::Tuple(items))
        })?;
        Ok(Node {
            kind,
            range: self.range_from(open.start),
        })
    }

    fn object(&mut self) -> Parsed<Node> {
        let open = self.next().range;
        if self.with_newlines(false, Self::begins_for) {
            let kind = self.with_newlines(false, |parser| {
                let result = parser.for_expression(T::CloseBrace);
                let node = result.as_ref().map(|_| ()).map_err(|reported| *reported);
                parser.close(node, open, "a `for`", T::CloseBrace, "}")?;
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
            parser.close(result, open, "an object", T::CloseBrace, "}")?;
            Ok(items)
        })?;
        Ok(Node {
            kind: NodeKind::Object(items),
            range: self.range_from(open.start),
        })
    }

    fn object_items(&mut self, items: &mut Vec<ObjectItem>) -> Parsed<()> {
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
                self.skip_to_separator(T::CloseBrace);
            }
        }
    }

    fn object_separator(&mut self) -> Parsed<()> {
        match self.peek().kind {
            T::Comma | T::Newline => {
                self.next();
                Ok(())
            }
            T::CloseBrace | T::End => Ok(()),
            _ => Err(self.expected(
                "separator-required",
                "Object items are not separated",
                "A comma or a new line should follow an item",
            )),
        }
    }

    fn object_item(&mut self, items: &mut Vec<ObjectItem>) -> Parsed<()> {
        let key = self.expression()?;
        if self
            .take(T::Equal)
            .or_else(|| self.take(T::Colon))
            .is_none()
        {
            return Err(self.expected(
                "invalid-object-item",
                "An object item lacks its value",
                "`=` and a value should follow the key",
            ));
        }
        let value = self.expression()?;
        let (key, bare) = self.object_key(key)?;
        items.push(ObjectItem { key, bare, value });
        Ok(())
    }

    /// A bare name as key is that name; anything computed needs parentheses or quotes.
    fn object_key(&mut self, key: Node) -> Parsed<(Node, bool)> {
        let range = key.range;
        match &key.kind {
            NodeKind::Variable(name) => Ok((literal(Value::String(name.clone()), range), true)),
            NodeKind::Literal(Value::Bool(_) | Value::Null(_)) => {
                let text = range.text(self.source);
                Ok((literal(Value::from(text), range), true))
            }
            NodeKind::Access(of, _) if matches!(of.kind, NodeKind::Variable(_)) => Err(self
                .report_hint(
                    range,
                    "ambiguous-object-key",
                    "An object key that looks like a reference",
                    "It could mean the text or the value it refers to.",
                    "write it in parentheses for the value, in quotes for the text",
                )),
            _ => Ok((key, false)),
        }
    }

    fn begins_for(&mut self) -> bool {
        self.is_word("for") && self.peek_second().kind == T::Identifier
    }

    /// Reads from `for` to before the closing bracket.
    fn for_expression(&mut self, close: TokenKind) -> Parsed<NodeKind> {
        self.next();
        let (key_name, value_name, collection) = self.for_header()?;
        if self.take(T::Colon).is_none() {
            return Err(self.expected(
                "invalid-for",
                "A `for` is incomplete",
                "`:` should follow what the `for` goes through",
            ));
        }
        let mut key = None;
        let mut value = self.expression()?;
        if close == T::CloseBrace {
            if self.take(T::Arrow).is_none() {
                return Err(self.expected(
                    "invalid-for",
                    "A `for` in braces makes keys and values",
                    "`=>` should follow the key",
                ));
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
            return Err(self.expected(
                "invalid-for",
                "A `for` is not closed",
                "The closing bracket should follow",
            ));
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

    fn for_group(&mut self, close: TokenKind) -> Parsed<bool> {
        let Some(token) = self.take(T::Ellipsis) else {
            return Ok(false);
        };
        if close == T::CloseBracket {
            return Err(self.report_hint(
                token.range,
                "invalid-for",
                "Only a `for` in braces can group",
                "`...` groups the values of one key, and a list has no keys.",
                "remove `...`, or use `{for …}`",
            ));
        }
        Ok(true)
    }

    /// Reads `k, v in collection`.
    pub(super) fn for_header(&mut self) -> Parsed<(Option<Name>, Name, Node)> {
        let mut key_name = None;
        let mut value_name = self.for_name()?;
        if self.take(T::Comma).is_some() {
            key_name = Some(std::mem::replace(&mut value_name, self.for_name()?));
        }
        if self.take_word("in").is_none() {
            return Err(self.expected(
                "invalid-for",
                "A `for` is incomplete",
                "`in` should follow the names of a `for`",
            ));
        }
        Ok((key_name, value_name, self.expression()?))
    }

    fn for_name(&mut self) -> Parsed<Name> {
        match self.take(T::Identifier) {
            Some(token) => Ok(self.name(token)),
            None => Err(self.expected(
                "invalid-for",
                "A `for` is incomplete",
                "A name should follow",
            )),
        }
    }

    /// Reads items separated by commas up to, not including, `close`; goes on after mistaken ones.
    fn items_until(
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

    fn comma_unless(&mut self, close: TokenKind) -> Parsed<()> {
        if self.take(T::Comma).is_some() || self.is(close) || self.is(T::End) {
            return Ok(());
        }
        Err(self.expected(
            "separator-required",
            "Items are not separated",
            "A comma or the closing bracket should follow",
        ))
    }

    /// Takes the closing bracket, after a mistake too.
    fn close(
        &mut self,
        result: Parsed<()>,
        open: ByteRange,
        what: &str,
        close: TokenKind,
        sign: &str,
    ) -> Parsed<()> {
        if result.is_err() {
            self.skip_to_close(close);
            return result;
        }
        match self.take(close) {
            Some(_) => Ok(()),
            None => Err(self.unclosed(open, what, sign)),
        }
    }

    fn unclosed(&mut self, open: ByteRange, what: &str, sign: &str) -> Reported {
        let token = self.peek();
        let detail = format!(
            "`{sign}` should follow, but {} is here.",
            self.describe(token)
        );
        let diagnostic = strata_core::Diagnostic::error(
            "unclosed-bracket",
            format!("The bracket of {what} is not closed"),
        )
        .detail(detail)
        .label(token.range.span(self.source), "")
        .label(open.span(self.source), "opened here")
        .hint(format!("add `{sign}`"));
        self.diags.push(diagnostic);
        Reported
    }

    /// Goes past the next separator on this level, or to `close`; false if neither comes.
    fn skip_to_separator(&mut self, close: TokenKind) -> bool {
        self.skip_balanced(close, true)
    }

    pub(super) fn skip_to_close(&mut self, close: TokenKind) {
        if self.skip_balanced(close, false) {
            self.take(close);
        }
    }

    fn skip_balanced(&mut self, close: TokenKind, separators: bool) -> bool {
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

    fn line_sets_argument(&self, at: u32) -> bool {
        let line = self.text[at as usize..].lines().next().unwrap_or("");
        let Some((name, rest)) = line.split_once('=') else {
            return line.trim() == "}";
        };
        super::is_identifier(name.trim()) && !rest.starts_with(['=', '>'])
    }
}

pub(super) fn literal(value: Value, range: ByteRange) -> Node {
    Node {
        kind: NodeKind::Literal(value),
        range,
    }
}
