//! YAML files of the application layer, told apart by where they stand and what is in them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::Source;
use strata_jinja::yaml::Node;

use super::task;

/// What a YAML file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Playbook,
    Tasks,
    Handlers,
    Variables,
    Meta,
    Requirements,
    Inventory,
    Compose,
    Other,
}

/// A YAML file.
#[derive(Debug)]
pub(crate) struct YamlFile {
    pub(crate) path: PathBuf,
    pub(crate) source: Arc<Source>,
    pub(crate) kind: FileKind,
    pub(crate) root: Node,
}

impl YamlFile {
    /// The folder of the role that the file belongs to.
    pub(crate) fn role(&self) -> Option<&Path> {
        role_of(&self.path)
    }
}

/// Folders of a role that hold what it is made of.
const PARTS: [&str; 7] = [
    "tasks",
    "handlers",
    "defaults",
    "vars",
    "meta",
    "templates",
    "files",
];

/// The folder of the role that a path belongs to.
pub(crate) fn role_of(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        let parent = folder.parent()?;
        let in_roles = parent.parent().and_then(Path::file_name) == Some("roles".as_ref());
        (PARTS.contains(&name) && (in_roles || parent.as_os_str().is_empty())).then_some(parent)
    })
}

/// Tells what a file is.
pub(crate) fn kind(path: &Path, root: &Node) -> FileKind {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let below = |folder: &str| path.ancestors().skip(1).any(|part| part.ends_with(folder));
    match () {
        () if is_playbook(root) => FileKind::Playbook,
        () if matches!(name, "requirements.yml" | "requirements.yaml") => FileKind::Requirements,
        () if root.entries().is_none() && below("handlers") && is_tasks(root) => FileKind::Handlers,
        () if below("tasks") && is_mappings(root) => FileKind::Tasks,
        () if ["defaults", "vars", "group_vars", "host_vars"]
            .iter()
            .any(|f| below(f)) =>
        {
            FileKind::Variables
        }
        () if below("meta") => FileKind::Meta,
        () if is_compose(name, root) => FileKind::Compose,
        () if is_inventory(root) => FileKind::Inventory,
        () if is_tasks(root) => FileKind::Tasks,
        () => FileKind::Other,
    }
}

fn is_mappings(root: &Node) -> bool {
    root.items()
        .is_some_and(|items| items.iter().all(|item| item.entries().is_some()))
}

fn is_playbook(root: &Node) -> bool {
    let is_play = |item: &Node| {
        item.get("hosts").is_some_and(|hosts| !hosts.is_null())
            || item.get("import_playbook").is_some()
            || item.get("ansible.builtin.import_playbook").is_some()
    };
    is_mappings(root) && root.items().and_then(<[Node]>::first).is_some_and(is_play)
}

fn is_tasks(root: &Node) -> bool {
    let known = |item: &Node| item.get("block").is_some() || task::names_known_module(item);
    is_mappings(root) && root.items().is_some_and(|items| items.iter().any(known))
}

fn is_compose(name: &str, root: &Node) -> bool {
    name.contains("compose")
        && root
            .get("services")
            .is_some_and(|node| node.entries().is_some())
}

fn is_inventory(root: &Node) -> bool {
    let Some(entries) = root.entries().filter(|entries| !entries.is_empty()) else {
        return false;
    };
    let is_group = |node: &Node| {
        node.entries().is_some_and(|entries| {
            !entries.is_empty()
                && entries
                    .iter()
                    .all(|entry| matches!(entry.key.text(), Some("hosts" | "children" | "vars")))
        })
    };
    entries
        .iter()
        .all(|entry| is_group(&entry.value) || entry.value.is_null())
        && entries.iter().any(|entry| is_group(&entry.value))
}
