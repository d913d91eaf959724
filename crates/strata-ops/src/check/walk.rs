//! Which files there are to look at.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Source,
    files::{EntryKind, Files},
};

/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;

/// How many files are read.
const MAX_FILES: usize = 20_000;

/// How many bytes a file may have; people write less.
const MAX_BYTES: usize = 512 << 10;

/// How many bytes are read in all.
const MAX_TOTAL: usize = 256 << 20;

/// Folders whose files are others', or are there to be wrong.
const SKIPPED: [&str; 8] = [
    "node_modules",
    "molecule",
    "tests",
    "test",
    "testdata",
    "ansible_collections",
    "venv",
    "__pycache__",
];

/// A text file.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: PathBuf,
    pub(crate) source: Arc<Source>,
}

impl TextFile {
    /// Its name without the folders.
    pub(crate) fn name(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// True if its name ends so.
    pub(crate) fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.name().ends_with(ending))
    }
}

/// Reads all text files below a folder, each once; `is_link` says what leads elsewhere.
pub(crate) fn texts(
    files: &dyn Files,
    folder: &Path,
    is_link: &dyn Fn(&Path) -> bool,
    unchecked: &mut Vec<String>,
) -> Vec<TextFile> {
    let mut found: Vec<TextFile> = Vec::new();
    let mut total = 0;
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let shown = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &folder
        };
        for entry in files.list(shown).unwrap_or_default() {
            let path = folder.join(&entry.name);
            if is_link(&path) {
                continue;
            }
            match entry.kind {
                EntryKind::Folder if depth < MAX_DEPTH && !skipped(&entry.name) => {
                    folders.push((path, depth + 1));
                }
                EntryKind::File if found.len() < MAX_FILES && total < MAX_TOTAL => {
                    let text = text(files, path);
                    total += text.as_ref().map_or(0, |text| text.source.text.len());
                    found.extend(text);
                }
                EntryKind::File => {
                    let note = "there are too many files; only the first were looked at".to_owned();
                    if !unchecked.contains(&note) {
                        unchecked.push(note);
                    }
                }
                _ => {}
            }
        }
    }
    found.sort_by(|a: &TextFile, b| a.path.cmp(&b.path));
    found
}

fn skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}

fn text(files: &dyn Files, path: PathBuf) -> Option<TextFile> {
    let name = path.file_name()?.to_str()?;
    let hidden = name.starts_with('.') && !name.starts_with(".env");
    if hidden || !readable(name) {
        return None;
    }
    let text = files.read_text(&path).ok()?;
    if text.len() > MAX_BYTES || text.contains('\0') {
        return None;
    }
    let source = Arc::new(Source::new(path.display().to_string(), text));
    Some(TextFile { path, source })
}

/// Names of files that hold configuration, not data.
fn readable(name: &str) -> bool {
    const DATA: [&str; 24] = [
        ".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf", ".zip", ".gz", ".xz", ".zst", ".tar",
        ".img", ".qcow2", ".iso", ".tfstate", ".backup", ".lock", ".pem", ".key", ".crt", ".woff2",
        ".ico", ".csv", ".md",
    ];
    !DATA.iter().any(|ending| name.ends_with(ending))
}
