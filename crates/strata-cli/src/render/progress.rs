//! A whole environment going up or down: a line for what is done, and on a terminal a moving line
//! for each thing under way.
//!
//! Off a terminal the same lines come without the moving ones, and what takes long is told of now and then.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use strata_core::{Action, ApplyPhase, Event, HostCounts, StageKind, StageOutcome, TaskOutcome};

use super::{
    Renderer,
    diagnostic::DiagnosticRenderer,
    diff,
    moving::{Moving, above},
    say,
    style::{BAD, CHANGE, FAINT, GOOD, HEADING, QUIET, paint},
};

/// Draws an environment's run.
pub(crate) struct ProgressLook {
    moving: Moving<Running>,
    stages: BTreeMap<Arc<str>, Instant>,
    /// What each host is at.
    tasks: BTreeMap<Arc<str>, Arc<str>>,
    diagnostics: DiagnosticRenderer,
    verbosity: u8,
    /// True if nothing is done, only looked at.
    planning: bool,
}

/// What a moving line stands for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Running {
    Resource(String),
    Host(Arc<str>),
}

impl ProgressLook {
    /// Draws with moving lines if `live`; from verbosity 1 on also what did not change.
    pub(crate) fn new(
        live: bool,
        planning: bool,
        verbosity: u8,
        diagnostics: DiagnosticRenderer,
    ) -> Self {
        Self {
            moving: Moving::new(live),
            stages: BTreeMap::new(),
            tasks: BTreeMap::new(),
            diagnostics,
            verbosity,
            planning,
        }
    }

    /// Takes a moving line away and says how long it was there.
    fn stop(&mut self, key: &Running) -> String {
        self.moving.stop(key).map(seconds).unwrap_or_default()
    }

    /// A host does its task from now on.
    fn begin(&mut self, host: Arc<str>) {
        if let Some(task) = self.tasks.get(&host) {
            let text = format!("{host}: {task}");
            self.moving.start(Running::Host(host), text);
        }
    }

    fn resource(&mut self, address: &str, action: Action, phase: ApplyPhase) {
        let key = Running::Resource(address.to_owned());
        match phase {
            ApplyPhase::Started => self
                .moving
                .start(key, format!("{address}: {}", doing(action))),
            ApplyPhase::Progress(note) => self.moving.note(&key, format!("{address}: {note}")),
            ApplyPhase::Finished(_) => {
                let took = self.stop(&key);
                say(&format!(
                    "  {} {address} {}",
                    symbol(action),
                    paint(FAINT, &took)
                ));
            }
            ApplyPhase::Failed => {
                let took = self.stop(&key);
                say(&format!(
                    "  {} {address} {}",
                    paint(BAD, "!"),
                    paint(FAINT, &took)
                ));
            }
        }
    }

    fn task(&mut self, result: &TaskResult<'_>) {
        let quiet = matches!(result.outcome, TaskOutcome::Ok | TaskOutcome::Skipped);
        if !quiet || result.message.is_some() || self.verbosity > 0 {
            for diff in result.diffs {
                say(&diff::unified(diff, 3));
            }
            say(&result.line());
        }
        if result.item.is_none() {
            self.tasks.remove(&result.host);
            self.stop(&Running::Host(result.host.clone()));
        }
    }

    fn recap(&mut self, host: &Arc<str>, counts: &HostCounts) {
        self.stop(&Running::Host(host.clone()));
        let style = match counts {
            counts if counts.failed + counts.unreachable > 0 => BAD,
            counts if counts.changed > 0 => CHANGE,
            _ => GOOD,
        };
        let HostCounts {
            ok,
            changed,
            unreachable,
            failed,
            skipped,
            rescued,
            ignored,
        } = counts;
        let mut text = format!("{ok} ok, {changed} changed");
        let others = [
            (unreachable, "unreachable"),
            (failed, "failed"),
            (skipped, "skipped"),
            (rescued, "rescued"),
            (ignored, "ignored"),
        ];
        for (count, name) in others.into_iter().filter(|(count, _)| **count > 0) {
            text.push_str(&format!(", {count} {name}"));
        }
        say(&format!("  {} {host}: {text}", paint(style, "=")));
    }

    fn stage_started(&mut self, stage: &Arc<str>, kind: StageKind) {
        self.stages.insert(stage.clone(), Instant::now());
        say(&paint(HEADING, &format!("{} {stage}", kind_name(kind))));
    }

    fn stage_finished(&mut self, stage: &Arc<str>, kind: StageKind, outcome: StageOutcome) {
        let took = self
            .stages
            .remove(stage)
            .map(|since| seconds(since.elapsed()))
            .unwrap_or_default();
        let (style, word) = match outcome {
            StageOutcome::Unchanged if kind == StageKind::Verify => (GOOD, "holds"),
            StageOutcome::Unchanged => (GOOD, "nothing to do"),
            StageOutcome::Changed if self.planning => (CHANGE, "has changes"),
            StageOutcome::Changed => (CHANGE, "done"),
            StageOutcome::Failed => (BAD, "failed"),
            StageOutcome::Skipped => (QUIET, "skipped"),
        };
        let name = kind_name(kind);
        say(&format!(
            "{name} {stage}: {} {}",
            paint(style, word),
            paint(FAINT, &took)
        ));
    }
}

/// One task's result, as its line is made of it.
struct TaskResult<'a> {
    host: Arc<str>,
    task: &'a str,
    item: Option<&'a str>,
    outcome: TaskOutcome,
    message: Option<&'a str>,
    diffs: &'a [strata_core::FileDiff],
}

impl TaskResult<'_> {
    fn line(&self) -> String {
        let (style, mark) = match self.outcome {
            TaskOutcome::Ok => (GOOD, "="),
            TaskOutcome::Changed => (CHANGE, "~"),
            TaskOutcome::Skipped => (QUIET, "-"),
            TaskOutcome::Failed | TaskOutcome::Unreachable => (BAD, "!"),
            TaskOutcome::Ignored => (QUIET, "!"),
        };
        let item = self
            .item
            .map(|item| format!(" ({item})"))
            .unwrap_or_default();
        let message = self
            .message
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        format!(
            "  {} {}: {}{item}{message}",
            paint(style, mark),
            self.host,
            self.task
        )
    }
}

impl Renderer for ProgressLook {
    fn event(&mut self, event: Event) {
        match event {
            Event::StageStarted { stage, kind } => self.stage_started(&stage, kind),
            Event::StageFinished {
                stage,
                kind,
                outcome,
            } => self.stage_finished(&stage, kind, outcome),
            Event::InstanceStarted { instance, .. } => {
                say(&format!(
                    "  {}",
                    paint(FAINT, &format!("instance {instance}"))
                ));
            }
            Event::HostsPlanned { new, replaced, .. } => {
                for (hosts, why) in [(new, "new"), (replaced, "made anew")] {
                    for host in hosts {
                        let what = format!("{host} is {why}: it will be configured from nothing");
                        say(&format!("  {} {what}", paint(CHANGE, "~")));
                    }
                }
            }
            Event::DriftFound {
                address, action, ..
            } => {
                let what = match action {
                    Action::Delete => "is gone",
                    // What was moved is told with the plan.
                    Action::NoOp => return,
                    _ => "was changed",
                };
                say(&format!(
                    "  {} {address} {what} outside of Strata",
                    paint(CHANGE, "?")
                ));
            }
            Event::Apply {
                address,
                action,
                phase,
                ..
            } => self.resource(&address.to_string(), action, phase),
            Event::HostWaiting { host, note } => self
                .moving
                .note(&Running::Host(host.clone()), format!("{host}: {note}")),
            Event::TaskRetried { host, task, left } => {
                let note = format!("{host}: {task}: {left} tries left");
                self.moving.note(&Running::Host(host.clone()), note);
            }
            Event::HostReady { host } => self.begin(host),
            Event::HostBegan { host, task } => {
                self.tasks.insert(host.clone(), task);
                self.begin(host);
            }
            Event::TaskFinished {
                host,
                task,
                item,
                outcome,
                message,
                diffs,
                ..
            } => {
                let (item, message) = (item.as_deref(), message.as_deref());
                self.task(&TaskResult {
                    host,
                    task: &task,
                    item,
                    outcome,
                    message,
                    diffs: &diffs,
                });
            }
            Event::HostRecap { host, counts } => self.recap(&host, &counts),
            Event::Verified {
                what,
                passed,
                detail,
            } => {
                let mark = if passed {
                    paint(GOOD, "=")
                } else {
                    paint(BAD, "!")
                };
                say(&format!("  {mark} {what}: {detail}"));
            }
            Event::Diagnostic { diagnostic } => {
                let text = self.diagnostics.render(&diagnostic);
                above(|| anstream::eprint!("{text}"));
            }
            Event::Pausing { seconds, .. } => say(&format!("  pausing for {seconds} seconds")),
            Event::RefreshStarted { .. }
            | Event::RefreshFinished { .. }
            | Event::ChangePlanned { .. }
            | Event::Provision { .. }
            | Event::ChangeSummary { .. }
            | Event::PlaybookStarted { .. }
            | Event::PlayStarted { .. }
            | Event::TaskStarted { .. }
            | Event::Statistics { .. }
            | Event::JobLookedAt { .. }
            | Event::NoHostsLeft => {}
        }
    }

    fn tick(&mut self) {
        self.moving.tick();
        for (text, seconds) in self.moving.still() {
            say(&paint(FAINT, &format!("  … {text} ({seconds}s so far)")));
        }
    }

    fn finish(&mut self) {
        self.moving.clear();
    }
}

fn kind_name(kind: StageKind) -> &'static str {
    match kind {
        StageKind::Provision => "provision",
        StageKind::Configure => "configure",
        StageKind::Image => "image",
        StageKind::Verify => "verify",
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::NoOp => "nothing to do",
        Action::Create => "creating",
        Action::Read => "reading",
        Action::Update => "changing",
        Action::DeleteThenCreate | Action::CreateThenDelete => "replacing",
        Action::Delete => "deleting",
        Action::Forget => "forgetting",
        Action::Open => "opening",
        Action::Renew => "renewing",
        Action::Close => "closing",
    }
}

fn symbol(action: Action) -> String {
    match action {
        Action::NoOp | Action::Read | Action::Open | Action::Renew | Action::Close => {
            paint(QUIET, "=")
        }
        Action::Create => paint(GOOD, "+"),
        Action::Update => paint(CHANGE, "~"),
        Action::DeleteThenCreate | Action::CreateThenDelete => paint(CHANGE, "±"),
        Action::Delete => paint(BAD, "-"),
        Action::Forget => paint(QUIET, "."),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}
