//! Expressions: operators by precedence, then terms with what is applied to them.

use strata_core::{Number, Value};

use crate::syntax::{
    ByteRange, Name,
    node::{
        BinaryOperator, Call, Conditional, Node, NodeKind, Operation, Step, StepKind, UnaryOperator,
    },
};

use super::{Parsed, Parser, T, TokenKind};

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
                "Missing false expression in conditional",
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
            T::Identifier => StepKind::Attribute(self.named(token.range.text(self.source))),
            T::Star if in_attribute_splat(steps) => {
                return Err(self.report(
                    token.range,
                    "nested-splat",
                    "Nested splat expression not allowed",
                    "A splat expression (*) cannot be used inside another attribute-only splat expression.".to_owned(),
                ));
            }
            T::Star => StepKind::AttributeSplat,
            T::Number => return self.legacy_index(dot, steps),
            _ => {
                return Err(self.expected(
                    "invalid-attribute-name",
                    "Invalid attribute name",
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

    /// Reads `.0`; two of them in a row, which the lexer takes for a number with a fraction, are refused.
    fn legacy_index(&mut self, dot: ByteRange, steps: &mut Vec<Step>) -> Parsed<()> {
        let range = self.next().range;
        let text = range.text(self.source);
        let Ok(index) = text.parse::<u32>() else {
            let proper = text.replace('.', "][");
            return Err(self.report(
                range,
                "invalid-index",
                "Invalid legacy index syntax",
                format!("When using the legacy index syntax, chaining two indexes together is not permitted. Use the proper index syntax instead, like [{proper}]."),
            ));
        };
        steps.push(Step {
            kind: StepKind::Index(literal(Value::from(i64::from(index)), range)),
            range: dot.to(range),
        });
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
            if parser.is(T::Star) {
                let star = parser.next().range;
                let reported = parser.report(
                    star,
                    "unclosed-bracket",
                    "Missing close bracket on splat index",
                    "The star for a full splat operator must be immediately followed by a closing bracket (\"]\").",
                );
                parser.skip_to_close(T::CloseBracket);
                return Err(reported);
            }
            let key = match parser.expression() {
                Ok(key) => key,
                Err(reported) => {
                    parser.skip_to_close(T::CloseBracket);
                    return Err(reported);
                }
            };
            if !parser.is(T::CloseBracket) {
                let reported = parser.unclosed(open, "Missing close bracket on index", "]");
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
                // A dot may stand without digits behind it if an exponent follows.
                match text.replace(".e", "e").replace(".E", "E").parse::<Number>() {
                    Ok(number) => Ok(literal(Value::Number(number), token.range)),
                    Err(_) => Err(self.report(
                        token.range,
                        "invalid-number",
                        "Invalid number literal",
                        "Failed to recognize the value of this number literal.",
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
                "Invalid expression",
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
                kind: NodeKind::Variable(self.named(name)),
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
                    "Missing function name",
                    "A name should follow `::`",
                ));
            };
            range = range.to(part.range);
        }
        if !self.is(T::OpenParenthesis) {
            return Err(self.expected(
                "invalid-function-call",
                "Missing open parenthesis",
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
                    if !parser.is(T::CloseParenthesis) {
                        return Err(parser.expected(
                            "misplaced-expansion",
                            "Missing closing parenthesis",
                            "`)` should follow `...`",
                        ));
                    }
                }
                Ok(())
            });
            parser.close(
                result,
                open,
                "Unterminated function call",
                T::CloseParenthesis,
                ")",
            )
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
}

/// True if what has been read last are attributes of each element, behind `.*`.
fn in_attribute_splat(steps: &[Step]) -> bool {
    let mut before = steps.iter().rev().map(|step| &step.kind);
    let first = before.find(|kind| !matches!(kind, StepKind::Attribute(_)));
    matches!(first, Some(StepKind::AttributeSplat))
}

pub(super) fn literal(value: Value, range: ByteRange) -> Node {
    Node {
        kind: NodeKind::Literal(value),
        range,
    }
}
