//! Every crate takes the workspace's lints.

use super::tree::{Problem, Tree};

/// Finds crates whose manifest does not say so.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let manifests = tree.files.iter().filter(|(path, _)| is_manifest(path));
    let without = manifests.filter(|(_, text)| !inherits(text));
    without
        .map(|(path, _)| Problem::file(path, "lacks `[lints]` with `workspace = true`"))
        .collect()
}

fn is_manifest(path: &str) -> bool {
    path.starts_with("crates/") && path.ends_with("/Cargo.toml") && path.matches('/').count() == 2
}

fn inherits(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1);
    lines.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_inherits_the_lints() {
        let of = |text| {
            check(&Tree::of(&[
                ("crates/a/Cargo.toml", text),
                ("Cargo.toml", ""),
            ]))
            .len()
        };
        assert_eq!(of("[package]\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(of("[package]\nworkspace = true\n"), 1);
    }
}
