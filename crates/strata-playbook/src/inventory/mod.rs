//! Hosts and groups.
//!
//! [`Inventory::load`] reads INI ([`ini`]) and YAML ([`yaml`]) files and folders of them, [`Inventory::from_input`]
//! takes plain data. Both fill a [`Builder`](build::Builder), which at the end knows parents, depths and the two groups that are
//! always there, `all` and `ungrouped`. [`pattern`] selects hosts, [`range`] writes out `web[01:10]`.

mod build;
mod constructed;
mod fetched;
mod ini;
mod pattern;
mod range;
mod value;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{
    Diagnostic, Diagnostics, Severity, Source,
    files::{EntryKind, Files},
};

use crate::play::JsonMap;

pub use fetched::{Fetch, NoFetch};
pub use pattern::LOCAL;

/// Hosts and groups as another program computed them, such as from the outputs of an infrastructure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InventoryInput {
    /// Groups by name.
    pub groups: BTreeMap<String, GroupInput>,
    /// Variables of hosts by name; a host only named here is in `ungrouped`.
    pub hosts: BTreeMap<String, JsonMap>,
}

/// A group of an [`InventoryInput`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupInput {
    /// Its hosts, in order.
    pub hosts: Vec<String>,
    /// Its variables.
    pub vars: JsonMap,
    /// The groups in it.
    pub children: Vec<String>,
}

/// All hosts and groups with their variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    hosts: Vec<Arc<Host>>,
    groups: Vec<Arc<Group>>,
    places: BTreeMap<String, usize>,
    group_places: BTreeMap<String, usize>,
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its inventory name.
    pub name: String,
    /// The variables that stand beside it in the inventory.
    pub vars: JsonMap,
    /// The groups it is directly in.
    pub groups: Vec<String>,
    /// Where it was named: `inventory_file`.
    pub source: Option<PathBuf>,
}

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its variables.
    pub vars: JsonMap,
    /// Its direct hosts.
    pub hosts: Vec<String>,
    /// Its direct children.
    pub children: Vec<String>,
    /// Its direct parents.
    pub parents: Vec<String>,
    /// How far it is from `all`.
    pub depth: usize,
    /// `ansible_group_priority`.
    pub priority: i64,
}

/// Files in an inventory folder that are no inventories, unless the settings say otherwise.
pub const IGNORED_ENDINGS: &[&str] = &[
    "~", ".orig", ".bak", ".ini.j2", ".cfg", ".retry", ".pyc", ".pyo", ".swp", ".md", ".txt",
    ".rst", ".rpm", ".log",
];

impl Inventory {
    /// Reads inventory files and folders. `group_vars` and `host_vars` beside them are read by
    /// [`InventoryVariables`](crate::variables::InventoryVariables).
    pub fn load(files: &dyn Files, sources: &[PathBuf], diags: &mut Diagnostics) -> Self {
        Self::load_with(files, sources, &NoFetch, diags)
    }

    /// The same, with somebody who asks programs and plugins.
    pub fn load_with(
        files: &dyn Files,
        sources: &[PathBuf],
        fetch: &dyn Fetch,
        diags: &mut Diagnostics,
    ) -> Self {
        let mut builder = build::Builder::new();
        for (file, of_folder) in files_of(files, sources, fetch, diags) {
            read_file(files, (&file, of_folder), fetch, &mut builder, diags);
        }
        builder.finish(diags)
    }

    /// The same, as `-i` has it: a file with mistakes is a warning, and its hosts are left out, as long as another
    /// one could be read, or there are hosts from elsewhere (`is_any_right`).
    pub fn load_what_is_right(
        files: &dyn Files,
        sources: &[PathBuf],
        fetch: &dyn Fetch,
        mut is_any_right: bool,
        diags: &mut Diagnostics,
    ) -> Self {
        let mut builder = build::Builder::new();
        let has_others = is_any_right;
        let mut wrong = Vec::new();
        for (file, of_folder) in files_of(files, sources, fetch, diags) {
            let before = builder.clone();
            let mut found = Diagnostics::new();
            read_file(files, (&file, of_folder), fetch, &mut builder, &mut found);
            if found.has_errors() {
                builder = before;
                wrong.extend(found);
            } else {
                is_any_right = true;
                diags.append(found);
            }
        }
        for found in wrong {
            diags.push(if is_any_right { left_out(found) } else { found });
        }
        if !has_others {
            diags.extend(builder.never_declared());
        }
        builder.finish(diags)
    }

    /// Makes one out of data.
    pub fn from_input(input: InventoryInput) -> Self {
        let mut builder = build::Builder::new();
        for (name, group) in input.groups {
            builder.group(&name).vars.extend(group.vars);
            for host in &group.hosts {
                builder.host(host, None);
                builder.add_host(&name, host);
            }
            for child in &group.children {
                builder.add_child(&name, child);
            }
        }
        for (name, vars) in input.hosts {
            builder.host(&name, None).vars.extend(vars);
        }
        // Cycles among computed groups are cut; there is no file to point at.
        builder.finish(&mut Diagnostics::new())
    }

    /// A host list as `-i a,b,` gives it; for `inventory_file` it is the place that its hosts come from.
    pub fn from_list(list: &str) -> Self {
        let names = list.split(',').map(str::trim).map(str::to_owned);
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        Self::named(&names, Some(Path::new(list)))
    }

    /// Hosts by their names, which come from nowhere.
    pub fn from_names(names: &[String]) -> Self {
        Self::named(names, None)
    }

    fn named(names: &[String], source: Option<&Path>) -> Self {
        let mut builder = build::Builder::new();
        for name in names {
            let (name, port) = ini::split_port(name);
            for name in range::expand(name).unwrap_or_default() {
                let host = builder.host(&name, source);
                let port = port.map(|port| ("ansible_port".to_owned(), Json::from(port)));
                host.vars.extend(port);
            }
        }
        builder.finish(&mut Diagnostics::new())
    }

    /// Adds hosts and groups of another (a second `-i`, `add_host`); what it says wins.
    pub fn merge(&mut self, other: Inventory) {
        self.merge_all(&[other]);
    }

    /// Takes all of several others in, one after the other.
    pub fn merge_all(&mut self, others: &[Inventory]) {
        let mut builder = build::Builder::new();
        builder.take(self);
        for other in others {
            builder.take(other);
        }
        *self = builder.finish(&mut Diagnostics::new());
    }

    /// All hosts in order.
    pub fn hosts(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// All groups, `all` first.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// A host by name.
    pub fn host(&self, name: &str) -> Option<&Arc<Host>> {
        self.places.get(name).map(|at| &self.hosts[*at])
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.group_places.get(name).map(|at| &self.groups[*at])
    }

    /// The names of the hosts that a pattern means, in the inventory's order; `localhost` is always known.
    pub fn matching(&self, pattern: &str) -> Result<Vec<String>, String> {
        pattern::matching(self, pattern)
    }

    /// The names of all hosts of a group: its own in their order, then those of its children, theirs, and so on.
    pub fn hosts_in(&self, group: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut named = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::from([group]);
        while let Some(name) = queue.pop_front() {
            if !seen.insert(name) {
                continue;
            }
            let Some(group) = self.group(name) else {
                continue;
            };
            let new = group
                .hosts
                .iter()
                .filter(|host| named.insert(host.as_str()));
            found.extend(new.cloned());
            queue.extend(group.children.iter().map(String::as_str));
        }
        found
    }

    /// `group_names` of a host: all groups it is in, sorted, without `all`.
    pub fn group_names(&self, host: &str) -> Vec<String> {
        let groups = self.groups_of(host);
        let mut names: Vec<_> = groups
            .iter()
            .map(|group| group.name.clone())
            .filter(|name| name != "all")
            .collect();
        names.sort();
        names
    }

    /// All groups of a host, those around them too, in the order in which their variables are laid:
    /// the widest first, then by priority, then by name.
    pub fn groups_of(&self, host: &str) -> Vec<&Arc<Group>> {
        let Some(host) = self.host(host) else {
            return Vec::new();
        };
        let mut names = BTreeSet::new();
        let mut queue: Vec<&str> = host
            .groups
            .iter()
            .map(String::as_str)
            .chain(["all"])
            .collect();
        while let Some(name) = queue.pop() {
            if names.insert(name)
                && let Some(group) = self.group(name)
            {
                queue.extend(group.parents.iter().map(String::as_str));
            }
        }
        let mut groups: Vec<_> = names
            .into_iter()
            .filter_map(|name| self.group(name))
            .collect();
        groups.sort_by_key(|group| (group.depth, group.priority, group.name.clone()));
        groups
    }
}

/// The files of sources, which may be folders, and whether each lies in such a folder.
fn files_of(
    files: &dyn Files,
    sources: &[PathBuf],
    fetch: &dyn Fetch,
    diags: &mut Diagnostics,
) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    for source in sources {
        add_files(files, (source, false), fetch, &mut found, diags);
    }
    found
}

fn add_files(
    files: &dyn Files,
    (source, of_folder): (&Path, bool),
    fetch: &dyn Fetch,
    found: &mut Vec<(PathBuf, bool)>,
    diags: &mut Diagnostics,
) {
    match files.kind(source) {
        Some(EntryKind::Folder) => {
            for entry in files.list(source).unwrap_or_default() {
                let name = entry.name.as_str();
                let usual = || IGNORED_ENDINGS.iter().any(|ending| name.ends_with(ending));
                let ignored = name.starts_with('.')
                    || matches!(name, "group_vars" | "host_vars" | "vars_plugins")
                    || fetch.ignores(name).unwrap_or_else(usual);
                if !ignored {
                    let inside = source.join(&entry.name);
                    add_files(files, (&inside, true), fetch, found, diags);
                }
            }
        }
        Some(_) => found.push((source.to_owned(), of_folder)),
        None => diags.push(Diagnostic::error(
            "unreadable-file",
            format!("there is no inventory `{}`", source.display()),
        )),
    }
}

/// What is said of a program that nothing may run. One that lies in a folder of inventories is left out, as in Ansible.
fn idle_program(path: &Path, of_folder: bool) -> Diagnostic {
    let message = format!(
        "the inventory `{}` is a program, which cannot be run",
        path.display()
    );
    let found = match of_folder {
        true => Diagnostic::warning("unsupported", message).detail("It is left out."),
        false => Diagnostic::error("unsupported", message),
    };
    found.hint("Programs must be executable: `chmod +x`.")
}

/// What is said of a file without which the inventory does.
fn left_out(mut found: Diagnostic) -> Diagnostic {
    if found.severity == Severity::Error {
        found.severity = Severity::Warning;
        found = found.hint("The hosts of this source are left out.");
    }
    found
}

/// Reads one file, which the user named or which lies in a folder that the user named.
fn read_file(
    files: &dyn Files,
    (path, of_folder): (&Path, bool),
    fetch: &dyn Fetch,
    builder: &mut build::Builder,
    diags: &mut Diagnostics,
) {
    if let Some(said) = fetch.program(path) {
        return fetched::add(&said, path, builder, diags);
    }
    let text = match files.read_text(path) {
        Ok(text) => text,
        Err(error) => {
            diags.push(Diagnostic::error(
                "unreadable-file",
                format!("cannot read the inventory {error}"),
            ));
            return;
        }
    };
    if text.starts_with("#!") {
        diags.push(idle_program(path, of_folder));
        return;
    }
    if let Some(said) = fetch.state(&text, path) {
        return fetched::add(&said, path, builder, diags);
    }
    let source = Source::new(path.display().to_string(), text);
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("yml" | "yaml" | "json") => yaml::read(&source, path, fetch, builder, diags),
        _ => ini::read(&source, path, builder, diags),
    }
}
