//! How a text is written: with which quotes, and where its lines are broken, as libyaml does it for PyYAML.

/// Where a text is written.
pub(super) struct Place {
    /// Whether it stands in brackets.
    pub(super) in_flow: bool,
    /// Whether it is a key, which is not broken.
    pub(super) is_key: bool,
    /// Whether what comes back from it without quotes is the text again, and no number or the like.
    pub(super) is_itself: bool,
    /// How far the line is written already.
    pub(super) column: usize,
    /// Where its further lines begin.
    pub(super) indent: usize,
    /// Behind which column lines are broken.
    pub(super) width: usize,
    /// Whether letters beyond ASCII stay as they are.
    pub(super) unicode: bool,
}

/// What may be done with a text.
#[derive(Default)]
struct Traits {
    has_breaks: bool,
    /// A sign that means something in brackets, outside of them.
    marks_in_flow: bool,
    marks: bool,
    /// A blank or break at one of its ends.
    has_blank_end: bool,
    break_then_blank: bool,
    blank_then_break: bool,
    has_special: bool,
}

/// A text as YAML.
pub(super) fn written(text: &str, place: &Place) -> String {
    let mut out = Out {
        text: String::new(),
        column: place.column,
        indention: false,
        place,
    };
    let traits = Traits::of(text, place.unicode);
    let may_be_single = !(traits.break_then_blank || traits.blank_then_break || traits.has_special);
    let may_be_plain = may_be_single
        && !traits.has_blank_end
        && !traits.has_breaks
        && !match place.in_flow {
            true => traits.marks_in_flow,
            false => traits.marks,
        };
    if place.is_key && traits.has_breaks {
        out.double_quoted(text);
    } else if may_be_plain && place.is_itself && !text.is_empty() {
        out.folded(text, false);
    } else if may_be_single {
        out.put('\'');
        out.folded(text, true);
        out.put('\'');
    } else {
        out.double_quoted(text);
    }
    out.text
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(letter: Option<char>) -> bool {
    letter.is_none_or(|letter| letter == ' ' || letter == '\t' || is_break(letter))
}

fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && letter != '\u{feff}'
}

impl Traits {
    fn of(text: &str, unicode: bool) -> Self {
        let mut traits = Self::default();
        if text.starts_with("---") || text.starts_with("...") {
            (traits.marks, traits.marks_in_flow) = (true, true);
        }
        let letters: Vec<char> = text.chars().collect();
        for (at, letter) in letters.iter().copied().enumerate() {
            let before = at.checked_sub(1).map(|at| letters[at]);
            let after = letters.get(at + 1).copied();
            traits.mark(letter, before, is_blank(after));
            if !is_printable(letter) || !(unicode || letter.is_ascii()) {
                traits.has_special = true;
            }
            let is_end = before.is_none() || after.is_none();
            if letter == ' ' {
                traits.has_blank_end |= is_end;
                traits.break_then_blank |= before.is_some_and(is_break);
            } else if is_break(letter) {
                traits.has_breaks = true;
                traits.has_blank_end |= is_end;
                traits.blank_then_break |= before == Some(' ');
            }
        }
        traits
    }

    fn mark(&mut self, letter: char, before: Option<char>, before_blank: bool) {
        let (in_flow, outside) = match (letter, before) {
            ('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!', None)
            | ('|' | '>' | '\'' | '"' | '%' | '@' | '`', None) => (true, true),
            ('?' | ':', None) => (true, before_blank),
            ('-', None) => (before_blank, before_blank),
            (',' | '?' | '[' | ']' | '{' | '}', _) => (true, false),
            (':', _) => (true, before_blank),
            ('#', before) => (is_blank(before), is_blank(before)),
            _ => (false, false),
        };
        self.marks_in_flow |= in_flow;
        self.marks |= outside;
    }
}

struct Out<'a> {
    text: String,
    column: usize,
    /// Whether nothing but blanks is in the line.
    indention: bool,
    place: &'a Place,
}

impl Out<'_> {
    fn put(&mut self, letter: char) {
        self.text.push(letter);
        self.column = match is_break(letter) {
            true => 0,
            false => self.column + 1,
        };
    }

    fn put_all(&mut self, letters: &str) {
        letters.chars().for_each(|letter| self.put(letter));
    }

    fn new_line(&mut self) {
        if !self.indention || self.column > self.place.indent {
            self.put('\n');
        }
        while self.column < self.place.indent {
            self.put(' ');
        }
        self.indention = true;
    }

    /// True where a line may be broken instead of a blank.
    fn may_break(&self, after_blank: bool) -> bool {
        !self.place.is_key && !after_blank && self.column > self.place.width
    }

    /// Without quotes or between single ones: a break is written twice, since one alone would be a blank.
    fn folded(&mut self, text: &str, quoted: bool) {
        let letters: Vec<char> = text.chars().collect();
        let (mut after_blank, mut after_break) = (false, false);
        for (at, letter) in letters.iter().copied().enumerate() {
            if letter == ' ' {
                let is_end = at == 0 || at + 1 == letters.len();
                let is_last_blank = letters.get(at + 1) != Some(&' ');
                match self.may_break(after_blank) && is_last_blank && !(quoted && is_end) {
                    true => self.new_line(),
                    false => self.put(' '),
                }
                after_blank = true;
            } else if is_break(letter) {
                if !after_break && letter == '\n' {
                    self.put('\n');
                }
                self.put(letter);
                (self.indention, after_break) = (true, true);
            } else {
                if after_break {
                    self.new_line();
                }
                if quoted && letter == '\'' {
                    self.put('\'');
                }
                self.put(letter);
                self.indention = false;
                (after_blank, after_break) = (false, false);
            }
        }
        if quoted && after_break {
            self.new_line();
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.put('"');
        let letters: Vec<char> = text.chars().collect();
        let mut after_blank = false;
        for (at, letter) in letters.iter().copied().enumerate() {
            if letter == ' ' {
                let is_end = at == 0 || at + 1 == letters.len();
                match self.may_break(after_blank) && !is_end {
                    true => {
                        self.new_line();
                        if letters.get(at + 1) == Some(&' ') {
                            self.put('\\');
                        }
                    }
                    false => self.put(' '),
                }
                after_blank = true;
                continue;
            }
            let is_plain = is_printable(letter)
                && !is_break(letter)
                && (self.place.unicode || letter.is_ascii())
                && !matches!(letter, '"' | '\\');
            match is_plain {
                true => self.put(letter),
                false => self.put_all(&escaped(letter)),
            }
            self.indention = false;
            after_blank = false;
        }
        self.put('"');
    }
}

fn escaped(letter: char) -> String {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => letter,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            return match u32::from(letter) {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
