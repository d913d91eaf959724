//! `--list-hosts`, `--list-tasks` and `--list-tags`, as `ansible-playbook` prints them.

use std::{path::PathBuf, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::{
    Inventory,
    play::{Node, Play, Task},
};
use strata_runner::{Ask, tags_allow};

use super::{Options, Project, inventory, load};
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
pub fn list(
    playbooks: &[PathBuf],
    options: &Options,
    listing: Listing,
    process: &Process,
    ask: Option<&Arc<Ask>>,
) -> Result<String, Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(&options.vault, process, ask, &mut diags);
    let (loaded, _) = load(playbooks, options, &project, &mut diags);
    let mut text = String::new();
    for (path, playbook) in playbooks.iter().zip(loaded) {
        let found = inventory::read(
            &options.inventory,
            &project,
            process,
            super::absolute(path).parent(),
            &mut diags,
        );
        text.push_str(&format!("\nplaybook: {}\n", path.display()));
        for (at, play) in playbook
            .iter()
            .flat_map(|playbook| &playbook.plays)
            .enumerate()
        {
            match play_text(at, play, options, listing, &found.inventory) {
                Ok(shown) => text.push_str(&shown),
                Err(diagnostic) => diags.push(*diagnostic),
            }
        }
    }
    diags.into_result(text)
}

fn play_text(
    at: usize,
    play: &Play,
    options: &Options,
    listing: Listing,
    inventory: &Inventory,
) -> Result<String, Box<Diagnostic>> {
    let patterns = match &play.hosts.value {
        Json::Array(parts) => parts.iter().map(word).collect(),
        other => vec![word(other)],
    };
    let pattern = patterns.join(",");
    let tags = own_tags(&play.keywords.tags);
    let mut text = format!(
        "\n  play #{} ({pattern}): {}\tTAGS: [{}]\n",
        at + 1,
        word(&play.name.value),
        tags.join(", ")
    );
    if listing.hosts {
        let hosts = matching(inventory, &pattern, options.limit.as_deref())?;
        let shown: Vec<String> = patterns
            .iter()
            .map(|pattern| format!("'{pattern}'"))
            .collect();
        text.push_str(&format!(
            "    pattern: [{}]\n    hosts ({}):\n",
            shown.join(", "),
            hosts.len()
        ));
        hosts
            .iter()
            .for_each(|host| text.push_str(&format!("      {host}\n")));
    }
    let mut tasks = Vec::new();
    for section in [
        &play.pre_tasks,
        &play.role_tasks,
        &play.tasks,
        &play.post_tasks,
    ] {
        collect(section, &mut tasks);
    }
    let tasks: Vec<(&Task, Vec<String>)> = tasks
        .into_iter()
        .map(|task| (task, own_tags(&task.keywords.tags)))
        .filter(|(_, tags)| tags_allow(&options.tags, &options.skip_tags, tags))
        .collect();
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
        let mut all: Vec<String> = tasks.into_iter().flat_map(|(_, tags)| tags).collect();
        all.sort();
        all.dedup();
        text.push_str(&format!("      TASK TAGS: [{}]\n", all.join(", ")));
    }
    Ok(text)
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

/// All tasks in order; the loader bounds how deep blocks are nested.
fn collect<'a>(nodes: &'a [Node], tasks: &mut Vec<&'a Task>) {
    for node in nodes {
        match node {
            Node::Task(task) if task.implicit => {}
            Node::Task(task) => tasks.push(task),
            Node::Block(block) => {
                for part in [&block.block, &block.rescue, &block.always] {
                    collect(part, tasks);
                }
            }
            Node::RoleDone(_) => {}
        }
    }
}

fn name(task: &Task) -> String {
    let own = match &task.name {
        Some(name) => word(&name.value),
        None => task.written.clone(),
    };
    match &task.role {
        Some(role) => format!("{} : {own}", role.name),
        None => own,
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
