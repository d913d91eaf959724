//! No file is too long to be read in one sitting.

use super::tree::{Problem, Tree};

const LIMIT: usize = 700;

/// Files that may be longer, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Finds files above the limit, and exceptions that are needed no more.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    check_with(tree, EXCEPTIONS)
}

fn check_with(tree: &Tree, exceptions: &[(&str, &str)]) -> Vec<Problem> {
    let long: Vec<(&str, usize)> = tree
        .rust()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LIMIT)
        .collect();
    let excepted = |path: &str| exceptions.iter().any(|(exception, _)| *exception == path);
    let too_long = long.iter().filter(|(path, _)| !excepted(path));
    let mut problems: Vec<Problem> = too_long
        .map(|(path, lines)| {
            Problem::file(
                path,
                format!("has {lines} lines, more than {LIMIT}: one thing a file"),
            )
        })
        .collect();
    let idle = exceptions
        .iter()
        .filter(|(path, _)| !long.iter().any(|(name, _)| name == path));
    problems.extend(
        idle.map(|(path, _)| Problem::file(path, "needs no exception from the length of files")),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_as_many_lines_as_the_limit() {
        let (most, more) = ("//!\n".repeat(LIMIT), "//!\n".repeat(LIMIT + 1));
        assert!(check(&Tree::of(&[("a.rs", &most), ("table.json", &more)])).is_empty());
        assert_eq!(check(&Tree::of(&[("a.rs", &more)])).len(), 1);
    }

    #[test]
    fn an_exception_holds_only_while_it_is_needed() {
        let more = "//!\n".repeat(LIMIT + 1);
        let exceptions = [("a.rs", "a flat table")];
        assert!(check_with(&Tree::of(&[("a.rs", &more)]), &exceptions).is_empty());
        assert_eq!(
            check_with(&Tree::of(&[("a.rs", "//!\n")]), &exceptions).len(),
            1
        );
    }
}
