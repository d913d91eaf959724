//! Which steps may start now.

use std::sync::Arc;

use strata_playbook::{
    play::{Action, Task},
    walk::{End, Outcome, Position, Step},
};
use tokio::sync::Semaphore;

use super::{Batch, HostRun, State};
use crate::{
    Pace,
    outcome::text,
    pace,
    tags::{TagFilter, words},
    task::{Job, boolean},
};

/// A task that a host is to do next.
#[derive(Clone)]
pub(super) struct Next {
    pub(super) at: usize,
    pub(super) position: Position,
    pub(super) task: Arc<Task>,
    pub(super) handler: bool,
    /// Whether a handler included it.
    pub(super) of_handler: bool,
}

impl Batch<'_> {
    /// The jobs that may start now. Steps that need no host (`meta`) are done on the way.
    pub(super) async fn startable(&mut self) -> Vec<(usize, Job)> {
        loop {
            let ready = match self.pace {
                Pace::Ready => self.next_at_own_pace(),
                Pace::Lockstep => self.next_in_lockstep(),
            };
            let (meta, tasks): (Vec<Next>, Vec<Next>) = ready
                .into_iter()
                .partition(|next| matches!(next.task.action, Action::Meta(_)));
            self.awake.extend(meta.iter().map(|next| next.at));
            let before = tasks.len();
            let tasks: Vec<Next> = tasks
                .into_iter()
                .filter(|next| self.is_confirmed(next))
                .collect();
            let again = !meta.is_empty() || tasks.len() < before;
            self.meta(&meta).await;
            let jobs: Vec<(usize, Job)> =
                tasks.iter().filter_map(|next| self.start(next)).collect();
            if !jobs.is_empty() || !again {
                return jobs;
            }
        }
    }

    /// The next task of every host that came to a new step; or none more once one of them needs the others.
    fn next_at_own_pace(&mut self) -> Vec<Next> {
        self.take_in_additions();
        let mut ready = Vec::new();
        loop {
            let asked = self.hosts_to_ask();
            for at in &asked {
                let Some(next) = self.peek(*at) else { continue };
                if !self.free && pace::needs_others(self.play(), &next.task) {
                    self.pace = Pace::Lockstep;
                    continue;
                }
                ready.push(next);
            }
            // With `host_pinned` a host that was through makes room for another.
            let room = |at: &usize| self.hosts[*at].state == State::Gone;
            if !self.pinned || !ready.is_empty() || !asked.iter().any(room) {
                break;
            }
        }
        if ready.is_empty() && self.pace == Pace::Lockstep {
            return self.next_in_lockstep();
        }
        ready
    }

    /// The hosts that may begin a step. Those that do or wait for something are not asked again and again: with many
    /// hosts that would be most of the work.
    fn hosts_to_ask(&mut self) -> Vec<usize> {
        let awake = std::mem::take(&mut self.awake);
        if !self.pinned {
            return awake.into_iter().collect();
        }
        let present = (0..self.hosts.len()).filter(|at| self.hosts[*at].state != State::Gone);
        present.take(self.shared.options.forks).collect()
    }

    /// The next task of those hosts that are least far, once none is busy.
    fn next_in_lockstep(&mut self) -> Vec<Next> {
        if self.hosts.iter().any(|host| host.state == State::Busy) {
            return Vec::new();
        }
        self.end_round();
        self.take_in_additions();
        let mut waiting = self.waiting(false);
        if waiting.is_empty() {
            waiting = self.waiting(true);
            // Their tasks begin anew for whoever reads along.
            if !waiting.is_empty() {
                self.shown.clear();
            }
        }
        let Some(first) = waiting.iter().min_by(|a, b| a.position.cmp(&b.position)) else {
            return Vec::new();
        };
        let (position, span) = (first.position.clone(), first.task.span.clone());
        let mut round: Vec<Next> = waiting
            .into_iter()
            .filter(|next| next.position == position && next.task.span == span)
            .collect();
        if self.is_once(&round[0]) {
            round.truncate(1);
        }
        round
    }

    /// What idle hosts do next: those that are late, or all others.
    fn waiting(&mut self, late: bool) -> Vec<Next> {
        (0..self.hosts.len())
            .filter_map(|at| (self.hosts[at].late == late).then(|| self.peek(at))?)
            .collect()
    }

    /// What an idle host does next. Steps that its walk needs only for itself are reported at once.
    fn peek(&mut self, at: usize) -> Option<Next> {
        loop {
            let host = &mut self.hosts[at];
            if host.state != State::Idle {
                return None;
            }
            if let Some(gather) = &host.gather {
                return Some(Next {
                    at,
                    position: Position::new(),
                    task: gather.clone(),
                    handler: false,
                    of_handler: false,
                });
            }
            self.notify_waiting(at);
            let Some((position, step)) = self.hosts[at].walk.next() else {
                self.leave(at);
                return None;
            };
            let (task, handler) = match step.clone() {
                Step::Task(task) => (task, false),
                Step::Handler(handler) => (handler.task.clone(), true),
                Step::RoleDone(role) => {
                    self.hosts[at].roles.finish(&role);
                    self.hosts[at].walk.report(Outcome::Ok);
                    continue;
                }
            };
            if self.is_behind(at, &position, &task, handler) {
                if self.hosts[at].state == State::Idle {
                    self.pass_behind(at, &step);
                }
                continue;
            }
            let of_handler = !handler && self.hosts[at].walk.is_in_handlers();
            let repeated = !handler && self.hosts[at].roles.is_repeated(&task);
            if !repeated && self.is_wanted(at, &task, handler || of_handler) {
                return Some(Next {
                    at,
                    position,
                    task,
                    handler,
                    of_handler,
                });
            }
            self.hosts[at].walk.report(Outcome::Ok);
        }
    }

    /// A host whose walk is over.
    fn leave(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.state = State::Gone;
        if host.walk.end() == Some(End::Failed) {
            self.refresh_hosts();
        }
    }

    /// False for tasks that tags leave out, and those before `--start-at-task`.
    fn is_wanted(&mut self, at: usize, task: &Task, handler: bool) -> bool {
        // A handler runs if it was notified, whatever its tags.
        if task.implicit || handler {
            return true;
        }
        let host = self.hosts[at].name.clone();
        let options = self.shared.options.clone();
        if !self.hosts[at].started {
            let wanted = options.start_at_task.as_deref();
            let name = self.name(&host, task);
            let plain = name.rsplit(" : ").next().unwrap_or(&name);
            let is_it = |wanted: &str| {
                strata_jinja::wildcard::matches(wanted, &name)
                    || strata_jinja::wildcard::matches(wanted, plain)
            };
            if wanted.is_some_and(|wanted| wanted != name && wanted != plain && !is_it(wanted)) {
                return false;
            }
            self.hosts[at].started = true;
            self.memory.started = true;
        }
        let filter = TagFilter {
            only: &options.tags,
            skip: &options.skip_tags,
        };
        filter.allows(&self.tags(&host, task))
    }

    fn tags(&self, host: &str, task: &Task) -> Vec<String> {
        let tags = &task.keywords.tags;
        let all = || tags.iter().flat_map(|tag| words(&tag.value)).collect();
        let plain: Vec<String> = all();
        if !plain.iter().any(|tag| tag.contains("{{")) {
            return plain;
        }
        let templar = self.templar(host, task);
        let rendered = tags.iter().map(|tag| templar.render(&tag.value));
        rendered
            .filter_map(Result::ok)
            .flat_map(|tag| words(&tag))
            .collect()
    }

    /// True for tasks that one host does for all.
    pub(super) fn is_once(&self, next: &Next) -> bool {
        let alone = match &next.task.action {
            Action::Module { name, .. } => matches!(name.value.as_str(), "add_host" | "pause"),
            _ => false,
        };
        (alone && !self.free) || self.is_said_once(next)
    }

    /// True for tasks that say `run_once`: what they find out is every host's. Of `meta` Ansible does not ask it.
    pub(super) fn is_said_once(&self, next: &Next) -> bool {
        let keyword = next.task.keywords.run_once.as_ref();
        if keyword.is_none() || self.free || matches!(next.task.action, Action::Meta(_)) {
            return false;
        }
        let templar = self.templar(&self.hosts[next.at].name, &next.task);
        boolean(&templar, keyword).is_ok_and(|once| once == Some(true))
    }

    fn start(&mut self, next: &Next) -> Option<(usize, Job)> {
        self.tell_start(next.at, &next.position, &next.task, next.handler);
        let host: &mut HostRun = &mut self.hosts[next.at];
        host.state = State::Busy;
        let host = host.name.clone();
        let watch = self.watch(&host);
        let variables = self.variables(&host, &next.task, &watch);
        let templates = self.templates(&next.task, watch);
        let throttle = self.throttle(&host, &next.task);
        let name = self.announce(&host, next);
        let job = Job {
            host,
            task: next.task.clone(),
            name,
            handler: next.handler,
            scope: self.scope.clone(),
            variables,
            templates,
            throttle,
        };
        Some((next.at, job))
    }

    /// Asks the user whether to do a task, once for all hosts; a host passes a task by that is not wanted.
    fn is_confirmed(&mut self, next: &Next) -> bool {
        let host = self.hosts[next.at].name.clone();
        let Some(confirmed) = &self.confirmed else {
            return true;
        };
        let place = format!("{}:{}", next.task.span.file, next.task.span.start.byte);
        let key = (next.position.clone(), place);
        let wanted = match confirmed.get(&key) {
            Some(wanted) => *wanted,
            None => self.confirm(&host, next, key),
        };
        if !wanted {
            self.hosts[next.at].gather = None;
            self.awake.insert(next.at);
            if !next.position.is_empty() {
                self.hosts[next.at].walk.report(Outcome::Ok);
            }
        }
        wanted
    }

    fn confirm(&mut self, host: &str, next: &Next, key: (Position, String)) -> bool {
        let name = self.name(host, &next.task);
        let question = format!("Perform task: TASK: {name} (N)o/(y)es/(c)ontinue: ");
        let ask = self.shared.options.ask.clone();
        let answer = ask
            .and_then(|ask| ask(&question, false))
            .unwrap_or_default();
        let answer = answer.trim().to_ascii_lowercase();
        if matches!(answer.as_str(), "c" | "continue") {
            self.confirmed = None;
            return true;
        }
        let wanted = matches!(answer.as_str(), "y" | "yes");
        if let Some(confirmed) = &mut self.confirmed {
            confirmed.insert(key, wanted);
        }
        wanted
    }

    fn throttle(&mut self, host: &str, task: &Task) -> Option<Arc<Semaphore>> {
        let keyword = task.keywords.throttle.as_ref()?;
        let value = self.templar(host, task).render(&keyword.value).ok()?;
        let most: usize = text(&value).trim().parse().ok()?;
        if most == 0 {
            return None;
        }
        let place = format!("{}:{}", task.span.file, task.span.start.byte);
        let throttle = self.throttles.entry(place);
        Some(
            throttle
                .or_insert_with(|| Arc::new(Semaphore::new(most)))
                .clone(),
        )
    }
}
