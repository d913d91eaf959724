//! The look of `ansible-playbook`: banners, a line a result, the recap.
//!
//! Wording and padding are those of ansible-core's default callback, so that what people and
//! scripts read from it stays where it is.

use std::{collections::BTreeMap, sync::Arc};

use anstream::println;
use anstyle::Style;
use strata_core::{Event, FileDiff, HostCounts, TaskOutcome};

use super::{
    Renderer,
    diagnostic::DiagnosticRenderer,
    diff,
    style::{BAD, CHANGE, GOOD, QUIET, paint},
};

/// Draws a playbook's run as Ansible does.
pub(crate) struct AnsibleLook {
    width: usize,
    verbosity: u8,
    diagnostics: DiagnosticRenderer,
    recap: BTreeMap<Arc<str>, HostCounts>,
}

impl AnsibleLook {
    /// Draws for `width` columns; from verbosity 1 on with each task's whole result.
    pub(crate) fn new(width: usize, verbosity: u8, diagnostics: DiagnosticRenderer) -> Self {
        Self {
            width,
            verbosity,
            diagnostics,
            recap: BTreeMap::new(),
        }
    }

    fn banner(&self, text: &str) {
        println!("{}", banner(text, self.width));
    }

    fn result(&self, line: &ResultLine<'_>) {
        for diff in line.diffs {
            println!("{}", diff::unified(diff));
        }
        let (style, text) = line.text(self.verbosity);
        println!("{}", paint(style, &text));
        if line.outcome == TaskOutcome::Ignored {
            println!("{}", paint(QUIET, "...ignoring"));
        }
    }
}

/// `text`, and stars up to the width, at least three.
fn banner(text: &str, width: usize) -> String {
    let stars = width.saturating_sub(text.chars().count() + 1).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

/// One result, as the line is made of it.
struct ResultLine<'a> {
    host: &'a str,
    item: Option<&'a str>,
    outcome: TaskOutcome,
    message: Option<&'a str>,
    diffs: &'a [FileDiff],
    result: &'a str,
}

impl ResultLine<'_> {
    fn text(&self, verbosity: u8) -> (Style, String) {
        let host = self.host;
        let item = self
            .item
            .map(|item| format!(" => (item={item})"))
            .unwrap_or_default();
        match self.outcome {
            TaskOutcome::Ok => (GOOD, format!("ok: [{host}]{item}{}", self.shown(verbosity))),
            TaskOutcome::Changed => (
                CHANGE,
                format!("changed: [{host}]{item}{}", self.shown(verbosity)),
            ),
            TaskOutcome::Skipped => (QUIET, format!("skipping: [{host}]{item}")),
            TaskOutcome::Failed | TaskOutcome::Ignored => (BAD, self.failure()),
            TaskOutcome::Unreachable => (
                BAD,
                format!("fatal: [{host}]: UNREACHABLE! => {}", self.result),
            ),
        }
    }

    fn failure(&self) -> String {
        match self.item {
            Some(item) => format!("failed: [{}] (item={item}) => {}", self.host, self.result),
            None => format!("fatal: [{}]: FAILED! => {}", self.host, self.result),
        }
    }

    /// What follows the host: a message that the task is there to show, or everything when asked for.
    fn shown(&self, verbosity: u8) -> String {
        match self.message {
            Some(message) => format!(" => {{\n    \"msg\": {}\n}}", quoted(message)),
            None if verbosity > 0 => format!(" => {}", self.result),
            None => String::new(),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

/// One line of the recap.
fn recap(host: &str, counts: &HostCounts) -> String {
    let HostCounts {
        ok,
        changed,
        unreachable,
        failed,
        skipped,
        rescued,
        ignored,
    } = *counts;
    format!(
        "{host:<26} : ok={ok:<4} changed={changed:<4} unreachable={unreachable:<4} failed={failed:<4} \
         skipped={skipped:<4} rescued={rescued:<4} ignored={ignored:<4}"
    )
}

fn recap_style(counts: &HostCounts) -> Style {
    match counts {
        counts if counts.failed > 0 || counts.unreachable > 0 => BAD,
        counts if counts.changed > 0 => CHANGE,
        _ => GOOD,
    }
}

impl Renderer for AnsibleLook {
    fn event(&mut self, event: Event) {
        match event {
            Event::PlayStarted { name, .. } => self.banner(&format!("PLAY [{name}]")),
            Event::TaskStarted {
                task,
                handler: false,
            } => self.banner(&format!("TASK [{task}]")),
            Event::TaskStarted {
                task,
                handler: true,
            } => self.banner(&format!("RUNNING HANDLER [{task}]")),
            Event::TaskFinished {
                host,
                item,
                outcome,
                message,
                diffs,
                result,
                ..
            } => {
                let (item, message) = (item.as_deref(), message.as_deref());
                self.result(&ResultLine {
                    host: &host,
                    item,
                    outcome,
                    message,
                    diffs: &diffs,
                    result: &result,
                });
            }
            Event::HostRecap { host, counts } => drop(self.recap.insert(host, counts)),
            Event::Diagnostic { diagnostic } => {
                anstream::eprint!("{}", self.diagnostics.render(&diagnostic))
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        if self.recap.is_empty() {
            return;
        }
        self.banner("PLAY RECAP");
        for (host, counts) in &self.recap {
            println!("{}", paint(recap_style(counts), &recap(host, counts)));
        }
        println!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recap_is_padded_as_ansible_pads_it() {
        let counts = HostCounts {
            ok: 12,
            changed: 3,
            ..HostCounts::default()
        };
        let expected = "web-1                      : ok=12   changed=3    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   ";
        assert_eq!(recap("web-1", &counts), expected);
    }

    #[test]
    fn banners_reach_the_width_and_have_three_stars_at_least() {
        assert_eq!(banner("PLAY [x]", 20), "\nPLAY [x] ***********");
        assert_eq!(
            banner("a name longer than the width", 10),
            "\na name longer than the width ***"
        );
    }
}
