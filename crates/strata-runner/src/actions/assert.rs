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
    let written = written(call);
    for (at, condition) in conditions.iter().enumerate() {
        let text = written.get(at).and_then(Json::as_str);
        if let Some(mixed) = text.filter(|text| is_mixed(text)) {
            return Err(TaskError::Failed(format!(
                "Template delimiters are not supported in expressions: `{mixed}`"
            )));
        }
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
fn written<'a>(call: &Call<'a>) -> &'a [Json] {
    match call.job.task.action.argument("that") {
        Some(Json::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// True for an expression with a template beside its quoted texts, in which Ansible still allows one. What is all template
/// may yield an expression.
fn is_mixed(condition: &str) -> bool {
    let condition = condition.trim();
    if condition.starts_with("{{") && condition.ends_with("}}") {
        return false;
    }
    let mut quote = None;
    let mut before = ' ';
    let mut characters = condition.chars();
    while let Some(character) = characters.next() {
        match quote {
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if before == '{' && character == '{' => return true,
            None => {}
        }
        before = character;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_mixed;

    #[test]
    fn a_template_may_stand_in_quotes_or_alone() {
        assert!(is_mixed("{{ y }} == x"));
        assert!(is_mixed("'a' in {{ y }} and x"));
        assert!(!is_mixed("x == '{{ y }}'"));
        assert!(!is_mixed("x is match(\"{{ y }}\")"));
        assert!(!is_mixed(" {{ y }} "));
        assert!(!is_mixed("x == {'a': 1}"));
    }
}
