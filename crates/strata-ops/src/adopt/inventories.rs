//! Inventories that are there already.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use strata_core::files::Files;

use super::{
    environments::{self, stem},
    walk::split,
};

/// An inventory file or folder.
pub(super) struct Source {
    /// Its path.
    pub(super) path: String,
    /// The environment that it is for; none for all.
    pub(super) environment: Option<String>,
    /// What it says; none if it is no text.
    text: Option<Arc<str>>,
}

impl Source {
    /// False if none of these groups and hosts stands in it.
    pub(super) fn may_have(&self, wanted: &BTreeSet<String>) -> bool {
        const ANY: [&str; 4] = ["all", "ungrouped", "localhost", "127.0.0.1"];
        let Some(text) = &self.text else { return true };
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let words: BTreeSet<&str> = text.split(|c: char| !is_part(c)).collect();
        wanted.is_empty()
            || wanted.iter().any(|name| {
                let is_plain = name.chars().all(is_part);
                ANY.contains(&name.as_str()) || !is_plain || words.contains(name.as_str())
            })
    }
}

/// Files that are called `hosts` or `inventory`, and those in a folder `inventories` or `inventory`.
pub(super) fn sources(files: &dyn Files, base: &Path, tree: &[String]) -> Vec<Source> {
    let found: BTreeSet<&String> = tree.iter().filter(|path| is_inventory(path)).collect();
    let source = |path: &String| Source {
        path: path.clone(),
        environment: environments::of(path),
        text: files.read_text(&base.join(path)).ok(),
    };
    found.into_iter().map(source).collect()
}

/// True for a path that is called as inventories are, wherever it is.
pub(super) fn is_named_so(path: &str) -> bool {
    let (folder, name) = split(path);
    let word = |text: &str| text.contains("inventory") || text.contains("hosts");
    let is_text = !name.contains('.')
        || [".ini", ".yml", ".yaml", ".json", ".cfg"]
            .iter()
            .any(|end| name.ends_with(end));
    let is_variables = folder.ends_with("_vars") || folder.contains("_vars/");
    is_text && !is_variables && (word(name) || word(split(folder).1))
}

fn is_inventory(path: &str) -> bool {
    let (folder, name) = split(path);
    let parts: Vec<&str> = folder.split('/').collect();
    let is_text = !name.contains('.')
        || [".ini", ".yml", ".yaml", ".cfg"]
            .iter()
            .any(|end| name.ends_with(end));
    let is_named = ["hosts", "inventory"].contains(&stem(name));
    let in_folder = ["inventories", "inventory"].contains(parts.last().unwrap_or(&""));
    let of_role = [
        "group_vars",
        "host_vars",
        "roles",
        "tasks",
        "templates",
        "vars",
        "files",
        "tests",
    ];
    is_text
        && (is_named || in_folder)
        && !parts.iter().any(|part| of_role.contains(part))
        && name != "ansible.cfg"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventories_are_known_by_their_names() {
        for path in [
            "hosts",
            "ansible/inventory.ini",
            "inventories/prod/hosts.yml",
            "inventory/lab.yml",
        ] {
            assert!(is_inventory(path), "{path}");
        }
        for path in [
            "roles/dns/templates/hosts",
            "inventory/group_vars/all.yml",
            "hosts.tf",
            "site.yml",
        ] {
            assert!(!is_inventory(path), "{path}");
        }
    }
}
