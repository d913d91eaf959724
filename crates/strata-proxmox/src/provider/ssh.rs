//! Files put onto a node over ssh, and programs run there: where the API has no way. That is for snippets, ids of
//! containers, and disks filled from images among those of CDs.
//!
//! The user's own `ssh` is used, so that its configuration, agents and jump hosts count.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio};

use serde_json::Value as Json;
use strata_core::Diagnostic;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{
    guest::text,
    kind::{Doing, Failure, Outcome, Work},
    value,
};
use crate::{
    client::{Address, path},
    platform::{Askpass, Kept},
};

/// How nodes are reached.
#[derive(Clone, Default)]
pub(crate) struct Ssh {
    pub(crate) user: Option<String>,
    pub(crate) private_key: Option<String>,
    pub(crate) password: Option<String>,
    /// The program, if it is not `ssh`.
    pub(crate) program: Option<String>,
    /// Who hands the password to `ssh`.
    pub(crate) askpass: Option<Askpass>,
    /// Address and port by node.
    pub(crate) nodes: BTreeMap<String, (String, Option<u16>)>,
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ssh")
            .field("user", &self.user)
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}

/// Where a snippet lies on its node.
pub(crate) async fn place(work: &Work<'_>, storage: &str, name: &str) -> Outcome<String> {
    let told = work.session.client.get(&path(&["storage", storage])).await;
    let told = told.doing(|| format!("The storage `{storage}` cannot be read"))?;
    match text(&told, "path") {
        Some(folder) => Ok(format!("{folder}/snippets/{name}")),
        None => Err(Failure::new(
            Diagnostic::error(
                "proxmox-storage-content",
                format!("The storage `{storage}` is no folder of the node"),
            )
            .detail("snippets are files: they need a storage of type `dir`, `nfs` or `cifs`"),
        )),
    }
}

/// Where a node listens for ssh.
async fn address(work: &Work<'_>, node: &str) -> Outcome<(String, Option<u16>)> {
    if let Some(known) = work.session.manner.ssh.nodes.get(node) {
        return Ok(known.clone());
    }
    let rows = work.session.client.get("/cluster/status").await;
    let rows = rows.doing(|| "The nodes of the cluster cannot be listed".to_owned())?;
    let rows = rows.as_array().cloned().unwrap_or_default();
    let nodes: Vec<&Json> = rows.iter().filter(|row| row["type"] == "node").collect();
    // The one node of a cluster of its own is where the endpoint leads.
    if let ([_], Some(Address::Https { host, .. } | Address::Http { host, .. })) = (
        nodes.as_slice(),
        work.session.client.access().endpoints.first(),
    ) {
        return Ok((host.clone(), None));
    }
    let found = nodes
        .iter()
        .find(|row| row["name"] == node)
        .and_then(|row| value::text(&row["ip"]));
    found.map(|ip| (ip, None)).ok_or_else(|| {
        Failure::new(
            Diagnostic::error(
                "proxmox-ssh",
                format!("The address of node `{node}` is not known"),
            )
            .hint("give it in the provider block: `ssh { node { name = …, address = … } }`"),
        )
    })
}

/// Writes a file on a node. The content goes through the standard input: it is in no argument.
pub(crate) async fn write(
    work: &Work<'_>,
    node: &str,
    target: &str,
    content: &[u8],
    mode: Option<&str>,
) -> Outcome<()> {
    let mode = mode.map_or_else(String::new, |mode| {
        format!("chmod {} {}.new && ", quoted(mode), quoted(target))
    });
    let script = format!(
        "umask 022 && mkdir -p {folder} && cat > {target}.new && {mode}mv -f {target}.new {target}",
        folder = quoted(target.rsplit_once('/').map_or("/", |(folder, _)| folder)),
        target = quoted(target)
    );
    run(work, node, &script, content).await
}

/// Gives a file on a node these lines of a key, in the place of those that it has.
pub(crate) async fn set_lines(
    work: &Work<'_>,
    node: &str,
    target: &str,
    key: &str,
    values: &[String],
) -> Outcome<()> {
    let lines: String = values
        .iter()
        .map(|value| format!("{key}: {value}\n"))
        .collect();
    run(work, node, &lines_script(target, key), lines.as_bytes()).await
}

/// They come first: after the head of a snapshot they would be the snapshot's.
fn lines_script(target: &str, key: &str) -> String {
    format!(
        "set -e; text=$(cat; sed {rule} {target}); printf '%s\\n' \"$text\" > {target}",
        rule = quoted(&format!("/^{}:/d", key.replace('.', "\\."))),
        target = quoted(target)
    )
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs a script on a node, as root.
pub(super) async fn run(work: &Work<'_>, node: &str, script: &str, input: &[u8]) -> Outcome<()> {
    let ssh = &work.session.manner.ssh;
    let broken = |error: std::io::Error| failed(node, &error.to_string());
    let (host, port) = address(work, node).await?;
    let key = ssh.private_key.as_deref().map(KeyFile::new).transpose();
    let key = key.map_err(broken)?;
    // Both stay until the program has ended.
    let kept = ssh.keep().transpose().map_err(broken)?;
    let mut command = command(ssh, (&host, port), key.as_ref(), kept.as_ref(), script);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    work.note(&format!("ssh to node {node}"));
    let mut child = command
        .spawn()
        .map_err(|error| failed(node, &error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // What ssh says itself tells more than that its input was closed.
        drop(stdin.write_all(input).await);
    }
    let done = child
        .wait_with_output()
        .await
        .map_err(|error| failed(node, &error.to_string()))?;
    let said = String::from_utf8_lossy(&done.stderr);
    match done.status.code() {
        Some(0) => Ok(()),
        // What ssh itself ends with when it does not get there.
        Some(255) | None => Err(failed(node, said.trim())),
        Some(code) => Err(broken_off(node, code, said.trim())),
    }
}

impl Ssh {
    /// Keeps the password, if there is one and somebody who can.
    fn keep(&self) -> Option<std::io::Result<Kept>> {
        let (password, keep) = (self.password.as_deref()?, self.askpass?);
        Some(keep(password))
    }
}

/// The program with its arguments and environment; no password is in either.
fn command(
    ssh: &Ssh,
    (host, port): (&str, Option<u16>),
    key: Option<&KeyFile>,
    kept: Option<&Kept>,
    script: &str,
) -> Command {
    let mut command = Command::new(ssh.program.as_deref().unwrap_or("ssh"));
    command.args(["-o", "ConnectTimeout=10", "-o"]);
    match kept {
        // It asks once: a wrong password does not become right.
        Some(kept) => command
            .arg("NumberOfPasswordPrompts=1")
            .envs(kept.environment.iter().map(|(name, value)| (name, value))),
        None => command.arg("BatchMode=yes"),
    };
    if let Some(key) = key {
        command.arg("-i").arg(&key.0);
    }
    if let Some(port) = port {
        command.arg("-p").arg(port.to_string());
    }
    let user = ssh.user.as_deref().unwrap_or("root");
    let script = match user {
        "root" => script.to_owned(),
        _ => format!("sudo -n sh -c {}", quoted(script)),
    };
    command.arg("--").arg(format!("{user}@{host}")).arg(script);
    command
}

fn failed(node: &str, reason: &str) -> Box<Failure> {
    Failure::new(
        Diagnostic::error("proxmox-ssh", format!("The node `{node}` was not reached over ssh"))
            .detail(reason.to_owned())
            .hint("the API has no way for this: it is done over ssh, with the provider block's `ssh` settings and the user's own ssh configuration"),
    )
}

/// What a node was to do, and failed.
fn broken_off(node: &str, code: i32, said: &str) -> Box<Failure> {
    let summary = format!("What node `{node}` was to do over ssh failed");
    let told = Diagnostic::error("proxmox-ssh", summary);
    Failure::new(told.detail(match said {
        "" => format!("it ended with {code} and said nothing"),
        said => said.to_owned(),
    }))
}

/// A private key in a file that only we can read, for as long as it is needed.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(key: &str) -> std::io::Result<Self> {
        use std::{io::Write, os::unix::fs::OpenOptionsExt};
        let path = std::env::temp_dir().join(format!("strata-key-{}", uuid::Uuid::new_v4()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let made = Self(path);
        file.write_all(key.trim_end().as_bytes())?;
        file.write_all(b"\n")?;
        Ok(made)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        // It lies in a temporary folder: should this fail, the system removes it.
        drop(std::fs::remove_file(&self.0));
    }
}

/// True for a rehearsal, which has no nodes to reach: its API takes all files.
pub(crate) fn is_rehearsal(work: &Work<'_>) -> bool {
    work.session.is_rehearsal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_quotes_stay_one_word() {
        assert_eq!(quoted("/a/it's"), r"'/a/it'\''s'");
    }

    #[test]
    fn a_password_is_handed_over_and_stands_nowhere() {
        let keep: Askpass = |text| {
            assert_eq!(text, "s3cret");
            Ok(Kept {
                environment: vec![("SSH_ASKPASS", PathBuf::from("/bin/strata"))],
                keeper: Box::new(()),
            })
        };
        let mut ssh = Ssh {
            user: Some("deploy".to_owned()),
            password: Some("s3cret".to_owned()),
            askpass: Some(keep),
            ..Ssh::default()
        };
        let shown = |ssh: &Ssh| {
            let kept = ssh.keep().transpose().unwrap();
            let command = command(ssh, ("10.0.0.2", Some(2222)), None, kept.as_ref(), "true");
            format!("{:?} {:?}", command.as_std(), command.as_std().get_envs())
        };
        let with = shown(&ssh);
        assert!(with.contains("/bin/strata") && with.contains("NumberOfPasswordPrompts=1"));
        assert!(with.contains("sudo -n") && with.contains("deploy@10.0.0.2"));
        assert!(
            !with.contains("s3cret") && !with.contains("BatchMode"),
            "{with}"
        );
        ssh.password = None;
        assert!(shown(&ssh).contains("BatchMode=yes"));
    }

    #[test]
    fn a_key_lies_in_a_file_for_us_alone_and_goes_away() {
        use std::os::unix::fs::PermissionsExt;
        let key = KeyFile::new("secret").unwrap();
        let path = key.0.clone();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        drop(key);
        assert!(!path.exists());
    }
}
