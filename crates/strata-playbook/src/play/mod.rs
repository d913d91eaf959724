//! What a playbook is once it is loaded: plain data, with imports and roles expanded.
//!
//! Values that may hold templates are JSON with their place ([`Spanned`]); the runner renders them for a host.
//! A [`Task`] carries all that its blocks, role and play say about it in its [`Keywords`], so nobody has to
//! look upward.

mod keywords;
mod task;

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value as Json};
use strata_core::Span;

pub use keywords::{Debugger, Keywords, ModuleDefaults};
pub use task::{Action, Handler, Loop, LoopControl, RoleFiles, Task};

/// A value with its place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A mapping as configuration has it.
pub type JsonMap = Map<String, Json>;

/// A playbook: its plays in order, imported ones included.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// The file that was asked for.
    pub path: PathBuf,
    /// The plays in order.
    pub plays: Vec<Arc<Play>>,
}

/// Tasks for some hosts.
#[derive(Clone, Debug)]
pub struct Play {
    /// As the user named it; without a name, its hosts.
    pub name: Spanned<Json>,
    /// The host pattern: a text or a list of texts, perhaps templates.
    pub hosts: Spanned<Json>,
    /// The folder of the playbook file: `playbook_dir`.
    pub folder: PathBuf,
    /// Whether facts are gathered first; none: the default, which is yes.
    pub gather_facts: Option<Spanned<Json>>,
    /// What facts to gather.
    pub gather_subset: Option<Spanned<Json>>,
    /// How many seconds gathering a fact may take.
    pub gather_timeout: Option<Spanned<Json>>,
    /// Where the host's own facts are.
    pub fact_path: Option<Spanned<Json>>,
    /// What every task of the play inherits (it is already in each task's own keywords).
    pub keywords: Arc<Keywords>,
    /// `vars`.
    pub vars: Arc<JsonMap>,
    /// `vars_files`: each a name, or a list of which the first found counts; perhaps templates.
    pub vars_files: Vec<Spanned<Json>>,
    /// `vars_prompt`: what to ask for before the play, unless given as extra variables.
    pub vars_prompt: Vec<VarsPrompt>,
    /// How many hosts at a time: each a number or a percentage; empty means all at once.
    pub serial: Vec<Spanned<Json>>,
    /// Whether hosts wait for one another.
    pub strategy: Strategy,
    /// In which order hosts are taken.
    pub order: Order,
    /// How many hosts (in percent) may fail before the play ends for all.
    pub max_fail_percentage: Option<Spanned<Json>>,
    /// Whether failed hosts still run notified handlers.
    pub force_handlers: Option<Spanned<Json>>,
    /// `pre_tasks`.
    pub pre_tasks: Vec<Node>,
    /// The tasks of `roles`, dependencies first.
    pub role_tasks: Vec<Node>,
    /// `tasks`.
    pub tasks: Vec<Node>,
    /// `post_tasks`.
    pub post_tasks: Vec<Node>,
    /// Handlers: those of the roles first, then the play's own.
    pub handlers: Vec<Arc<Handler>>,
    /// The roles of the play with their dependencies, in the order in which their variables are laid.
    pub roles: Vec<Arc<Role>>,
    /// Where the play begins.
    pub span: Span,
}

/// A variable to ask the user for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VarsPrompt {
    /// The variable.
    pub name: String,
    /// The question.
    pub prompt: String,
    /// What an empty answer means.
    pub default: Option<Json>,
    /// Whether the answer is not shown.
    pub private: bool,
    /// Whether it is asked for twice.
    pub confirm: bool,
    /// The scheme by which the answer is hashed.
    pub encrypt: Option<String>,
    /// The hash's salt.
    pub salt: Option<String>,
    /// How long a salt of chance is.
    pub salt_size: Option<u64>,
    /// Whether templates in the answer are mere text.
    pub is_unsafe: bool,
}

/// Whether hosts wait for one another after each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Each task on all hosts before the next.
    Linear,
    /// Each host at its own pace.
    Free,
    /// Each host at its own pace, and no new host before another is through.
    HostPinned,
    /// As `Linear`; the user is asked about each failure.
    Debug,
}

/// In which order the hosts of a play are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the inventory has them.
    Inventory,
    /// The other way round.
    ReverseInventory,
    /// By name.
    Sorted,
    /// By name, last first.
    ReverseSorted,
    /// By chance.
    Shuffle,
}

/// A task, or a block of them.
#[derive(Clone, Debug)]
pub enum Node {
    /// One task.
    Task(Arc<Task>),
    /// A group with its rescue and always parts.
    Block(Arc<Block>),
    /// The end of a role for a host: from here on, the role counts as having run.
    RoleDone(Arc<Role>),
}

/// Tasks that share keywords, with what to do on failure and what to do in any case.
///
/// The block's keywords are already in its tasks.
#[derive(Clone, Debug)]
pub struct Block {
    /// `block`.
    pub block: Vec<Node>,
    /// `rescue`.
    pub rescue: Vec<Node>,
    /// `always`.
    pub always: Vec<Node>,
    /// Where it begins.
    pub span: Span,
}

/// A role as one play or include uses it.
#[derive(Clone, Debug)]
pub struct Role {
    /// The name by which it was asked for; of a collection's role the full one.
    pub name: String,
    /// The collection that it is in.
    pub collection: Option<String>,
    /// Its folder: `role_path`.
    pub path: PathBuf,
    /// Its defaults.
    pub defaults: Arc<JsonMap>,
    /// Its variables.
    pub vars: Arc<JsonMap>,
    /// The parameters that the play gave it where it named it: `{role: x, port: 80}`.
    pub parameters: Arc<JsonMap>,
    /// The `vars` that the play gave it where it named it; only its own tasks see them.
    pub given: Arc<JsonMap>,
    /// The roles it depends on, in order.
    pub dependencies: Vec<Arc<Role>>,
    /// The roles that led to it, the outermost first.
    pub parents: Vec<RoleParent>,
    /// Whether it may run more than once with equal parameters.
    pub allow_duplicates: bool,
    /// Whether its defaults and variables are seen by the whole play.
    pub public: bool,
    /// Equal for uses of a role of which only the first one runs, unless it may run more than once.
    pub identity: Arc<str>,
}

/// A role that depends on another one or includes it, as far as the other one sees of it.
#[derive(Clone, Debug)]
pub struct RoleParent {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Its defaults.
    pub defaults: Arc<JsonMap>,
    /// Its variables.
    pub vars: Arc<JsonMap>,
    /// The parameters that were given to it.
    pub parameters: Arc<JsonMap>,
    /// The `vars` that were given to it.
    pub given: Arc<JsonMap>,
    /// Whether one of its tasks includes or imports the other one.
    pub by_task: bool,
}

impl Role {
    /// Its name without the collection.
    pub fn short_name(&self) -> &str {
        let inside = self.collection.as_ref().and_then(|collection| {
            let rest = self.name.strip_prefix(collection.as_str())?;
            rest.strip_prefix('.')
        });
        inside.unwrap_or(&self.name)
    }

    /// True for a role that is there since another one depends on it.
    pub fn is_dependency(&self) -> bool {
        self.parents.last().is_some_and(|parent| !parent.by_task)
    }
}
