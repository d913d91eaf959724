//! Reading never acts: the pure crates have no files, environment, clock, network or threads.
//!
//! Clippy says the same with types resolved, through a `clippy.toml` in each of them; this check
//! sees to it that those files are there and equal, and reads the text as well, so that an
//! `expect` attribute is no way out. Tests may read files.

use super::tree::{Package, Problem, Tree};

const PURE: &[&str] = &[
    "strata-core",
    "strata-hcl",
    "strata-jinja",
    "strata-config",
    "strata-playbook",
];

/// Modules of the standard library that act or look at the outside.
const MODULES: &[&str] = &["fs", "env", "process", "thread"];
/// Of `std::net` only what opens connections or asks for names; addresses are arithmetic.
const WORDS: &[&str] = &[
    "SystemTime",
    "Instant::now",
    "tokio",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
];
const PACKAGES: &[&str] = &["tokio", "hyper", "hyper-util", "rustix", "tempfile", "mio"];

/// Finds what such a crate mentions although it must not.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let pure = tree
        .packages
        .iter()
        .filter(|package| PURE.contains(&package.name.as_str()));
    pure.flat_map(|package| of_package(tree, package)).collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Problem> {
    let mut problems = of_dependencies(package);
    problems.extend(of_clippy(tree, package));
    let sources = format!("{}/src/", package.folder);
    for (path, text) in tree
        .rust()
        .filter(|(path, _)| path.starts_with(&sources) && !is_test(path))
    {
        problems.extend(of_source(path, text));
    }
    problems
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn of_dependencies(package: &Package) -> Vec<Problem> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let wrong = package
        .dependencies
        .iter()
        .filter(|name| PACKAGES.contains(&name.as_str()));
    wrong
        .map(|name| Problem::file(&manifest, format!("a pure crate may not use `{name}`")))
        .collect()
}

fn of_clippy(tree: &Tree, package: &Package) -> Option<Problem> {
    let path = format!("{}/clippy.toml", package.folder);
    let model = tree.files.get("crates/strata-core/clippy.toml")?;
    match tree.files.get(&path) {
        None => Some(Problem::file(
            &path,
            "is missing: it keeps the outside out of this crate",
        )),
        Some(text) if text != model => Some(Problem::file(
            &path,
            "differs from the one of `strata-core`",
        )),
        Some(_) => None,
    }
}

fn of_source(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // By custom tests come last in a file.
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for word in forbidden(code) {
            problems.push(Problem::line(
                path,
                index + 1,
                format!("a pure crate mentions `{word}`"),
            ));
        }
    }
    problems
}

fn forbidden(code: &str) -> Vec<String> {
    let words = WORDS
        .iter()
        .filter(|word| has_word(code, word))
        .map(|&word| word.to_owned());
    let modules = MODULES.iter().filter(|module| uses_module(code, module));
    words
        .chain(modules.map(|module| format!("std::{module}")))
        .collect()
}

fn uses_module(code: &str, module: &str) -> bool {
    has_word(code, &format!("std::{module}")) || grouped(code).any(|name| name == module)
}

/// Gives the first part of each path in a `use std::{…}`.
fn grouped(code: &str) -> impl Iterator<Item = &str> {
    let group = code.split_once("std::{").map_or("", |(_, group)| group);
    group
        .split([',', '}'])
        .map(|path| path.trim().split("::").next().unwrap_or_default())
}

fn has_word(code: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/strata-hcl/src/lib.rs", source),
            ("crates/strata-core/clippy.toml", "x"),
            ("crates/strata-hcl/clippy.toml", "x"),
        ]);
        check(&tree.with("strata-hcl", &[]))
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn the_outside_is_found_in_every_spelling() {
        let at = |line, word| {
            format!("crates/strata-hcl/src/lib.rs:{line}: a pure crate mentions `{word}`")
        };
        assert_eq!(problems("use std::fs;"), [at(1, "std::fs")]);
        assert_eq!(problems("\nuse std::{fmt, env::var};"), [at(2, "std::env")]);
        assert_eq!(
            problems("let now = SystemTime::now();"),
            [at(1, "SystemTime")]
        );
        assert_eq!(problems("tokio::spawn(x);"), [at(1, "tokio")]);
    }

    #[test]
    fn comments_tests_and_longer_words_are_fine() {
        let source = "//! Never std::fs.\nuse std::{fmt, collections::BTreeMap};\nlet tokio_like = environment;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(problems(source), Vec::<String>::new());
    }

    #[test]
    fn a_runtime_among_the_dependencies_is_a_problem() {
        let found = check(&Tree::of(&[]).with("strata-core", &["tokio"]));
        assert_eq!(
            found,
            [Problem::file(
                "crates/strata-core/Cargo.toml",
                "a pure crate may not use `tokio`"
            )]
        );
        assert!(check(&Tree::of(&[]).with("strata-engine", &["tokio"])).is_empty());
    }

    #[test]
    fn each_has_the_same_clippy_file() {
        let of = |text| {
            Tree::of(&[
                ("crates/strata-core/clippy.toml", "x"),
                ("crates/strata-hcl/clippy.toml", text),
            ])
        };
        assert!(check(&of("x").with("strata-hcl", &[])).is_empty());
        assert_eq!(check(&of("y").with("strata-hcl", &[])).len(), 1);
        assert_eq!(check(&of("x").with("strata-jinja", &[])).len(), 1);
    }
}
