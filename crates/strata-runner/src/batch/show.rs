//! What the user sees of a batch: starts, results, failures.

use std::sync::Arc;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Event, ResultKind, Subject, TaskOutcome};
use strata_jinja::as_python;
use strata_playbook::play::{Action, Spanned, Task};

use super::{Batch, schedule::Next};
use crate::{
    outcome::{self, ItemResult},
    task::{self, Job},
};

/// How many of the last lines of a failed command's output are quoted.
const QUOTED_LINES: usize = 20;

impl Batch<'_> {
    /// Shows that a task begins, if this host is the first to do it, and gives its name.
    pub(super) fn announce(&mut self, host: &str, next: &Next) -> Arc<str> {
        let name: Arc<str> = self.name(host, &next.task).into();
        let span = &next.task.span;
        let place = format!("{}:{}", span.file, span.start.byte);
        if self.shown.insert((next.position.clone(), place)) {
            let handler = next.handler || next.of_handler;
            self.started(name.clone(), &next.task, handler);
        }
        name
    }

    /// Tells that a task begins.
    pub(super) fn started(&self, name: Arc<str>, task: &Task, handler: bool) {
        let (span, keywords) = (&task.span, &task.keywords);
        let options = &self.shared.options;
        let is_open = |keyword: &Spanned<Json>| keyword.value == Json::Bool(false);
        let hides = match &keywords.no_log {
            Some(keyword) => !is_open(keyword),
            None => options.no_log,
        };
        let arguments = match &task.action {
            Action::Module { arguments, .. } if options.tells_arguments && !hides => {
                Some(&arguments.value)
            }
            _ => None,
        };
        self.shared.events.send(Event::TaskStarted {
            task: name,
            handler,
            path: format!("{}:{}", span.file, span.start.line).into(),
            action: task.written.as_str().into(),
            role: task.role.as_ref().map(|role| role.name.as_str().into()),
            check: outcome::marked_as_check(keywords.check_mode.as_ref(), options.check),
            arguments: arguments.and_then(written).map(Into::into),
        });
    }

    /// A task's name as the recap shows it: `ROLE : NAME`; one that includes a role goes by its own name alone.
    pub(super) fn name(&self, host: &str, task: &Task) -> String {
        let own = match &task.name {
            None => action_name(task),
            Some(name) => match name.value.as_str() {
                Some(plain) if !plain.contains("{{") && !plain.contains("{%") => plain.to_owned(),
                // Ansible fills in no names of these.
                Some(raw) if matches!(task.action, Action::Meta(_)) => raw.to_owned(),
                _ => {
                    let templar = self.templar(host, task);
                    let rendered = templar.render(&name.value);
                    rendered.map_or_else(
                        |_| templar.shown_text(&outcome::text(&name.value)),
                        |name| outcome::text(&name),
                    )
                }
            },
        };
        let included = matches!(task.action, Action::IncludeRole { .. });
        match &task.role {
            Some(role) if !included => format!("{} : {own}", role.name),
            _ => own,
        }
    }

    /// Shows a whole task's result, and why it failed where nobody deals with that.
    pub(super) fn show(&self, job: &Job, whole: &ItemResult, rescued: bool) {
        let outcome = whole.outcome();
        // Each item of a loop showed itself.
        let looped = job.task.r#loop.is_some() && whole.values.contains_key("results");
        let failed = matches!(outcome, TaskOutcome::Failed | TaskOutcome::Ignored);
        let kind = match task::kind(&job.task) {
            // Of `debug`, Ansible says once more that items failed.
            ResultKind::Shown if looped && failed => ResultKind::Shown,
            _ if looped => ResultKind::Loop,
            kind => kind,
        };
        self.shared.events.send(Event::TaskFinished {
            host: job.host.clone(),
            task: job.name.clone(),
            item: None,
            outcome,
            message: whole.message(kind != ResultKind::Plain),
            diffs: if looped {
                Vec::new()
            } else {
                whole.shown_diffs()
            },
            result: whole.json(),
            delegate: whole.delegate.clone(),
            kind,
        });
        let diagnostic = match outcome {
            TaskOutcome::Failed if !rescued => task_failed(job, whole),
            TaskOutcome::Unreachable if !whole.ignore_unreachable => unreachable(job, whole),
            _ => return,
        };
        self.shared.events.diagnostic(diagnostic);
    }
}

/// Arguments as they are written: `NAME=VALUE` with commas between.
fn written(arguments: &Json) -> Option<String> {
    let one = |(name, value): (&String, &Json)| format!("{name}={}", as_python(value));
    let all: Vec<String> = arguments.as_object()?.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn action_name(task: &Task) -> String {
    match &task.action {
        Action::IncludeRole { name, .. } => {
            format!("{} : {}", task.written, outcome::text(&name.value))
        }
        _ => task.written.clone(),
    }
}

fn subject(job: &Job) -> Subject {
    Subject::Task {
        host: job.host.to_string(),
        task: Some(job.name.to_string()),
    }
}

fn task_failed(job: &Job, whole: &ItemResult) -> Diagnostic {
    let mut reasons = Vec::new();
    if whole.no_log {
        reasons.extend(whole.message(true));
    } else if let Some(serde_json::Value::Array(items)) = whole.values.get("results") {
        let failed = items.iter().filter_map(serde_json::Value::as_object);
        for item in failed.filter(|item| outcome::check(item, "failed")) {
            reasons.push(reason(item));
        }
    } else {
        reasons.push(reason(&whole.values));
    }
    reasons.dedup();
    let diagnostic = Diagnostic::error(
        "task-failed",
        format!("task `{}` failed on `{}`", job.name, job.host),
    )
    .detail(reasons.join("\n"))
    .at(job.task.span.clone())
    .subject(subject(job));
    match hint(&reasons.join("\n")) {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn unreachable(job: &Job, whole: &ItemResult) -> Diagnostic {
    let reason = whole.message(true).unwrap_or_default();
    let hint = way_back(&reason);
    Diagnostic::error(
        "host-unreachable",
        format!("`{}` cannot be reached", job.host),
    )
    .detail(reason)
    .at(job.task.span.clone())
    .subject(subject(job))
    .hint(hint)
}

/// What to do about a host that cannot be reached.
fn way_back(reason: &str) -> &'static str {
    let says = |words: &str| reason.contains(words);
    if says("IDENTIFICATION HAS CHANGED") {
        "If the host was made anew, take its old key out of the known hosts, as ssh says above; if it was not, somebody else answers in its place."
    } else if says("Host key verification failed") {
        "Look at the host's key and put it into the known hosts, for example by connecting once by hand."
    } else if says("Permission denied") {
        "Name a user and a key that the host accepts (`ansible_user`, `ansible_ssh_private_key_file`), or give the password with `--ask-pass`."
    } else if says("Could not resolve") {
        "Look whether the name is right, or give the address as `ansible_host`."
    } else if says("No space left on device") || says("quota exceeded") {
        "Make room on the host: the agent needs a few megabytes in the home of its user, or in `/var/lib` of root."
    } else if says("finds no folder on the host") {
        "Let programs be run below `~/.cache` or in `/var/tmp`, or of root below `/var/lib` or `/usr/local/lib`."
    } else if says("did not start on the host") {
        "Look at what `ssh` prints when it runs a command there: the user's login shell must run it."
    } else {
        "Look whether the host is up, and whether the inventory names the right connection, address and user."
    }
}

/// A failed item's message, with what its command printed last.
fn reason(values: &crate::JsonMap) -> String {
    let mut reason = values.get("msg").map(outcome::text).unwrap_or_default();
    for stream in ["stderr", "stdout"] {
        let printed = values
            .get(stream)
            .and_then(|text| text.as_str())
            .unwrap_or("");
        let lines: Vec<&str> = printed.trim_end().lines().collect();
        if lines.is_empty() || reason.contains(printed.trim()) {
            continue;
        }
        let last = &lines[lines.len().saturating_sub(QUOTED_LINES)..];
        reason.push_str(&format!("\n{stream}: {}", last.join("\n")));
        break;
    }
    reason
}

/// What to do about well-known reasons.
fn hint(reason: &str) -> Option<&'static str> {
    if reason.contains("is not supported by Strata") {
        Some("Use a module or option that Strata has, or leave the task out with `--skip-tags`.")
    } else if reason.contains("cannot become the user") {
        let asked = ["password", "Authentication", "Incorrect"];
        asked.iter().any(|word| reason.contains(word)).then_some(
            "Give the right password with `--ask-become-pass`, `ansible_become_password` or `become_password_file`, or let the user go without one.",
        )
    } else if reason.contains("undefined") {
        Some(
            "Define the variable in the inventory, `group_vars`, the play's `vars` or with `-e`, or give it a `default`.",
        )
    } else if reason.contains("was not found on this machine") {
        Some("Put the file into one of the folders that were searched, or give its whole path.")
    } else if reason.contains("ermission denied") {
        Some("Let the task become another user with `become: true`.")
    } else {
        None
    }
}
