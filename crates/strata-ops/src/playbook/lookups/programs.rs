//! `pipe` and `lines`: what a command prints.

use std::{path::Path, process::Stdio};

use serde_json::Value as Json;
use strata_runner::StopSignal;

use super::{Found, here};
use crate::playbook::apart;

/// What a command prints. The run hears that it is to stop when its template is done, so what ends it at once ends the
/// command, too.
fn shell(folder: &Path, command: &str, stop: &StopSignal) -> Result<String, String> {
    let mut shell = tokio::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .current_dir(here(folder))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let interrupted = format!("lookup_plugin.pipe({command}) was interrupted");
    let mut stop = stop.clone();
    let output = apart(async move {
        tokio::select! {
            output = shell.output() => output.map_err(|error| error.to_string()),
            () = stop.hard() => Err(interrupted),
        }
    })?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        return Err(format!("lookup_plugin.pipe({command}) returned {code}"));
    }
    String::from_utf8(output.stdout).map_err(|_| "the output is not UTF-8".to_owned())
}

pub(super) fn pipe(folder: &Path, command: &str, stop: &StopSignal) -> Result<String, String> {
    Ok(shell(folder, command, stop)?.trim_end().to_owned())
}

pub(super) fn lines(folder: &Path, command: &str, stop: &StopSignal) -> Found {
    let printed = shell(folder, command, stop)?;
    Ok(printed.lines().map(Json::from).collect())
}
