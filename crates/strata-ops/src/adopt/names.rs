//! The names of stages, by the folders and files that they are of.

use std::collections::BTreeSet;

use super::{
    environments::{stage_name, stem},
    playbooks::Entry,
    walk::split,
};

/// Playbooks that people run whole; others beside them are for a purpose of their own.
pub(super) const MAIN: [&str; 4] = ["site", "main", "playbook", "all"];

/// The first folder of a path.
pub(super) fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

pub(super) fn playbook_name<'a>(playbook: &'a Entry, environment: &str) -> &'a str {
    let (folder, name) = split(&playbook.path);
    match stem(name) {
        name if MAIN.contains(&name) => last_of(folder, environment),
        name => name,
    }
}

/// Folders that sort others and say nothing of what is in them.
const SKIPPED: [&str; 8] = [
    "",
    "env",
    "envs",
    "environments",
    "playbooks",
    "inventories",
    "live",
    "stages",
];

/// The last part of a path that is not the environment.
pub(super) fn last_of<'a>(path: &'a str, environment: &str) -> &'a str {
    let meant = |part: &&str| *part != environment && !SKIPPED.contains(part);
    path.rsplit('/').find(meant).unwrap_or("main")
}

/// What tells a folder from the others, where its usual name does not: the last part of its path that says more
/// than which tool it is for.
pub(super) fn telling<'a>(path: &'a str, environment: &str, usual: &[&str]) -> &'a str {
    const TOOLS: [&str; 8] = [
        "ansible",
        "infra",
        "infrastructure",
        "opentofu",
        "playbooks",
        "terraform",
        "tf",
        "tofu",
    ];
    let name = last_of(path, environment);
    let is_shared = usual.iter().filter(|other| **other == name).count() != 1;
    let mut parts = path.rsplit('/').filter(|part| {
        !part.is_empty() && *part != environment && !TOOLS.contains(part) && !SKIPPED.contains(part)
    });
    match is_shared {
        true => parts.next().unwrap_or(name),
        false => name,
    }
}

pub(super) fn free_name(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let wanted = stage_name(wanted);
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let name = std::iter::once(wanted.clone())
        .chain(numbered)
        .find(|name| !taken.contains(name));
    let name = name.unwrap_or(wanted);
    taken.insert(name.clone());
    name
}
