//! Places in source text.

use std::{ops::Range, sync::Arc};

/// A place in a file: line and column count from 1, the byte offset from 0.
///
/// Columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in scalar values, from 1.
    pub column: u32,
    /// Byte offset in the file, from 0.
    pub byte: u32,
}

/// A stretch of a named file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Span {
    /// The file as the user would name it.
    pub file: Arc<str>,
    /// Where the stretch begins.
    pub start: Position,
    /// Where the stretch ends, exclusive.
    pub end: Position,
}

/// The text of one file, with its line starts, to turn byte ranges into [`Span`]s.
#[derive(Debug)]
pub struct Source {
    /// The file as the user would name it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    line_starts: Vec<u32>,
}

impl Source {
    /// Indexes `text`. Files beyond 4 GiB are not supported; callers bound sizes while reading.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at as u32 + 1))
            .collect();
        Self {
            name: name.into(),
            text,
            line_starts,
        }
    }

    /// A text whose lines begin at the same bytes as those of another: the same file in another form.
    pub fn with_lines_of(other: &Source, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: other.name.clone(),
            text: text.into(),
            line_starts: other.line_starts.clone(),
        }
    }

    /// The position of a byte offset; offsets past the end give the end.
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.text.floor_char_boundary(byte.min(self.text.len()));
        let line = self
            .line_starts
            .partition_point(|start| *start as usize <= byte)
            - 1;
        let start = self.line_starts[line] as usize;
        let column = self
            .text
            .get(start..byte)
            .map_or(0, |before| before.chars().count()) as u32
            + 1;
        Position {
            line: line as u32 + 1,
            column,
            byte: byte as u32,
        }
    }

    /// The span of a byte range.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span {
            file: self.name.clone(),
            start: self.position(range.start),
            end: self.position(range.end),
        }
    }

    /// The text of a line (from 1) without its line break; empty past the end.
    pub fn line(&self, line: u32) -> &str {
        let Some(start) = self.line_starts.get(line.saturating_sub(1) as usize) else {
            return "";
        };
        self.text[*start as usize..].lines().next().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let source = Source::new("a.tf", "a = 1\nbü = 2\n");
        assert_eq!(
            source.position(0),
            Position {
                line: 1,
                column: 1,
                byte: 0
            }
        );
        assert_eq!(
            source.position(9),
            Position {
                line: 2,
                column: 3,
                byte: 9
            }
        );
        assert_eq!(source.position(999).line, 3);
        assert_eq!(source.line(2), "bü = 2");
        assert_eq!(source.line(9), "");
    }
}
