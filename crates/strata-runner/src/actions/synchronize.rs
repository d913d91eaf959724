//! `synchronize`: folders kept alike by the user's own `rsync`, over the connection's settings.
//!
//! It runs on this machine and reaches the host by the very `ssh` that tasks go by. On the host it
//! only needs `rsync`.

use std::process::Stdio;

use serde_json::{Value as Json, json};
use strata_core::connection::RemoteShell;
use tokio::process::Command;

use super::find_file;
use crate::{
    JsonMap,
    session::TaskError,
    task::{ActionResult, Call},
};

/// Stands before each line that names a change.
const MARK: &str = "<<CHANGED>>";

const ARGUMENTS: &[&str] = &[
    "src",
    "dest",
    "mode",
    "archive",
    "checksum",
    "compress",
    "copy_links",
    "delay_updates",
    "delete",
    "dest_port",
    "dirs",
    "existing_only",
    "group",
    "link_dest",
    "links",
    "owner",
    "partial",
    "perms",
    "private_key",
    "recursive",
    "rsync_opts",
    "rsync_path",
    "rsync_timeout",
    "set_remote_user",
    "ssh_connection_multiplexing",
    "times",
    "use_ssh_args",
    "verify_host",
    "_local_rsync_path",
];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(ARGUMENTS)?;
    if !call.shared.options.disk {
        return Err(failed(
            "`synchronize` needs the disk of this machine, which this run does not use",
        ));
    }
    let (src, dest) = (call.required("src")?, call.required("dest")?);
    let pulls = match call.text("mode").as_deref() {
        None | Some("push") => false,
        Some("pull") => true,
        Some(mode) => {
            return Err(failed(&format!(
                "value of mode must be one of: pull, push, got: {mode}"
            )));
        }
    };
    let itself = call.place.delegate.as_deref() == Some(&*call.job.host);
    let mut argv = words(call);
    if itself {
        argv.extend([src, dest]);
        return on_host(call, argv).await;
    }
    let shell = shell(call)?;
    if let Some(shell) = &shell {
        argv.push(format!("--rsh={}", line(call, shell)));
    }
    let host = shell.as_ref().map(|shell| bracketed(&shell.host));
    let there = |path: &str| match &host {
        Some(host) => format!("{host}:{path}"),
        None => path.to_owned(),
    };
    argv.push("--".to_owned());
    match pulls {
        true => argv.extend([there(&src), here(call, &dest)]),
        false => argv.extend([local_source(call, &src)?, there(&dest)]),
    }
    on_this_side(call, argv).await
}

fn failed(msg: &str) -> TaskError {
    TaskError::Failed(msg.to_owned())
}

/// How the host is reached; none where it is this machine.
fn shell(call: &Call<'_>) -> Result<Option<RemoteShell>, TaskError> {
    if call.place.target.is_local() {
        return Ok(None);
    }
    let shell = call.shared.sessions.remote_shell(&call.place.target)?;
    shell.map(Some).ok_or_else(|| {
        failed("`synchronize` reaches hosts by ssh only, and this one is reached otherwise")
    })
}

/// A host as `rsync` has it before a path: an address with colons in brackets, as Ansible's `synchronize` puts them.
fn bracketed(host: &str) -> String {
    let (user, name) = match host.rsplit_once('@') {
        Some((user, name)) => (format!("{user}@"), name),
        None => (String::new(), host),
    };
    match name.contains(':') && !name.starts_with('[') {
        true => format!("{user}[{name}]"),
        false => host.to_owned(),
    }
}

/// The shell's words as `rsync` splits them: at spaces outside quotes.
fn line(call: &Call<'_>, shell: &RemoteShell) -> String {
    let mut words = shell.command.clone();
    if let Some(key) = call.text("private_key") {
        words.extend(["-i".to_owned(), key]);
    }
    if let Some(port) = call.text("dest_port") {
        words.extend(["-p".to_owned(), port]);
    }
    if call.flag("verify_host", false) {
        words.extend(["-o".to_owned(), "StrictHostKeyChecking=yes".to_owned()]);
    }
    let quoted = words
        .iter()
        .map(|word| match word.contains([' ', '"', '\'']) {
            true => format!("'{}'", word.replace('\'', "''")),
            false => word.clone(),
        });
    quoted.collect::<Vec<_>>().join(" ")
}

/// A source of ours: where files are looked for, with the slash at its end if it has one.
fn local_source(call: &Call<'_>, src: &str) -> Result<String, TaskError> {
    let path = find_file::required(call, "files", src)?;
    let slash = if src.ends_with('/') { "/" } else { "" };
    let path = path.to_string_lossy().into_owned();
    Ok(format!("{}{slash}", path.trim_end_matches('/')))
}

/// A path of ours: below the playbook's folder, unless it is absolute.
fn here(call: &Call<'_>, path: &str) -> String {
    let whole = call.job.scope.play.folder.join(path);
    whole.to_string_lossy().into_owned()
}

/// `rsync` with the options that are asked for.
fn words(call: &Call<'_>) -> Vec<String> {
    let program = call.text("_local_rsync_path");
    let mut argv = vec![program.unwrap_or_else(|| "rsync".to_owned())];
    let mut add = |word: &str| argv.push(word.to_owned());
    let archive = call.flag("archive", true);
    for (name, default, word) in [
        ("delay_updates", true, "--delay-updates"),
        ("partial", false, "--partial"),
        ("compress", true, "--compress"),
        ("existing_only", false, "--existing"),
        ("checksum", false, "--checksum"),
        ("copy_links", false, "--copy-links"),
        ("dirs", false, "--dirs"),
    ] {
        if call.flag(name, default) {
            add(word);
        }
    }
    add("-F");
    if call.flag("delete", false) {
        add("--delete-after");
    }
    if archive {
        add("--archive");
    }
    for (name, word) in [
        ("recursive", "recursive"),
        ("links", "links"),
        ("perms", "perms"),
        ("times", "times"),
        ("owner", "owner"),
        ("group", "group"),
    ] {
        match (call.text(name).is_some(), call.flag(name, false)) {
            (true, false) if archive => add(&format!("--no-{word}")),
            (true, true) if !archive => add(&format!("--{word}")),
            _ => {}
        }
    }
    if call.check {
        add("--dry-run");
    }
    match call.text("rsync_timeout").as_deref() {
        None | Some("0") => {}
        Some(seconds) => add(&format!("--timeout={seconds}")),
    }
    let path = call.text("rsync_path");
    match (path, &call.place.r#become) {
        (Some(path), _) => add(&format!("--rsync-path={path}")),
        // Nobody can be asked for a password here.
        (None, Some(r#become)) => {
            add(&format!("--rsync-path=sudo -n -u {} rsync", r#become.user));
        }
        (None, None) => {}
    }
    call.list("rsync_opts")
        .iter()
        .for_each(|option| add(option));
    let links = call.list("link_dest");
    links
        .iter()
        .for_each(|path| add(&format!("--link-dest={path}")));
    add(&format!("--out-format={MARK}%i %n%L"));
    argv
}

async fn on_this_side(call: &Call<'_>, argv: Vec<String>) -> Result<ActionResult, TaskError> {
    let mut command = Command::new(&argv[0]);
    command
        .args(&argv[1..])
        .envs(&call.environment)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.map_err(|error| {
        failed(&format!(
            "`{}` cannot be run on this machine: {error}",
            argv[0]
        ))
    })?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Ok(result(&argv, code.into(), &said, &errors))
}

/// Between two folders of the host: `rsync` runs there.
async fn on_host(call: &Call<'_>, argv: Vec<String>) -> Result<ActionResult, TaskError> {
    let arguments = JsonMap::from_iter([("argv".to_owned(), json!(argv))]);
    let done = call.module_in("command", arguments, None, false).await?;
    let text = |name: &str| {
        let text = done.values.get(name).and_then(Json::as_str);
        text.unwrap_or_default().to_owned()
    };
    let code = done.values.get("rc").and_then(Json::as_i64).unwrap_or(-1);
    Ok(result(&argv, code, &text("stdout"), &text("stderr")))
}

fn result(argv: &[String], code: i64, said: &str, errors: &str) -> ActionResult {
    let cmd = argv.join(" ");
    if code != 0 {
        return ActionResult::values(json!({
            "changed": false, "failed": true, "rc": code, "cmd": cmd, "msg": errors,
        }));
    }
    let msg = said.replace(MARK, "");
    let lines: Vec<&str> = msg.lines().filter(|line| !line.is_empty()).collect();
    ActionResult::values(json!({
        "changed": said.contains(MARK), "rc": code, "cmd": cmd, "msg": msg,
        "stdout_lines": lines,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_colons_stands_in_brackets() {
        assert_eq!(bracketed("root@fd00::1"), "root@[fd00::1]");
        assert_eq!(bracketed("fe80::1%eth0"), "[fe80::1%eth0]");
        assert_eq!(bracketed("root@[::1]"), "root@[::1]");
        assert_eq!(bracketed("root@10.0.0.5"), "root@10.0.0.5");
    }

    #[test]
    fn a_marked_line_is_a_change() {
        let argv = ["rsync".to_owned()];
        let done = result(&argv, 0, "<<CHANGED>>>f+++++++++ a\n", "");
        assert_eq!(done.values["changed"], true);
        assert_eq!(done.values["stdout_lines"], json!([">f+++++++++ a"]));
        assert_eq!(result(&argv, 0, "", "").values["changed"], false);
        assert_eq!(result(&argv, 12, "", "gone").values["msg"], "gone");
    }
}
