//! Files and blocks: attributes and blocks, one a line.

use std::{collections::BTreeMap, sync::Arc};

use crate::syntax::{
    ByteRange, Expression, Name,
    body::{Attribute, Block, Body},
    node::NodeKind,
};

use super::{Parsed, Parser, T, lexer};

/// Where each attribute of a body stands in it, by name. There may be thousands, in `locals`.
type Places = BTreeMap<Arc<str>, usize>;

/// What is said where neither an argument nor a block begins.
const DEFINITION: &str = "Argument or block definition required";

impl Parser<'_> {
    pub(super) fn file(&mut self) -> Body {
        let mut body = self.empty_body(0);
        let mut places = Places::new();
        loop {
            self.items(&mut body, &mut places);
            let Some(brace) = self.take(T::CloseBrace) else {
                break;
            };
            self.report_hint(
                brace.range,
                "unexpected-brace",
                DEFINITION,
                "All blocks before this brace are closed already.",
                "remove it, or add the opening brace that is missing",
            );
        }
        body.range = ByteRange::new(0, self.text.len());
        body
    }

    fn empty_body(&self, start: u32) -> Body {
        Body {
            source: self.source.clone(),
            attributes: Vec::new(),
            blocks: Vec::new(),
            range: ByteRange::new(start as usize, start as usize),
        }
    }

    /// Reads items up to a closing brace or the end.
    fn items(&mut self, body: &mut Body, places: &mut Places) {
        loop {
            while self.take(T::Newline).is_some() {}
            if self.is(T::CloseBrace) || self.is(T::End) {
                return;
            }
            if self.item(body, places).is_err() {
                self.skip_item();
            }
        }
    }

    fn item(&mut self, body: &mut Body, places: &mut Places) -> Parsed<()> {
        if !self.is(T::Identifier) {
            let summary = match self.is(T::Quote) {
                true => "Invalid argument name",
                false => DEFINITION,
            };
            return Err(self.expected(
                "argument-or-block-required",
                summary,
                "Arguments and blocks begin with a name",
            ));
        }
        let token = self.next();
        let name = self.name(token);
        let what = match self.peek().kind {
            T::Equal => {
                self.attribute(name, body, places)?;
                "argument"
            }
            T::OpenBrace | T::Quote | T::Identifier => {
                self.block(name, body)?;
                "block definition"
            }
            T::Colon => {
                return Err(self.report_hint(
                    name.range,
                    "equals-required",
                    DEFINITION,
                    format!("`{}` is followed by a colon.", name.text),
                    "write `=` between name and value",
                ));
            }
            _ => {
                let token = self.peek();
                let detail = format!(
                    "`{}` should be followed by `=`, a label or `{{`, but {} is here.",
                    name.text,
                    self.describe(token)
                );
                return Err(self.report(
                    name.range,
                    "argument-or-block-required",
                    DEFINITION,
                    detail,
                ));
            }
        };
        self.end_of_item(what)
    }

    fn attribute(&mut self, name: Name, body: &mut Body, places: &mut Places) -> Parsed<()> {
        self.next();
        let start = self.peek().range.start;
        let parsed = self.expression();
        let result = parsed.as_ref().map(|_| ()).map_err(|reported| *reported);
        let node = match parsed {
            Ok(node) => node,
            // The attribute is there, if mistaken: nobody shall complain that it is missing.
            Err(_) => self.error_node(start.min(self.end as u32)),
        };
        if let Some(first) = places.get(&name.text) {
            let first = body.attributes[*first].name_span();
            let diagnostic =
                strata_core::Diagnostic::error("duplicate-argument", "Attribute redefined")
                    .detail(format!(
                        "`{}` is set twice, and each argument may be set only once in a block.",
                        name.text
                    ))
                    .label(name.range.span(self.source), "set again here")
                    .label(first, "set here before")
                    .hint("remove one of the two");
            self.diags.push(diagnostic);
        } else {
            places.insert(name.text.clone(), body.attributes.len());
            body.attributes.push(Attribute {
                name,
                expression: Expression::new(self.source.clone(), node),
            });
        }
        result
    }

    fn block(&mut self, kind: Name, body: &mut Body) -> Parsed<()> {
        let mut labels = Vec::new();
        loop {
            match self.peek().kind {
                T::Identifier => {
                    let token = self.next();
                    labels.push(self.name(token));
                }
                T::Quote => labels.push(self.label()?),
                T::OpenBrace => break,
                _ => {
                    return Err(self.expected(
                        "invalid-block",
                        "Invalid block definition",
                        &format!("The block `{}` needs `{{` on the line it begins", kind.text),
                    ));
                }
            }
        }
        let open = self.next();
        let content = self.nested(|parser| Ok(parser.block_body(open.range.end, &kind)))?;
        let range = ByteRange {
            start: kind.range.start,
            end: self.end as u32,
        };
        body.blocks.push(Block {
            kind,
            labels,
            body: content,
            range,
        });
        Ok(())
    }

    fn block_body(&mut self, start: u32, kind: &Name) -> Body {
        let mut body = self.empty_body(start);
        let mut places = Places::new();
        let parsed = match self.is(T::Newline) || self.is(T::CloseBrace) {
            true => {
                self.items(&mut body, &mut places);
                Ok(())
            }
            false => self.one_line_body(&mut body, &mut places),
        };
        body.range.end = self.at as u32;
        // A mistake on one line may have swallowed the brace.
        if self.take(T::CloseBrace).is_none() && self.is(T::End) && parsed.is_ok() {
            self.report_hint(
                kind.range,
                "unclosed-block",
                "Unclosed configuration block",
                format!(
                    "The file ends before the `}}` of this `{}` block.",
                    kind.text
                ),
                "add the closing brace",
            );
        }
        body
    }

    /// Reads `{ name = value }`.
    fn one_line_body(&mut self, body: &mut Body, places: &mut Places) -> Parsed<()> {
        let result = self.one_line_item(body, places);
        if result.is_err() {
            self.skip_to(false);
            self.items(body, places);
        }
        result
    }

    fn one_line_item(&mut self, body: &mut Body, places: &mut Places) -> Parsed<()> {
        let token = self.peek();
        if token.kind != T::Identifier || self.peek_second().kind != T::Equal {
            let begins_block = matches!(
                self.peek_second().kind,
                T::Identifier | T::Quote | T::OpenBrace
            );
            let summary = match token.kind == T::Identifier && begins_block {
                true => "Argument definition required",
                false => DEFINITION,
            };
            return Err(self.expected(
                "invalid-one-line-block",
                summary,
                "A block on one line holds one argument: an argument or `}` should follow the brace",
            ));
        }
        self.next();
        let name = self.name(token);
        self.attribute(name, body, places)?;
        if self.is(T::CloseBrace) {
            return Ok(());
        }
        let token = self.peek();
        let found = self.describe(token);
        Err(self.report_hint(
            token.range,
            "invalid-one-line-block",
            "Invalid single-argument block definition",
            format!("A block on one line holds one argument. After the argument, `}}` should follow, but {found} is here."),
            "put each argument on a line of its own",
        ))
    }

    /// Reads a quoted label; escapes count, interpolations are refused.
    fn label(&mut self) -> Parsed<Name> {
        let node = self.quoted()?;
        let NodeKind::Literal(value) = &node.kind else {
            return Err(self.report(
                node.range,
                "invalid-label",
                "Invalid string literal",
                "Template sequences are not allowed in a label. To include a literal `$` or `%`, double it.",
            ));
        };
        Ok(Name {
            text: self.named(value.as_str().unwrap_or_default()),
            range: node.range,
        })
    }

    fn end_of_item(&mut self, what: &str) -> Parsed<()> {
        match self.peek().kind {
            T::Newline | T::End => Ok(()),
            T::Comma => {
                let comma = self.peek();
                Err(self.report_hint(
                    comma.range,
                    "unexpected-comma",
                    "Unexpected comma after argument",
                    "Each argument stands on a line of its own.",
                    "remove the comma",
                ))
            }
            // `a = 1 }` closes its block, although it should not stand there.
            _ => Err(self.expected(
                "end-of-line-required",
                &format!("Missing newline after {what}"),
                &format!("The {what} is complete"),
            )),
        }
    }

    /// Goes to the end of the line on which all brackets opened on the way are closed.
    ///
    /// A closing brace without an opening one belongs to the block around and stays.
    fn skip_item(&mut self) {
        self.newlines = true;
        let at = self.peek();
        let goes_on = at.kind == T::Newline && self.line_goes_on(at.range.end as usize);
        if goes_on {
            self.next();
        }
        self.skip_to(true);
    }

    /// The same; to the end of the block around if lines do not end items.
    fn skip_to(&mut self, lines_end: bool) {
        self.newlines = true;
        let mut open = 0_usize;
        loop {
            let token = self.peek();
            match token.kind {
                T::End => return,
                T::Newline
                    if open == 0 && lines_end
                        || self.line_begins_item(token.range.end as usize) =>
                {
                    return;
                }
                T::CloseBrace if open == 0 => return,
                T::OpenBrace | T::OpenBracket | T::OpenParenthesis => open += 1,
                T::CloseBrace | T::CloseBracket | T::CloseParenthesis => {
                    open = open.saturating_sub(1)
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
            self.next();
        }
    }

    /// True if the line at an offset begins with what can be no item: the value of the line before goes on there.
    fn line_goes_on(&self, at: usize) -> bool {
        let line = self.text[at..].lines().next().unwrap_or("");
        line.trim_start()
            .starts_with(|c: char| c.is_ascii_digit() || "\"([{-!?:&|+*<".contains(c))
    }

    /// True if the line at an offset begins, without indentation, as a top-level block does.
    fn line_begins_item(&self, at: usize) -> bool {
        let line = self.text[at..].lines().next().unwrap_or("");
        let Some((word, rest)) = line.split_once(' ') else {
            return false;
        };
        lexer::is_identifier(word)
            && line.trim_end().ends_with('{')
            && (rest.starts_with('"') || rest.starts_with('{'))
    }

    pub(super) fn skip_quoted(&mut self) {
        let start = self.next().range.end as usize;
        let line = self.text[start..].lines().next().unwrap_or("");
        let mut escaped = false;
        let end = line.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.go_to(start + end.map_or(line.len(), |end| end + 1));
    }
}
