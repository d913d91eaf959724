//! Running a playbook on hosts: strategy, templating of tasks, controller-side actions, handlers.
//!
//! Data takes this path: [`run()`] checks the playbook ([`unsupported_modules`]), then takes its plays one after
//! the other, each in batches of hosts. A batch ([`batch`]) is one loop on one task that owns all state: it asks
//! each host's walk for the next step, starts what may run as futures that own what they need ([`task`]), and
//! settles what they give back: facts, registered results, notified handlers, included tasks, counts. A task is
//! rendered for its host ([`scope`]) and goes to an action of ours ([`actions`]) or to the agent on the host,
//! through the one session that [`session`] keeps for each host over all plays.
//!
//! When hosts must wait for one another is said in [`pace`].
//!
//! This crate must never know providers and state, nor print. Start reading at [`run`](mod@run), then [`batch`].

mod actions;
mod batch;
mod counts;
mod findings;
mod foreign;
mod handlers;
mod hosts;
mod include;
mod jobs;
mod journal;
mod magic;
mod options;
mod outcome;
mod pace;
mod recap;
mod resume;
mod run;
mod scope;
mod session;
mod stop;
mod supported;
mod surroundings;
mod tags;
mod task;
mod vars_files;

pub use findings::Findings;
pub use foreign::ModulePaths;
pub use journal::{Journal, Note};
pub use options::{
    Ask, BecomeDefaults, FactCache, Gathering, Lookup, Options, Pace, PluginCall, Plugins, Reload,
};
pub use recap::Recap;
pub use resume::{HostProgress, Milestone, Progress, milestones};
pub use run::run;
pub use session::{Connect, HostLink, Target};
pub use stop::{StopHandle, StopSignal, stop_handle};
pub use supported::unsupported_modules;

/// A mapping of JSON values, as variables and results are.
pub(crate) type JsonMap = serde_json::Map<String, serde_json::Value>;

/// True if a task with `tags` runs under `--tags` and `--skip-tags`.
pub fn tags_allow(only: &[String], skip: &[String], tags: &[String]) -> bool {
    tags::TagFilter { only, skip }.allows(tags)
}
