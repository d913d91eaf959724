//! No test is ignored: a known difference is a test of its own, with the reason.

use super::tree::{Problem, Tree};

/// Finds tests that would not run.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    tree.rust()
        .flat_map(|(path, text)| of_file(path, text))
        .collect()
}

fn of_file(path: &str, text: &str) -> Vec<Problem> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_ignored(line.trim()));
    lines
        .map(|(index, _)| Problem::line(path, index + 1, "a test that is ignored tests nothing"))
        .collect()
}

fn is_ignored(line: &str) -> bool {
    line.starts_with("#[ignore") || (line.starts_with("#[cfg_attr(") && line.contains("ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_attribute_counts() {
        assert!(
            check(&Tree::of(&[(
                "a.rs",
                "// #[ignore]\nlet ignore = 1;\n#[test]\n"
            )]))
            .is_empty()
        );
        let found = check(&Tree::of(&[(
            "a.rs",
            "#[test]\n  #[ignore = \"slow\"]\n#[cfg_attr(x, ignore)]\n",
        )]));
        assert_eq!(found.len(), 2);
    }
}
