//! What an image is made of, as one hash: root module, values, playbook and roles.
//!
//! It is written on what is published, so whoever runs the stage, on whichever machine, finds that
//! nothing is to be done. Sensitive values are left out: what can be read by others must not tell of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use strata_core::{
    Marks, Value,
    files::{Entry, EntryKind, FileError, Files, normalize},
};
use strata_state::json::plain;

/// Folders beside a playbook from which its tasks take files.
const BESIDE: [&str; 5] = ["files", "group_vars", "host_vars", "templates", "vars"];
/// No repository has folders nested so deep; a link that leads back has.
const DEPTH: usize = 24;

/// Files that remember which were read.
pub(super) struct Witness<'a> {
    files: &'a dyn Files,
    read: Mutex<BTreeSet<PathBuf>>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            read: Mutex::default(),
        }
    }

    /// The files that were read until now.
    pub(super) fn paths(&self) -> BTreeSet<PathBuf> {
        let read = self.read.lock();
        read.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Files for Witness<'_> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FileError> {
        let content = self.files.read(path)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(normalize(path));
        Ok(content)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        self.files.list(folder)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        self.files.kind(path)
    }

    fn real(&self, path: &Path) -> PathBuf {
        self.files.real(path)
    }

    fn is_link(&self, path: &Path) -> bool {
        self.files.is_link(path)
    }

    fn is_mount(&self, path: &Path) -> bool {
        self.files.is_mount(path)
    }

    fn current(&self) -> Option<PathBuf> {
        self.files.current()
    }

    fn home(&self) -> Option<PathBuf> {
        self.files.home()
    }
}

/// The folders that a playbook takes its files from, by what was read to load it.
pub(super) fn folders(playbook: &Path, read: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let beside = playbook.parent().unwrap_or(Path::new(""));
    let mut folders: BTreeSet<PathBuf> = BESIDE.iter().map(|name| beside.join(name)).collect();
    folders.extend(read.iter().filter_map(|path| role(path)));
    folders
}

/// The folder of the role that a file belongs to: the one above `tasks`, `defaults` and so on.
fn role(path: &Path) -> Option<PathBuf> {
    const PARTS: [&str; 5] = ["tasks", "handlers", "defaults", "vars", "meta"];
    let folder = path.parent()?;
    let name = folder.file_name()?.to_str()?;
    let role = folder.parent()?;
    let is_role = role
        .parent()?
        .file_name()
        .is_some_and(|name| name == "roles");
    (PARTS.contains(&name) && is_role).then(|| role.to_owned())
}

/// All files in a folder, but for what belongs to runs and not to the configuration.
pub(super) fn tree(files: &dyn Files, folder: &Path, found: &mut BTreeSet<PathBuf>) {
    walk(files, folder, DEPTH, found);
}

fn walk(files: &dyn Files, folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    // A folder that is not there has nothing to say; what cannot be read is told by who runs it.
    for entry in files.list(folder).unwrap_or_default() {
        if entry.name.starts_with('.') || entry.name.contains(".tfstate") {
            continue;
        }
        let path = normalize(&folder.join(&entry.name));
        match entry.kind {
            EntryKind::File => drop(found.insert(path)),
            EntryKind::Folder if depth > 0 => walk(files, &path, depth - 1, found),
            EntryKind::Folder | EntryKind::Other => {}
        }
    }
}

/// One hash over files and values; files are named by their way from `root`, so that it is the same everywhere.
///
/// None if a value is not known yet.
pub(super) fn hash(
    files: &dyn Files,
    root: &Path,
    paths: &BTreeSet<PathBuf>,
    values: &BTreeMap<Arc<str>, Value>,
) -> Option<String> {
    let mut sum = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        for part in [name.as_bytes(), content] {
            sum.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            sum.update(part);
        }
    };
    for path in paths {
        let named = path.strip_prefix(root).unwrap_or(path);
        let content = files.read(path).unwrap_or_default();
        add(&named.to_string_lossy(), &content);
    }
    for (name, value) in values {
        if !value.is_wholly_known() {
            return None;
        }
        let mut marks = Marks::default();
        let open = value.unmark_deep(&mut marks);
        if !marks.contains(Marks::SENSITIVE) {
            add(name, plain(&open).to_string().as_bytes());
        }
    }
    let digest = sum.finalize();
    Some(
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use strata_core::{Type, files::MemoryFiles};

    use super::*;

    fn hash_of(files: &[(&str, &str)], root: &str, values: &[(&str, Value)]) -> Option<String> {
        let files = MemoryFiles::new(files.iter().copied());
        let mut paths = BTreeSet::new();
        tree(&files, Path::new(root), &mut paths);
        let values = values.iter().cloned();
        let values = values.map(|(name, value)| (Arc::from(name), value));
        hash(&files, Path::new(root), &paths, &values.collect())
    }

    #[test]
    fn the_same_content_elsewhere_has_the_same_hash() {
        let here = hash_of(
            &[("/a/main.tf", "x"), ("/a/terraform.tfstate", "1")],
            "/a",
            &[],
        );
        let there = hash_of(&[("/b/main.tf", "x"), ("/b/.terraform/y", "2")], "/b", &[]);
        assert_eq!(here, there);
        let other = hash_of(&[("/a/main.tf", "y")], "/a", &[]);
        assert_ne!(here, other);
    }

    #[test]
    fn values_count_unless_they_are_secret() {
        let with = |value: Value| hash_of(&[], "/", &[("size", value)]);
        assert_ne!(with(Value::from(1)), with(Value::from(2)));
        let secret = |text: &str| with(Value::from(text).sensitive());
        assert_eq!(secret("a"), secret("b"));
        assert_eq!(with(Value::unknown(Type::String)), None);
    }

    #[test]
    fn a_role_counts_as_a_whole() {
        let read = ["/p/site.yml", "/p/roles/web/tasks/main.yml"];
        let read = read.iter().map(PathBuf::from).collect();
        let folders = folders(Path::new("/p/site.yml"), &read);
        assert!(folders.contains(Path::new("/p/roles/web")));
        assert!(folders.contains(Path::new("/p/templates")));
        assert!(!folders.contains(Path::new("/p")));
    }
}
