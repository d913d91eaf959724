//! `group_by`: puts the host into a group of this run.

use serde_json::json;

use crate::{
    outcome::Effect,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["key", "parents"])?;
    let group = call.required("key")?.replace(' ', "-");
    let parents = match call.list("parents") {
        none if none.is_empty() => vec!["all".to_owned()],
        some => some.iter().map(|parent| parent.replace(' ', "-")).collect(),
    };
    let known = call.shared.table.inventory();
    let changed = !known
        .hosts_in(&group)
        .iter()
        .any(|host| **host == *call.job.host);
    Ok(ActionResult {
        effects: vec![Effect::GroupBy {
            group: group.clone(),
            parents: parents.clone(),
        }],
        ..ActionResult::values(
            json!({"changed": changed, "add_group": group, "parent_groups": parents}),
        )
    })
}
