//! `pipe` and `lines`: what a command prints.

use std::{path::Path, process::Stdio, task::Poll};

use serde_json::Value as Json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Found, here};
use crate::playbook::apart;

/// What a command prints. A signal that ends the run ends the command; the run hears of it when its template is done.
fn shell(folder: &Path, command: &str) -> Result<String, String> {
    let mut shell = tokio::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .current_dir(here(folder))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let interrupted = format!("lookup_plugin.pipe({command}) was interrupted");
    let output = apart(async move {
        tokio::select! {
            output = shell.output() => output.map_err(|error| error.to_string()),
            () = ended() => Err(interrupted),
        }
    })?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        return Err(format!("lookup_plugin.pipe({command}) returned {code}"));
    }
    String::from_utf8(output.stdout).map_err(|_| "the output is not UTF-8".to_owned())
}

/// Waits for a signal that ends the run.
async fn ended() {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals: Vec<_> = kinds.into_iter().flat_map(signal).collect();
    std::future::poll_fn(|context| {
        let heard = signals
            .iter_mut()
            .any(|one| one.poll_recv(context).is_ready());
        if heard {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

pub(super) fn pipe(folder: &Path, command: &str) -> Result<String, String> {
    Ok(shell(folder, command)?.trim_end().to_owned())
}

pub(super) fn lines(folder: &Path, command: &str) -> Found {
    let printed = shell(folder, command)?;
    Ok(printed.lines().map(Json::from).collect())
}
