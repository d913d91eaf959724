//! The signs before lines: what comes, goes, changes, stays.

use std::fmt::Write;

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
    pub(super) fn draw(self) -> String {
        match self {
            Sign::Add => paint(GOOD, "+"),
            Sign::Remove => paint(BAD, "-"),
            Sign::Change => paint(CHANGE, "~"),
            Sign::Same => " ".to_owned(),
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
    writeln!(out, "{:indent$}{} {text}", "", sign.draw()).expect("a text takes everything");
}

/// Says how many of something stay as they are.
pub(super) fn hidden(out: &mut String, indent: usize, count: usize, noun: &str) {
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("# ({count} unchanged {noun}{plural} hidden)");
        line(out, indent, Sign::Same, &paint(QUIET, &text));
    }
}
