//! `reboot`: starts a host anew and waits until it does tasks again.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::{
    JsonMap, outcome,
    session::TaskError,
    task::{ActionResult, Call},
};

/// How long one look at the host may take.
const LOOK: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);
/// The kernel makes a new one at each start.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&[
        "boot_time_command",
        "connect_timeout",
        "msg",
        "post_reboot_delay",
        "pre_reboot_delay",
        "reboot_command",
        "reboot_timeout",
        "search_paths",
        "test_command",
    ])?;
    if call.place.target.is_local() {
        return Ok(failed(
            "Running reboot with local connection would reboot the control node.",
            0,
        ));
    }
    if call.check {
        return Ok(ActionResult::values(
            json!({"changed": true, "elapsed": 0, "rebooted": true}),
        ));
    }
    let timeout = seconds(call, "reboot_timeout", 600)?;
    let marker = call.text("boot_time_command");
    let marker = marker.unwrap_or_else(|| BOOT_ID.to_owned());
    let before = shell(call, &marker).await?;
    if outcome::check(&before.values, "failed") {
        return Ok(before);
    }
    let started = Instant::now();
    let told = shell(call, &command(call)?).await;
    match told {
        // The host may be gone before it can answer.
        Err(TaskError::Unreachable(_)) => {}
        Err(error) => return Err(error),
        Ok(result) if outcome::check(&result.values, "failed") => {
            let why = result
                .values
                .get("stderr")
                .map(outcome::text)
                .unwrap_or_default();
            return Ok(failed(
                &format!("Reboot command failed. Error was: '{}'", why.trim()),
                0,
            ));
        }
        Ok(_) => {}
    }
    tokio::time::sleep(seconds(call, "post_reboot_delay", 0)?).await;
    let was = said(&before);
    let test = call
        .text("test_command")
        .unwrap_or_else(|| "whoami".to_owned());
    let is_new = |result: &ActionResult| succeeded(result) && said(result) != was;
    let mut waits = wait(call, &marker, started, timeout, &is_new).await;
    if waits {
        waits = wait(call, &test, started, timeout, &succeeded).await;
    }
    let elapsed = started.elapsed().as_secs();
    if waits {
        return Ok(ActionResult::values(
            json!({"changed": true, "elapsed": elapsed, "rebooted": true}),
        ));
    }
    let limit = timeout.as_secs();
    Ok(failed(
        &format!("Timed out waiting for the host to start again (timeout={limit})"),
        elapsed,
    ))
}

/// Asks until the answer is as wanted; false when the time is over.
async fn wait(
    call: &Call<'_>,
    line: &str,
    started: Instant,
    timeout: Duration,
    wanted: &(dyn Fn(&ActionResult) -> bool + Sync),
) -> bool {
    while started.elapsed() < timeout {
        // What was known of the host is from before the restart.
        call.shared.sessions.reset(&call.place.target).await;
        let look = tokio::time::timeout(LOOK, shell(call, line)).await;
        if let Ok(Ok(result)) = look
            && wanted(&result)
        {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

async fn shell(call: &Call<'_>, line: &str) -> Result<ActionResult, TaskError> {
    let arguments = JsonMap::from_iter([("_raw_params".to_owned(), Json::from(line))]);
    call.module_in("shell", arguments, None, false).await
}

/// The line that restarts the host; a delay is in minutes, as `shutdown` counts.
fn command(call: &Call<'_>) -> Result<String, TaskError> {
    if let Some(command) = call.text("reboot_command") {
        return Ok(command);
    }
    let minutes = seconds(call, "pre_reboot_delay", 0)?.as_secs() / 60;
    let msg = call.text("msg");
    let msg = msg.unwrap_or_else(|| "Reboot initiated by Strata".to_owned());
    let msg = msg.replace('\'', "'\\''");
    let mut folders = call.list("search_paths");
    if folders.is_empty() {
        folders = ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"]
            .map(str::to_owned)
            .to_vec();
    }
    let path = folders.join(":").replace('\'', "'\\''");
    Ok(format!("PATH='{path}'; shutdown -r {minutes} '{msg}'"))
}

fn succeeded(result: &ActionResult) -> bool {
    !outcome::check(&result.values, "failed")
}

fn said(result: &ActionResult) -> String {
    let text = result.values.get("stdout").map(outcome::text);
    text.unwrap_or_default().trim().to_owned()
}

fn failed(msg: &str, elapsed: u64) -> ActionResult {
    ActionResult::values(json!({
        "changed": false, "failed": true, "rebooted": false, "elapsed": elapsed, "msg": msg,
    }))
}

fn seconds(call: &Call<'_>, name: &str, default: u64) -> Result<Duration, TaskError> {
    let Some(text) = call.text(name) else {
        return Ok(Duration::from_secs(default));
    };
    match text.trim().parse::<i64>() {
        Ok(seconds) => Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
        Err(_) => Err(TaskError::Failed(format!(
            "the argument `{name}` needs a number of seconds, not `{text}`"
        ))),
    }
}
