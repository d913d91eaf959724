//! Inventories: the sources of `-i`, and how `ansible-inventory` shows them.

mod fetch;
mod incus;
mod plugins;
mod proxmox;
mod show;
mod state;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::{Inventory, variables::InventoryVariables};

use super::{Options, Project, limit};
use crate::process::Process;

/// An inventory with the variables of its hosts.
pub(crate) struct Found {
    pub(crate) inventory: Inventory,
    pub(crate) variables: Arc<InventoryVariables>,
}

/// Reads the inventory sources of `-i`, or of the settings, with `group_vars` and `host_vars` beside them.
pub(crate) fn read(
    given: &[String],
    project: &Project,
    process: &Process,
    playbook: Option<&Path>,
    diags: &mut Diagnostics,
) -> Found {
    let (inventory, folders) = hosts(given, project, process, diags);
    let files = project.files.as_ref();
    let variables = InventoryVariables::load(
        files,
        &inventory,
        &folders,
        playbook,
        project.reading(),
        diags,
    );
    Found {
        inventory,
        variables: Arc::new(variables),
    }
}

/// Reads the same sources without the variables beside them, for who only asks which hosts there are.
pub(crate) fn hosts(
    given: &[String],
    project: &Project,
    process: &Process,
    diags: &mut Diagnostics,
) -> (Inventory, Vec<PathBuf>) {
    let (names, mut paths) = sources(given, project);
    if given.is_empty() {
        drop_missing(&mut paths, project, diags);
    }
    from((names, paths), Mistakes::LeaveOut, project, process, diags)
}

/// What becomes of a source with mistakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistakes {
    /// It is an error.
    Stop,
    /// Its hosts are left out, as long as there is another source, as with `ansible-playbook`.
    LeaveOut,
}

/// What the settings name need not be there, as in Ansible: what makes an inventory may have to run first.
fn drop_missing(paths: &mut Vec<PathBuf>, project: &Project, diags: &mut Diagnostics) {
    paths.retain(|path| {
        let there = project.files.kind(path).is_some();
        if !there {
            let path = path.display();
            let summary = format!("Unable to parse `{path}` as an inventory source");
            let found = Diagnostic::warning("no-inventory", summary);
            diags.push(
                found.detail("`ansible.cfg` or `ANSIBLE_INVENTORY` names it, and it is not there."),
            );
        }
        there
    });
}

/// Reads inventory sources as they are given, and the folders whose `group_vars` and `host_vars` count; nothing is
/// asked of the settings.
pub(crate) fn given(
    given: &[String],
    project: &Project,
    process: &Process,
    diags: &mut Diagnostics,
) -> (Inventory, Vec<PathBuf>) {
    let (names, paths): (Vec<String>, Vec<String>) = given
        .iter()
        .cloned()
        .partition(|source| source.contains(','));
    let paths = paths.into_iter().map(PathBuf::from).collect();
    from((names, paths), Mistakes::Stop, project, process, diags)
}

fn from(
    (names, paths): (Vec<String>, Vec<PathBuf>),
    mistakes: Mistakes,
    project: &Project,
    process: &Process,
    diags: &mut Diagnostics,
) -> (Inventory, Vec<PathBuf>) {
    let files = project.files.as_ref();
    let (there, absent): (Vec<_>, Vec<_>) = paths
        .into_iter()
        .partition(|path| files.kind(path).is_some());
    let does_without = mistakes == Mistakes::LeaveOut && !(there.is_empty() && names.is_empty());
    diags.extend(absent.iter().map(|path| missing(path, does_without)));
    let paths: Vec<PathBuf> = there
        .into_iter()
        .map(|path| std::path::absolute(&path).unwrap_or(path))
        .collect();
    let programs = fetch::Programs::new(process, project, diags);
    let mut inventory = match mistakes {
        Mistakes::Stop => Inventory::load_with(files, &paths, &programs, diags),
        Mistakes::LeaveOut => {
            let is_any_right = !names.is_empty();
            Inventory::load_what_is_right(files, &paths, &programs, is_any_right, diags)
        }
    };
    for source in names {
        inventory.merge(Inventory::from_list(&source));
    }
    let folder = |path: &PathBuf| {
        if path.is_dir() {
            path.clone()
        } else {
            path.parent().unwrap_or(Path::new("")).to_path_buf()
        }
    };
    let folders = paths.iter().map(folder).collect();
    (inventory, folders)
}

/// What is said of a source that is not there.
fn missing(path: &Path, does_without: bool) -> Diagnostic {
    let summary = format!("There is no inventory `{}`", path.display());
    let found = match does_without {
        true => Diagnostic::warning("no-inventory", summary),
        false => Diagnostic::error("no-inventory", summary),
    };
    found.hint("A list of hosts has a comma at its end: `-i web1,`.")
}

/// Where hosts come from, for `ansible_inventory_sources`: lists of names as they are, paths in full.
pub(super) fn sources_shown(given: &[String], project: &Project, folder: &Path) -> Vec<String> {
    let (mut names, paths) = sources(given, project);
    let full = paths.iter().map(|path| folder.join(path));
    names.extend(full.map(|path| path.display().to_string()));
    names
}

/// Lists of names, and paths; those of the settings where none are given.
fn sources(given: &[String], project: &Project) -> (Vec<String>, Vec<PathBuf>) {
    if !given.is_empty() {
        let (names, paths): (Vec<String>, Vec<String>) = given
            .iter()
            .cloned()
            .partition(|source| source.contains(','));
        return (names, paths.into_iter().map(PathBuf::from).collect());
    }
    let settings = &project.settings;
    let said = settings.text("inventory").unwrap_or_default();
    if said.ends_with(',') {
        return (vec![said], Vec::new());
    }
    let paths = settings.paths("inventory", ',');
    if paths.is_empty() {
        let usual = PathBuf::from("/etc/ansible/hosts");
        return (
            Vec::new(),
            Some(usual)
                .filter(|path| path.exists())
                .into_iter()
                .collect(),
        );
    }
    (Vec::new(), paths)
}

/// What to show of an inventory.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Groups, hosts and variables as JSON.
    List {
        /// As YAML instead.
        yaml: bool,
        /// The variables where they are written, not merged for each host.
        export: bool,
    },
    /// Groups and hosts as a tree below a group.
    Graph {
        /// The group; none: `all`.
        group: Option<String>,
        /// With variables.
        vars: bool,
    },
    /// One host's variables.
    Host {
        /// The host.
        name: String,
        /// As YAML instead of JSON.
        yaml: bool,
    },
}

/// Shows an inventory as `ansible-inventory` does, as text.
pub fn show(
    options: &Options,
    wanted: &Wanted,
    process: &Process,
    ask: Option<&Arc<strata_runner::Ask>>,
) -> Result<(String, Diagnostics), Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(&options.vault, process, ask, &mut diags);
    let found = read(
        &options.inventory,
        &project,
        process,
        Some(Path::new("")),
        &mut diags,
    );
    if diags.has_errors() {
        return Err(diags);
    }
    let pattern = limit::pattern(options.limit.as_deref(), project.files.as_ref());
    let pattern = pattern.map_err(|diagnostic| *diagnostic)?;
    let shown = show::Shown {
        inventory: &found.inventory,
        variables: &found.variables,
        limit: limited(&found.inventory, pattern.as_deref())?,
        injects_facts: project.injects_facts(),
    };
    let text = match wanted {
        Wanted::Host { name, yaml } => {
            let vars = shown.host(name)?;
            if *yaml {
                show::yaml(&vars)
            } else {
                show::json(&vars)
            }
        }
        Wanted::List { yaml: true, export } => show::yaml(&shown.tree(*export)),
        Wanted::List {
            yaml: false,
            export,
        } => show::json(&shown.list(*export)),
        Wanted::Graph { group, vars } => shown.graph(group.as_deref().unwrap_or("all"), *vars)?,
    };
    Ok((text, diags))
}

fn limited(
    inventory: &Inventory,
    limit: Option<&str>,
) -> Result<Option<HashSet<String>>, Diagnostics> {
    let Some(limit) = limit else { return Ok(None) };
    let names = inventory.matching(limit).map_err(|reason| {
        let message = format!("the host pattern `{limit}` cannot be used");
        Diagnostic::error("bad-host-pattern", message).detail(reason)
    })?;
    Ok(Some(names.into_iter().collect()))
}

/// All groups with their hosts and children, and the variables of hosts, as values.
pub fn list(options: &Options, process: &Process) -> Result<Json, Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(&options.vault, process, None, &mut diags);
    let found = read(&options.inventory, &project, process, None, &mut diags);
    let shown = show::Shown {
        inventory: &found.inventory,
        variables: &found.variables,
        limit: None,
        injects_facts: project.injects_facts(),
    };
    diags.into_result(shown.list(false))
}
