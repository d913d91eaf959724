//! The playbooks that people start: those that no other imports.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value as Json;
use strata_core::{Diagnostics, Source, files::Files};
use strata_playbook::yaml;

use super::{environments, walk::split};

/// A playbook that nobody imports.
pub(super) struct Entry {
    /// Its path.
    pub(super) path: String,
    /// The environment that it is for; none for all.
    pub(super) environment: Option<String>,
    /// Groups and hosts that its plays name.
    pub(super) hosts: BTreeSet<String>,
    /// The settings of Ansible in a folder above it, where Strata would not find them by itself.
    pub(super) ansible_config: Option<String>,
}

/// Folders of roles and variables; their files are no playbooks.
const PARTS: [&str; 12] = [
    "collections",
    "defaults",
    "files",
    "group_vars",
    "handlers",
    "host_vars",
    "meta",
    "molecule",
    "tasks",
    "templates",
    "tests",
    "vars",
];

/// All of them, sorted by path.
pub(super) fn entries(files: &dyn Files, base: &Path, tree: &[String]) -> Vec<Entry> {
    let may_be = |path: &&String| {
        let (folder, name) = split(path);
        (name.ends_with(".yml") || name.ends_with(".yaml"))
            && !folder.split('/').any(|part| PARTS.contains(&part))
            && !tests_role(folder, tree)
    };
    let mut imported = BTreeSet::new();
    let mut found = Vec::new();
    for path in tree.iter().filter(may_be) {
        let Some(plays) = plays(files, base, path) else {
            continue;
        };
        let imports = plays.iter().filter_map(imported_playbook);
        let folder = Path::new(split(path).0);
        imported.extend(imports.map(|import| plain(&folder.join(import))));
        found.push(Entry {
            path: path.clone(),
            environment: environments::of(path),
            hosts: plays.iter().flat_map(hosts).collect(),
            ansible_config: settings(path, tree),
        });
    }
    found.retain(|entry| !imported.contains(&entry.path));
    found
}

/// True for the folder `test` of a role, and those in it.
fn tests_role(folder: &str, tree: &[String]) -> bool {
    let mut folders = Path::new(folder).ancestors();
    folders.any(|folder| {
        let role = folder.parent().filter(|_| folder.ends_with("test"));
        let tasks = |role: &Path| role.join("tasks/main.yml").display().to_string();
        role.is_some_and(|role| tree.binary_search(&tasks(role)).is_ok())
    })
}

/// The nearest `ansible.cfg` beside or above a playbook; people start it in that folder.
fn settings(path: &str, tree: &[String]) -> Option<String> {
    let folders = Path::new(path).ancestors().skip(1);
    let mut names = folders.map(|folder| folder.join("ansible.cfg").display().to_string());
    let nearest = names.find(|name| tree.contains(name))?;
    (nearest != "ansible.cfg").then_some(nearest)
}

/// The plays of a file; none if it is no playbook.
fn plays(files: &dyn Files, base: &Path, path: &str) -> Option<Vec<Json>> {
    let text = files.read_text(&base.join(path)).ok()?;
    // Quick to see, and spares reading every other YAML file.
    if !text.contains("hosts:") && !text.contains("import_playbook") {
        return None;
    }
    let source = Source::new(path.to_owned(), text);
    let Json::Array(plays) = yaml::parse(&source, &mut Diagnostics::new())?.to_json() else {
        return None;
    };
    let is_play = |play: &Json| play.get("hosts").is_some() || imported_playbook(play).is_some();
    (!plays.is_empty() && plays.iter().all(is_play)).then_some(plays)
}

fn imported_playbook(play: &Json) -> Option<&str> {
    let names = ["import_playbook", "ansible.builtin.import_playbook"];
    names.iter().find_map(|name| play.get(name)?.as_str())
}

fn hosts(play: &Json) -> Vec<String> {
    match play.get("hosts") {
        Some(Json::String(pattern)) => pattern
            .split([',', ':'])
            .map(|name| name.trim().to_owned())
            .collect(),
        Some(Json::Array(names)) => names
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// The path without `..` and `.`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.to_string_lossy().split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part.to_owned()),
        }
    }
    parts.join("/")
}
