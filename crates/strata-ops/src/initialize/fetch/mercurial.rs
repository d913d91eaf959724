//! Repositories of Mercurial, by the user's own `hg`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{Failure, query};
use crate::process::Process;

/// Clones a repository, at `?rev=` if it is given.
pub(super) fn clone(address: &str, folder: &Path, process: &Process) -> Result<(), Failure> {
    let (url, pairs) = query(address);
    let mut revision = None;
    for (name, value) in pairs {
        match name {
            "rev" => revision = Some(value),
            other => {
                return Err(Failure::new(format!(
                    "Strata does not know the argument `{other}` of Mercurial's sources."
                )));
            }
        }
    }
    // Neither may be taken for an option, be it of `hg` or of the ssh it runs.
    let is_option = |text: &str| text.starts_with('-') || text.contains("://-");
    if revision.is_some_and(|rev| rev.is_empty() || is_option(rev)) || is_option(url) {
        return Err(Failure::new(format!("`{address}` cannot be a source.")));
    }
    let folder_text = folder.to_string_lossy().into_owned();
    let mut arguments = vec!["clone", "--quiet"];
    if let Some(revision) = revision {
        arguments.extend(["--updaterev", revision]);
    }
    arguments.extend(["--", url, &folder_text]);
    run(&arguments, process)
}

fn run(arguments: &[&str], process: &Process) -> Result<(), Failure> {
    let output = Command::new("hg")
        .args(arguments)
        .env_clear()
        .envs(&process.environment)
        .env("HGPLAIN", "1")
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| {
        Failure::new(format!(
            "`hg` cannot be run: {error}. It fetches modules from repositories of Mercurial."
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!(
        "hg {}: {}",
        arguments[0],
        said.trim()
    )))
}
