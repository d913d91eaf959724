//! Every Rust file begins with `//!`; a library's front page says more than one thing.

use super::tree::{Problem, Tree};

/// What it is for, the path data takes, what it must never know: less than this says none of it.
const LIBRARY_LINES: usize = 3;

/// Finds files without the comment, and libraries with too little of it.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    tree.rust()
        .filter_map(|(path, text)| of_file(path, text))
        .collect()
}

fn of_file(path: &str, text: &str) -> Option<Problem> {
    let lines = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .count();
    if lines == 0 {
        return Some(Problem::line(path, 1, "does not begin with `//!`"));
    }
    let library = path.starts_with("crates/") && path.ends_with("/src/lib.rs");
    let short = library && lines < LIBRARY_LINES;
    short.then(|| {
        Problem::line(
            path,
            1,
            "a library's `//!` is too short to say what it is for and what it must never know",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_its_comment() {
        assert!(check(&Tree::of(&[("a.rs", "//! A.\n"), ("notes.md", "x")])).is_empty());
        assert_eq!(check(&Tree::of(&[("a.rs", "\n//! A.\n")])).len(), 1);
        assert_eq!(
            check(&Tree::of(&[("a.rs", "// A.\n"), ("b.rs", "")])).len(),
            2
        );
    }

    #[test]
    fn a_library_says_more_than_its_name() {
        assert_eq!(
            check(&Tree::of(&[("crates/a/src/lib.rs", "//! `a`.\n")])).len(),
            1
        );
        assert!(
            check(&Tree::of(&[(
                "crates/a/src/lib.rs",
                "//! `a`.\n//!\n//! More.\n"
            )]))
            .is_empty()
        );
    }
}
