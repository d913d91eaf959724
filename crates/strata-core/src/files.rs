//! The contract of a file tree: how the layers that must not do I/O read files.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A tree of files to read: the disk, memory, or a commit.
pub trait Files: Send + Sync {
    /// Reads a whole file.
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError>;

    /// Lists a folder, sorted by name.
    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError>;

    /// What is at a path, following links; none if there is nothing.
    fn kind(&self, path: &Path) -> Option<EntryKind>;

    /// The path without links on its way, where there are some; else as it is.
    fn real(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// True if a link is at the path itself, wherever it leads.
    fn is_link(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// True if another file system begins at the path.
    fn is_mount(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// The folder that relative paths begin at, if there is one.
    fn current(&self) -> Option<PathBuf> {
        None
    }

    /// The home folder of whoever reads, if there is one.
    fn home(&self) -> Option<PathBuf> {
        None
    }

    /// Reads a whole file as UTF-8.
    fn read_text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        let bytes = self.read(path)?;
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(FileError {
                path: path.to_owned(),
                reason: FileErrorReason::NotUtf8,
            }),
        }
    }
}

/// One thing in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// What it is, following links.
    pub kind: EntryKind,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct FileError {
    /// The path that was asked for.
    pub path: PathBuf,
    /// Why.
    pub reason: FileErrorReason,
}

/// Why a file cannot be read, without its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileErrorReason {
    /// Nothing is there.
    #[error("no such file or folder")]
    NotFound,
    /// It is not text.
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    /// The system says no, in its words.
    #[error("{0}")]
    Other(String),
}

/// Files in memory, for tests and for programs without a disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Arc<[u8]>>);

impl MemoryFiles {
    /// Takes paths and texts.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            files
                .into_iter()
                .map(|(path, text)| (normalize(Path::new(path)), text.as_bytes().into()))
                .collect(),
        )
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        let missing = || FileError {
            path: path.to_owned(),
            reason: FileErrorReason::NotFound,
        };
        self.0.get(&normalize(path)).cloned().ok_or_else(missing)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let normal = normalize(folder);
        let mut entries: BTreeMap<String, EntryKind> = BTreeMap::new();
        for path in self.0.keys() {
            let Ok(inside) = path.strip_prefix(&normal) else {
                continue;
            };
            let mut parts = inside.components();
            let Some(first) = parts.next() else { continue };
            let kind = if parts.next().is_some() {
                EntryKind::Folder
            } else {
                EntryKind::File
            };
            entries.insert(first.as_os_str().to_string_lossy().into_owned(), kind);
        }
        if entries.is_empty() {
            return Err(FileError {
                path: folder.to_owned(),
                reason: FileErrorReason::NotFound,
            });
        }
        Ok(entries
            .into_iter()
            .map(|(name, kind)| Entry { name, kind })
            .collect())
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        let normal = normalize(path);
        if self.0.contains_key(&normal) {
            return Some(EntryKind::File);
        }
        self.0
            .keys()
            .any(|file| file.starts_with(&normal))
            .then_some(EntryKind::Folder)
    }
}

/// Resolves `.` and `..` by the letters alone, without asking a file system.
pub fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_files_list_folders_and_resolve_dots() {
        let files = MemoryFiles::new([("a/b.tf", "x"), ("a/c/d.tf", "y")]);
        let names: Vec<_> = files
            .list(Path::new("./a"))
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name, entry.kind))
            .collect();
        assert_eq!(
            names,
            [
                ("b.tf".to_owned(), EntryKind::File),
                ("c".to_owned(), EntryKind::Folder)
            ]
        );
        assert_eq!(&*files.read_text(Path::new("a/c/../b.tf")).unwrap(), "x");
        assert!(files.read(Path::new("a/nothing")).is_err());
    }
}
