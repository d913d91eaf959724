//! Lets texts in quotes continue at any column, and comments follow a value at once, as PyYAML does.
//!
//! YAML wants the further lines of such a text to be indented, and a blank before a comment; so does the parser. Blanks
//! at these places mean nothing, so they are put in before the text is parsed, and places are counted back.

/// At how many places of a file blanks are put in at most.
const MAX_PLACES: usize = 500;

/// Blanks that are enough for any nesting.
const BLANKS: &str = "                                                                ";

/// What the parser stumbled over, by its offset in the text, that more blanks would mend.
#[derive(Clone, Copy)]
pub(super) enum Crooked {
    /// A continued line in quotes which stands too far left.
    Line(usize),
    /// A comment with nothing before it that sets it apart.
    Comment(usize),
}

/// A text, perhaps with more blanks.
pub(super) struct Relaxed {
    pub(super) text: String,
    /// Where blanks were put in and how many, as offsets in `text`, in order.
    inserted: Vec<(usize, usize)>,
}

impl Relaxed {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            inserted: Vec::new(),
        }
    }

    /// Puts in the blanks that are missing; false if that has been tried, or too often.
    pub(super) fn mend(&mut self, crooked: Crooked) -> bool {
        let (Crooked::Line(at) | Crooked::Comment(at)) = crooked;
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        match crooked {
            Crooked::Line(_) => {
                let line_break = self.text[..at].rfind('\n');
                self.put_in(line_break.map_or(0, |line_break| line_break + 1), BLANKS)
            }
            Crooked::Comment(_) => self.text[at..].starts_with('#') && self.put_in(at, " "),
        }
    }

    fn put_in(&mut self, start: usize, blanks: &str) -> bool {
        let tried = self.inserted.iter().any(|(place, _)| *place == start);
        if tried || self.inserted.len() >= MAX_PLACES {
            return false;
        }
        self.text.insert_str(start, blanks);
        let behind = self.inserted.iter_mut().filter(|(place, _)| *place > start);
        behind.for_each(|(place, _)| *place += blanks.len());
        self.inserted.push((start, blanks.len()));
        self.inserted.sort_unstable();
        true
    }

    /// The offset in the file of an offset in the text.
    pub(super) fn original(&self, at: usize) -> usize {
        let before = self.inserted.iter().take_while(|(start, _)| *start < at);
        let added: usize = before.map(|(start, count)| (*count).min(at - start)).sum();
        at - added
    }
}
