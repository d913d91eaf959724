//! All files of a folder that may matter, by their path in it.

use std::{collections::BTreeSet, path::Path};

use strata_core::files::{EntryKind, Files};

/// Folders deeper than this are not looked into.
const DEEPEST: usize = 12;
/// More files than this are not looked at.
const MOST: usize = 20_000;
/// Folders that hold no source.
const LEFT_OUT: [&str; 4] = ["node_modules", "vendor", "venv", "target"];

/// Paths relative to the folder with `/` between names, sorted. What is in a linked folder is looked at once, and where
/// it is in this folder, only there: playbooks have links to the roles beside them, and roles to all roles.
pub(super) fn walk(files: &dyn Files, folder: &Path) -> Vec<String> {
    let base = files.real(folder);
    let mut linked = BTreeSet::new();
    let mut is_new = |path: &Path| {
        let real = files.real(path);
        !real.starts_with(&base) && linked.insert(real)
    };
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
                    if depth < DEEPEST
                        && !hidden
                        && !LEFT_OUT.contains(&&*entry.name)
                        && (!files.is_link(&folder.join(&inside))
                            || is_new(&folder.join(&inside))) =>
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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::files::Disk;

    #[test]
    fn folders_behind_links_are_looked_at_once() {
        let [here, there] = [0, 1].map(|_| tempfile::tempdir().unwrap());
        for role in ["a", "b", "c"] {
            let tests = here.path().join("roles").join(role).join("tests");
            fs::create_dir_all(&tests).unwrap();
            symlink("../..", tests.join("roles")).unwrap();
            fs::write(tests.join("x.yml"), "").unwrap();
        }
        symlink("roles", here.path().join("again")).unwrap();
        fs::write(there.path().join("y.yml"), "").unwrap();
        for name in ["first", "second"] {
            symlink(there.path(), here.path().join(name)).unwrap();
        }
        let found = walk(&Disk, here.path());
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|path| path.ends_with("/y.yml")));
    }
}
