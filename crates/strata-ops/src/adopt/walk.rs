//! All files of a folder that may matter, by their path in it.

use std::path::Path;

use strata_core::files::{EntryKind, Files};

/// Folders deeper than this are not looked into, so that links in a circle come to an end.
const DEEPEST: usize = 12;
/// More files than this are not looked at.
const MOST: usize = 20_000;
/// Folders that hold no source.
const LEFT_OUT: [&str; 4] = ["node_modules", "vendor", "venv", "target"];

/// Paths relative to the folder with `/` between names, sorted.
pub(super) fn walk(files: &dyn Files, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((path, depth)) = folders.pop() {
        for entry in files.list(&folder.join(&path)).unwrap_or_default() {
            let inside = match path.as_str() {
                "" => entry.name.clone(),
                path => format!("{path}/{}", entry.name),
            };
            let hidden = entry.name.starts_with('.');
            match entry.kind {
                EntryKind::File if found.len() < MOST => found.push(inside),
                EntryKind::Folder
                    if depth < DEEPEST && !hidden && !LEFT_OUT.contains(&&*entry.name) =>
                {
                    folders.push((inside, depth + 1));
                }
                EntryKind::File | EntryKind::Folder | EntryKind::Other => {}
            }
        }
    }
    found.sort();
    found
}

/// The folder and the name of a path.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
