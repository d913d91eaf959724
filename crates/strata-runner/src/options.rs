//! How a playbook is to be run.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use serde_json::Value as Json;
use strata_core::Diagnostics;
use strata_core::files::Files;
use strata_jinja::{Now, Plugin};
use strata_playbook::{Inventory, load, variables::InventoryVariables, vault::Secrets};

use crate::{Findings, Journal, JsonMap, ModulePaths, Progress, StopSignal};

/// A lookup that needs this machine (`pipe`, `url`, ...): the folder to be in, its name, terms and options;
/// none if there is no lookup of this name.
pub type Lookup =
    dyn Fn(&Path, &str, &[Json], &JsonMap) -> Option<Result<Vec<Json>, String>> + Send + Sync;

/// Asks the user; none if there is nobody to ask. The text to show, and whether the answer is hidden.
pub type Ask = dyn Fn(&str, bool) -> Option<String> + Send + Sync;

/// Reads the inventory again, for `meta: refresh_inventory`.
pub type Reload = dyn Fn() -> Result<(Inventory, InventoryVariables), Diagnostics> + Send + Sync;

/// Keeps facts from run to run.
pub trait FactCache: Send + Sync {
    /// The facts of a host, `ansible_facts` as `setup` gives them; none if there are none, or they are too old.
    fn load(&self, host: &str) -> Option<JsonMap>;

    /// Keeps the facts of a host.
    fn store(&self, host: &str, facts: &JsonMap);
}

/// When facts are gathered by plays that do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathering {
    /// At the beginning of each play.
    Implicit,
    /// Only where the play says so.
    Explicit,
    /// For hosts whose facts are not known yet.
    Smart,
}

/// How a playbook is to be run; passed down, never stored beyond the run.
#[derive(Clone)]
pub struct Options {
    /// The tree that templates, copied files, roles and variables are read from.
    pub files: Arc<dyn Files>,
    /// Whether `files` is the disk of this machine: then copied files are streamed, not read into memory.
    pub disk: bool,
    /// The environment that `lookup('env', ...)` sees.
    pub environment: Arc<BTreeMap<String, String>>,
    /// How hosts are reached where nothing else is said: `ansible_connection`, `ansible_user` and the like.
    pub reached: Arc<JsonMap>,
    /// The passwords of encrypted values.
    pub vault: Arc<Secrets>,
    /// Lookups that need this machine.
    pub lookup: Arc<Lookup>,
    /// The user, if there is one to ask.
    pub ask: Option<Arc<Ask>>,
    /// When facts are gathered by plays that do not say.
    pub gathering: Gathering,
    /// Where facts are kept.
    pub fact_cache: Option<Arc<dyn FactCache>>,
    /// Reads the inventory again.
    pub reload: Option<Arc<Reload>>,
    /// Whether each task is confirmed first (`--step`).
    pub step: bool,
    /// Whether facts are variables of their own, too (`inject_facts_as_vars`), beside `ansible_facts`.
    pub inject_facts: bool,
    /// Whether conditions need not be boolean, as up to ansible-core 2.18.
    pub lenient_conditions: bool,
    /// The clock of templates.
    pub now: Arc<dyn Fn() -> Now + Send + Sync>,
    /// Where roles are looked for, and the extra variables (`-e`).
    pub load: load::Options,
    /// Where modules of others are.
    pub modules: ModulePaths,
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
    /// How far an earlier run came that this one goes on with.
    pub resume: Option<Arc<Progress>>,
    /// What playbooks before this one of the same command line found out.
    pub findings: Arc<Findings>,
    /// Filters and tests that the project brings along.
    pub plugins: Option<Arc<Plugins>>,
    /// Takes what is needed to resume the run if it is killed.
    pub journal: Option<Arc<Journal>>,
    /// Whether a failure ends the run for all hosts where no keyword says otherwise.
    pub any_errors_fatal: bool,
    /// Whether the run ends where a task notifies a handler that nobody has.
    pub needs_handlers: bool,
    /// Whether failed hosts still run the handlers that were notified.
    pub force_handlers: bool,
    /// `ansible_verbosity`.
    pub verbosity: u8,
    /// Whether hosts may go ahead of one another.
    pub pace: Pace,
    /// How to become another user where the playbook does not say.
    pub become_defaults: BecomeDefaults,
    /// How long hosts may take to get ready; none if they must answer at once, as in Ansible.
    pub ready_timeout: Option<Duration>,
    /// Whether the user is asked about each failure, unless a task says otherwise.
    pub debugs: bool,
    /// Whether results and arguments are hidden where no keyword says otherwise (`no_log`).
    pub no_log: bool,
    /// Whether it is told what arguments each task has (`display_args_to_stdout`).
    pub tells_arguments: bool,
    /// What `ansible_managed` says in templates (`ansible_managed` of the settings); none: `Ansible managed`.
    pub managed: Option<String>,
    /// How long a task may take that does not say (`task_timeout`); none: for ever.
    pub task_timeout: Option<Duration>,
    /// Stops the run.
    pub stop: StopSignal,
}

/// Filters and tests of a project, and what does them.
pub struct Plugins {
    /// All of them.
    pub names: Vec<Plugin>,
    /// Does one with arguments, plain and named.
    pub call: Box<PluginCall>,
}

/// Does a filter or test.
pub type PluginCall = dyn Fn(&Plugin, &[Json], &JsonMap) -> Result<Json, String> + Send + Sync;

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
    /// By `sudo`, `su` or `doas`.
    pub method: String,
    /// The program, where it is not found by its name.
    pub exe: Option<String>,
    /// Its flags, in place of the usual ones.
    pub flags: Option<String>,
    /// The password for it.
    pub password: Option<String>,
}
