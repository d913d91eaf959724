//! Findings that the author of a file accepts, with a reason.
//!
//! A comment `strata:ignore RULE: reason` on the line of the finding, or on the line above it.
//! The rules are separated by commas where there are several.

use strata_core::{Diagnostic, Span};

use super::{
    finding::{Finding, Waived},
    rule::Rule,
    rules,
    walk::TextFile,
};

/// The word that begins a waiver.
const WORD: &str = "strata:ignore";

/// A waiver as it stands in a file.
struct Waiver {
    rules: Vec<String>,
    reason: String,
    /// Lines that it speaks for.
    lines: [u32; 2],
    span: Span,
    used: bool,
}

/// Sets aside what is waived, and adds what is wrong with waivers.
pub(super) fn apply(
    texts: &[TextFile],
    looked_at: impl Fn(&str) -> bool,
    found: Vec<Finding>,
) -> (Vec<Finding>, Vec<Waived>) {
    let mut waivers: Vec<Waiver> = texts
        .iter()
        .filter(|text| looked_at(&text.source.name))
        .flat_map(waivers)
        .collect();
    let (mut kept, mut waived) = (Vec::new(), Vec::new());
    for finding in found {
        match waivers.iter_mut().find(|waiver| waiver.covers(&finding)) {
            Some(waiver) => {
                waiver.used = true;
                if waiver.reason.is_empty() {
                    kept.push(finding);
                } else {
                    let reason = waiver.reason.clone();
                    waived.push(Waived { finding, reason });
                }
            }
            None => kept.push(finding),
        }
    }
    kept.extend(waivers.iter().flat_map(Waiver::mistakes));
    (kept, waived)
}

impl Waiver {
    fn covers(&self, finding: &Finding) -> bool {
        self.rules.iter().any(|rule| rule == finding.rule.name)
            && finding.diagnostic.labels.iter().any(|label| {
                label.span.file == self.span.file && self.lines.contains(&label.span.start.line)
            })
    }

    fn mistakes(&self) -> Vec<Finding> {
        let mut mistakes = Vec::new();
        if self.reason.is_empty() {
            let summary = "A waiver without a reason waives nothing".to_owned();
            mistakes.push(self.mistake(&rules::WAIVER_WITHOUT_REASON, summary));
        }
        for name in self.rules.iter().filter(|name| rules::find(name).is_none()) {
            let summary = format!("There is no rule `{name}` to waive");
            mistakes.push(self.mistake(&rules::UNUSED_WAIVER, summary));
        }
        if !self.used && mistakes.is_empty() {
            let summary = format!("Nothing here breaks `{}`", self.rules.join("`, `"));
            mistakes.push(self.mistake(&rules::UNUSED_WAIVER, summary));
        }
        mistakes
    }

    fn mistake(&self, rule: &'static Rule, summary: String) -> Finding {
        let diagnostic: Diagnostic = rule.diagnostic(summary).at(self.span.clone());
        Finding { rule, diagnostic }
    }
}

fn waivers(text: &TextFile) -> Vec<Waiver> {
    let source = &text.source;
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = source.text[from..].find(WORD).map(|at| from + at) {
        from = at + WORD.len();
        let line = source.position(at).line;
        let written = source.line(line);
        let before = written.split(WORD).next().unwrap_or_default();
        let Some(mark) = before.rfind(['#', '/']) else {
            continue;
        };
        // A comment on a line of its own speaks for the next line that is not a comment.
        let alone = before[..mark]
            .trim_matches(['/', ' ', '\t', '{', '#'])
            .is_empty();
        let next = if alone { next_line(source, line) } else { line };
        let rest = &source.text[from..];
        let rest = rest.lines().next().unwrap_or_default();
        found.push(waiver(
            rest,
            [line, next],
            source.span(at..from + rest.trim_end().len()),
        ));
    }
    found
}

fn next_line(source: &strata_core::Source, line: u32) -> u32 {
    let comment = |line: &str| {
        let line = line.trim_start();
        line.starts_with('#') || line.starts_with("//") || line.starts_with("{#")
    };
    (line + 1..line + 20)
        .find(|line| !comment(source.line(*line)))
        .unwrap_or(line + 1)
}

fn waiver(rest: &str, lines: [u32; 2], span: Span) -> Waiver {
    let (names, reason) = rest.split_once(':').unwrap_or((rest, ""));
    let names = names.split([',', ' ']).map(str::trim);
    Waiver {
        rules: names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        reason: reason.trim().trim_end_matches("#}").trim().to_owned(),
        lines,
        span,
        used: false,
    }
}
