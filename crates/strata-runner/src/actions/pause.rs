//! `pause`: waits a while.

use std::time::Duration;

use serde_json::json;

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["seconds", "minutes", "prompt", "echo"])?;
    let (amount, unit) = match (call.text("seconds"), call.text("minutes")) {
        (Some(seconds), None) => (seconds, 1.0),
        (None, Some(minutes)) => (minutes, 60.0),
        (Some(_), Some(_)) => {
            return Err(TaskError::Failed(
                "`pause` takes `seconds` or `minutes`, not both".to_owned(),
            ));
        }
        // Nobody may be there to press a key.
        (None, None) => {
            return Err(TaskError::Failed(
                "`pause` without `seconds` or `minutes` waits for a key, which Strata does not support".to_owned(),
            ));
        }
    };
    let seconds = amount
        .trim()
        .parse::<f64>()
        .map_err(|_| TaskError::Failed(format!("`pause` needs a number, not `{amount}`")))?;
    let time = Duration::try_from_secs_f64((seconds * unit).max(0.0))
        .map_err(|_| TaskError::Failed(format!("`pause` cannot wait `{amount}`")))?;
    tokio::time::sleep(time).await;
    Ok(ActionResult::values(json!({
        "changed": false,
        "delta": time.as_secs(),
        "echo": true,
        "rc": 0,
        "stderr": "",
        "stdout": format!("Paused for {seconds} {}", if unit > 1.0 { "minutes" } else { "seconds" }),
        "user_input": "",
    })))
}
