//! Which YAML files a playbook uses: those it imports, its roles, its variables.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use strata_core::files::normalize;
use strata_jinja::yaml::{Node, NodeKind};

use super::view::ansible::{YamlFile, role_of};

/// Keys whose value names a file or a role.
const FILES: [&str; 6] = [
    "import_playbook",
    "import_tasks",
    "include_tasks",
    "include",
    "include_vars",
    "vars_files",
];

/// All files that playbooks and inventories use, themselves too.
pub(super) fn files(yaml: &[YamlFile], playbooks: &[&Path]) -> BTreeSet<PathBuf> {
    let mut used = BTreeSet::new();
    let mut open: Vec<PathBuf> = playbooks.iter().map(|path| (*path).to_owned()).collect();
    open.extend(beside(yaml, playbooks));
    let below = |file: &&YamlFile| playbooks.iter().any(|start| file.path.starts_with(start));
    open.extend(yaml.iter().filter(below).map(|file| file.path.clone()));
    while let Some(path) = open.pop() {
        let Some(file) = yaml.iter().find(|file| file.path == path) else {
            continue;
        };
        if !used.insert(path) {
            continue;
        }
        let mut names = Vec::new();
        references(&file.root, &mut names);
        for name in names {
            open.extend(named(yaml, file, &name));
        }
    }
    used
}

/// Variables of groups and hosts, and requirements, beside the playbooks or above them.
fn beside<'a>(yaml: &'a [YamlFile], playbooks: &'a [&Path]) -> impl Iterator<Item = PathBuf> + 'a {
    let near = |folder: &Path| playbooks.iter().any(|start| start.starts_with(folder));
    yaml.iter().filter_map(move |file| {
        let mut above = file.path.ancestors().skip(1);
        let vars = above.find(|part| part.ends_with("group_vars") || part.ends_with("host_vars"));
        let folder = match vars {
            Some(vars) => vars.parent()?,
            None if file.path.file_stem()? == "requirements" => file.path.parent()?,
            None => return None,
        };
        near(folder).then(|| file.path.clone())
    })
}

/// Texts that may name files or roles.
fn references(node: &Node, names: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter().for_each(|item| references(item, names)),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.text().unwrap_or_default();
                let short = key.rsplit('.').next().unwrap_or(key);
                if FILES.contains(&short)
                    || matches!(
                        short,
                        "roles" | "dependencies" | "import_role" | "include_role"
                    )
                {
                    scalars(&entry.value, names);
                }
                references(&entry.value, names);
            }
        }
    }
}

fn scalars(node: &Node, names: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => names.push(text.clone()),
        NodeKind::Sequence(items) => items.iter().for_each(|item| scalars(item, names)),
        NodeKind::Mapping(entries) => {
            let wanted = ["role", "name", "file"];
            let values = entries
                .iter()
                .filter(|entry| entry.key.text().is_some_and(|key| wanted.contains(&key)));
            values.for_each(|entry| scalars(&entry.value, names));
        }
    }
}

/// The files that a name stands for in a file: a file beside it, or all of a role.
fn named(yaml: &[YamlFile], from: &YamlFile, name: &str) -> Vec<PathBuf> {
    let folder = from.path.parent().unwrap_or(Path::new(""));
    let mut candidates = vec![normalize(&folder.join(name))];
    if let Some(role) = from.role() {
        candidates.extend(["tasks", "vars"].map(|part| normalize(&role.join(part).join(name))));
    }
    let role_name = Path::new(name).file_name();
    yaml.iter()
        .map(|file| &file.path)
        .filter(|path| {
            candidates.contains(path)
                || role_of(path).is_some_and(|role| {
                    role.file_name() == role_name && !role.as_os_str().is_empty()
                })
        })
        .cloned()
        .collect()
}
