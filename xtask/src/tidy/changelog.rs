//! CHANGELOG.md has a part for what is not released yet, at its top.

use super::tree::{Problem, Tree};

const PAGE: &str = "CHANGELOG.md";

/// Looks at the first heading of the second level.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(page) = tree.files.get(PAGE) else {
        return vec![Problem::file(PAGE, "is missing")];
    };
    match page.lines().find(|line| line.starts_with("## ")) {
        Some(first) if first.contains("Unreleased") => Vec::new(),
        _ => vec![Problem::file(
            PAGE,
            "its first part must be `## Unreleased`",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreleased_comes_first() {
        let of = |text| check(&Tree::of(&[(PAGE, text)])).len();
        assert_eq!(of("# Changes\n\n## Unreleased\n\n## 0.1.0\n"), 0);
        assert_eq!(of("# Changes\n\n## 0.1.0\n\n## Unreleased\n"), 1);
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
