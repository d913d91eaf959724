//! The few colours there are, each with one meaning.

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

/// The same text without the codes of [`paint`]; none if there are other control characters in it.
///
/// A plan may be a megabyte of text, through which a parser for everything a terminal understands takes long.
pub(crate) fn without(text: &str) -> Option<String> {
    let is_control =
        |byte: u8| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    if text.bytes().any(is_control) {
        return None;
    }
    let mut pieces = text.split('\x1b');
    let mut plain = String::with_capacity(text.len());
    plain.push_str(pieces.next()?);
    for piece in pieces {
        let code = piece.strip_prefix('[')?;
        let code = code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain.push_str(code.strip_prefix('m')?);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

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
