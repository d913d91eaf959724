//! `docs`: writes the reference in `docs/reference` anew from the code.
//!
//! The test that compares the two does the writing, so that `check` fails where they differ.

use crate::failure::Failure;
use crate::process;

/// Writes the pages.
pub(crate) fn run() -> Result<(), Failure> {
    let mut test = process::command(&[
        "cargo",
        "test",
        "-p",
        "strata-cli",
        "--test",
        "cli",
        "--",
        "reference::",
    ]);
    test.env("UPDATE_EXPECT", "1");
    process::watch(test)
}
