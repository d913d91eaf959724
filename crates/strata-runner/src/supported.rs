//! Finds the modules that Strata does not have, before anything runs.

use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::{
    Playbook,
    play::{Action, Node, Play, Task},
};

use crate::{
    Options, actions,
    tags::{TagFilter, words},
};

const META: &[&str] = &[
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
];

/// Names every task that Strata cannot do: an error where the task would run for sure, a warning where a condition
/// may spare it. Tasks that tags leave out are not looked at.
pub fn unsupported_modules(playbook: &Playbook, options: &Options) -> Diagnostics {
    let mut diags = Diagnostics::new();
    for play in &playbook.plays {
        check_play(play, options, &mut diags);
    }
    diags
}

fn check_play(play: &Play, options: &Options, diags: &mut Diagnostics) {
    for section in [
        &play.pre_tasks,
        &play.role_tasks,
        &play.tasks,
        &play.post_tasks,
    ] {
        check_nodes(section, options, diags);
    }
    for handler in &play.handlers {
        // A handler runs only if it is notified.
        check_task(&handler.task, true, options, diags);
    }
}

/// Checks tasks that an include brought, for which there is only yes or no.
pub(crate) fn check_nodes(nodes: &[Node], options: &Options, diags: &mut Diagnostics) {
    // The loader bounds how deep blocks are nested.
    for node in nodes {
        match node {
            Node::Task(task) => check_task(task, false, options, diags),
            Node::Block(block) => {
                for part in [&block.block, &block.rescue, &block.always] {
                    check_nodes(part, options, diags);
                }
            }
            Node::RoleDone(_) => {}
        }
    }
}

fn check_task(task: &Task, maybe: bool, options: &Options, diags: &mut Diagnostics) {
    let Some(problem) = problem(task) else { return };
    if !may_run(task, options) {
        return;
    }
    let span = match &task.action {
        Action::Module { name, .. } | Action::Meta(name) => name.span.clone(),
        _ => task.span.clone(),
    };
    let conditional = maybe || !task.keywords.when.is_empty();
    let diagnostic = if conditional {
        Diagnostic::warning("unsupported-module", problem)
            .detail("The task fails if its condition holds when it is reached.")
    } else {
        Diagnostic::error("unsupported-module", problem)
    };
    diags.push(
        diagnostic
            .at(span)
            .hint("Use a module that Strata has, or leave the task out with `--skip-tags`."),
    );
}

fn problem(task: &Task) -> Option<String> {
    match &task.action {
        Action::Module { name, .. } => (!is_known(&name.value)).then(|| message(&name.value)),
        Action::Meta(name) => (!META.contains(&name.value.as_str()))
            .then(|| format!("`meta: {}` is not supported by Strata", name.value)),
        _ => None,
    }
}

/// What is said of a module that Strata does not have.
pub(crate) fn message(name: &str) -> String {
    format!("the module `{name}` is not supported by Strata")
}

fn is_known(name: &str) -> bool {
    // A templated name is known only when it is rendered.
    name.contains("{{") || actions::is_known(name) || strata_agent::modules::is_known(name)
}

fn may_run(task: &Task, options: &Options) -> bool {
    let tags = &task.keywords.tags;
    let tags: Vec<String> = tags.iter().flat_map(|tag| words(&tag.value)).collect();
    let templated = tags.iter().any(|tag| tag.contains("{{"));
    let filter = TagFilter {
        only: &options.tags,
        skip: &options.skip_tags,
    };
    templated || filter.allows(&tags)
}
