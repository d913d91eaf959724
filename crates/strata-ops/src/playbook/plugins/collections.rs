//! Which plugins installed collections have, without asking Python.
//!
//! A file tells its filters or tests by a mapping from names; every text before a colon counts as one, since a name too
//! many does no harm: it is a mistake only where it is used.

use std::{
    fs,
    path::{Path, PathBuf},
};

use strata_jinja::Plugin;

use super::entries;

/// How much of a file is looked through for names.
const MOST: usize = 1 << 20;

/// The folders with collections in them: beside the playbook, those of the settings, and an installed ansible's.
pub(super) fn roots(runner: &strata_runner::Options, folder: &Path) -> Vec<PathBuf> {
    let installed = runner.modules.core.as_deref().and_then(Path::parent);
    let all = std::iter::once(folder.join("collections"))
        .chain(runner.load.collections_path.iter().cloned())
        .chain(installed.map(Path::to_owned));
    let mut roots: Vec<PathBuf> = Vec::new();
    for root in all.filter(|root| root.join("ansible_collections").is_dir()) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

/// The filters and tests of collections, by their full names.
pub(super) fn names(roots: &[PathBuf]) -> Vec<Plugin> {
    let mut names = Vec::new();
    for root in roots {
        for namespace in entries(&root.join("ansible_collections")) {
            for collection in entries(&namespace) {
                of_collection(&namespace, &collection, &mut names);
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

fn of_collection(namespace: &Path, collection: &Path, names: &mut Vec<Plugin>) {
    let (Some(namespace), Some(own)) = (namespace.file_name(), collection.file_name()) else {
        return;
    };
    let prefix = format!("{}.{}.", namespace.display(), own.display());
    let kinds: [(&str, fn(String) -> Plugin); 2] =
        [("filter", Plugin::Filter), ("test", Plugin::Test)];
    for (kind, make) in kinds {
        let files = entries(&collection.join("plugins").join(kind));
        for file in files.iter().filter(|file| is_python(file)) {
            names.extend(
                names_in(file)
                    .into_iter()
                    .map(|name| make(format!("{prefix}{name}"))),
            );
        }
    }
}

fn is_python(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "py")
        && file.file_name().is_some_and(|name| name != "__init__.py")
}

/// The file's own name, and every quoted word in it that a colon follows.
fn names_in(file: &Path) -> Vec<String> {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..text.len().min(MOST)]).into_owned();
    let own = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let parts: Vec<&str> = text.split(['\'', '"']).collect();
    let quoted = parts.windows(2).filter_map(|pair| {
        let [word, behind] = pair else { return None };
        let is_key = behind.trim_start().starts_with(':');
        (is_key && is_name(word)).then(|| (*word).to_owned())
    });
    own.into_iter().chain(quoted).collect()
}

fn is_name(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !word.is_empty() && word.chars().all(plain)
}

/// Whether a collection has a lookup of this full name.
pub(super) fn has_lookup(roots: &[PathBuf], name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let [namespace, collection, rest @ ..] = parts.as_slice() else {
        return false;
    };
    if rest.is_empty() || parts.iter().any(|part| !is_name(part)) {
        return false;
    }
    let inside = format!(
        "ansible_collections/{namespace}/{collection}/plugins/lookup/{}.py",
        rest.join("/")
    );
    roots.iter().any(|root| root.join(&inside).is_file())
}
