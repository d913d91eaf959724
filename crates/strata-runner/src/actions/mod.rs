//! Modules that act on this side: they need templates, our files, or the run itself.
//!
//! One file each. An action may give the host a module of its own to do ([`Call::module`]); what is not here goes
//! to the agent as it is.

mod add_host;
mod assemble;
mod assert;
mod async_status;
mod copy;
mod debug;
mod fail;
mod fetch;
mod find_file;
mod foreign;
mod group_by;
mod include_vars;
mod kubernetes;
mod patch;
mod pause;
mod reboot;
mod script;
mod set_fact;
mod set_stats;
mod shutdown;
mod stage;
mod synchronize;
mod template;
mod unarchive;
mod validate_argument_spec;
mod wait_for_connection;

use strata_core::BoxFuture;

use crate::{
    foreign::Places,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(crate) use kubernetes::own_name as has_plugin_of_ours;

type Action = for<'a> fn(&'a Call<'a>) -> BoxFuture<'a, Result<ActionResult, TaskError>>;

/// All actions by name.
const ACTIONS: &[(&str, Action)] = &[
    ("add_host", |call| Box::pin(add_host::run(call))),
    ("ansible.posix.synchronize", |call| {
        Box::pin(synchronize::run(call))
    }),
    ("assemble", |call| Box::pin(assemble::run(call))),
    ("assert", |call| Box::pin(assert::run(call))),
    ("async_status", |call| Box::pin(async_status::run(call))),
    // It has no short name in Ansible.
    ("community.general.shutdown", |call| {
        Box::pin(shutdown::run(call))
    }),
    ("copy", |call| Box::pin(copy::run(call))),
    ("debug", |call| Box::pin(debug::run(call))),
    ("fail", |call| Box::pin(fail::run(call))),
    ("fetch", |call| Box::pin(fetch::run(call))),
    ("group_by", |call| Box::pin(group_by::run(call))),
    ("include_vars", |call| Box::pin(include_vars::run(call))),
    ("patch", |call| Box::pin(patch::run(call))),
    ("pause", |call| Box::pin(pause::run(call))),
    ("reboot", |call| Box::pin(reboot::run(call))),
    ("script", |call| Box::pin(script::run(call))),
    ("set_fact", |call| Box::pin(set_fact::run(call))),
    ("set_stats", |call| Box::pin(set_stats::run(call))),
    ("synchronize", |call| Box::pin(synchronize::run(call))),
    ("template", |call| Box::pin(template::run(call))),
    ("unarchive", |call| Box::pin(unarchive::run(call))),
    ("validate_argument_spec", |call| {
        Box::pin(validate_argument_spec::run(call))
    }),
    ("wait_for_connection", |call| {
        Box::pin(wait_for_connection::run(call))
    }),
];

/// Actions that live in collections of their own; Ansible finds them by the short name too.
const COLLECTIONS: &[(&str, &str)] = &[
    ("ansible.posix.patch", "patch"),
    ("ansible.posix.synchronize", "synchronize"),
];

/// True for modules that act on this side.
pub(crate) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// True for actions that ask no module on the host: their results do not tell how they were called.
pub(crate) fn asks_no_module(name: &str) -> bool {
    matches!(
        name,
        "add_host"
            | "assert"
            | "debug"
            | "fail"
            | "group_by"
            | "include_vars"
            | "pause"
            | "raw"
            | "reboot"
            | "script"
            | "set_fact"
            | "set_stats"
            | "validate_argument_spec"
            | "wait_for_connection"
    )
}

fn find(name: &str) -> Option<Action> {
    let home = COLLECTIONS.iter().find(|(full, _)| *full == name);
    let name = home.map_or(name, |(_, short)| short);
    let found = ACTIONS.iter().find(|(known, _)| *known == name);
    found.map(|(_, action)| *action)
}

/// Does a task: by an action of ours, or on the host.
pub(crate) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    if let Some(action) = find(call.name) {
        return action(call).await;
    }
    let places = Places::of(&call.shared.options, &call.job.scope.play, &call.job.task);
    let known = strata_agent::modules::is_known(call.name);
    let found = match known {
        true => places.legacy(call.name),
        false => places.find(call.name),
    };
    if let Some(found) = found {
        return foreign::run(call, found).await;
    }
    if !known {
        return Err(TaskError::Failed(crate::supported::message(call.name)));
    }
    let arguments = kubernetes::arguments(call)?;
    call.module(call.name, arguments, None).await
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn an_action_of_a_collection_has_its_full_name() {
        assert!(is_known("synchronize"));
        assert!(is_known("ansible.posix.synchronize"));
        assert!(!is_known("community.general.synchronize"));
        assert!(is_known("community.general.shutdown"));
        assert!(!is_known("shutdown"));
        assert!(!is_known("ansible.builtin.patch"));
    }
}
