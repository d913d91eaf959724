//! Templates: quoted text, the inside of heredocs, whole files.
//!
//! A template is first read as a flat row of [`Piece`]s, one for each line of text, interpolation or directive.
//! Strip markers and indentation work on that row, as they do in Terraform, where they reach one line far;
//! then directives are joined with their ends to a tree.

use std::{iter::Peekable, vec::IntoIter};

use strata_core::Value;

use crate::syntax::{
    ByteRange, Name,
    node::{Node, NodeKind, TemplateFor, TemplateIf, TemplatePart},
};

use super::{Parsed, Parser, Reported, T, expression::literal};

/// What ends a template.
#[derive(Clone, Copy)]
pub(super) enum Until<'a> {
    /// The closing quote; escapes with a backslash count.
    Quote,
    /// A line with this word alone.
    Marker(&'a str),
    /// The end of the text.
    End,
}

pub(super) struct Piece {
    pub(super) kind: PieceKind,
    range: ByteRange,
    /// `~` after the opening: text before it loses the space at its end.
    strip_before: bool,
    /// `~` before the closing: text after it loses the space at its beginning.
    strip_after: bool,
}

pub(super) enum PieceKind {
    Text(String),
    Interpolation(Node),
    If(Node),
    Else,
    EndIf,
    For(Option<Name>, Name, Node),
    EndFor,
}

impl Parser<'_> {
    pub(super) fn template_file(&mut self) -> Parsed<Node> {
        let pieces = self.pieces(Until::End)?;
        self.finish(pieces, self.range_from(0))
    }

    pub(super) fn quoted(&mut self) -> Parsed<Node> {
        let start = self.next().range.start;
        let pieces = self.pieces(Until::Quote)?;
        let range = self.range_from(start);
        self.finish(pieces, range)
    }

    /// Reads up to what ends the template, and past it.
    pub(super) fn pieces(&mut self, until: Until<'_>) -> Parsed<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut result = Ok(());
        loop {
            let start = self.at;
            let text = self.text_piece(until)?;
            if self.at > start || !text.is_empty() {
                pieces.push(piece(PieceKind::Text(text), ByteRange::new(start, self.at)));
            }
            let rest = &self.text[self.at..];
            if rest.starts_with("${") || rest.starts_with("%{") {
                match self.sequence() {
                    Ok(piece) => pieces.push(piece),
                    Err(reported) => {
                        result = Err(reported);
                        self.leave_sequence(until)?;
                    }
                }
            } else if self.ends(until) {
                return result.map(|()| strip(pieces));
            }
        }
    }

    /// Past the end of the template, if it is here.
    fn ends(&mut self, until: Until<'_>) -> bool {
        let rest = &self.text[self.at..];
        match until {
            Until::Quote if rest.starts_with('"') => {
                self.go_to(self.at + 1);
                true
            }
            Until::Marker(marker) if self.at_line_start() && first_line(rest).trim() == marker => {
                let line = first_line(rest);
                self.go_to(self.at + line.trim_end().len());
                true
            }
            _ => rest.is_empty(),
        }
    }

    fn at_line_start(&self) -> bool {
        self.at == 0 || self.text.as_bytes()[self.at - 1] == b'\n'
    }

    /// Reads text up to an interpolation, a directive, the end of the line or of the template.
    fn text_piece(&mut self, until: Until<'_>) -> Parsed<String> {
        let mut out = String::new();
        if matches!(until, Until::Marker(_)) && self.marker_here(until) {
            return Ok(out);
        }
        loop {
            let rest = &self.text[self.at..];
            let stop = rest.find(['$', '%', '"', '\\', '\n']).unwrap_or(rest.len());
            out.push_str(&rest[..stop]);
            self.go_to(self.at + stop);
            let rest = &rest[stop..];
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                out.push_str(&rest[1..3]);
                self.go_to(self.at + 3);
            } else if rest.starts_with("${") || rest.starts_with("%{") {
                return Ok(out);
            } else if rest.is_empty() {
                return self.end_of_text(until, out);
            } else if matches!(until, Until::Quote) {
                match rest.as_bytes()[0] {
                    b'"' => return Ok(out),
                    b'\n' => return self.end_of_text(until, out),
                    b'\\' => self.escape(&mut out)?,
                    _ => self.take_char(&mut out),
                }
            } else {
                let line_ends = rest.starts_with('\n');
                self.take_char(&mut out);
                if line_ends {
                    return Ok(out);
                }
            }
        }
    }

    fn marker_here(&self, until: Until<'_>) -> bool {
        let Until::Marker(marker) = until else {
            return false;
        };
        self.at_line_start() && first_line(&self.text[self.at..]).trim() == marker
    }

    fn take_char(&mut self, out: &mut String) {
        if let Some(c) = self.text[self.at..].chars().next() {
            out.push(c);
            self.go_to(self.at + c.len_utf8());
        }
    }

    pub(super) fn end_of_text(&mut self, until: Until<'_>, out: String) -> Parsed<String> {
        let here = ByteRange::new(self.at, self.at);
        match until {
            Until::End => Ok(out),
            Until::Quote => Err(self.report_hint(
                here,
                "unterminated-text",
                match self.at == self.text.len() {
                    true => "Unterminated template string",
                    false => "Invalid multi-line string",
                },
                "The closing quote is missing on this line.",
                "add the closing quote; text of several lines is a heredoc: `<<-EOT`",
            )),
            Until::Marker(marker) => Err(self.report_hint(
                here,
                "unterminated-heredoc",
                "Unterminated template string",
                format!("No line holds `{marker}` alone."),
                &format!("add a line `{marker}`"),
            )),
        }
    }

    fn escape(&mut self, out: &mut String) -> Parsed<()> {
        let rest = &self.text[self.at + 1..];
        let start = self.at;
        let simple = match rest.chars().next() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('"') => Some('"'),
            Some('\\') => Some('\\'),
            Some('u') => return self.unicode_escape(4, out),
            Some('U') => return self.unicode_escape(8, out),
            _ => None,
        };
        let length = 1 + rest.chars().next().map_or(0, char::len_utf8);
        if let Some(c) = simple {
            out.push(c);
            self.go_to(start + length);
            return Ok(());
        }
        Err(self.invalid_escape(ByteRange::new(start, start + length)))
    }

    fn unicode_escape(&mut self, digits: usize, out: &mut String) -> Parsed<()> {
        let start = self.at;
        let hex = self.text.get(start + 2..start + 2 + digits);
        let c = hex
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        let Some(c) = c else {
            return Err(self.invalid_escape(ByteRange::new(start, start + 2)));
        };
        out.push(c);
        self.go_to(start + 2 + digits);
        Ok(())
    }

    fn invalid_escape(&mut self, range: ByteRange) -> Reported {
        let symbol = range.text(self.source).trim_start_matches('\\').to_owned();
        let reported = self.report_hint(
            range,
            "invalid-escape",
            "Invalid escape sequence",
            format!("The symbol {symbol:?} is not a valid escape sequence selector."),
            "the escapes are \\n \\r \\t \\\" \\\\ \\uNNNN \\UNNNNNNNN; write \\\\ for a backslash",
        );
        // The text is left where its quote ends, so that what follows is read as it was meant.
        let line = first_line(&self.text[range.end as usize..]);
        let end = line.find('"').map_or(line.len(), |end| end + 1);
        self.go_to(range.end as usize + end);
        reported
    }

    /// Reads `${…}` or `%{…}`.
    fn sequence(&mut self) -> Parsed<Piece> {
        let start = self.at;
        let directive = self.text[start..].starts_with('%');
        self.go_to(start + 2);
        let strip_before = self.text[self.at..].starts_with('~');
        if strip_before {
            self.go_to(self.at + 1);
        }
        self.with_newlines(false, |parser| {
            let kind = if directive {
                parser.directive()?
            } else {
                PieceKind::Interpolation(parser.expression()?)
            };
            let strip_after = parser.take(T::Tilde).is_some();
            if parser.take(T::CloseBrace).is_none() {
                let summary = match (parser.peek().kind, marker(&kind)) {
                    (T::End | T::Quote, _) => "Unclosed template interpolation sequence".to_owned(),
                    (_, None) => "Extra characters after interpolation expression".to_owned(),
                    (_, Some(word)) => format!("Extra characters in {word} marker"),
                };
                return Err(parser.expected(
                    "unclosed-interpolation",
                    &summary,
                    "`}` should follow",
                ));
            }
            Ok(Piece {
                kind,
                range: ByteRange::new(start, parser.at),
                strip_before,
                strip_after,
            })
        })
    }

    fn directive(&mut self) -> Parsed<PieceKind> {
        let token = self.peek();
        let word = token.range.text(self.source).to_owned();
        if token.kind != T::Identifier {
            return Err(self.expected(
                "invalid-directive",
                "Invalid template directive",
                "`if`, `else`, `endif`, `for` or `endfor` should follow `%{`",
            ));
        }
        if !matches!(word.as_str(), "if" | "else" | "endif" | "for" | "endfor") {
            return Err(self.report_hint(
                token.range,
                "invalid-directive",
                "Invalid template control keyword",
                format!("{word:?} is not a valid template control keyword."),
                "`if`, `else`, `endif`, `for` or `endfor` should follow `%{`",
            ));
        }
        self.next();
        Ok(match word.as_str() {
            "if" => PieceKind::If(self.expression()?),
            "else" => PieceKind::Else,
            "endif" => PieceKind::EndIf,
            "for" => {
                let (key, value, collection) = self.for_header("Invalid 'for' directive")?;
                PieceKind::For(key, value, collection)
            }
            _ => PieceKind::EndFor,
        })
    }

    /// After a mistake inside `${…}`: past its brace if that is near, else out of the template.
    fn leave_sequence(&mut self, until: Until<'_>) -> Parsed<()> {
        let start = self.at;
        let limit = start + first_line(&self.text[start..]).len();
        self.skip_to_close(T::CloseBrace);
        if self.at <= limit && self.at > start && self.text[..self.at].ends_with('}') {
            return Ok(());
        }
        match until {
            Until::End => self.go_to(self.text.len()),
            Until::Quote => self.go_to(limit),
            Until::Marker(marker) => self.skip_to_marker(start, marker),
        }
        Err(Reported)
    }

    /// Makes a row of pieces a tree.
    pub(super) fn finish(&mut self, pieces: Vec<Piece>, range: ByteRange) -> Parsed<Node> {
        let mut pieces = pieces.into_iter().peekable();
        let parts = self.nested(|parser| parser.parts(&mut pieces))?;
        if let Some(extra) = pieces.next() {
            return Err(self.stray(&extra));
        }
        let mut parts = melt(parts);
        if parts.is_empty() {
            return Ok(literal(Value::from(""), range));
        }
        if let [TemplatePart::Text(text)] = parts.as_slice() {
            return Ok(literal(Value::from(&*crate::normal::text(text)), range));
        }
        parts.shrink_to_fit();
        Ok(Node {
            kind: NodeKind::Template(parts),
            range,
        })
    }

    /// Joins pieces up to an `else`, `endif` or `endfor` that belongs further out.
    fn parts(&mut self, pieces: &mut Peekable<IntoIter<Piece>>) -> Parsed<Vec<TemplatePart>> {
        let mut parts = Vec::new();
        let inner = |piece: &Piece| {
            !matches!(
                piece.kind,
                PieceKind::Else | PieceKind::EndIf | PieceKind::EndFor
            )
        };
        while let Some(piece) = pieces.next_if(inner) {
            parts.push(match piece.kind {
                PieceKind::Text(text) => TemplatePart::Text(text.into()),
                PieceKind::Interpolation(node) => TemplatePart::Interpolation(node),
                PieceKind::If(condition) => {
                    self.nested(|parser| parser.if_part(condition, piece.range, pieces))?
                }
                PieceKind::For(key_name, value_name, collection) => {
                    let body = self.nested(|parser| parser.parts(pieces))?;
                    match pieces.next() {
                        Some(end) if matches!(end.kind, PieceKind::EndFor) => {}
                        Some(other) => return Err(self.stray(&other)),
                        None => return Err(self.unclosed_directive(piece.range, "for", "endfor")),
                    }
                    TemplatePart::For(Box::new(TemplateFor {
                        key_name,
                        value_name,
                        collection,
                        body: melt(body),
                    }))
                }
                PieceKind::Else | PieceKind::EndIf | PieceKind::EndFor => continue,
            });
        }
        Ok(parts)
    }

    fn if_part(
        &mut self,
        condition: Node,
        range: ByteRange,
        pieces: &mut Peekable<IntoIter<Piece>>,
    ) -> Parsed<TemplatePart> {
        let then = self.parts(pieces)?;
        let mut otherwise = Vec::new();
        if pieces
            .next_if(|piece| matches!(piece.kind, PieceKind::Else))
            .is_some()
        {
            otherwise = self.parts(pieces)?;
        }
        match pieces.next() {
            Some(end) if matches!(end.kind, PieceKind::EndIf) => {}
            Some(other) => return Err(self.stray(&other)),
            None => return Err(self.unclosed_directive(range, "if", "endif")),
        }
        Ok(TemplatePart::If(Box::new(TemplateIf {
            condition,
            then: melt(then),
            otherwise: melt(otherwise),
        })))
    }

    fn unclosed_directive(&mut self, range: ByteRange, begin: &str, end: &str) -> Reported {
        self.report_hint(
            range,
            "unclosed-directive",
            "Unexpected end of template",
            format!("The {begin} directive is missing its corresponding {end} directive."),
            &format!("add `%{{{end}}}`"),
        )
    }

    fn stray(&mut self, piece: &Piece) -> Reported {
        let text = piece.range.text(self.source);
        let inside = text.trim_start_matches(['%', '{', '~']).trim_start();
        let word: String = inside.chars().take_while(|c| c.is_alphabetic()).collect();
        self.report(
            piece.range,
            "stray-directive",
            &format!("Unexpected {word} directive"),
            "The control directives within this template are unbalanced.".to_owned(),
        )
    }
}

/// The word that a directive begins with; none for an interpolation.
fn marker(kind: &PieceKind) -> Option<&'static str> {
    Some(match kind {
        PieceKind::If(_) => "if",
        PieceKind::Else => "else",
        PieceKind::EndIf => "endif",
        PieceKind::For(..) => "for",
        PieceKind::EndFor => "endfor",
        PieceKind::Text(_) | PieceKind::Interpolation(_) => return None,
    })
}

pub(super) fn first_line(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(line, _)| line)
}

fn piece(kind: PieceKind, range: ByteRange) -> Piece {
    Piece {
        kind,
        range,
        strip_before: false,
        strip_after: false,
    }
}

/// Lets strip markers take the space off the text next to them.
fn strip(mut pieces: Vec<Piece>) -> Vec<Piece> {
    for at in 0..pieces.len() {
        if pieces[at].strip_before
            && let Some(before) = at.checked_sub(1)
            && let PieceKind::Text(text) = &mut pieces[before].kind
        {
            text.truncate(text.trim_end().len());
        }
        if pieces[at].strip_after
            && let Some(next) = pieces.get_mut(at + 1)
            && let PieceKind::Text(text) = &mut next.kind
        {
            *text = text.trim_start().to_owned();
        }
    }
    pieces
}

/// Joins neighbouring texts and drops empty ones.
fn melt(parts: Vec<TemplatePart>) -> Vec<TemplatePart> {
    let mut melted = Vec::with_capacity(parts.len());
    let mut run = String::new();
    for part in parts {
        if let TemplatePart::Text(text) = &part {
            run.push_str(text);
            continue;
        }
        if !run.is_empty() {
            melted.push(TemplatePart::Text(std::mem::take(&mut run).into()));
        }
        melted.push(part);
    }
    if !run.is_empty() {
        melted.push(TemplatePart::Text(run.into()));
    }
    melted
}
