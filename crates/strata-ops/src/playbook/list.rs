//! `--list-hosts`, `--list-tasks` and `--list-tags`, as `ansible-playbook` prints them.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Severity};
use strata_jinja::{Engine, NoSurroundings, Templar};
use strata_playbook::{
    Inventory,
    play::{Action, Node, Play, Spanned, Task},
    variables::{HostVariables, groups, magic},
};
use strata_runner::{Ask, tags_allow};

use super::{Options, Project, inventory, limit, load, missing_modules};
use crate::process::Process;

/// What to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The hosts of each play.
    pub hosts: bool,
    /// The tasks of each play.
    pub tasks: bool,
    /// The tags of each play.
    pub tags: bool,
}

/// Lists what is in playbooks, as text.
///
/// Variables of hosts are not read, so nobody needs the passwords of those that are encrypted; what is wrong with an
/// inventory is told and stops nothing, as in Ansible. A module that is not to be found is an error, as there.
pub fn list(
    playbooks: &[PathBuf],
    options: &Options,
    listing: Listing,
    process: &Process,
    ask: Option<&Arc<Ask>>,
) -> Result<(String, Diagnostics), Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(&options.vault, process, ask, &mut diags);
    let (loaded, extra) = load(playbooks, options, &project, &mut diags);
    let extra = Arc::new(extra);
    let mut text = String::new();
    let mut trouble = Diagnostics::new();
    let (hosts, _) = inventory::hosts(&options.inventory, &project, process, &mut trouble);
    diags.extend(trouble.into_iter().map(as_warning));
    let pattern = limit::pattern(options.limit.as_deref(), project.files.as_ref());
    let pattern = pattern.map_err(|diagnostic| *diagnostic)?;
    diags.extend(limit::leaves_nobody(&hosts, pattern.as_deref()));
    let options = &Options {
        limit: pattern,
        ..options.clone()
    };
    for (path, playbook) in playbooks.iter().zip(loaded) {
        text.push_str(&format!("\nplaybook: {}\n", path.display()));
        for (at, play) in playbook
            .iter()
            .flat_map(|playbook| &playbook.plays)
            .enumerate()
        {
            let templar = templar(play, &hosts, &extra);
            match play_text(at, play, &templar, options, listing, &hosts) {
                Ok(shown) => text.push_str(&shown),
                Err(diagnostic) => diags.push(*diagnostic),
            }
        }
    }
    diags.extend(missing_modules(playbooks, options, process));
    match diags.has_errors() {
        true => Err(diags),
        false => Ok((text, diags)),
    }
}

fn as_warning(mut found: Diagnostic) -> Diagnostic {
    found.severity = Severity::Warning;
    found
}

/// What a play's own words see: its variables and those of the command line, but none of any host.
fn templar(play: &Arc<Play>, inventory: &Inventory, extra: &Arc<Map<String, Json>>) -> Templar {
    // Nobody is asked for a list: what has no default is None.
    let defaults = play.vars_prompt.iter().map(|prompt| {
        let default = prompt.default.clone().unwrap_or(Json::Null);
        (prompt.name.clone(), default)
    });
    let groups = Arc::new(groups(inventory));
    let variables = HostVariables {
        play_vars: vec![play.vars.clone(), Arc::new(defaults.collect())],
        extra_vars: extra.clone(),
        magic: Arc::new(magic(inventory, &groups, "localhost", play)),
        ..HostVariables::default()
    };
    Templar::new(
        &Engine::with(false),
        Arc::new(variables),
        Arc::new(NoSurroundings::default()),
    )
}

fn rendered(
    templar: &Templar,
    keyword: &str,
    written: &Spanned<Json>,
) -> Result<Json, Box<Diagnostic>> {
    templar.render(&written.value).map_err(|error| {
        let summary = format!("`{keyword}` cannot be used");
        let found = Diagnostic::error("bad-play-keyword", summary);
        Box::new(found.detail(error.to_string()).at(written.span.clone()))
    })
}

fn play_text(
    at: usize,
    play: &Play,
    templar: &Templar,
    options: &Options,
    listing: Listing,
    inventory: &Inventory,
) -> Result<String, Box<Diagnostic>> {
    let word = |value: &Json| match value {
        Json::Null => "None".to_owned(),
        value => word(value),
    };
    let (patterns, pattern) = match &rendered(templar, "hosts", &play.hosts)? {
        Json::Array(parts) => {
            let patterns: Vec<String> = parts.iter().map(word).collect();
            let pattern = patterns.join(",");
            (patterns, pattern)
        }
        Json::Null => (Vec::new(), String::new()),
        other => (vec![word(other)], word(other)),
    };
    let title = match rendered(templar, "name", &play.name)? {
        // A play without a name goes by its hosts.
        Json::Array(_) => pattern.clone(),
        name => word(&name),
    };
    let tags = own_tags(&play.keywords.tags);
    let mut text = format!(
        "\n  play #{} ({pattern}): {}\tTAGS: [{}]\n",
        at + 1,
        title,
        tags.join(",")
    );
    if listing.hosts {
        let hosts = match patterns.is_empty() {
            true => Vec::new(),
            false => matching(inventory, &pattern, options.limit.as_deref())?,
        };
        text.push_str(&hosts_text(&patterns, &hosts));
    }
    let tasks = tasks_with_tags(play, options, listing);
    if listing.tasks {
        text.push_str("    tasks:\n");
        for (task, tags) in &tasks {
            text.push_str(&format!(
                "      {}\tTAGS: [{}]\n",
                name(task),
                tags.join(", ")
            ));
        }
    }
    if listing.tags {
        let of_tasks = tasks.into_iter().flat_map(|(_, tags)| tags);
        let mut all: Vec<String> = tags.into_iter().chain(of_tasks).collect();
        all.sort();
        all.dedup();
        text.push_str(&format!("      TASK TAGS: [{}]\n", all.join(", ")));
    }
    Ok(text)
}

fn hosts_text(patterns: &[String], hosts: &[String]) -> String {
    let shown: Vec<String> = patterns
        .iter()
        .map(|pattern| format!("'{pattern}'"))
        .collect();
    let shown = match shown.as_slice() {
        [] => "None".to_owned(),
        shown => format!("[{}]", shown.join(", ")),
    };
    let lines: String = hosts.iter().map(|host| format!("      {host}\n")).collect();
    format!(
        "    pattern: {shown}\n    hosts ({}):\n{lines}",
        hosts.len()
    )
}

/// The tasks of a play that the wanted tags leave, each with its own.
fn tasks_with_tags<'a>(
    play: &'a Play,
    options: &Options,
    listing: Listing,
) -> Vec<(&'a Task, Vec<String>)> {
    // Who asks which tags there are is told of those that only run when they are named, too.
    let all = listing.tags && options.tags.is_empty() && options.skip_tags.is_empty();
    let mut tasks = Vec::new();
    for section in [
        &play.pre_tasks,
        &play.role_tasks,
        &play.tasks,
        &play.post_tasks,
    ] {
        collect(section, &mut tasks);
    }
    let tagged = tasks
        .into_iter()
        .map(|task| (task, own_tags(&task.keywords.tags)));
    tagged
        .filter(|(_, tags)| all || tags_allow(&options.tags, &options.skip_tags, tags))
        .collect()
}

fn matching(
    inventory: &Inventory,
    pattern: &str,
    limit: Option<&str>,
) -> Result<Vec<String>, Box<Diagnostic>> {
    let find = |pattern: &str| {
        inventory.matching(pattern).map_err(|reason| {
            let message = format!("the host pattern `{pattern}` cannot be used");
            Box::new(Diagnostic::error("bad-host-pattern", message).detail(reason))
        })
    };
    let mut hosts = find(pattern)?;
    if let Some(limit) = limit {
        let allowed = find(limit)?;
        hosts.retain(|host| allowed.contains(host));
    }
    Ok(hosts)
}

/// All tasks in order, but those of `rescue` and `always`; the loader bounds how deep blocks are nested.
fn collect<'a>(nodes: &'a [Node], tasks: &mut Vec<&'a Task>) {
    for node in nodes {
        match node {
            Node::Task(task) if task.implicit => {}
            Node::Task(task) => tasks.push(task),
            Node::Block(block) => collect(&block.block, tasks),
            Node::RoleDone(_) => {}
        }
    }
}

/// A task's name with its role's, but where it has none, or goes by that of the role it includes.
fn name(task: &Task) -> String {
    let Some(name) = &task.name else {
        return task.written.clone();
    };
    let own = word(&name.value);
    match &task.role {
        Some(role) if !matches!(task.action, Action::IncludeRole { .. }) => {
            format!("{} : {own}", role.name)
        }
        _ => own,
    }
}

fn own_tags(tags: &[strata_playbook::Spanned<Json>]) -> Vec<String> {
    let mut all: Vec<String> = tags.iter().map(|tag| word(&tag.value)).collect();
    all.sort();
    all.dedup();
    all
}

fn word(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
