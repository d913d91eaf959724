//! Which files of a folder are configuration, and their text.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostic, Diagnostics, Source,
    files::{Entry, EntryKind, FileError, Files, normalize},
};
use strata_hcl::Body;

use super::shape;

/// The bodies of a folder's files, in order.
pub(super) struct Bodies {
    /// Those that declare.
    pub(super) primary: Vec<Body>,
    /// Those that override what others declare.
    pub(super) overrides: Vec<Body>,
}

/// Reads and parses all configuration files of a folder.
pub(super) fn read(
    files: &dyn Files,
    folder: &Path,
    sources: &mut BTreeMap<Arc<str>, Arc<Source>>,
    diags: &mut Diagnostics,
) -> Bodies {
    let mut bodies = Bodies {
        primary: Vec::new(),
        overrides: Vec::new(),
    };
    for name in names(files, folder, diags) {
        let path = normalize(&folder.join(&name));
        let Some(source) = source(files, &path, diags) else {
            continue;
        };
        sources.insert(source.name.clone(), source.clone());
        let body = match name.ends_with(".json") {
            true => strata_hcl::parse_json(&source, &shape::FILE, diags),
            false => strata_hcl::parse(&source, diags),
        };
        match is_override(&name) {
            true => bodies.overrides.push(body),
            false => bodies.primary.push(body),
        }
    }
    bodies
}

/// The text of a file, without the mark that some editors put before it.
pub(crate) fn source(
    files: &dyn Files,
    path: &Path,
    diags: &mut Diagnostics,
) -> Option<Arc<Source>> {
    let shown: Arc<str> = path.to_string_lossy().into();
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            diags.push(unreadable(&error));
            return None;
        }
    };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let is_json = path.extension().is_some_and(|end| end == "json");
    let text = match is_json {
        true => String::from_utf8(bytes.to_vec()).map_err(|error| error.utf8_error().valid_up_to()),
        false => strata_hcl::decode(bytes),
    };
    match text {
        Ok(text) => Some(Arc::new(Source::new(shown, text))),
        Err(at) => {
            diags.push(not_text(shown, bytes, at));
            None
        }
    }
}

fn not_text(name: Arc<str>, bytes: &[u8], at: usize) -> Diagnostic {
    let source = Source::new(name, String::from_utf8_lossy(bytes));
    // What stands for a byte in that text is longer than a byte.
    let at = String::from_utf8_lossy(&bytes[..at]).len();
    Diagnostic::error("invalid-encoding", "Invalid character encoding")
        .detail("Configuration files must be UTF-8 text; the byte here is not.")
        .at(source.span(at..at + 1))
}

fn unreadable(error: &FileError) -> Diagnostic {
    Diagnostic::error("unreadable-file", "Failed to read file").detail(error.to_string())
}

/// The suffixes of configuration files; OpenTofu's win over the others.
const SUFFIXES: [(&str, Option<&str>); 4] = [
    (".tf", Some(".tofu")),
    (".tofu", None),
    (".tf.json", Some(".tofu.json")),
    (".tofu.json", None),
];

/// The configuration files of a folder, in order.
fn names(files: &dyn Files, folder: &Path, diags: &mut Diagnostics) -> Vec<String> {
    let entries = match files.list(folder) {
        Ok(entries) => entries,
        Err(error) => {
            diags.push(unreadable(&error));
            return Vec::new();
        }
    };
    let candidates: Vec<&Entry> = entries
        .iter()
        .filter(|entry| suffix(&entry.name).is_some() && !is_ignored(&entry.name))
        .collect();
    let mut chosen = Vec::new();
    for entry in &candidates {
        match entry.kind {
            EntryKind::Folder => {}
            EntryKind::Other => diags.push(not_a_file(files, &folder.join(&entry.name))),
            EntryKind::File if is_replaced(&entry.name, &candidates) => {}
            EntryKind::File => chosen.push(entry.name.clone()),
        }
    }
    if chosen.is_empty()
        && !candidates
            .iter()
            .any(|entry| entry.kind == EntryKind::Other)
    {
        diags.push(
            Diagnostic::error("no-configuration", "No configuration files").detail(format!(
                "The folder `{}` holds no `.tf` or `.tofu` files.",
                folder.display()
            )),
        );
    }
    chosen
}

fn suffix(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    SUFFIXES
        .into_iter()
        .find(|(suffix, _)| name.ends_with(suffix))
}

/// True if OpenTofu's own file of the same name is there.
fn is_replaced(name: &str, all: &[&Entry]) -> bool {
    let Some((own, Some(other))) = suffix(name) else {
        return false;
    };
    let stem = name.strip_suffix(own).unwrap_or(name);
    let other = format!("{stem}{other}");
    all.iter().any(|entry| entry.name == other)
}

fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

fn is_override(name: &str) -> bool {
    let stem = suffix(name).and_then(|(suffix, _)| name.strip_suffix(suffix));
    stem.is_some_and(|stem| stem == "override" || stem.ends_with("_override"))
}

/// A link that leads nowhere or to itself, or something that is not a file.
fn not_a_file(files: &dyn Files, path: &Path) -> Diagnostic {
    let why = match files.kind(path) {
        Some(_) => format!("{}: this is not a regular file", path.display()),
        None => match files.read(path) {
            Err(error) => error.to_string(),
            Ok(_) => format!("{}: this is not a regular file", path.display()),
        },
    };
    Diagnostic::error("unreadable-file", "Failed to read file").detail(why)
}

/// The folder as messages name it: without needless dots, but never empty.
pub(super) fn display_path(path: &Path) -> PathBuf {
    let normal = normalize(path);
    if normal.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        normal
    }
}
