//! Repositories, by the user's own git: their keys, proxies and helpers work as ever.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

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
    let (mut reference, mut depth, mut key) = (None, None, None);
    for (name, value) in pairs {
        match name {
            "ref" => reference = Some(value),
            "sshkey" => key = Some(Key::write(value)?),
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
    let git = Git {
        input,
        process,
        key,
    };
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
    /// The key that the address brings.
    key: Option<Key>,
}

/// A private key of ssh in a file that only we can read, and that goes away with this.
struct Key(tempfile::NamedTempFile);

impl Key {
    /// Takes the key as the address has it: in base64.
    fn write(text: &str) -> Result<Self, Failure> {
        // The key itself is not shown, whatever is wrong with it.
        let wrong =
            || Failure::new("The `sshkey` of a git source must be a private key in base64.");
        let plain = crate::http::unescape(text);
        let key = BASE64.decode(plain).map_err(|_| wrong())?;
        let failed = |error| Failure::io("the key of ssh cannot be written", &error);
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        file.write_all(&key).map_err(failed)?;
        Ok(Self(file))
    }
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
            command.env("GIT_TERMINAL_PROMPT", "0");
        }
        if let Some(ssh) = self.ssh() {
            command.env("GIT_SSH_COMMAND", ssh);
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

    /// ssh without questions, unless the user says which ssh; with the key of the address. None for git's own way.
    fn ssh(&self) -> Option<String> {
        let own = self.process.environment.get("GIT_SSH_COMMAND").cloned();
        let batch = || (!self.input).then(|| "ssh -o BatchMode=yes".to_owned());
        let ssh = own.or_else(batch);
        let Some(Key(file)) = &self.key else {
            return ssh;
        };
        let ssh = ssh.unwrap_or_else(|| "ssh".to_owned());
        let path = file.path().to_string_lossy();
        let path = shlex::try_quote(&path).unwrap_or_default();
        Some(format!("{ssh} -o IdentitiesOnly=yes -i {path}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn the_key_of_an_address_is_for_ssh_alone() {
        let process = Process {
            environment: BTreeMap::new(),
            working_directory: "/".into(),
            started_in: "/".into(),
            host: "h".to_owned(),
        };
        let key = Key::write("a2V5").unwrap_or_else(|failure| panic!("{}", failure.detail));
        let path = key.0.path().to_owned();
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(&b"key"[..]));
        let mode = path
            .metadata()
            .map(|about| about.permissions().mode() & 0o777);
        assert_eq!(mode.ok(), Some(0o600));
        let git = Git {
            input: false,
            process: &process,
            key: Some(key),
        };
        let expected = format!(
            "ssh -o BatchMode=yes -o IdentitiesOnly=yes -i {}",
            path.display()
        );
        assert_eq!(git.ssh(), Some(expected));
        drop(git);
        assert!(!path.exists());
        assert!(Key::write("no key!").is_err_and(|failure| !failure.detail.contains("no key")));
    }
}
