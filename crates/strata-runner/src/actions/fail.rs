//! `fail`: fails.

use serde_json::json;

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["msg"])?;
    let message = call.arguments.get("msg").cloned();
    let message = message.unwrap_or_else(|| "Failed as requested from task".into());
    Ok(ActionResult::values(
        json!({"changed": false, "failed": true, "msg": message}),
    ))
}
