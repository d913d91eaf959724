//! What goes into an archive: entries, in order of their names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// One file of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// Files by their name in the archive.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// How deep folders are followed; links may lead round in circles.
const DEEPEST: usize = 100;

/// Patterns of what to leave out, relative to the folder.
pub(crate) fn excludes(patterns: &BTreeSet<String>) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
    }
    set.build()
}

/// A file, under its own name.
pub(crate) fn file(path: &Path) -> io::Result<Entries> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok(Entries::from([(name.unwrap_or_default(), entry(path)?)]))
}

/// Everything in a folder, but what is excluded; an excluded folder is left out whole.
pub(crate) fn folder(
    root: &Path,
    excluded: &GlobSet,
    skip_linked_folders: bool,
) -> io::Result<Entries> {
    let mut entries = Entries::new();
    let mut pending = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        if depth > DEEPEST {
            return Err(io::Error::other(format!(
                "folders are nested more than {DEEPEST} deep: `{}`",
                folder.display()
            )));
        }
        for child in fs::read_dir(root.join(&folder))? {
            let relative = folder.join(child?.file_name());
            let path = root.join(&relative);
            if excluded.is_match(&relative) {
                continue;
            }
            let kind = fs::metadata(&path)?;
            let skipped = skip_linked_folders && fs::symlink_metadata(&path)?.is_symlink();
            if kind.is_dir() && !skipped {
                pending.push((relative, depth + 1));
            } else if kind.is_file() {
                entries.insert(relative.to_string_lossy().into_owned(), entry(&path)?);
            }
        }
    }
    Ok(entries)
}

fn entry(path: &Path) -> io::Result<Entry> {
    Ok(Entry {
        mode: fs::metadata(path)?.permissions().mode() & 0o7777,
        content: fs::read(path)?,
    })
}

/// Content that has no file.
pub(crate) fn text(name: &str, content: &str) -> (String, Entry) {
    let content = content.as_bytes().to_vec();
    (
        name.to_owned(),
        Entry {
            content,
            mode: 0o644,
        },
    )
}
