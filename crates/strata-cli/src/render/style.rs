//! The few colours there are, each with one meaning.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use anstyle::{AnsiColor, Style};

/// Something is made, or as desired.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something changes.
pub(crate) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Something is lost or wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Something did not happen.
pub(crate) const QUIET: Style = AnsiColor::Cyan.on_default();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Wraps `text` in `style`; the output stream drops the codes where there are no colours.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The same behind what is there.
pub(crate) fn paint_onto(out: &mut String, style: Style, text: fmt::Arguments<'_>) {
    write!(out, "{style}{text}{style:#}").expect("a text takes everything");
}

/// The same text without the codes of [`paint`]; none if there are other control characters in it.
///
/// A plan may be a megabyte of text, through which a parser for everything a terminal understands takes long.
pub(crate) fn without(text: &str) -> Option<String> {
    if text.as_bytes().chunks(256).any(has_control) {
        return None;
    }
    let mut pieces = text.split('\x1b');
    let mut plain = String::with_capacity(text.len());
    plain.push_str(pieces.next()?);
    for piece in pieces {
        let code = piece.strip_prefix('[')?;
        let is_of_code = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
        let length = code.bytes().take_while(is_of_code).count();
        plain.push_str(code[length..].strip_prefix('m')?);
    }
    Some(plain)
}

/// Text in which nothing acts on a terminal but colours: other control characters are shown as `\u001b`.
///
/// Names and messages come from hosts, servers and files, and a terminal obeys what is written to it.
pub(crate) fn tame(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let harmless = match c {
            '\n' | '\t' => 1,
            '\r' if rest.starts_with("\r\n") => 2,
            '\u{1b}' => colour(rest),
            c if c.is_control() => 0,
            c => c.len_utf8(),
        };
        match harmless {
            0 => tamed.push_str(&format!("\\u{:04x}", u32::from(c))),
            length => tamed.push_str(&rest[..length]),
        }
        rest = &rest[harmless.max(c.len_utf8())..];
    }
    Cow::Owned(tamed)
}

/// How long the code of a colour is that a text begins with; 0 if it begins with none.
fn colour(text: &str) -> usize {
    let Some(code) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let is_of_code = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    let length = code.bytes().take_while(is_of_code).count();
    match code[length..].starts_with('m') {
        true => length + 3,
        false => 0,
    }
}

/// True if a control character other than those of [`paint`] is among the bytes. It looks at all of them, without a
/// branch: many at a time.
fn has_control(bytes: &[u8]) -> bool {
    let is_control =
        |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b)) | (byte == 0x7f);
    bytes
        .iter()
        .fold(false, |found, byte| found | is_control(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_reach_a_terminal_of_what_acts_on_it() {
        let painted = format!("{}\n\té\r\n", paint(GOOD, "+ ok"));
        assert_eq!(tame(&painted), painted);
        let hostile = "a\u{1b}]0;title\u{7}b\u{1b}[2J\u{9b}31mc\rd\u{8}";
        let shown = "a\\u001b]0;title\\u0007b\\u001b[2J\\u009b31mc\\u000dd\\u0008";
        assert_eq!(tame(hostile), shown);
        assert_eq!(tame("\u{1b}"), "\\u001b");
    }

    #[test]
    fn our_codes_come_off_and_others_are_left_to_who_knows_them() {
        let painted = format!("{}\n\té {}\n", paint(GOOD, "+"), paint(HEADING, "# a 1;2m"));
        assert_eq!(without(&painted).as_deref(), Some("+\n\té # a 1;2m\n"));
        for other in [
            "\u{1b}]8;;x\u{7}",
            "\u{1b}[2K",
            "\u{1b}",
            "a\u{0}",
            "\u{7f}",
        ] {
            assert_eq!(without(other), None, "{other:?}");
        }
    }
}
