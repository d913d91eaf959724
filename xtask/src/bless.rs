//! `bless`: runs the tests once and takes what they now give as what is expected.
//!
//! Read the difference before committing it.

use crate::failure::Failure;
use crate::process;

/// Runs the tests with whatever narrows them down, such as `-p strata-hcl`.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let mut tests = process::command(
        &[
            &["cargo", "test", "--workspace", "--no-fail-fast"],
            arguments,
        ]
        .concat(),
    );
    if arguments.contains(&"-p") {
        tests = process::command(&[&["cargo", "test", "--no-fail-fast"], arguments].concat());
    }
    tests.env("UPDATE_EXPECT", "1");
    process::watch(tests)
}
