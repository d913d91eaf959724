//! `async_status`: what became of a task that was left behind in the background.

use serde_json::json;

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["jid", "mode"])?;
    let jid = call.required("jid")?;
    let jobs = &call.shared.jobs;
    match call.text("mode").as_deref() {
        None | Some("status") => {}
        Some("cleanup") => {
            jobs.forget(&jid);
            let values = json!({"changed": false, "ansible_job_id": jid, "started": false, "finished": false, "erased": file(&jid)});
            return Ok(with_streams(values));
        }
        Some(other) => {
            return Err(TaskError::Failed(format!(
                "value of mode must be one of: cleanup, status, got: {other}"
            )));
        }
    }
    match jobs.look(&jid) {
        None => Ok(with_streams(json!({
            "changed": false,
            "failed": true,
            "ansible_job_id": jid,
            "started": true,
            "finished": true,
            "results_file": file(&jid),
            "msg": "could not find job",
        }))),
        Some(None) => Ok(with_streams(json!({
            "changed": false,
            "ansible_job_id": jid,
            "started": true,
            "finished": false,
            "results_file": file(&jid),
        }))),
        Some(Some(done)) => {
            let mut done = done?;
            let more = json!({"ansible_job_id": jid, "started": true, "finished": true, "results_file": file(&jid)});
            done.values.extend(crate::outcome::map(more));
            Ok(done)
        }
    }
}

/// Where Ansible would keep the result; here it is in this process.
fn file(jid: &str) -> String {
    format!("~/.ansible_async/{jid}")
}

fn with_streams(values: serde_json::Value) -> ActionResult {
    let mut result = ActionResult::values(values);
    let streams = json!({"stdout": "", "stdout_lines": [], "stderr": "", "stderr_lines": []});
    result.values.extend(crate::outcome::map(streams));
    result
}
