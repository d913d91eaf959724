//! `debug`: says something.

use serde_json::{Value as Json, json};
use strata_core::Diagnostic;
use strata_jinja::{TemplateError, TemplateErrorKind};

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["msg", "var", "verbosity"])?;
    let verbosity: u8 = match call.text("verbosity") {
        None => 0,
        Some(text) => text.trim().parse().map_err(|_| {
            TaskError::Failed(format!(
                "the argument `verbosity` needs a number, not `{text}`"
            ))
        })?,
    };
    let (message, var) = (call.arguments.get("msg"), call.arguments.get("var"));
    if message.is_some() && var.is_some() {
        let reason = "parameters are mutually exclusive: msg|var";
        return Err(TaskError::Failed(reason.to_owned()));
    }
    if verbosity > call.shared.options.verbosity {
        return Ok(ActionResult::values(json!({
            "changed": false,
            "skipped": true,
            "skipped_reason": "Verbosity threshold not met.",
        })));
    }
    match (message, var) {
        (_, Some(var)) => variable(call, var),
        (Some(message), None) => Ok(ActionResult::values(
            json!({"changed": false, "msg": message}),
        )),
        (None, None) => Ok(ActionResult::values(
            json!({"changed": false, "msg": "Hello world!"}),
        )),
    }
}

/// Shows the value of an expression under its own text.
fn variable(call: &Call<'_>, var: &Json) -> Result<ActionResult, TaskError> {
    let Json::String(expression) = var else {
        // A template in the place of a name gave a value; what is written out is no name.
        let written = call.job.task.action.argument("var");
        if written.is_some_and(|written| !written.is_string()) {
            return Err(TaskError::Failed(format!(
                "argument 'var' of `debug` is of type {}, and must be the name of a variable",
                kind(var)
            )));
        }
        return Ok(ActionResult::values(
            json!({"changed": false, kind(var): var}),
        ));
    };
    let value = match call.shared.options.lenient_conditions {
        true => call.templar.expression(expression).or_else(not_defined)?,
        false => shown(call, expression)?,
    };
    Ok(ActionResult::values(
        json!({"changed": false, expression.as_str(): value}),
    ))
}

/// The words of ansible-core up to 2.18.
fn not_defined(error: TemplateError) -> Result<Json, TemplateError> {
    match error.kind {
        TemplateErrorKind::Undefined => Ok(Json::from("VARIABLE IS NOT DEFINED!")),
        _ => Err(error),
    }
}

/// The value, with words of ansible-core 2.19 in the place of what is undefined.
fn shown(call: &Call<'_>, expression: &str) -> Result<Json, TemplateError> {
    let (value, missing) = call.templar.shown(expression)?;
    for what in missing {
        let warning = Diagnostic::warning("undefined-shown", "Encountered 1 template error.");
        let warning = warning.detail(what).at(call.job.task.span.clone());
        call.shared.events.diagnostic(warning);
    }
    Ok(value)
}

/// A value that a template gave in place of a name is shown under its type.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Array(_) => "<class 'list'>",
        Json::Object(_) => "<class 'dict'>",
        _ => "value",
    }
}
