//! `tidy`: what no compiler checks and no document can promise by itself.
//!
//! Every check is a function from the [`Tree`] (all files of the repository and what cargo knows of
//! its packages) to [`Problem`]s, and has a passing and a failing test beside it. A rule is changed
//! here and in the documents in one commit. Start reading at [`CHECKS`].

mod architecture;
mod changelog;
mod conflicts;
mod doc_comments;
mod edges;
mod file_length;
mod ignored_tests;
mod lints;
mod lock_file;
mod orphans;
mod pure_crates;
mod tree;

use crate::failure::Failure;
use tree::{Problem, Tree};

type Check = fn(&Tree) -> Vec<Problem>;

/// All checks, by the name that is printed.
const CHECKS: &[(&str, Check)] = &[
    ("crate edges", edges::check),
    ("pure crates", pure_crates::check),
    ("doc comments", doc_comments::check),
    ("architecture", architecture::check),
    ("file length", file_length::check),
    ("files of no module", orphans::check),
    ("ignored tests", ignored_tests::check),
    ("shared lints", lints::check),
    ("Cargo.lock", lock_file::check),
    ("changelog", changelog::check),
    ("conflicts", conflicts::check),
];

/// Runs all checks and prints every problem that any of them finds.
pub(crate) fn run() -> Result<(), Failure> {
    let tree = Tree::read()?;
    let mut count = 0;
    for (name, check) in CHECKS {
        for problem in check(&tree) {
            count += 1;
            println!("{problem} [{name}]");
        }
    }
    match count {
        0 => {
            println!(
                "tidy: {} checks over {} files, all well",
                CHECKS.len(),
                tree.files.len()
            );
            Ok(())
        }
        count => Err(Failure::new(format!("tidy found {count} problems"))),
    }
}
