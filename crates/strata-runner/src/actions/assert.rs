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
    if let Some(mixed) = written(call).into_iter().find(|one| is_mixed(one)) {
        return Err(TaskError::Failed(format!(
            "Template delimiters are not supported in expressions: `{mixed}`"
        )));
    }
    let fail = call.arguments.get("fail_msg").or(call.arguments.get("msg"));
    for condition in &conditions {
        if call.templar.condition(condition)? {
            continue;
        }
        let message = fail.cloned().unwrap_or_else(|| "Assertion failed".into());
        return Ok(ActionResult::values(json!({
            "changed": false,
            "failed": true,
            "assertion": condition,
            "evaluated_to": false,
            "msg": message,
        })));
    }
    let message = call.arguments.get("success_msg").cloned();
    let message = message.unwrap_or_else(|| "All assertions passed".into());
    Ok(ActionResult::values(
        json!({"changed": false, "msg": message}),
    ))
}

/// The conditions as they are written.
fn written<'a>(call: &Call<'a>) -> Vec<&'a str> {
    match call.job.task.action.argument("that") {
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        Some(Json::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// True for an expression with a template inside. One that is all template may yield an expression.
fn is_mixed(condition: &str) -> bool {
    let condition = condition.trim();
    condition.contains("{{") && !(condition.starts_with("{{") && condition.ends_with("}}"))
}
