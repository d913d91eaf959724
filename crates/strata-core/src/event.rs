//! What is happening: one closed list of events, from which terminal, JSON and web UI draw their picture.
//!
//! Events hold facts, no finished text and no colours, and never a sensitive value: what makes an
//! event masks them. They carry no time; who receives one knows when it came.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{addr, diagnostic::Diagnostic};

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage of an environment began.
    StageStarted {
        /// The stage.
        stage: Arc<str>,
        /// What kind it is.
        kind: StageKind,
    },
    /// A stage ended.
    StageFinished {
        /// The stage.
        stage: Arc<str>,
        /// What kind it is.
        kind: StageKind,
        /// How.
        outcome: StageOutcome,
    },
    /// A configure stage goes on to one of its instances.
    InstanceStarted {
        /// The stage.
        stage: Arc<str>,
        /// The instance.
        instance: Arc<str>,
    },
    /// A plan makes hosts, or makes them anew: what comes after configures them from nothing.
    HostsPlanned {
        /// The stage whose plan it is.
        stage: Arc<str>,
        /// Hosts that are not there yet.
        new: Vec<Arc<str>>,
        /// Hosts that another one takes the place of.
        replaced: Vec<Arc<str>>,
    },
    /// A resource instance is being read from its platform.
    RefreshStarted {
        /// Which.
        address: addr::ResourceInstance,
        /// The id that users know it by, unless it is secret.
        id: Option<String>,
    },
    /// A resource instance was read.
    RefreshFinished {
        /// Which.
        address: addr::ResourceInstance,
        /// The id that users know it by, unless it is secret.
        id: Option<String>,
    },
    /// The platform's object is not as state has it.
    DriftFound {
        /// Which.
        address: addr::ResourceInstance,
        /// What happened to it behind our back: `Update` or `Delete`; `NoOp` if it was only moved.
        action: Action,
        /// The address it had in state, if it was moved.
        previous: Option<addr::ResourceInstance>,
    },
    /// The plan has a change.
    ChangePlanned {
        /// Which.
        address: addr::ResourceInstance,
        /// What will be done.
        action: Action,
        /// Why, by the name that Terraform's plans have for it.
        reason: Option<&'static str>,
        /// Where it was before it got its address.
        previous: Option<addr::ResourceInstance>,
        /// The id under which it is taken over.
        importing: Option<String>,
    },
    /// All changes of a plan, or of an apply, are known.
    ChangeSummary {
        /// Which operation this sums up.
        operation: OperationKind,
        /// How many.
        counts: ChangeCounts,
    },
    /// A resource instance's change goes from one phase to the next.
    Apply {
        /// Which.
        address: addr::ResourceInstance,
        /// What is done.
        action: Action,
        /// How far it is.
        phase: ApplyPhase,
        /// The id of the object that is changed or deleted, unless it is secret.
        id: Option<String>,
    },
    /// A provisioner of a resource instance goes from one phase to the next.
    Provision {
        /// Of which.
        address: addr::ResourceInstance,
        /// What kind of provisioner, such as `local-exec`.
        kind: Arc<str>,
        /// How far it is.
        phase: ProvisionPhase,
    },
    /// A host is not ready yet.
    HostWaiting {
        /// Inventory name.
        host: Arc<str>,
        /// What is waited for.
        note: String,
    },
    /// A host answers, its cloud-init is done: its tasks begin.
    HostReady {
        /// Inventory name.
        host: Arc<str>,
    },
    /// A playbook of the command line began.
    PlaybookStarted {
        /// Its file, as it was named.
        path: Arc<str>,
        /// Plays in it, imported ones included.
        plays: usize,
        /// Whether changes are only shown.
        check: bool,
        /// The file that its settings come from.
        settings: Option<Arc<str>>,
    },
    /// A play began.
    PlayStarted {
        /// Its name; the hosts' pattern if it has none.
        name: Arc<str>,
        /// Hosts in it.
        hosts: usize,
        /// Whether its changes are only shown.
        check: bool,
    },
    /// The first host began a task.
    TaskStarted {
        /// Name as the recap shows it, `role : name`.
        task: Arc<str>,
        /// True for handlers.
        handler: bool,
        /// Where it stands, `FILE:LINE`.
        path: Arc<str>,
        /// Its module, as it is written.
        action: Arc<str>,
        /// The role that it belongs to.
        role: Option<Arc<str>>,
        /// Whether its changes are only shown.
        check: bool,
        /// Its arguments as they are written, where they are to be shown; not in what machines read.
        #[serde(skip)]
        arguments: Option<Arc<str>>,
    },
    /// One host began a task; told again where it had to wait for others (`forks`).
    HostBegan {
        /// Inventory name.
        host: Arc<str>,
        /// Name as in `TaskStarted`.
        task: Arc<str>,
    },
    /// A task was not good yet and is tried again.
    TaskRetried {
        /// Inventory name.
        host: Arc<str>,
        /// Name as in `TaskStarted`.
        task: Arc<str>,
        /// How often it is tried from here on.
        left: u64,
    },
    /// A task in the background was looked at (`async` with `poll`).
    JobLookedAt {
        /// Inventory name.
        host: Arc<str>,
        /// The job's id.
        job: Arc<str>,
        /// What it was found to be.
        state: JobState,
    },
    /// A task holds the run up (`pause`).
    Pausing {
        /// For how long.
        seconds: u64,
        /// Whether what the user types is not shown.
        hidden: bool,
    },
    /// So many hosts of a play failed that it ends for all of them.
    NoHostsLeft,
    /// One host finished a task, or one item of a task's loop.
    TaskFinished {
        /// Inventory name.
        host: Arc<str>,
        /// Name as in `TaskStarted`.
        task: Arc<str>,
        /// What the item is, in a loop.
        item: Option<String>,
        /// How it went.
        outcome: TaskOutcome,
        /// What was said: a debug message, a failure's reason, or why it was skipped.
        message: Option<String>,
        /// What would change or changed, with `--diff`.
        diffs: Vec<FileDiff>,
        /// All that the module returned, as JSON text, for verbose output; masked under `no_log`.
        result: Arc<str>,
        /// The host that did it in this one's place (`delegate_to`).
        delegate: Option<Arc<str>>,
        /// What this is a result of.
        kind: ResultKind,
    },
    /// A host's tasks are all done, or it dropped out.
    HostRecap {
        /// Inventory name.
        host: Arc<str>,
        /// How many of each.
        counts: HostCounts,
    },
    /// What tasks collected for the end of a run (`set_stats`).
    Statistics {
        /// Of hosts by their names, and of the whole run as `_run`; JSON text.
        values: Arc<str>,
    },
    /// A check of a `verify` stage was made.
    Verified {
        /// What was checked, such as a URL.
        what: String,
        /// True if it held.
        passed: bool,
        /// What came back.
        detail: String,
    },
    /// Something is wrong.
    Diagnostic {
        /// What.
        diagnostic: Box<Diagnostic>,
    },
}

/// How a task in the background stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It goes on.
    UnderWay,
    /// It is done.
    Done,
    /// It failed, or took too long.
    Failed,
}

/// What a result is of, where that changes how it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    /// A task, or one item of its loop.
    #[default]
    Plain,
    /// A task that is there to show its result (`debug`).
    Shown,
    /// A task that shows its result beside what it does (`assert`).
    Verbose,
    /// All items of a loop, each of which was shown before.
    Loop,
    /// Tasks that were included.
    Included,
}

/// The kinds of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// An HCL root module.
    Provision,
    /// A playbook.
    Configure,
    /// An image or a template, built and published.
    Image,
    /// Checks from outside.
    Verify,
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageOutcome {
    /// Nothing had to be done.
    Unchanged,
    /// Something was done.
    Changed,
    /// It failed.
    Failed,
    /// It was not run, because what it comes after failed or because the user left it out.
    Skipped,
}

/// What is done to a resource instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is made.
    Create,
    /// A data source is read.
    Read,
    /// It is changed in place.
    Update,
    /// It is deleted, then made anew.
    DeleteThenCreate,
    /// It is made anew, then the old one is deleted.
    CreateThenDelete,
    /// It is deleted.
    Delete,
    /// State forgets it; the object stays.
    Forget,
    /// An ephemeral resource is opened.
    Open,
    /// An ephemeral resource is renewed.
    Renew,
    /// An ephemeral resource is closed.
    Close,
}

/// Which operation a summary is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// What will be done.
    Plan,
    /// What was done.
    Apply,
    /// What was done, where all was to be deleted.
    Destroy,
}

/// How many changes of each kind; a replacement counts as one to add and one to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Made.
    pub add: usize,
    /// Changed in place.
    pub change: usize,
    /// Deleted.
    pub destroy: usize,
    /// Taken over.
    pub import: usize,
}

/// How far a resource instance's change is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyPhase {
    /// The provider was asked.
    Started,
    /// The provider said what it is doing.
    Progress(String),
    /// It is done; with the object's id, where it has one.
    Finished(Option<String>),
    /// It failed; the diagnostic follows by itself.
    Failed,
}

/// How far a provisioner is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionPhase {
    /// It began.
    Started,
    /// It said a line.
    Output(String),
    /// It is done.
    Finished,
    /// It failed; the diagnostic follows by itself, unless that was to be passed over.
    Failed,
}

/// How a task went on a host, by Ansible's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// As desired already.
    Ok,
    /// Made as desired; in check mode: would be made.
    Changed,
    /// Its condition did not hold.
    Skipped,
    /// It failed, and the host drops out unless it is rescued.
    Failed,
    /// It failed, and that is ignored.
    Ignored,
    /// The host does not answer.
    Unreachable,
}

/// Results of one host, as the recap counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostCounts {
    /// Tasks as desired, changed ones included.
    pub ok: usize,
    /// Tasks that changed something.
    pub changed: usize,
    /// Times the host did not answer.
    pub unreachable: usize,
    /// Tasks that failed for good.
    pub failed: usize,
    /// Tasks whose condition did not hold.
    pub skipped: usize,
    /// Failures that a block rescued.
    pub rescued: usize,
    /// Failures that were ignored.
    pub ignored: usize,
}

/// A file, or another thing that can be shown as text, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileDiff {
    /// What it is: a path, mostly.
    pub name: String,
    /// What the old side is called; empty where it has no name.
    pub before_header: String,
    /// What the new side is called.
    pub after_header: String,
    /// Its text before; empty if it was not there.
    pub before: String,
    /// Its text after.
    pub after: String,
}

/// Takes events; cheap to clone, passed last.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Sends every event to `sink`, which must not block for long.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Drops every event.
    pub fn ignored() -> Self {
        Self::new(|_| {})
    }

    /// Sends one.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }

    /// Sends a diagnostic.
    pub fn diagnostic(&self, diagnostic: Diagnostic) {
        self.send(Event::Diagnostic {
            diagnostic: Box::new(diagnostic),
        });
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl HostCounts {
    /// Counts one task's outcome.
    pub fn count(&mut self, outcome: TaskOutcome) {
        match outcome {
            TaskOutcome::Ok => self.ok += 1,
            TaskOutcome::Changed => {
                self.ok += 1;
                self.changed += 1;
            }
            TaskOutcome::Skipped => self.skipped += 1,
            TaskOutcome::Failed => self.failed += 1,
            TaskOutcome::Ignored => {
                self.ok += 1;
                self.ignored += 1;
            }
            TaskOutcome::Unreachable => self.unreachable += 1,
        }
    }
}
