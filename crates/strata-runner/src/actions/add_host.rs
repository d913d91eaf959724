//! `add_host`: adds a host to the inventory of this run.

use serde_json::{Value as Json, json};

use crate::{
    JsonMap,
    hosts::Wish,
    outcome::Effect,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    let name = ["name", "hostname", "host"]
        .into_iter()
        .find_map(|name| call.text(name));
    let Some(name) = name else {
        return Err(TaskError::Failed(
            "`add_host` needs the argument `name`".to_owned(),
        ));
    };
    let groups = ["groups", "groupname", "group"];
    let groups: Vec<String> = groups
        .into_iter()
        .flat_map(|name| call.list(name))
        .collect();
    let mut variables: JsonMap = call.arguments.clone();
    variables.retain(|name, _| {
        !matches!(
            name.as_str(),
            "name" | "hostname" | "host" | "groups" | "groupname" | "group"
        )
    });
    let table = &call.shared.table;
    let mut changed = table.is_news(Wish::Host(name.clone()));
    for group in &groups {
        changed |= table.is_news(Wish::Member {
            group: group.clone(),
            host: name.clone(),
        });
    }
    for (variable, value) in &variables {
        changed |= table.is_new_value(&name, variable, value);
    }
    Ok(ActionResult {
        effects: vec![Effect::AddHost {
            name: name.clone(),
            groups: groups.clone(),
            variables: variables.clone(),
        }],
        ..ActionResult::values(json!({
            "changed": changed,
            "add_host": {"host_name": name, "groups": groups, "host_vars": Json::Object(variables)},
        }))
    })
}
