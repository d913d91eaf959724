//! `meta`: tasks that steer the run itself.

use std::sync::Arc;

use strata_core::{Diagnostic, Event, ResultKind, Subject, TaskOutcome};
use strata_playbook::{
    play::{Action, Task},
    walk::Outcome,
};

use super::{Batch, BatchEnd, State, schedule::Next};
use crate::{counts::Count, magic::MagicCache, outcome::failure, scope::Watch, task::target};

impl Batch<'_> {
    /// Does the same `meta` task for the hosts that reached it. Nothing of it is counted, except its failure.
    pub(super) async fn meta(&mut self, round: &[Next]) {
        for (place, next) in round.iter().enumerate() {
            let Action::Meta(name) = &next.task.action else {
                continue;
            };
            let name = name.value.clone();
            // What speaks of all hosts is decided by the first, and passes the others by.
            if place > 0 && speaks_of_all(&name) {
                self.pass(next.at);
                continue;
            }
            self.announce_meta(next);
            match self.holds_where_asked(&name, next) {
                Ok(true) => self.steer(&name, next).await,
                Ok(false) => self.pass_by(next),
                Err(reason) => self.fail_meta(next, &reason),
            }
        }
    }

    /// Shows that a `meta` task begins; each host has a line of its own, as in Ansible.
    fn announce_meta(&self, next: &Next) {
        // Where nobody waits for others Ansible says nothing of it.
        if next.task.implicit || self.free {
            return;
        }
        let host = &self.hosts[next.at].name;
        let name = self.name(host, &next.task).into();
        self.started(name, &next.task, next.handler);
    }

    /// A condition that does not hold: shown as skipped, and not counted.
    fn pass_by(&mut self, next: &Next) {
        let host = self.hosts[next.at].name.clone();
        let name = self.name(&host, &next.task);
        let result = serde_json::json!({"changed": false, "skipped": true, "skip_reason": "Conditional result was False"});
        self.shared.events.send(Event::TaskFinished {
            host,
            task: name.into(),
            item: None,
            outcome: TaskOutcome::Skipped,
            message: None,
            diffs: Vec::new(),
            result: result.to_string().into(),
            delegate: None,
            kind: ResultKind::Plain,
        });
        self.pass(next.at);
    }

    /// Whether a task's conditions hold. Those of some are not asked, as in Ansible, which says so.
    fn holds_where_asked(&self, name: &str, next: &Next) -> Result<bool, String> {
        if !matches!(name, "noop" | "refresh_inventory" | "reset_connection") {
            return self.holds(next);
        }
        if !next.task.keywords.when.is_empty() {
            let summary = format!("{name} task does not support when conditional");
            let warning = Diagnostic::warning("meta-condition-ignored", summary);
            let warning = warning.at(next.task.span.clone());
            self.shared.events.diagnostic(warning);
        }
        Ok(true)
    }

    fn holds(&self, next: &Next) -> Result<bool, String> {
        let host = &self.hosts[next.at].name;
        let templar = self.templar(host, &next.task);
        for condition in &next.task.keywords.when {
            if !templar
                .condition(&condition.value)
                .map_err(|error| error.to_string())?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn steer(&mut self, name: &str, next: &Next) {
        let at = next.at;
        match name {
            "noop" => {}
            "flush_handlers" => self.hosts[at].walk.flush_handlers(),
            "end_host" => {
                self.hosts[at].walk.end_host();
                self.hosts[at].ended = true;
                self.refresh_hosts();
            }
            "end_role" => self.hosts[at].walk.end_role(),
            "end_batch" => self.end_hosts(),
            "end_play" => {
                self.end_hosts();
                self.end = BatchEnd::EndPlay;
            }
            "clear_facts" => self.clear_facts(),
            "clear_host_errors" => self.clear_errors(),
            "reset_connection" => self.reset_connection(at, &next.task).await,
            "refresh_inventory" => {
                if let Err(reason) = self.refresh_inventory() {
                    return self.fail_meta(next, &reason);
                }
            }
            other => {
                let reason = format!("`meta: {other}` is not supported by Strata");
                return self.fail_meta(next, &reason);
            }
        }
        self.pass(at);
    }

    fn pass(&mut self, at: usize) {
        // A walk that was ended has nothing left to report.
        if self.hosts[at].walk.end().is_none() {
            self.hosts[at].walk.report(Outcome::Ok);
        }
    }

    fn end_hosts(&mut self) {
        for host in &mut self.hosts {
            host.gather = None;
            if host.walk.end().is_none() && host.walk.next().is_some() {
                host.walk.end_host();
                host.walk.report(Outcome::Ok);
            }
        }
    }

    fn clear_facts(&mut self) {
        for host in &self.hosts {
            let table = &self.shared.table;
            table.change(&host.name, |data| data.clear_facts());
        }
    }

    /// Hosts that failed take part in the next play again. In this one those go on that failed in a nested block, an
    /// include or behind an `always`, and those that were lost: behind that, once the others are through, as in Ansible.
    fn clear_errors(&mut self) {
        for host in &self.all_hosts {
            self.memory.failed.remove(host);
            self.memory.condemned.remove(host);
            let lost = self.memory.unreachable.remove(host);
            let at = self.hosts.iter().position(|run| run.name == *host);
            let Some(at) = at else { continue };
            let run = &mut self.hosts[at];
            let goes_on = run.walk.clear_errors();
            let lost = lost && run.state == State::Gone && run.walk.end().is_none();
            if lost && run.gather.take().is_none() {
                run.walk.report(Outcome::Ok);
            }
            if lost || goes_on {
                run.state = State::Idle;
                run.late = true;
                run.trouble = None;
                self.awake.insert(at);
            }
        }
        // The hosts of this play are told as before, as in Ansible.
    }

    fn refresh_inventory(&mut self) -> Result<(), String> {
        let Some(reload) = self.shared.options.reload.clone() else {
            return Err("the inventory of this run is not read from files".to_owned());
        };
        let (inventory, variables) = reload().map_err(|diags| {
            let reasons: Vec<String> = diags.iter().map(|one| one.summary.clone()).collect();
            reasons.join("; ")
        })?;
        self.shared.table.replace(inventory, &variables);
        Arc::make_mut(&mut self.scope).cache = MagicCache::default();
        Ok(())
    }

    async fn reset_connection(&mut self, at: usize, task: &Arc<Task>) {
        let host = self.hosts[at].name.clone();
        let watch = Watch::new(None);
        let variables = self.variables(&host, task, &watch);
        let templar = self.templates(task, watch).templar(&variables);
        // A host that cannot be told how to be reached has no session to forget.
        if let Ok(target) = target(&templar, &host, &variables, &task.keywords) {
            self.shared.sessions.reset(&target).await;
        }
    }

    fn fail_meta(&mut self, next: &Next, reason: &str) {
        let host = self.hosts[next.at].name.clone();
        let name: Arc<str> = self.name(&host, &next.task).into();
        self.shared.events.send(Event::TaskFinished {
            host: host.clone(),
            task: name.clone(),
            item: None,
            outcome: TaskOutcome::Failed,
            message: Some(reason.to_owned()),
            diffs: Vec::new(),
            result: serde_json::Value::Object(failure(reason))
                .to_string()
                .into(),
            delegate: None,
            kind: ResultKind::Plain,
        });
        let rescued = self.move_on(next.at, true);
        let count = if rescued {
            Count::Rescued
        } else {
            Count::Failed
        };
        self.memory.counts.add(&host, count);
        if rescued {
            return;
        }
        let diagnostic =
            Diagnostic::error("task-failed", format!("task `{name}` failed on `{host}`"))
                .detail(reason)
                .at(next.task.span.clone())
                .subject(Subject::Task {
                    host: host.to_string(),
                    task: Some(name.to_string()),
                });
        self.shared.events.diagnostic(diagnostic);
    }
}

/// True for what concerns all hosts at once.
fn speaks_of_all(name: &str) -> bool {
    matches!(
        name,
        "end_batch" | "end_play" | "clear_facts" | "clear_host_errors" | "refresh_inventory"
    )
}
