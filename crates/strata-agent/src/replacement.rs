//! What takes the place of a match: Python's templates with `\1`, `\g<1>` and `\g<name>`.

use crate::pattern::{Groups, Pattern};

/// A template, read.
#[derive(Debug, PartialEq)]
pub(crate) struct Replacement {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Group(usize),
}

/// Why a template cannot be read, in the words of Python 3.11.
#[derive(Debug, PartialEq)]
pub(crate) enum Mistake {
    /// It breaks the rules of templates.
    Syntax(String),
    /// It names a group that the pattern does not have.
    Name(String),
}

impl Mistake {
    pub(crate) fn words(&self) -> &str {
        match self {
            Mistake::Syntax(words) | Mistake::Name(words) => words,
        }
    }
}

impl Replacement {
    /// Reads a template for the matches of a pattern.
    pub(crate) fn read(template: &str, pattern: &Pattern) -> Result<Replacement, Mistake> {
        let mut reader = Reader {
            letters: template.chars().collect(),
            at: 0,
            pattern,
            parts: Vec::new(),
            text: String::new(),
        };
        while let Some(letter) = reader.next() {
            match letter {
                '\\' => reader.escape()?,
                letter => reader.text.push(letter),
            }
        }
        reader.end_text();
        Ok(Replacement {
            parts: reader.parts,
        })
    }

    /// The text for a match.
    pub(crate) fn fill(&self, groups: &Groups<'_>) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Group(number) => groups.get(*number),
        });
        parts.collect()
    }
}

struct Reader<'a> {
    letters: Vec<char>,
    at: usize,
    pattern: &'a Pattern,
    parts: Vec<Part>,
    text: String,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let letter = self.letters.get(self.at).copied()?;
        self.at += 1;
        Some(letter)
    }

    /// The next letter, if it is a digit from 0 to `last`.
    fn digit(&self, ahead: usize, last: char) -> Option<char> {
        let letter = self.letters.get(self.at + ahead).copied()?;
        ('0'..=last).contains(&letter).then_some(letter)
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<(), Mistake> {
        let begin = self.at - 1;
        let Some(letter) = self.next() else {
            return syntax("bad escape (end of pattern)", begin);
        };
        match letter {
            'g' => return self.named(),
            '0' => {
                let digits = (0..2).map_while(|ahead| self.digit(ahead, '7'));
                let digits: String = digits.collect();
                self.at += digits.len();
                self.code(&digits);
            }
            '1'..='9' => {
                let octal = letter <= '7';
                match (self.digit(0, '9'), self.digit(1, '7')) {
                    (Some(second), Some(third)) if octal && second <= '7' => {
                        self.at += 2;
                        let digits = format!("{letter}{second}{third}");
                        if letter > '3' {
                            let why =
                                format!("octal escape value \\{digits} outside of range 0-0o377");
                            return syntax(&why, begin);
                        }
                        self.code(&digits);
                    }
                    (Some(second), _) => {
                        self.at += 1;
                        return self.group(&format!("{letter}{second}"), begin + 1);
                    }
                    _ => return self.group(&letter.to_string(), begin + 1),
                }
            }
            'a' => self.text.push('\u{7}'),
            'b' => self.text.push('\u{8}'),
            'f' => self.text.push('\u{c}'),
            'n' => self.text.push('\n'),
            'r' => self.text.push('\r'),
            't' => self.text.push('\t'),
            'v' => self.text.push('\u{b}'),
            '\\' => self.text.push('\\'),
            letter if letter.is_ascii_alphabetic() => {
                return syntax(&format!("bad escape \\{letter}"), begin);
            }
            letter => self.text.extend(['\\', letter]),
        }
        Ok(())
    }

    /// A letter by its octal number, of which no digit is 0.
    fn code(&mut self, digits: &str) {
        let code = u32::from_str_radix(digits, 8).unwrap_or(0);
        self.text.extend(char::from_u32(code));
    }

    /// What stands behind `\g`.
    fn named(&mut self) -> Result<(), Mistake> {
        if self.letters.get(self.at) != Some(&'<') {
            return syntax("missing <", self.at);
        }
        let begin = self.at + 1;
        let rest = &self.letters[begin..];
        let length = rest.iter().position(|letter| *letter == '>');
        let name: String = rest[..length.unwrap_or(rest.len())].iter().collect();
        if name.is_empty() {
            return syntax("missing group name", begin);
        }
        if length.is_none() {
            return syntax("missing >, unterminated name", begin);
        }
        self.at = begin + name.chars().count() + 1;
        if name.trim().bytes().all(|byte| byte.is_ascii_digit()) {
            return self.group(name.trim(), begin);
        }
        let mut letters = name.chars();
        let begins = letters
            .next()
            .is_some_and(|letter| letter.is_alphabetic() || letter == '_');
        if !begins || !letters.all(|letter| letter.is_alphanumeric() || letter == '_') {
            return syntax(&format!("bad character in group name '{name}'"), begin);
        }
        match self.pattern.group(&name) {
            Some(number) => {
                self.end_text();
                self.parts.push(Part::Group(number));
                Ok(())
            }
            None => Err(Mistake::Name(format!("unknown group name '{name}'"))),
        }
    }

    fn group(&mut self, digits: &str, begin: usize) -> Result<(), Mistake> {
        match digits.parse() {
            Ok(number) if number < self.pattern.groups() => {
                self.end_text();
                self.parts.push(Part::Group(number));
                Ok(())
            }
            _ => syntax(&format!("invalid group reference {digits}"), begin),
        }
    }
}

fn syntax(words: &str, at: usize) -> Result<(), Mistake> {
    Err(Mistake::Syntax(format!("{words} at position {at}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern;

    #[test]
    fn replacements_are_filled_as_python_does() {
        let pattern = pattern::python("regexp", r"^(?P<key>\w+)=(\d+)\Z").unwrap();
        let found = pattern.all("port=80");
        let check = |template, expected| {
            let replacement = Replacement::read(template, &pattern).unwrap();
            assert_eq!(replacement.fill(&found[0].2), expected, "{template}");
        };
        check(r"\1:\2", "port:80");
        check(r"\g<key> \g<2>0", "port 800");
        check(r"\g<0>\101\0\07", "port=80A\0\u{7}");
        check(r"a\tb\\c\.d\é", "a\tb\\c\\.d\\é");
    }

    #[test]
    fn mistakes_are_told_as_by_python() {
        let pattern = pattern::python("regexp", "^(a)").unwrap();
        let check = |template, expected| {
            let mistake = Replacement::read(template, &pattern).unwrap_err();
            assert_eq!(mistake.words(), expected, "{template}");
        };
        check(r"\2", "invalid group reference 2 at position 1");
        check(r"x\g<3>", "invalid group reference 3 at position 4");
        check(r"\d", r"bad escape \d at position 0");
        check(r"\1\", "bad escape (end of pattern) at position 2");
        check(r"\é\", "bad escape (end of pattern) at position 2");
        check(r"\g<x>", "unknown group name 'x'");
        check(r"\g<", "missing group name at position 3");
        check(r"\g<>", "missing group name at position 3");
        check(r"\g<a", "missing >, unterminated name at position 3");
        check(
            r"\g<a b>",
            "bad character in group name 'a b' at position 3",
        );
        check(r"\gx", "missing < at position 2");
        check(r"xy\g", "missing < at position 4");
        check(
            r"\777",
            r"octal escape value \777 outside of range 0-0o377 at position 0",
        );
    }
}
