//! Going on where an earlier run of the same playbook stopped, host by host (`--resume`).
//!
//! A run that did not come to its end leaves its [`Progress`]: for each host the play and the position of the task
//! that was to be done next, the handlers that were notified, and the values that tasks registered or set. A run
//! that resumes walks each host over the tasks before that position without doing them. Only what gives later
//! tasks their surroundings is done again: includes, `add_host`, `group_by`, `include_vars`, and tasks whose
//! values were not kept because they are secret.
//!
//! Positions mean something only as long as the tasks before them are the same, which [`changes`] checks.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::{
    Playbook,
    play::{Action, Play, Task},
    walk::{Outcome, Position, Step, Walk},
};

use crate::JsonMap;

/// How far a run came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The tasks of each play, as the playbook had them.
    pub plays: Vec<Vec<Milestone>>,
    /// How far each host came, by its name.
    pub hosts: BTreeMap<String, HostProgress>,
}

/// A task with its place in its play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Where it stands.
    pub position: Position,
    /// Its name, or its module's.
    pub task: String,
}

/// How far a host came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostProgress {
    /// The play that it was in, counted from 0.
    pub play: usize,
    /// The task that it is to do next; empty at the play's beginning.
    pub position: Position,
    /// That task's name; empty at the play's beginning.
    pub task: String,
    /// The handlers that are to run.
    pub notified: Vec<String>,
    /// Registered results and facts that were set.
    pub values: JsonMap,
    /// Facts that were gathered.
    pub facts: JsonMap,
    /// Names of values that are not kept, because they are secret.
    pub secret: Vec<String>,
}

impl Progress {
    /// True if the run came to its end everywhere.
    pub fn is_complete(&self) -> bool {
        self.hosts.is_empty()
    }
}

/// What a playbook's tasks are, to see later whether they are still the same.
pub fn milestones(playbook: &Playbook) -> Vec<Vec<Milestone>> {
    playbook.plays.iter().map(of_play).collect()
}

fn of_play(play: &Arc<Play>) -> Vec<Milestone> {
    let mut walk = Walk::new(play);
    let mut all = Vec::new();
    while let Some((position, step)) = walk.next() {
        if let Step::Task(task) = step
            && !task.implicit
        {
            let task = label(&task);
            all.push(Milestone { position, task });
        }
        walk.report(Outcome::Ok);
    }
    all
}

/// A task's name as it is written, or its module's.
pub(crate) fn label(task: &Task) -> String {
    let own = match &task.name {
        Some(name) => crate::outcome::text(&name.value),
        None => task.written.clone(),
    };
    let included = matches!(task.action, Action::IncludeRole { .. });
    match &task.role {
        Some(role) if !included => format!("{} : {own}", role.name),
        _ => own,
    }
}

/// Finds changes of the playbook before the tasks at which hosts stopped: then nobody knows what they have done.
pub(crate) fn changes(playbook: &Playbook, progress: &Progress) -> Diagnostics {
    let now = milestones(playbook);
    let mut diags = Diagnostics::new();
    for (at, then) in progress.plays.iter().enumerate() {
        let Some(furthest) = furthest(progress, at) else {
            continue;
        };
        let none = Vec::new();
        let now = now.get(at).unwrap_or(&none);
        if let Some(change) = first_change(then, now, &furthest) {
            let message =
                format!("the playbook has changed, so that run cannot be resumed: {change}");
            diags.push(
                Diagnostic::error("resume-changed", message)
                    .detail(format!(
                        "This is in play {} of the playbook, before a task at which a host stopped. Tasks \
                         further down may change, and so may the arguments of all.",
                        at + 1
                    ))
                    .hint("Run the playbook from its beginning, or from a task with `--start-at-task`."),
            );
        }
    }
    diags
}

/// How far the hosts came in a play: some through it, or to a position; none if all stopped before it.
fn furthest(progress: &Progress, play: usize) -> Option<Option<Position>> {
    let hosts = progress.hosts.values();
    if hosts.clone().any(|host| host.play > play) {
        return Some(None);
    }
    let here = hosts.filter(|host| host.play == play && !host.position.is_empty());
    here.map(|host| host.position.clone()).max().map(Some)
}

fn first_change(
    then: &[Milestone],
    now: &[Milestone],
    furthest: &Option<Position>,
) -> Option<String> {
    let within = |one: &&Milestone| furthest.as_ref().is_none_or(|end| one.position <= *end);
    let mut now = now.iter().filter(within);
    for then in then.iter().filter(within) {
        match now.next() {
            None => return Some(format!("the task `{}` is gone", then.task)),
            Some(now) if now != then => {
                return Some(format!("where `{}` was there is `{}`", then.task, now.task));
            }
            Some(_) => {}
        }
    }
    now.next()
        .map(|new| format!("the task `{}` is new", new.task))
}

/// A host's way over what it did in an earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// Where it ends; none: behind the play.
    end: Option<Position>,
    /// What stands there.
    pub(crate) task: String,
    /// Handlers to notify, as soon as they are known.
    pub(crate) notified: Vec<String>,
    secret: Vec<String>,
}

impl Replay {
    /// What a host passes by in a play; none if it begins there.
    pub(crate) fn of(progress: &HostProgress, play: usize) -> Option<Self> {
        let here = progress.play == play;
        if progress.play < play || (here && progress.position.is_empty()) {
            return None;
        }
        Some(Self {
            end: here.then(|| progress.position.clone()),
            task: progress.task.clone(),
            notified: if here {
                progress.notified.clone()
            } else {
                Vec::new()
            },
            secret: progress.secret.clone(),
        })
    }

    /// True if the whole play was done.
    pub(crate) fn is_whole(&self) -> bool {
        self.end.is_none()
    }

    pub(crate) fn ends_at(&self, position: &Position) -> bool {
        self.end.as_ref().is_some_and(|end| position >= end)
    }

    /// True for tasks that are done again, since others need what they give.
    pub(crate) fn repeats(&self, position: &Position, task: &Task) -> bool {
        match &task.action {
            Action::IncludeTasks { .. } | Action::IncludeRole { .. } => true,
            // A flush in which the host stopped must be entered again.
            Action::Meta(_) => self
                .end
                .as_ref()
                .is_some_and(|end| end.starts_with(position)),
            Action::Module { name, arguments } => {
                matches!(
                    name.value.as_str(),
                    "add_host" | "group_by" | "include_vars"
                ) || task
                    .register
                    .as_ref()
                    .is_some_and(|name| self.secret.contains(name))
                    || (name.value == "set_fact" && self.sets_secret(&arguments.value))
            }
        }
    }

    fn sets_secret(&self, arguments: &Json) -> bool {
        let names = arguments.as_object().into_iter().flat_map(|map| map.keys());
        names.into_iter().any(|name| self.secret.contains(name))
    }
}

/// What a host is told that stopped elsewhere than the playbook now says.
pub(crate) fn lost(host: &str, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(
        "resume-changed",
        format!(
            "`{host}` cannot go on: it stopped at the task `{expected}`, and there is `{found}` now"
        ),
    )
    .detail("The tasks that includes or handlers bring are not the same as in the run before.")
    .hint("Run the playbook from its beginning for this host, with `--limit`.")
}
