//! Which crate may use which: the whole list, as ARCHITECTURE.md explains it.
//!
//! Only what a crate is built from counts; what only tests need is free, except that
//! `strata-testing` must never be more than that.

use super::tree::{Package, Problem, Tree};

const LEAVES: &[&str] = &[
    "strata-builtin",
    "strata-incus",
    "strata-plugin",
    "strata-proxmox",
];

/// Each crate, those that are only planned included, and the ones of ours that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("strata-core", &[]),
    ("strata-hcl", &["strata-core"]),
    ("strata-jinja", &["strata-core"]),
    ("strata-config", &["strata-core", "strata-hcl"]),
    ("strata-playbook", &["strata-core", "strata-jinja"]),
    ("strata-state", &["strata-core"]),
    (
        "strata-engine",
        &["strata-core", "strata-config", "strata-state"],
    ),
    ("strata-agent", &["strata-core"]),
    ("strata-transport", &["strata-core", "strata-agent"]),
    (
        "strata-runner",
        &[
            "strata-core",
            "strata-jinja",
            "strata-playbook",
            "strata-agent",
            "strata-transport",
        ],
    ),
    ("strata-provider-derive", &[]),
    (
        "strata-provider",
        &["strata-core", "strata-provider-derive"],
    ),
    ("strata-builtin", &["strata-core", "strata-provider"]),
    ("strata-http", &[]),
    (
        "strata-incus",
        &["strata-core", "strata-http", "strata-provider"],
    ),
    ("strata-plugin", &["strata-core"]),
    (
        "strata-proxmox",
        &["strata-core", "strata-http", "strata-provider"],
    ),
    ("strata-ops", OPS),
    ("strata-cli", &["strata-core", "strata-ops"]),
    ("strata-server", &["strata-core", "strata-ops"]),
    ("strata-testing", &["strata-core"]),
];

const OPS: &[&str] = &[
    "strata-core",
    "strata-hcl",
    "strata-jinja",
    "strata-config",
    "strata-playbook",
    "strata-state",
    "strata-engine",
    "strata-agent",
    "strata-transport",
    "strata-runner",
    LEAVES[0],
    LEAVES[1],
    LEAVES[2],
    LEAVES[3],
];

/// Finds uses that the list does not hold, and crates of which it says nothing.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let ours = tree
        .packages
        .iter()
        .filter(|package| package.folder.starts_with("crates/"));
    ours.flat_map(of_package).collect()
}

/// Tells whether the list has a crate, be it there or only planned.
pub(super) fn knows(name: &str) -> bool {
    may_use(name).is_some()
}

fn of_package(package: &Package) -> Vec<Problem> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let Some(allowed) = may_use(&package.name) else {
        let message = format!("`{}` is missing from the list of crate edges", package.name);
        return vec![Problem::file(&manifest, message)];
    };
    let used = package
        .dependencies
        .iter()
        .filter(|name| name.starts_with("strata-"));
    let wrong = used.filter(|name| !allowed.contains(&name.as_str()));
    wrong
        .map(|name| Problem::file(&manifest, refusal(&package.name, name)))
        .collect()
}

fn refusal(package: &str, name: &str) -> String {
    match name {
        "strata-testing" => {
            format!("`{package}` may have `strata-testing` in [dev-dependencies] only")
        }
        _ => format!("`{package}` may not use `{name}`"),
    }
}

fn may_use(name: &str) -> Option<&'static [&'static str]> {
    MAY_USE
        .iter()
        .find(|(package, _)| *package == name)
        .map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = Tree::of(&[]).with(name, dependencies);
        check(&tree).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn listed_edges_and_crates_of_others_are_fine() {
        assert!(problems("strata-engine", &["strata-core", "strata-config", "tokio"]).is_empty());
        assert!(problems("strata-ops", &["strata-incus", "strata-runner"]).is_empty());
    }

    #[test]
    fn an_edge_that_is_not_listed_is_a_problem() {
        let expected =
            "crates/strata-engine/Cargo.toml: `strata-engine` may not use `strata-incus`";
        assert_eq!(problems("strata-engine", &["strata-incus"]), [expected]);
    }

    #[test]
    fn testing_is_for_tests() {
        let found = problems("strata-cli", &["strata-testing"]);
        assert!(found[0].contains("in [dev-dependencies] only"), "{found:?}");
    }

    #[test]
    fn a_crate_that_the_list_does_not_know_is_a_problem() {
        assert!(problems("strata-utils", &[])[0].contains("missing from the list"));
    }
}
