//! The signs before lines: what comes, goes, changes, stays.

use std::{iter::repeat_n, sync::LazyLock};

use strata_core::Value;

use crate::render::style::{BAD, CHANGE, GOOD, QUIET, paint};

/// What happens to one attribute or element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Remove,
    Change,
    Same,
}

impl Sign {
    pub(super) fn draw(self) -> &'static str {
        static DRAWN: LazyLock<[String; 3]> =
            LazyLock::new(|| [paint(GOOD, "+"), paint(BAD, "-"), paint(CHANGE, "~")]);
        match self {
            Sign::Add => &DRAWN[0],
            Sign::Remove => &DRAWN[1],
            Sign::Change => &DRAWN[2],
            Sign::Same => " ",
        }
    }

    pub(super) fn of(before: &Value, after: &Value) -> Self {
        match (before.is_null(), after.is_null()) {
            _ if before == after => Sign::Same,
            (true, _) => Sign::Add,
            (_, true) => Sign::Remove,
            _ => Sign::Change,
        }
    }
}

/// One line with its sign, at `indent` columns.
pub(super) fn line(out: &mut String, indent: usize, sign: Sign, text: &str) {
    start(out, indent, sign);
    out.push_str(text);
    out.push('\n');
}

/// The sign of a line, at `indent` columns.
pub(super) fn start(out: &mut String, indent: usize, sign: Sign) {
    blanks(out, indent);
    out.push_str(sign.draw());
    out.push(' ');
}

pub(super) fn blanks(out: &mut String, count: usize) {
    const BLANKS: &str = "                                ";
    match BLANKS.get(..count) {
        Some(blanks) => out.push_str(blanks),
        None => out.extend(repeat_n(' ', count)),
    }
}

/// Says how many of something stay as they are.
pub(super) fn hidden(out: &mut String, indent: usize, count: usize, noun: &str) {
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("# ({count} unchanged {noun}{plural} hidden)");
        line(out, indent, Sign::Same, &paint(QUIET, &text));
    }
}
