//! Which test files there are.

use std::path::{Path, PathBuf};

use strata_core::{
    Diagnostics,
    files::{EntryKind, Files, normalize},
};

use super::TestFile;

/// The suffixes of test files.
const SUFFIXES: [&str; 4] = [
    ".tftest.hcl",
    ".tofutest.hcl",
    ".tftest.json",
    ".tofutest.json",
];

/// The test files of a configuration.
#[derive(Clone, Debug, Default)]
pub struct TestFiles {
    /// By name.
    pub files: Vec<TestFile>,
    /// The folder of tests.
    pub folder: PathBuf,
}

/// Reads the test files in a folder and in its folder for tests; all that is wrong with them is reported.
pub fn test_files(
    files: &dyn Files,
    root: &Path,
    folder: &Path,
    diags: &mut Diagnostics,
) -> TestFiles {
    let inner = normalize(&root.join(folder));
    let mut names = names(files, root);
    if inner != normalize(root) {
        let beside = self::names(files, &inner);
        names.extend(beside.into_iter().map(|name| folder.join(name)));
    }
    let mut paths: Vec<PathBuf> = names.iter().map(|name| normalize(name)).collect();
    paths.sort();
    let read = |path: &PathBuf| super::test_file(files, root, path, diags);
    TestFiles {
        files: paths.iter().filter_map(read).collect(),
        folder: inner,
    }
}

fn names(files: &dyn Files, folder: &Path) -> Vec<PathBuf> {
    let entries = files.list(folder).unwrap_or_default().into_iter();
    let is_test = |name: &str| SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    entries
        .filter(|entry| entry.kind == EntryKind::File && is_test(&entry.name))
        .map(|entry| PathBuf::from(entry.name))
        .collect()
}
