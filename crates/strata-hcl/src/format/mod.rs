//! Writes a file as `terraform fmt` (1.11) would: only space, a few quotes and old spellings change.
//!
//! A file without mistakes becomes a row of [`scan::Token`]s, comments and line breaks among them. Old spellings
//! are replaced ([`rewrite`]), the row is cut into lines ([`lines`]) which are indented and aligned, and each pair
//! of neighbours is asked whether a space stands between ([`spacing`]). Nothing looks at the meaning of an
//! expression: brackets and equals signs decide, with all the quirks that follow for odd input.

mod lines;
mod rewrite;
mod scan;
mod spacing;

use std::sync::Arc;

use strata_core::{Diagnostics, Source};

pub(crate) use rewrite::quoted;

/// Formats a file in native syntax; with its mistakes if it has any.
///
/// What it gives is byte for byte what `terraform fmt` 1.11 leaves in the file. A byte order mark goes.
pub fn format(source: &Arc<Source>) -> Result<String, Diagnostics> {
    let mut diags = Diagnostics::default();
    let body = crate::parser::parse(source, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let tokens = rewrite::body(scan::tokens(&source.text), &body);
    let mut lines = lines::cut(tokens);
    lines::indent(&mut lines);
    spacing::space(&mut lines);
    lines::align(&mut lines);
    let mut out = lines::write(&lines, source.text.len());
    out.push_str(&space_at_end(&source.text, &out));
    Ok(out)
}

/// How many letters of a kind stand in comments before the first that stands elsewhere; none if all are in comments.
pub(crate) fn in_comments_before_code(text: &str, is_one: impl Fn(char) -> bool) -> Option<usize> {
    let mut before = 0;
    for token in scan::tokens(text) {
        let letters = token.text.chars().filter(|c| is_one(*c)).count();
        if letters > 0 && token.kind != scan::Kind::Comment {
            return Some(before);
        }
        before += letters;
    }
    None
}

/// True unless a bracket, a quoted text or a heredoc is open at the end, as while an expression is being typed.
pub fn is_closed(text: &str) -> bool {
    scan::is_closed(text)
}

/// What stands after the last token stays, each tab as one space: Terraform counts it as space before the end.
fn space_at_end(text: &str, out: &str) -> String {
    let rest = text.len() - text.trim_end_matches([' ', '\t']).len();
    // A comment that runs to the end of the file has it already.
    let in_comment = out.ends_with([' ', '\t']);
    " ".repeat(if in_comment { 0 } else { rest })
}
