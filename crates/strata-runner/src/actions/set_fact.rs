//! `set_fact`: gives the host variables.

use serde_json::{Value as Json, json};

use crate::{
    JsonMap,
    hosts::FactLevel,
    outcome::Effect,
    session::TaskError,
    task::{ActionResult, Call},
};

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    let mut facts = named(call)?;
    let cacheable = facts.remove("cacheable");
    let cacheable = cacheable.is_some_and(|value| crate::outcome::truth(&value));
    if facts.is_empty() {
        return Err(TaskError::Failed(
            "`set_fact` needs at least one variable".to_owned(),
        ));
    }
    if let Some(name) = facts.keys().find(|name| !is_variable_name(name)) {
        return Err(TaskError::Failed(format!(
            "`{name}` cannot name a variable: only letters, digits and underscores, and no digit first"
        )));
    }
    let level = if cacheable {
        FactLevel::SetAndGathered
    } else {
        FactLevel::Set
    };
    Ok(ActionResult {
        effects: vec![Effect::Facts {
            level,
            facts: facts.clone(),
            host: None,
        }],
        ..ActionResult::values(json!({"changed": false, "ansible_facts": Json::Object(facts)}))
    })
}

/// The arguments, whose names may be templates, too.
fn named(call: &Call<'_>) -> Result<JsonMap, TaskError> {
    let mut facts = JsonMap::new();
    for (name, value) in &call.arguments {
        let name = match name.contains("{{") {
            true => crate::outcome::text(&call.templar.render(&Json::from(name.as_str()))?),
            false => name.clone(),
        };
        facts.insert(name, value.clone());
    }
    Ok(facts)
}

/// True for what Python would take as a name.
fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_');
    first && characters.all(|c| c.is_alphanumeric() || c == '_')
}
