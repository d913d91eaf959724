//! `wait_for_connection`: waits until the host does tasks.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::{
    JsonMap,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["connect_timeout", "delay", "sleep", "timeout"])?;
    let timeout = seconds(call, "timeout", 600)?;
    let sleep = seconds(call, "sleep", 1)?;
    if call.check {
        return Ok(ActionResult::values(
            json!({"changed": false, "skipped": true}),
        ));
    }
    let started = Instant::now();
    tokio::time::sleep(seconds(call, "delay", 0)?).await;
    loop {
        // What was known of the host may be from before a restart.
        call.shared.sessions.reset(&call.place.target).await;
        let ping = call.module_in("ping", JsonMap::new(), None, false);
        let left = timeout.saturating_sub(started.elapsed());
        let reason = match tokio::time::timeout(left, ping).await {
            Ok(Ok(_)) => {
                let elapsed = started.elapsed().as_secs();
                return Ok(ActionResult::values(
                    json!({"changed": false, "elapsed": elapsed}),
                ));
            }
            Ok(Err(TaskError::Unreachable(reason) | TaskError::Failed(reason))) => reason,
            Err(_) => "no answer".to_owned(),
        };
        if started.elapsed() + sleep >= timeout {
            return Ok(ActionResult::values(json!({
                "changed": false,
                "failed": true,
                "elapsed": started.elapsed().as_secs(),
                "msg": format!("timed out waiting for the host: {reason}"),
            })));
        }
        tokio::time::sleep(sleep).await;
    }
}

fn seconds(call: &Call<'_>, name: &str, default: u64) -> Result<Duration, TaskError> {
    let Some(text) = call.text(name) else {
        return Ok(Duration::from_secs(default));
    };
    match text.trim().parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(TaskError::Failed(format!(
            "the argument `{name}` needs a number of seconds, not `{text}`"
        ))),
    }
}
