//! `set_stats`: keeps figures for the end of the run.

use serde_json::{Value as Json, json};

use crate::{
    outcome::Effect,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["data", "per_host", "aggregate"])?;
    let Some(Json::Object(data)) = call.arguments.get("data") else {
        return Err(TaskError::Failed(
            "`set_stats` needs `data`, a mapping".to_owned(),
        ));
    };
    let per_host = call.flag("per_host", false);
    let aggregate = call.flag("aggregate", true);
    Ok(ActionResult {
        effects: vec![Effect::Statistics {
            data: data.clone(),
            per_host,
            aggregate,
        }],
        ..ActionResult::values(json!({
            "changed": false,
            "ansible_stats": {"data": data, "per_host": per_host, "aggregate": aggregate},
        }))
    })
}
