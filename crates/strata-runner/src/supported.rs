//! Finds the modules that Strata does not have, before anything runs.

use std::collections::BTreeSet;

use strata_core::{Diagnostic, Diagnostics, Severity};
use strata_playbook::{
    Playbook,
    load::closest,
    play::{Action, Node, Play, Task},
};

use crate::{
    Options, actions,
    foreign::Places,
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
    let mut all = Diagnostics::new();
    for play in &playbook.plays {
        check_play(play, options, &mut all);
    }
    // Tasks of a file that is imported twice stand in one place.
    let mut seen = BTreeSet::new();
    let mut diags = Diagnostics::new();
    diags.extend(all.into_iter().filter(|found| {
        let place = found.labels.first().map(|label| label.span.clone());
        seen.insert((
            place,
            found.severity == Severity::Error,
            found.summary.clone(),
        ))
    }));
    diags
}

fn check_play(play: &Play, options: &Options, diags: &mut Diagnostics) {
    for section in [
        &play.pre_tasks,
        &play.role_tasks,
        &play.tasks,
        &play.post_tasks,
    ] {
        check_nodes(section, play, options, diags);
    }
    for handler in &play.handlers {
        // A handler runs only if it is notified.
        check_task(&handler.task, true, play, options, diags);
    }
}

/// Checks tasks that an include brought, for which there is only yes or no.
pub(crate) fn check_nodes(nodes: &[Node], play: &Play, options: &Options, diags: &mut Diagnostics) {
    // The loader bounds how deep blocks are nested.
    for node in nodes {
        match node {
            Node::Task(task) => check_task(task, false, play, options, diags),
            Node::Block(block) => {
                for part in [&block.block, &block.rescue, &block.always] {
                    check_nodes(part, play, options, diags);
                }
            }
            Node::RoleDone(_) => {}
        }
    }
}

fn check_task(task: &Task, maybe: bool, play: &Play, options: &Options, diags: &mut Diagnostics) {
    let Some((problem, hint)) = problem(task, play, options) else {
        return;
    };
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
    diags.push(diagnostic.at(span).hint(hint));
}

/// What is wrong with a task's action, and what to do about it.
fn problem(task: &Task, play: &Play, options: &Options) -> Option<(String, String)> {
    match &task.action {
        Action::Module { name, .. } => unknown_module(&name.value, task, play, options),
        Action::Meta(name) => (!META.contains(&name.value.as_str())).then(|| {
            let message = format!("`meta: {}` is not supported by Strata", name.value);
            (message, INSTEAD.to_owned())
        }),
        _ => None,
    }
}

const INSTEAD: &str = "Use a module that Strata has, or leave the task out with `--skip-tags`.";

/// A module that is neither ours nor to be found among those of others.
fn unknown_module(
    name: &str,
    task: &Task,
    play: &Play,
    options: &Options,
) -> Option<(String, String)> {
    if is_known(name) {
        return None;
    }
    let places = Places::of(options, play, task);
    let moved = places.moved(name, is_known);
    if moved.as_deref().is_some_and(is_known) {
        return None;
    }
    let name = moved.as_deref().unwrap_or(name);
    let plugin = places.action_plugin(name);
    let is_ours = actions::has_plugin_of_ours(name).is_some();
    if let Some(plugin) = plugin.filter(|_| !is_ours) {
        let message = format!(
            "{}: it is an action plugin, `{}`, and Strata runs no Python on this machine",
            message(name),
            plugin.display()
        );
        return Some((message, INSTEAD.to_owned()));
    }
    if places.find(name).is_some() {
        return None;
    }
    let short = name.rsplit('.').next().unwrap_or(name);
    let hint = match closest(short, strata_agent::modules::names()) {
        Some(nearest) => format!("The nearest that Strata has is `{nearest}`. {INSTEAD}"),
        None => format!(
            "{INSTEAD} A module's own file is run if it is in `library/` or in a collection that is installed."
        ),
    };
    Some((message(name), hint))
}

/// What is said of a module that Strata does not have.
pub(crate) fn message(name: &str) -> String {
    format!("the module `{name}` is not supported by Strata")
}

/// The name under which a module is now that moved into another collection; the given one where it did not.
pub(crate) fn now_called(name: String, task: &Task, play: &Play, options: &Options) -> String {
    if is_known(&name) {
        return name;
    }
    let moved = Places::of(options, play, task).moved(&name, is_known);
    moved.unwrap_or(name)
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
