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
