//! Texts before and after, as a unified diff.

use similar::TextDiff;
use strata_core::FileDiff;

use super::style::{BAD, GOOD, paint};

/// Draws a unified diff with so many lines of context, each side with its name if it has one.
pub(crate) fn unified(diff: &FileDiff, context: usize) -> String {
    let text = TextDiff::from_lines(&diff.before, &diff.after);
    let side = |what: &str, header: &str| match header.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {header}"),
    };
    let unified = text
        .unified_diff()
        .context_radius(context)
        .header(
            &side("before", &diff.before_header),
            &side("after", &diff.after_header),
        )
        .to_string();
    unified.lines().map(colour).collect::<Vec<_>>().join("\n")
}

fn colour(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => paint(GOOD, line),
        Some(b'-') => paint(BAD, line),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_what_changed_and_its_surroundings() {
        let diff = FileDiff {
            name: "/etc/x".into(),
            before_header: "/etc/x (content)".into(),
            after_header: String::new(),
            before: "a\nb\n".into(),
            after: "a\nc\n".into(),
        };
        let plain = anstream::adapter::strip_str(&unified(&diff, 3)).to_string();
        assert_eq!(
            plain,
            "--- before: /etc/x (content)\n+++ after\n@@ -1,2 +1,2 @@\n a\n-b\n+c"
        );
    }
}
