//! Heredocs: `<<EOT` takes lines as they are, `<<-EOT` without the indentation they share.

use unicode_segmentation::UnicodeSegmentation;

use crate::syntax::node::Node;

use super::{
    Parsed, Parser,
    template::{Piece, PieceKind, Until, first_line},
};

impl Parser<'_> {
    pub(super) fn heredoc(&mut self) -> Parsed<Node> {
        let token = self.next().range;
        let (indented, marker) = self.heredoc_marker()?;
        let mut pieces = self.pieces(Until::Marker(&marker))?;
        // Alone in `-var` or the console the marker may end the text; in a file its line has an end, as in Terraform.
        if self.newlines && self.at == self.text.len() {
            self.end_of_text(Until::Marker(&marker), String::new())?;
        }
        if indented {
            unindent(&mut pieces);
        }
        let range = self.range_from(token.start);
        self.finish(pieces, range)
    }

    /// Reads `-EOT` and the line break.
    fn heredoc_marker(&mut self) -> Parsed<(bool, String)> {
        let line = first_line(&self.text[self.at..]);
        let word = line.strip_prefix('-').unwrap_or(line);
        let marker = word.trim_end();
        let indented = word.len() < line.len();
        if !super::is_identifier(marker) {
            let range = crate::syntax::ByteRange::new(self.at, self.at + line.len());
            return Err(self.report(
                range,
                "invalid-heredoc",
                "Invalid expression",
                "Nothing else may stand on the line after the heredoc's word.",
            ));
        }
        let marker = marker.to_owned();
        self.go_to((self.at + line.len() + 1).min(self.text.len()));
        Ok((indented, marker))
    }

    /// Goes past a heredoc that nobody will read.
    pub(super) fn skip_heredoc(&mut self) {
        let start = self.next().range.end as usize;
        let line = first_line(&self.text[start..]);
        let marker = line.strip_prefix('-').unwrap_or(line).trim().to_owned();
        self.skip_to_marker(start, &marker);
    }

    pub(super) fn skip_to_marker(&mut self, from: usize, marker: &str) {
        let mut at = from;
        for line in self.text[from..].split_inclusive('\n') {
            if line.trim() == marker && at > from {
                self.go_to(at + line.trim_end().len());
                return;
            }
            at += line.len();
        }
        self.go_to(self.text.len());
    }
}

/// Takes the indentation off that all lines share; lines of nothing but space do not count.
fn unindent(pieces: &mut [Piece]) {
    let mut fewest = usize::MAX;
    let mut starts = Vec::new();
    let mut line_start = true;
    for (at, piece) in pieces.iter().enumerate() {
        if line_start {
            let spaces = match &piece.kind {
                PieceKind::Text(text) if text.trim_start().is_empty() && text.ends_with('\n') => {
                    usize::MAX
                }
                PieceKind::Text(text) => {
                    starts.push(at);
                    let space = &text[..text.len() - text.trim_start().len()];
                    space.graphemes(true).count()
                }
                _ => 0,
            };
            fewest = fewest.min(spaces);
        }
        line_start = matches!(&piece.kind, PieceKind::Text(text) if text.ends_with('\n'));
    }
    for at in starts {
        if let PieceKind::Text(text) = &mut pieces[at].kind {
            let length: usize = text.graphemes(true).take(fewest).map(str::len).sum();
            text.drain(..length);
        }
    }
}
