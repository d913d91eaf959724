//! `group_by`: puts the host into a group of this run.

use serde_json::json;

use crate::{
    hosts::Wish,
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
    let table = &call.shared.table;
    let mut changed = table.is_news(Wish::Member {
        group: group.clone(),
        host: call.job.host.to_string(),
    });
    for parent in parents.iter().filter(|parent| *parent != "all") {
        changed |= table.is_news(Wish::Child {
            parent: parent.clone(),
            group: group.clone(),
        });
    }
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
