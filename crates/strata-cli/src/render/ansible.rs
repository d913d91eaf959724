//! The look of `ansible-playbook`: banners, a line a result, the recap.
//!
//! Lines, padding and the order of keys are those of the default callback of ansible-core 2.19, so that what
//! people and scripts read from it stays where it is. Why something failed is said on standard error, in our words.

use std::{collections::BTreeMap, sync::Arc};

use anstyle::Style;
use strata_core::{Event, FileDiff, HostCounts, JobState, ResultKind, TaskOutcome};

use super::{
    Renderer,
    ansible_result::{self, Format},
    ansible_statistics::statistics,
    diagnostic::DiagnosticRenderer,
    diff,
    lines::Lines,
    style::{BAD, CHANGE, GOOD, QUIET, paint},
};

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How much: 1 shows each result, 2 also where tasks stand, 3 all of each result.
    pub(crate) verbosity: u8,
    /// Results as YAML.
    pub(crate) yaml: bool,
    /// Whether what programs print and messages stand below a result, as they are (callback `debug`).
    pub(crate) texts_apart: bool,
    /// Whether skipped tasks are shown.
    pub(crate) skipped_hosts: bool,
    /// Whether tasks that are ok are shown.
    pub(crate) ok_hosts: bool,
    /// Whether failures are told on standard error.
    pub(crate) failed_stderr: bool,
    /// Whether it is told where a task that failed stands.
    pub(crate) failed_path: bool,
    /// Whether what `set_stats` collected is shown at the end.
    pub(crate) statistics: bool,
    /// Whether banners say that changes are only shown.
    pub(crate) check_markers: bool,
    /// How many lines stand around each difference.
    pub(crate) context: usize,
}

#[cfg(test)]
impl Manner {
    /// Where nobody says otherwise.
    pub(crate) fn usual() -> Self {
        Self {
            verbosity: 0,
            yaml: false,
            texts_apart: false,
            skipped_hosts: true,
            ok_hosts: true,
            failed_stderr: false,
            failed_path: false,
            statistics: false,
            check_markers: false,
            context: 3,
        }
    }
}

/// Draws a playbook's run as Ansible does.
pub(crate) struct AnsibleLook {
    width: usize,
    manner: Manner,
    diagnostics: DiagnosticRenderer,
    lines: Lines,
    recap: BTreeMap<Arc<str>, HostCounts>,
    /// What was collected for the end.
    statistics: Option<Arc<str>>,
    /// A banner that waits for a result worth showing.
    waiting: Option<(String, Arc<str>)>,
    /// Included files with the hosts that they are for, until something else happens.
    included: Vec<(String, Vec<String>)>,
    /// Where the task under way stands.
    path: Arc<str>,
    played: bool,
    /// Whether any play was shown.
    began: bool,
    /// Whether a play was shown since the last recap.
    unfinished: bool,
    /// Whether any playbook was shown.
    opened: bool,
    /// Whether the playbook under way changes nothing.
    rehearses: bool,
}

impl AnsibleLook {
    /// Draws for `width` columns.
    pub(crate) fn new(
        width: usize,
        manner: Manner,
        diagnostics: DiagnosticRenderer,
        lines: Lines,
    ) -> Self {
        Self {
            width,
            manner,
            diagnostics,
            lines,
            recap: BTreeMap::new(),
            statistics: None,
            waiting: None,
            included: Vec::new(),
            path: "".into(),
            played: false,
            began: false,
            unfinished: false,
            opened: false,
            rehearses: false,
        }
    }

    fn banner(&mut self, text: &str) {
        let line = banner(text, self.width);
        self.lines.say(&line);
    }

    /// A playbook's head: with `-v` where its settings are, with `-vv` its name and how many plays it has.
    fn playbook(&mut self, path: &str, plays: usize, settings: Option<&str>) {
        self.show_recap();
        let verbosity = self.manner.verbosity;
        if verbosity > 0 && !std::mem::replace(&mut self.opened, true) {
            let line = match settings {
                Some(file) => format!("Using {file} as config file"),
                None => "No config file found; using defaults".to_owned(),
            };
            self.lines.say(&paint(RETRY, &line));
        }
        if verbosity > 1 {
            let name = path.rsplit('/').next().unwrap_or(path);
            self.banner(&format!("PLAYBOOK: {name}"));
        }
        if self.rehearses && self.manner.check_markers {
            self.banner("DRY RUN");
        }
        if verbosity > 1 {
            let line = format!("{plays} plays in {path}");
            self.lines.say(&paint(RETRY, &line));
        }
    }

    /// What a banner says of a play or task that changes nothing.
    fn marker(&self, check: bool) -> &'static str {
        match check && self.manner.check_markers {
            true => " [CHECK MODE]",
            false => "",
        }
    }

    /// A task's banner: at once, or with its first result where some results are not shown.
    fn task(&mut self, name: String, path: Arc<str>) {
        self.path = path.clone();
        self.waiting = Some((name, path));
        if self.manner.skipped_hosts && self.manner.ok_hosts {
            self.show_waiting();
        }
    }

    fn show_waiting(&mut self) {
        if let Some((name, path)) = self.waiting.take() {
            self.banner(&name);
            if self.manner.verbosity >= 2 {
                self.lines.say(&format!("task path: {path}"));
            }
        }
    }

    fn result(&mut self, line: &ResultLine<'_>) {
        let Some((style, text)) = line.text(self.manner) else {
            if line.outcome == TaskOutcome::Ignored {
                self.lines.say(&paint(QUIET, "...ignoring"));
            }
            return;
        };
        self.show_waiting();
        for diff in line.diffs {
            let text = diff::unified(diff, self.manner.context);
            self.lines.say(&format!("{text}\n"));
        }
        let failed = matches!(line.outcome, TaskOutcome::Failed | TaskOutcome::Ignored);
        if failed && self.manner.failed_path && self.manner.verbosity < 2 && line.item.is_none() {
            let text = format!("task path: {}", self.path);
            self.lines.say(&text);
        }
        let bad = failed || line.outcome == TaskOutcome::Unreachable;
        match bad {
            true => self
                .lines
                .fail(&paint(style, &text), self.manner.failed_stderr),
            false => self.lines.say(&paint(style, &text)),
        }
        let ignored = line.outcome == TaskOutcome::Ignored && line.item.is_none();
        if ignored || line.is_ignored_unreachable() {
            self.lines.say(&paint(QUIET, "...ignoring"));
        }
    }

    /// Tasks that were included: one line for all hosts of the same file and item, and another where a host has that item
    /// twice.
    fn include(&mut self, message: &str, host: &str, item: Option<&str>) {
        let file = message
            .strip_suffix(&format!(" for {host}"))
            .unwrap_or(message);
        let item = item
            .map(|item| format!(" => (item={item})"))
            .unwrap_or_default();
        let key = format!("{file}\0{item}");
        let mut lines = self.included.iter_mut();
        let line =
            lines.find(|(known, hosts)| *known == key && !hosts.iter().any(|one| one == host));
        match line {
            Some((_, hosts)) => hosts.push(host.to_owned()),
            None => self.included.push((key, vec![host.to_owned()])),
        }
    }

    fn show_recap(&mut self) {
        if self.recap.is_empty() && !std::mem::take(&mut self.unfinished) {
            return;
        }
        self.unfinished = false;
        self.banner("PLAY RECAP");
        for (host, counts) in std::mem::take(&mut self.recap) {
            let line = paint(recap_style(&counts), &recap(&host, &counts));
            self.lines.say(&line);
        }
        self.lines.say("");
        let collected = self.statistics.take().filter(|_| self.manner.statistics);
        let stars = banner("CUSTOM STATS:", self.width);
        if let Some(text) = collected.and_then(|values| statistics(&values, &stars)) {
            self.lines.say(&text);
        }
        if self.rehearses && self.manner.check_markers {
            self.banner("DRY RUN");
        }
    }

    fn show_included(&mut self) {
        for (key, hosts) in std::mem::take(&mut self.included) {
            self.show_waiting();
            let (file, item) = key.split_once('\0').unwrap_or((&key, ""));
            let line = format!("{file} for {}{item}", hosts.join(", "));
            self.lines.say(&paint(INCLUDED, &line));
        }
    }
}

/// The colour of included files.
const INCLUDED: Style = anstyle::AnsiColor::Cyan.on_default();

/// `text`, and stars up to the width, at least three.
pub(super) fn banner(text: &str, width: usize) -> String {
    let stars = width.saturating_sub(text.chars().count()).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

/// The colour of tries that are to be repeated.
const RETRY: Style = anstyle::AnsiColor::Blue.on_default();

/// One result, as the line is made of it.
struct ResultLine<'a> {
    host: &'a str,
    delegate: Option<&'a str>,
    item: Option<&'a str>,
    outcome: TaskOutcome,
    kind: ResultKind,
    diffs: &'a [FileDiff],
    result: &'a str,
}

impl ResultLine<'_> {
    /// The line; none if it is not to be shown.
    fn text(&self, manner: Manner) -> Option<(Style, String)> {
        let host = match self.delegate {
            Some(delegate) => format!("{} -> {delegate}", self.host),
            None => self.host.to_owned(),
        };
        let item = self
            .item
            .map(|item| format!(" => (item={item})"))
            .unwrap_or_default();
        // A loop's items were shown before; only that all were skipped is news.
        if self.kind == ResultKind::Loop && self.outcome != TaskOutcome::Skipped {
            return None;
        }
        Some(match self.outcome {
            TaskOutcome::Ok if !manner.ok_hosts => return None,
            TaskOutcome::Ok => (GOOD, format!("ok: [{host}]{item}{}", self.shown(manner))),
            TaskOutcome::Changed => (
                CHANGE,
                format!("changed: [{host}]{item}{}", self.shown(manner)),
            ),
            TaskOutcome::Skipped if !manner.skipped_hosts => return None,
            TaskOutcome::Skipped => {
                let blank = if self.item.is_some() { " " } else { "" };
                let shown = if manner.verbosity > 0 {
                    self.arrow(manner)
                } else {
                    String::new()
                };
                // Ansible does not say who would have done it.
                let host = self.host;
                (QUIET, format!("skipping: [{host}]{item}{blank}{shown}"))
            }
            TaskOutcome::Failed | TaskOutcome::Ignored => {
                let head = match self.item {
                    Some(item) => format!("failed: [{host}] (item={item})"),
                    None => format!("fatal: [{host}]: FAILED!"),
                };
                (BAD, head + &self.arrow(manner))
            }
            TaskOutcome::Unreachable => (
                BAD,
                format!("fatal: [{host}]: UNREACHABLE!{}", self.arrow(manner)),
            ),
        })
    }

    fn is_ignored_unreachable(&self) -> bool {
        self.outcome == TaskOutcome::Unreachable && self.result.contains("\"ignored\":true")
    }

    /// What follows the host: what the task is there to show, or everything when asked for.
    fn shown(&self, manner: Manner) -> String {
        let always = matches!(self.kind, ResultKind::Shown | ResultKind::Verbose);
        // What `no_log` hides shows nothing where it would only say so.
        let hidden = self.is_hidden();
        // All the facts of a host are never shown.
        let facts = self.result.contains("module_setup\":");
        if (always && !hidden) || (manner.verbosity > 0 && !facts) {
            self.arrow(manner)
        } else {
            String::new()
        }
    }

    fn is_hidden(&self) -> bool {
        self.result.contains("\"censored\":")
    }

    fn arrow(&self, manner: Manner) -> String {
        let map = ansible_result::abridged(self.result, manner.verbosity);
        let good = matches!(self.outcome, TaskOutcome::Ok | TaskOutcome::Changed);
        // What kept an assertion from being looked at is a failure as any other.
        let judged = map.contains_key("failed_when_result");
        let mut map = match self.kind {
            ResultKind::Shown => ansible_result::debugged(map),
            _ => map,
        };
        let hidden = self.is_hidden();
        if hidden && self.outcome == TaskOutcome::Skipped {
            map.shift_remove("changed");
        }
        let asserted = good || judged || map.contains_key("assertion");
        let always = !hidden
            && match self.kind {
                ResultKind::Verbose => asserted,
                ResultKind::Shown => good || judged,
                _ => false,
            };
        let apart = match manner.texts_apart {
            true => ansible_result::texts_apart(&mut map),
            false => String::new(),
        };
        let always = always || manner.texts_apart;
        let format = match (manner.yaml, always || manner.verbosity > 2) {
            (true, _) => Format::Yaml,
            (false, true) => Format::Json,
            (false, false) => Format::Line,
        };
        format!(" => {}{apart}", ansible_result::write(&map, format))
    }
}

/// What a look at a task in the background found.
fn looked_at(host: &str, job: &str, state: JobState) -> String {
    match state {
        JobState::UnderWay => {
            format!("ASYNC POLL on {host}: jid={job} started=True finished=False")
        }
        JobState::Done => format!("ASYNC OK on {host}: jid={job}"),
        JobState::Failed => format!("ASYNC FAILED on {host}: jid={job}"),
    }
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
        self.lines.follow(&event);
        if matches!(event, Event::HostBegan { .. }) {
            return;
        }
        let joins = matches!(
            &event,
            Event::TaskFinished {
                kind: ResultKind::Included,
                outcome: TaskOutcome::Ok,
                ..
            }
        );
        // Files are told of when all hosts said what they include: items that others leave out come before.
        let skips = matches!(
            &event,
            Event::TaskFinished {
                outcome: TaskOutcome::Skipped,
                ..
            }
        );
        if !joins && !skips {
            self.show_included();
        }
        match event {
            // Of several playbooks each has its recap, which counts on.
            Event::PlaybookStarted {
                path,
                plays,
                check,
                settings,
            } => {
                self.rehearses = check;
                self.playbook(&path, plays, settings.as_deref());
            }
            Event::PlayStarted { name, hosts, check } => {
                self.waiting = None;
                self.began = true;
                self.unfinished = true;
                let name = match name.trim() {
                    "" => String::new(),
                    name => format!(" [{name}]"),
                };
                self.banner(&format!("PLAY{name}{}", self.marker(check)));
                if hosts == 0 && !std::mem::take(&mut self.played) {
                    self.lines.say(&paint(QUIET, "skipping: no hosts matched"));
                }
                self.played = false;
            }
            Event::TaskStarted {
                task,
                handler,
                path,
                check,
                arguments,
                ..
            } => {
                let what = if handler { "RUNNING HANDLER" } else { "TASK" };
                let arguments = arguments.map(|text| format!(" {text}")).unwrap_or_default();
                let (task, marker) = (task.trim(), self.marker(check));
                self.task(format!("{what} [{task}{arguments}]{marker}"), path);
            }
            Event::TaskRetried { host, task, left } => {
                let line = format!("FAILED - RETRYING: [{host}]: {task} ({left} retries left).");
                self.show_waiting();
                self.lines.say(&paint(RETRY, &line));
            }
            Event::TaskFinished {
                host,
                item,
                message: Some(message),
                ..
            } if joins => self.include(&message, &host, item.as_deref()),
            Event::TaskFinished {
                host,
                item,
                outcome,
                diffs,
                result,
                delegate,
                kind,
                ..
            } => self.result(&ResultLine {
                host: &host,
                delegate: delegate.as_deref(),
                item: item.as_deref(),
                outcome,
                kind,
                diffs: &diffs,
                result: &result,
            }),
            Event::Statistics { values } => self.statistics = Some(values),
            Event::JobLookedAt { host, job, state } => {
                self.show_waiting();
                let line = looked_at(&host, &job, state);
                self.lines.say(&paint(RETRY, &line));
            }
            Event::Pausing { seconds, hidden } => {
                self.show_waiting();
                let hidden = if hidden { " (output is hidden)" } else { "" };
                self.lines
                    .say(&format!("Pausing for {seconds} seconds{hidden}"));
            }
            Event::NoHostsLeft => self.banner("NO MORE HOSTS LEFT"),
            Event::HostRecap { host, counts } => drop(self.recap.insert(host, counts)),
            // The banner of the play says it already.
            Event::Diagnostic { diagnostic } if diagnostic.code != "no-hosts-matched" => {
                // Where the run ends in its middle Ansible counts nothing.
                self.began &= diagnostic.code != "missing-handler";
                let text = self.diagnostics.render(&diagnostic);
                self.lines.diagnose(&text);
            }
            _ => {}
        }
    }

    fn tick(&mut self) {
        self.lines.tick();
    }

    fn finish(&mut self) {
        self.lines.clear();
        self.show_included();
        if !self.began {
            return;
        }
        self.show_recap();
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
        assert_eq!(banner("PLAY [x]", 20), "\nPLAY [x] ************");
        assert_eq!(
            banner("a name longer than the width", 10),
            "\na name longer than the width ***"
        );
    }

    fn line(
        outcome: TaskOutcome,
        kind: ResultKind,
        item: Option<&str>,
        verbosity: u8,
    ) -> Option<String> {
        let line = ResultLine {
            host: "web",
            delegate: None,
            item,
            outcome,
            kind,
            diffs: &[],
            result: r#"{"changed":true,"failed":false,"msg":"hi"}"#,
        };
        let manner = Manner {
            verbosity,
            ..Manner::usual()
        };
        line.text(manner).map(|(_, text)| text)
    }

    #[test]
    fn results_are_lines_that_scripts_can_read() {
        use {ResultKind::*, TaskOutcome::*};
        let text = |outcome, kind, item, verbosity| line(outcome, kind, item, verbosity).unwrap();
        assert_eq!(text(Changed, Plain, None, 0), "changed: [web]");
        assert_eq!(
            text(Changed, Plain, Some("a"), 1),
            r#"changed: [web] => (item=a) => {"changed": true, "msg": "hi"}"#
        );
        assert_eq!(
            text(Ok, Shown, None, 0),
            "ok: [web] => {\n    \"msg\": \"hi\"\n}"
        );
        assert_eq!(
            text(Skipped, Plain, Some("a"), 0),
            "skipping: [web] => (item=a) "
        );
        assert_eq!(
            text(Failed, Plain, Some("a"), 0),
            r#"failed: [web] (item=a) => {"changed": true, "msg": "hi"}"#
        );
        assert_eq!(
            text(Ignored, Plain, None, 0),
            r#"fatal: [web]: FAILED! => {"changed": true, "msg": "hi"}"#
        );
        assert_eq!(line(Changed, Loop, None, 3), None);
    }
}
