//! ARCHITECTURE.md names every crate there is, and none that is neither there nor planned.

use std::collections::BTreeSet;

use super::edges;
use super::tree::{Problem, Tree};

const PAGE: &str = "ARCHITECTURE.md";

/// Compares the page with the packages.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(page) = tree.files.get(PAGE) else {
        return vec![Problem::file(PAGE, "is missing")];
    };
    let named = named(page);
    let crates = tree
        .packages
        .iter()
        .filter(|package| package.folder.starts_with("crates/"));
    let missing = crates.filter(|package| !named.contains(package.name.as_str()));
    let mut problems: Vec<Problem> = missing
        .map(|package| Problem::file(PAGE, format!("does not name `{}`", package.name)))
        .collect();
    let there = |name: &str| tree.packages.iter().any(|package| package.name == name);
    let gone = named
        .iter()
        .filter(|name| !there(name) && !edges::knows(name));
    problems.extend(
        gone.map(|name| Problem::file(PAGE, format!("names `{name}`, and there is no such crate"))),
    );
    problems
}

/// Gives every word in backticks that has the form of a crate's name.
fn named(page: &str) -> BTreeSet<&str> {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    let quoted = page
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|word| word.starts_with("strata-") && word.chars().all(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(page: &str) -> Vec<String> {
        let tree = Tree::of(&[(PAGE, page)])
            .with("strata-core", &[])
            .with("strata-hcl", &[]);
        check(&tree).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn every_crate_is_named() {
        assert!(problems("`strata-core` and\n`strata-hcl`, later `strata-server`").is_empty());
        assert_eq!(
            problems("`strata-core`"),
            ["ARCHITECTURE.md: does not name `strata-hcl`"]
        );
    }

    #[test]
    fn no_crate_is_named_that_is_gone() {
        let found = problems("`strata-core` `strata-hcl` `strata-old`, the option `strata-x.y`");
        assert_eq!(
            found,
            ["ARCHITECTURE.md: names `strata-old`, and there is no such crate"]
        );
    }

    #[test]
    fn the_page_is_there() {
        assert_eq!(check(&Tree::of(&[])), [Problem::file(PAGE, "is missing")]);
    }
}
