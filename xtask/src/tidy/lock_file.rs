//! The number of packages that a build draws in, kept in sight.

use super::tree::{Problem, Tree};

/// A dependency that lifts the count above this is argued for in the commit that lifts the bound.
const BOUND: usize = 260;

/// Compares Cargo.lock with the bound.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let path = "Cargo.lock";
    let Some(lock) = tree.files.get(path) else {
        return vec![Problem::file(path, "is missing")];
    };
    match lock.lines().filter(|line| *line == "[[package]]").count() {
        count if count > BOUND => vec![Problem::file(
            path,
            format!("has {count} packages, more than {BOUND}"),
        )],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_as_many_packages_as_the_bound() {
        let of = |count| {
            check(&Tree::of(&[(
                "Cargo.lock",
                &"[[package]]\nname = \"a\"\n".repeat(count),
            )]))
            .len()
        };
        assert_eq!(of(BOUND), 0);
        assert_eq!(of(BOUND + 1), 1);
    }

    #[test]
    fn the_lock_file_is_there() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
