//! Finds a file of ours by the name that a task gives.
//!
//! Looked for in the role, beside the task's file and beside the playbook; in each first in the folder for its
//! kind (`files`, `templates`, `vars`).

use std::path::{Path, PathBuf};

use strata_core::files::EntryKind;

use crate::{session::TaskError, task::Call};

/// The path of a file or folder, if there is one.
pub(super) fn find(call: &Call<'_>, kind: &str, name: &str) -> Option<PathBuf> {
    candidates(call, kind, name)
        .into_iter()
        .find(|path| call.shared.options.files.kind(path).is_some())
}

/// The path of a file or folder that must be there.
pub(super) fn required(call: &Call<'_>, kind: &str, name: &str) -> Result<PathBuf, TaskError> {
    if let Some(path) = find(call, kind, name) {
        return Ok(path);
    }
    let searched: Vec<String> = candidates(call, kind, name)
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    Err(TaskError::Failed(format!(
        "`{name}` was not found on this machine; looked for {}",
        searched.join(", ")
    )))
}

/// Refuses what is no regular file: to read a pipe may wait for ever, and to read a device may not end.
pub(super) fn regular(call: &Call<'_>, path: &Path) -> Result<(), TaskError> {
    match call.shared.options.files.kind(path) {
        Some(EntryKind::Other) => Err(TaskError::Failed(format!(
            "`{}` is no regular file, and cannot be copied or rendered",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn candidates(call: &Call<'_>, kind: &str, name: &str) -> Vec<PathBuf> {
    if Path::new(name).is_absolute() {
        return vec![PathBuf::from(name)];
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in &call.job.templates.folders {
        for path in [folder.join(kind).join(name), folder.join(name)] {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}
