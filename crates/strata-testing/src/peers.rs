//! Programs of others that tests compare with or need, from PyPI.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The `bin` folder of a virtual environment with such a program: of the one that `variable` names, or of `target/NAME`,
/// which CI makes. None if it is not there, which is told on standard error.
///
/// # Panics
///
/// If it is not there though `CI` is set: a test that is left out in silence proves nothing.
#[must_use]
#[expect(clippy::print_stderr, reason = "the output of a test is its report")]
pub fn programs(name: &str, variable: &str) -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target")
        .join(name);
    let folder = env::var_os(variable)
        .map_or(made, PathBuf::from)
        .join("bin");
    let is_there = folder.join("python").exists();
    assert!(
        is_there || env::var_os("CI").is_none(),
        "{} is not there",
        folder.display()
    );
    if !is_there {
        eprintln!(
            "left out: {} is not there; `.ci/run` says how it is made",
            folder.display()
        );
    }
    is_there.then_some(folder)
}

/// Where `ansible-playbook` is.
#[must_use]
pub fn ansible() -> Option<PathBuf> {
    programs("ansible", "STRATA_TEST_ANSIBLE")
}
