//! `assert`: fails unless all conditions hold.

use serde_json::{Value as Json, json};

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["that", "fail_msg", "msg", "success_msg", "quiet"])?;
    let conditions = match call.arguments.get("that") {
        Some(Json::Array(items)) => items.clone(),
        Some(other) => vec![other.clone()],
        None => {
            return Err(TaskError::Failed(
                "`assert` needs the argument `that`".to_owned(),
            ));
        }
    };
    let fail = call.arguments.get("fail_msg").or(call.arguments.get("msg"));
    let quiet = call.flag("quiet", false);
    for condition in &conditions {
        if call.templar.condition(condition)? {
            continue;
        }
        let message = fail.cloned().unwrap_or_else(|| "Assertion failed".into());
        let mut values = json!({
            "changed": false,
            "failed": true,
            "assertion": condition,
            "evaluated_to": false,
            "msg": message,
        });
        if quiet && let Json::Object(map) = &mut values {
            map.remove("assertion");
            map.remove("evaluated_to");
        }
        return Ok(ActionResult::values(values));
    }
    let message = call.arguments.get("success_msg").cloned();
    let message = message.unwrap_or_else(|| "All assertions passed".into());
    Ok(ActionResult::values(
        json!({"changed": false, "msg": message}),
    ))
}
