//! Lets texts in quotes continue at any column, as PyYAML does.
//!
//! YAML wants the further lines of such a text to be indented, and so does the parser. Blanks at the begin of
//! those lines mean nothing, so lines that stand too far left are moved to the right before they are parsed, and
//! places are counted back.

/// How many lines of a file are moved at most.
const MAX_LINES: usize = 500;

/// Blanks that are enough for any nesting.
const BLANKS: &str = "                                                                ";

/// A text, perhaps with moved lines.
pub(super) struct Relaxed {
    pub(super) text: String,
    /// Where blanks were put in, as offsets in `text`, in order.
    inserted: Vec<usize>,
}

impl Relaxed {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            inserted: Vec::new(),
        }
    }

    /// Moves the line at an offset to the right; false if that has been tried, or too often.
    pub(super) fn indent_line(&mut self, at: usize) -> bool {
        let at = at.min(self.text.len());
        let start = self.text[..self.text.floor_char_boundary(at)]
            .rfind('\n')
            .map_or(0, |line_break| line_break + 1);
        if self.inserted.contains(&start) || self.inserted.len() >= MAX_LINES {
            return false;
        }
        self.text.insert_str(start, BLANKS);
        for other in self.inserted.iter_mut().filter(|other| **other > start) {
            *other += BLANKS.len();
        }
        self.inserted.push(start);
        self.inserted.sort_unstable();
        true
    }

    /// The offset in the file of an offset in the text.
    pub(super) fn original(&self, at: usize) -> usize {
        let before = self.inserted.iter().take_while(|start| **start < at);
        let added: usize = before.map(|start| BLANKS.len().min(at - start)).sum();
        at - added
    }
}
