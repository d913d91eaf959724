//! How a playbook is to be run.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strata_core::files::Files;
use strata_jinja::Now;
use strata_playbook::{load, variables::InventoryVariables};

use crate::{JsonMap, StopSignal};

/// How a playbook is to be run; passed down, never stored beyond the run.
#[derive(Clone)]
pub struct Options {
    /// The tree that templates, copied files, roles and variables are read from.
    pub files: Arc<dyn Files>,
    /// Whether `files` is the disk of this machine: then copied files are streamed, not read into memory.
    pub disk: bool,
    /// The environment that `lookup('env', ...)` sees.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The clock of templates.
    pub now: Arc<dyn Fn() -> Now + Send + Sync>,
    /// Where roles are looked for, and the extra variables (`-e`).
    pub load: load::Options,
    /// What inventory, `group_vars` and `host_vars` say.
    pub inventory_variables: Arc<InventoryVariables>,
    /// Answers to `vars_prompt`.
    pub prompted: Arc<JsonMap>,
    /// How many tasks run at a time.
    pub forks: usize,
    /// Whether changes are only shown (`--check`).
    pub check: bool,
    /// Whether differences are shown (`--diff`).
    pub diff: bool,
    /// Only tasks with one of these tags; empty: all.
    pub tags: Vec<String>,
    /// No task with one of these tags.
    pub skip_tags: Vec<String>,
    /// A pattern of hosts beyond which nothing runs.
    pub limit: Option<String>,
    /// The task before which nothing runs.
    pub start_at_task: Option<String>,
    /// Whether failed hosts still run the handlers that were notified.
    pub force_handlers: bool,
    /// `ansible_verbosity`.
    pub verbosity: u8,
    /// Whether hosts may go ahead of one another.
    pub pace: Pace,
    /// How to become another user where the playbook does not say.
    pub become_defaults: BecomeDefaults,
    /// How long a host may take to get ready.
    pub ready_timeout: Duration,
    /// Stops the run.
    pub stop: StopSignal,
}

/// Whether hosts of a play may go ahead of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each host goes on as soon as it can, until a step of the play needs the others.
    Ready,
    /// Each task on all hosts before the next, as Ansible's linear strategy.
    Lockstep,
}

/// How to become another user where the playbook does not say.
#[derive(Clone, PartialEq, Eq)]
pub struct BecomeDefaults {
    /// Whether to (`-b`).
    pub enabled: bool,
    /// Whom to become.
    pub user: String,
    /// By `sudo` or `su`.
    pub method: String,
    /// The password for it.
    pub password: Option<String>,
}
