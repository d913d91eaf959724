//! `wordwrap`, which breaks lines as Python's `textwrap` does.

use std::collections::VecDeque;

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, Rest, ValueOrKwargs, from_args},
};

use super::{add, option};
use crate::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "wordwrap", wordwrap);
}

struct Style {
    width: usize,
    /// Whether words that are longer than a line are broken.
    break_long: bool,
    /// Whether lines may end behind the hyphens of words.
    at_hyphens: bool,
}

/// `text | wordwrap(79, break_long_words, wrapstring, break_on_hyphens)`.
fn wordwrap(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let arguments = arguments.into_values();
    let (width, break_long, separator, at_hyphens, options) = from_args::<(
        Option<usize>,
        Option<bool>,
        Option<String>,
        Option<bool>,
        Kwargs,
    )>(&arguments)?;
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let width = option::<usize>(&options, "width")?.or(width);
    let break_long = option::<bool>(&options, "break_long_words")?.or(break_long);
    let separator = option::<String>(&options, "wrapstring")?.or(separator);
    let at_hyphens = option::<bool>(&options, "break_on_hyphens")?.or(at_hyphens);
    options.assert_all_used()?;
    let style = Style {
        width: width.unwrap_or(79).max(1),
        break_long: break_long.unwrap_or(true),
        at_hyphens: at_hyphens.unwrap_or(true),
    };
    let separator = separator.unwrap_or_else(|| "\n".to_owned());
    let text = python::text(value);
    let lines = text
        .lines()
        .map(|line| style.wrapped(line).join(&separator));
    Ok(lines.collect::<Vec<_>>().join(&separator))
}

impl Style {
    fn wrapped(&self, line: &str) -> Vec<String> {
        let mut chunks = self.chunks(line);
        let mut lines: Vec<String> = Vec::new();
        while let Some(chunk) = chunks.front() {
            if is_blank(chunk) && !lines.is_empty() {
                chunks.pop_front();
                continue;
            }
            let mut parts = Vec::new();
            let mut length = 0;
            while let Some(chunk) = chunks.pop_front_if(|chunk| length + chunk.len() <= self.width)
            {
                length += chunk.len();
                parts.push(chunk);
            }
            let too_long = chunks.pop_front_if(|chunk| chunk.len() > self.width);
            if let Some(chunk) = too_long {
                self.break_up(chunk, length, &mut parts, &mut chunks);
            }
            parts.pop_if(|chunk| is_blank(chunk));
            if !parts.is_empty() {
                lines.push(parts.into_iter().flatten().collect());
            }
        }
        lines
    }

    /// Puts as much of a word into a line as there is room for.
    fn break_up(
        &self,
        mut chunk: Vec<char>,
        used: usize,
        parts: &mut Vec<Vec<char>>,
        chunks: &mut VecDeque<Vec<char>>,
    ) {
        if !self.break_long {
            match parts.is_empty() {
                true => parts.push(chunk),
                false => chunks.push_front(chunk),
            }
            return;
        }
        let room = self.width - used;
        let hyphen = chunk[..room].iter().rposition(|c| *c == '-');
        let hyphen = hyphen.filter(|at| self.at_hyphens && chunk[..*at].iter().any(|c| *c != '-'));
        let rest = chunk.split_off(hyphen.map_or(room, |at| at + 1));
        parts.push(chunk);
        chunks.push_front(rest);
    }

    /// Blanks, words, and parts of words between which a line may end.
    fn chunks(&self, line: &str) -> VecDeque<Vec<char>> {
        let letters: Vec<char> = line.chars().collect();
        let mut chunks: VecDeque<Vec<char>> = VecDeque::new();
        for (at, letter) in letters.iter().enumerate() {
            let goes_on = at > 0
                && is_space(letters[at - 1]) == is_space(*letter)
                && !(self.at_hyphens && may_end_before(&letters, at));
            match chunks.back_mut().filter(|_| goes_on) {
                Some(chunk) => chunk.push(*letter),
                None => chunks.push_back(vec![*letter]),
            }
        }
        chunks
    }
}

fn is_space(letter: char) -> bool {
    "\t\n\u{b}\u{c}\r ".contains(letter)
}

fn is_blank(chunk: &[char]) -> bool {
    chunk.iter().all(|letter| letter.is_whitespace())
}

/// True behind the hyphen of a word, and on both sides of a dash of two hyphens and more between words.
fn may_end_before(letters: &[char], at: usize) -> bool {
    let get = |at: Option<usize>| at.and_then(|at| letters.get(at)).copied();
    let before = |count: usize| get(at.checked_sub(count));
    let after = |count: usize| get(Some(at + count));
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic() || c == '_');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let hyphens = |c: Option<char>| c == Some('-');

    let word_before = is_letter(before(2)) && is_letter(before(3))
        || is_letter(before(2)) && hyphens(before(3)) && is_letter(before(4));
    let word_after =
        is_letter(after(0)) && (is_letter(after(1)) || hyphens(after(1)) && is_letter(after(2)));
    if hyphens(before(1)) && word_before && word_after {
        return true;
    }
    let dash_from = letters[..at].iter().rposition(|c| *c != '-');
    let dash_to = letters[at..]
        .iter()
        .position(|c| *c != '-')
        .map(|count| at + count);
    let (Some(from), Some(to)) = (dash_from, dash_to) else {
        return false;
    };
    let is_dash = to - from > 2
        && is_word(letters[to])
        && (is_word(letters[from]) || "!\"'&.,?".contains(letters[from]));
    is_dash && (from + 1 == at || to == at)
}
