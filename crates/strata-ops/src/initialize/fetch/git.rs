//! Repositories, by the user's own git: their keys, proxies and helpers work as ever.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{Failure, query};
use crate::process::Process;

/// The ways git may reach a repository; `ext::` and the like would run programs that an address names.
const PROTOCOLS: &str = "file:git:http:https:ssh";

/// Clones a repository, at `?ref=` if it is given, and its submodules.
pub(super) fn clone(
    address: &str,
    folder: &Path,
    input: bool,
    process: &Process,
) -> Result<(), Failure> {
    let (url, pairs) = query(address);
    let (mut reference, mut depth) = (None, None);
    for (name, value) in pairs {
        match name {
            "ref" => reference = Some(value),
            "depth" => depth = Some(value.parse::<u32>().map_err(|_| bad("depth", value))?),
            other => {
                return Err(Failure::new(format!(
                    "Strata does not know the argument `{other}` of git sources."
                )));
            }
        }
    }
    if let Some(reference) = reference.filter(|r| r.starts_with('-') || r.is_empty()) {
        return Err(bad("ref", reference));
    }
    let git = Git { input, process };
    let folder_text = folder.to_string_lossy().into_owned();
    match (depth.filter(|depth| *depth > 0), reference) {
        (Some(depth), reference) => {
            let depth = depth.to_string();
            let mut arguments = vec!["clone", "--quiet", "--depth", &depth];
            arguments.extend(
                reference
                    .iter()
                    .flat_map(|reference| ["--branch", *reference]),
            );
            arguments.extend(["--", url, &folder_text]);
            git.run(None, &arguments)?;
        }
        (None, reference) => {
            git.run(None, &["clone", "--quiet", "--", url, &folder_text])?;
            if let Some(reference) = reference {
                git.run(Some(folder), &["checkout", "--quiet", reference, "--"])?;
            }
        }
    }
    if folder.join(".gitmodules").exists() {
        git.run(
            Some(folder),
            &["submodule", "--quiet", "update", "--init", "--recursive"],
        )?;
    }
    Ok(())
}

fn bad(name: &str, value: &str) -> Failure {
    Failure::new(format!("`{value}` cannot be the `{name}` of a git source."))
}

struct Git<'a> {
    input: bool,
    process: &'a Process,
}

impl Git<'_> {
    fn run(&self, folder: Option<&Path>, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .env_clear()
            .envs(&self.process.environment)
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .stdin(Stdio::null());
        // A run of git around this one must not decide on which repository it works.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        if !self.input {
            command
                .env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_SSH_COMMAND", self.ssh());
        }
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let output = command.output().map_err(|error| {
            Failure::new(format!(
                "`git` cannot be run: {error}. It fetches modules from repositories."
            ))
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!(
            "git {}: {}",
            arguments[0],
            said.trim()
        )))
    }

    /// ssh without questions, unless the user says which ssh.
    fn ssh(&self) -> String {
        let own = self.process.environment.get("GIT_SSH_COMMAND").cloned();
        own.unwrap_or_else(|| "ssh -o BatchMode=yes".to_owned())
    }
}
