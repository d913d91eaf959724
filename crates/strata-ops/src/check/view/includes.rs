//! Conditions that a list of tasks has from whoever includes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use strata_core::files::normalize;
use strata_jinja::yaml::Node;

use super::{ansible::role_of, task::Task};

/// How deep includes are followed.
const DEPTH: usize = 4;

/// Adds to tasks what stands at the includes of their file, if every include of it has a condition.
pub(super) fn inherit(tasks: &mut [Task]) {
    let files: BTreeSet<PathBuf> = tasks.iter().map(|task| task.file.clone()).collect();
    for _ in 0..DEPTH {
        let mut includes: BTreeMap<PathBuf, Vec<Vec<String>>> = BTreeMap::new();
        for task in tasks.iter() {
            for file in included(task, &files) {
                let conditions = task.conditions.clone();
                includes.entry(file).or_default().push(conditions);
            }
        }
        for task in tasks.iter_mut() {
            let Some(conditions) = includes.get(&task.file) else {
                continue;
            };
            if conditions.iter().any(Vec::is_empty) {
                continue;
            }
            for condition in conditions.iter().flatten() {
                if !task.conditions.contains(condition) {
                    task.conditions.push(condition.clone());
                }
            }
        }
    }
}

/// The files that a task includes.
fn included(task: &Task, files: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    match task.module.as_str() {
        "include_tasks" | "import_tasks" | "include" => {
            let name = task.text("file").or_else(|| task.arguments.text());
            tasks_file(task, name.unwrap_or_default(), files)
        }
        "include_role" | "import_role" => {
            let name = task.text("name").or_else(|| task.text("role"));
            let from = task.argument("tasks_from").and_then(Node::text);
            role_files(name.unwrap_or_default(), from.unwrap_or("main"), files)
        }
        _ => Vec::new(),
    }
}

fn tasks_file(task: &Task, name: &str, files: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let beside = task.file.parent().unwrap_or(Path::new(""));
    let in_role = role_of(&task.file).map(|role| role.join("tasks"));
    let folders = std::iter::once(beside.to_owned()).chain(in_role);
    folders
        .map(|folder| normalize(&folder.join(name)))
        .filter(|path| files.contains(path))
        .take(1)
        .collect()
}

fn role_files(name: &str, from: &str, files: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let name = Path::new(name).file_name();
    let stem = Path::new(from).file_stem();
    files
        .iter()
        .filter(|path| path.file_stem() == stem)
        .filter(|path| role_of(path).is_some_and(|role| role.file_name() == name))
        .cloned()
        .collect()
}
