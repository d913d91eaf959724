//! How far each host came, and passing by what an earlier run did.

use std::sync::Arc;

use strata_playbook::{
    play::Task,
    walk::{End, Outcome, Position, Step},
};

use super::{Batch, BatchEnd, State};
use crate::{
    HostProgress, Note,
    resume::{self, label},
};

impl Batch<'_> {
    /// True for a step that an earlier run did.
    pub(super) fn is_behind(
        &mut self,
        at: usize,
        position: &Position,
        task: &Task,
        handler: bool,
    ) -> bool {
        let Some(replay) = &self.hosts[at].replay else {
            return false;
        };
        if replay.ends_at(position) {
            return self.arrive(at, task, handler);
        }
        !replay.repeats(position, task)
    }

    /// Ends the passing by. Gives true if the host does not find what it looked for.
    fn arrive(&mut self, at: usize, task: &Task, handler: bool) -> bool {
        let Some(mut replay) = self.hosts[at].replay.take() else {
            return false;
        };
        let found = label(task);
        // The handler in which the host stopped runs now, and not once more.
        replay.notified.retain(|name| !(handler && *name == found));
        self.notify_again(at, &replay.notified);
        if found == replay.task {
            return false;
        }
        let host = self.hosts[at].name.clone();
        let diagnostic = resume::lost(&host, &replay.task, &found);
        self.shared
            .events
            .diagnostic(diagnostic.at(task.span.clone()));
        self.drop_out(at);
        true
    }

    /// Passes a step by. A handler stays notified: it may have been so again after this flush.
    pub(super) fn pass_behind(&mut self, at: usize, step: &Step) {
        match step {
            Step::Task(task) => self.hosts[at].roles.did(task),
            Step::Handler(handler) => {
                let name = label(&handler.task);
                if let Some(replay) = &mut self.hosts[at].replay
                    && !replay.notified.contains(&name)
                {
                    replay.notified.push(name);
                }
            }
            Step::RoleDone(_) => {}
        }
        self.hosts[at].walk.report(Outcome::Ok);
    }

    /// Notifies the handlers that an earlier run notified, as far as they are known yet.
    pub(super) fn notify_waiting(&mut self, at: usize) {
        let notified = match &self.hosts[at].replay {
            Some(replay) if !replay.notified.is_empty() => replay.notified.clone(),
            _ => return,
        };
        self.notify_again(at, &notified);
    }

    fn notify_again(&mut self, at: usize, names: &[String]) {
        let walk = &mut self.hosts[at].walk;
        let found: Vec<usize> = (0..walk.handlers().len())
            .filter(|place| names.contains(&label(&walk.handlers()[*place].task)))
            .collect();
        for place in found {
            walk.notify(place);
        }
    }

    /// Notes where a host fails, unless it is recovering from an earlier failure.
    pub(super) fn note_trouble(&mut self, at: usize) {
        let recovering = self.hosts[at].walk.is_recovering();
        if !(recovering && self.hosts[at].trouble.is_some()) {
            let here = self.here(at);
            self.hosts[at].trouble = Some(here);
        }
    }

    /// Where a host stands.
    fn here(&self, at: usize) -> HostProgress {
        let play = self.place;
        let host = &self.hosts[at];
        if host.gather.is_some() {
            return self.begin(play);
        }
        // A walk that looks ahead leaves the block it is in, whose rescue may be needed.
        let mut walk = host.walk.clone();
        let mut next = walk.next();
        while let Some((_, Step::RoleDone(_))) = next {
            walk.report(Outcome::Ok);
            next = walk.next();
        }
        let Some((position, step)) = next else {
            return self.begin(play + 1);
        };
        let (task, current) = match &step {
            Step::Handler(handler) => (label(&handler.task), Some(label(&handler.task))),
            Step::Task(task) => (label(task), None),
            Step::RoleDone(_) => (String::new(), None),
        };
        let notified = walk.notified();
        let notified = notified
            .map(|(_, handler)| label(&handler.task))
            .chain(current);
        HostProgress {
            play,
            position,
            task,
            notified: notified.collect(),
            ..HostProgress::default()
        }
    }

    fn begin(&self, play: usize) -> HostProgress {
        HostProgress {
            play,
            ..HostProgress::default()
        }
    }

    /// Notes how far each host came in this play.
    pub(super) fn note_progress(&mut self) {
        let ended = matches!(self.end, BatchEnd::EndPlay);
        for at in 0..self.hosts.len() {
            let name = self.hosts[at].name.clone();
            let progress = match self.left_over(at) {
                Some(progress) if !ended || self.is_lost(&name) => progress,
                _ => self.begin(self.place + 1),
            };
            self.tell(&Note::At {
                host: name.clone(),
                progress: progress.clone(),
            });
            self.memory.progress.insert(name, progress);
        }
    }

    fn is_lost(&self, host: &Arc<str>) -> bool {
        self.memory.failed.contains(host) || self.memory.unreachable.contains(host)
    }

    /// Where a host is to go on in this play; none if it is through.
    fn left_over(&mut self, at: usize) -> Option<HostProgress> {
        if let Some(replay) = &self.hosts[at].replay
            && !replay.is_whole()
        {
            // It was stopped before it came to where it stopped the last time.
            let resume = self.shared.options.resume.clone()?;
            return resume.hosts.get(&*self.hosts[at].name).cloned();
        }
        let name = self.hosts[at].name.clone();
        let failed = self.memory.failed.contains(&name);
        if let Some(trouble) = self.hosts[at].trouble.take().filter(|_| failed) {
            return Some(trouble);
        }
        let through = matches!(self.hosts[at].walk.end(), Some(End::Done | End::Failed));
        let left = self.hosts[at].state == State::Gone && !self.is_lost(&name);
        if through || left {
            return None;
        }
        Some(self.here(at))
    }
}
