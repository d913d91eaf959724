//! No Rust file is forgotten: each is a target of cargo or named by a `mod` of its parent.
//!
//! Rust compiles only what is reached, so a test in a file that nobody names passes for ever.

use super::tree::{Problem, Tree};

/// Finds files that no `mod` names.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let orphan = |path: &&str| !is_target(tree, path) && !is_named(tree, path);
    let paths = tree.rust().map(|(path, _)| path).filter(orphan);
    paths
        .map(|path| Problem::file(path, "is part of no module, so it is never compiled"))
        .collect()
}

/// Tells whether cargo itself takes the file: a crate's root, or a file directly in a target folder.
fn is_target(tree: &Tree, path: &str) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let package = |folder: &str| tree.files.contains_key(&format!("{folder}/Cargo.toml"));
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    match (last, file) {
        _ if file == "build.rs" && package(folder) => true,
        ("src", "lib.rs" | "main.rs") => package(above),
        ("tests" | "benches" | "examples" | "fuzz_targets", _) => package(above),
        (_, "main.rs") => ["tests", "benches", "examples", "bin"]
            .iter()
            .any(|name| above.ends_with(&format!("/{name}"))),
        _ => false,
    }
}

fn is_named(tree: &Tree, path: &str) -> bool {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let Some((folder, name)) = stem.rsplit_once('/') else {
        return false;
    };
    let parents = ["mod.rs", "lib.rs", "main.rs"].map(|file| format!("{folder}/{file}"));
    let beside = format!("{folder}.rs");
    let parents = parents
        .iter()
        .chain([&beside])
        .filter_map(|parent| tree.files.get(parent));
    // Each file in `tests/` is a root of its own, and may share modules beside it.
    let siblings = tree
        .rust()
        .filter(|(other, _)| other.rsplit_once('/').map(|(at, _)| at) == Some(folder))
        .filter(|(other, _)| is_target(tree, other))
        .map(|(_, text)| text);
    let mut namers = parents.map(|text| &**text).chain(siblings);
    namers.any(|text| text.lines().any(|line| declares(line, name)))
}

fn declares(line: &str, name: &str) -> bool {
    let line = line.trim();
    let before = line
        .strip_suffix(';')
        .and_then(|line| line.strip_suffix(name));
    before.is_some_and(|before| before == "mod " || before.ends_with(" mod "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATE: &[(&str, &str)] = &[
        ("crates/a/Cargo.toml", ""),
        ("crates/a/src/lib.rs", "pub mod b;\nmod c;\n"),
        ("crates/a/src/b.rs", ""),
        ("crates/a/src/c/mod.rs", "pub(crate) mod d;"),
        ("crates/a/src/c/d.rs", ""),
        ("crates/a/tests/whole.rs", "mod shared;"),
        ("crates/a/tests/shared/mod.rs", ""),
        ("crates/a/tests/it/main.rs", "mod case;"),
        ("crates/a/tests/it/case.rs", ""),
    ];

    #[test]
    fn files_that_are_named_are_fine() {
        assert_eq!(check(&Tree::of(CRATE)), []);
    }

    #[test]
    fn a_file_that_nothing_names_is_a_problem() {
        let forgotten = [
            "crates/a/src/e.rs",
            "crates/a/src/c/b.rs",
            "crates/a/tests/it/d.rs",
        ];
        for path in forgotten {
            let found = check(&Tree::of(&[CRATE, &[(path, "")]].concat()));
            assert_eq!(found.len(), 1, "{path}");
        }
    }
}
