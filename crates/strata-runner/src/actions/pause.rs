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
        (None, None) => return Ok(ask(call)),
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

/// Asks the user; goes on at once where there is nobody, as Ansible does.
fn ask(call: &Call<'_>) -> ActionResult {
    let prompt = call.text("prompt");
    let text = prompt.unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".to_owned());
    let echo = call.flag("echo", true);
    let options = &call.shared.options;
    let answer = options
        .ask
        .as_ref()
        .and_then(|ask| ask(&format!("[{}]\n{text}:", call.job.name), !echo));
    ActionResult::values(json!({
        "changed": false,
        "delta": 0,
        "echo": echo,
        "rc": 0,
        "stderr": "",
        "stdout": "Paused for 0.0 minutes",
        "user_input": answer.unwrap_or_default(),
    }))
}
