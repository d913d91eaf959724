//! What a result says: whether it changed, failed, was skipped; and how it is shown.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strata_core::{FileDiff, TaskOutcome};
use strata_playbook::play::{RoleFiles, Spanned};

use crate::{JsonMap, hosts::FactLevel};

/// What a task, or one item of its loop, came to on a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemResult {
    /// As `register` gets it.
    pub(crate) values: JsonMap,
    /// What changes inside files.
    pub(crate) diffs: Vec<FileDiff>,
    /// What else follows from it.
    pub(crate) effects: Vec<Effect>,
    /// The handlers to notify if the task changed something.
    pub(crate) notify: Vec<String>,
    /// The tasks that it brings.
    pub(crate) include: Option<Include>,
    pub(crate) ignore_errors: bool,
    pub(crate) ignore_unreachable: bool,
    pub(crate) no_log: bool,
    /// Nobody knows how it would have gone, for a rehearsal left it out.
    pub(crate) unknown: bool,
    /// What the item is called, in a loop.
    pub(crate) label: Option<String>,
    /// The host that did it, with `delegate_to`.
    pub(crate) delegate: Option<Arc<str>>,
}

/// What follows from a result beside itself.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// New facts of a host.
    Facts {
        level: FactLevel,
        facts: JsonMap,
        /// The host they belong to, if it is not the task's.
        host: Option<Arc<str>>,
    },
    /// Variables of which nobody knows whether they would have been set.
    Doubt { names: Vec<String> },
    /// A new host, or new variables and groups of one.
    AddHost {
        name: String,
        groups: Vec<String>,
        variables: JsonMap,
    },
    /// The host joins a group.
    GroupBy { group: String, parents: Vec<String> },
    /// Figures for the end of the run.
    Statistics {
        data: JsonMap,
        per_host: bool,
        aggregate: bool,
    },
}

/// Tasks to be put behind the current one.
#[derive(Clone, Debug)]
pub(crate) struct Include {
    /// The file or the role.
    pub(crate) name: String,
    /// The variables that they see beyond.
    pub(crate) parameters: Arc<JsonMap>,
    /// The files of a role to use in place of `main`.
    pub(crate) from: RoleFiles,
    /// Arguments of `include_role` that say yes or no by a template.
    pub(crate) flags: Vec<(&'static str, bool)>,
    /// What the item is called, in a loop.
    pub(crate) label: Option<String>,
}

impl Include {
    /// What an argument says: as it was rendered, or else as it is written.
    pub(crate) fn flag(&self, name: &str, written: bool) -> bool {
        let rendered = self.flags.iter().find(|(flag, _)| *flag == name);
        rendered.map_or(written, |(_, value)| *value)
    }
}

impl ItemResult {
    /// A result that has failed for this reason.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self {
            values: failure(reason),
            ..Self::default()
        }
    }

    /// A result that nobody knows before the run that changes something.
    pub(crate) fn unknown() -> Self {
        Self {
            values: unknown(),
            unknown: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_changed(&self) -> bool {
        check(&self.values, "changed")
    }

    pub(crate) fn is_failed(&self) -> bool {
        // A text tells of a mistake in the condition, which is a failure itself.
        if let Some(Json::Bool(said)) = self.values.get("failed_when_result") {
            return *said;
        }
        check(&self.values, "failed")
    }

    pub(crate) fn is_skipped(&self) -> bool {
        check(&self.values, "skipped")
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        check(&self.values, "unreachable")
    }

    /// Leaves out the variables that a later item of the same loop sets anew: a list that grows by an item a round would
    /// otherwise be kept in all its lengths. The result itself tells of them still, as in Ansible, if it is to be `kept`.
    pub(crate) fn drop_facts_replaced_by(&mut self, later: &Self, kept: bool) {
        let replaced = |effect: &Effect| {
            let Effect::Facts {
                level: FactLevel::Set,
                facts,
                host,
            } = effect
            else {
                return false;
            };
            later.effects.iter().any(|effect| match effect {
                Effect::Facts {
                    level: FactLevel::Set,
                    facts: new,
                    host: to,
                } => to == host && facts.keys().all(|name| new.contains_key(name)),
                _ => false,
            })
        };
        let before = self.effects.len();
        self.effects.retain(|effect| !replaced(effect));
        if self.effects.len() < before && !kept {
            self.values.remove("ansible_facts");
        }
    }

    /// How it went, by the words of events.
    pub(crate) fn outcome(&self) -> TaskOutcome {
        if self.is_unreachable() {
            TaskOutcome::Unreachable
        } else if self.is_failed() && self.ignore_errors {
            TaskOutcome::Ignored
        } else if self.is_failed() {
            TaskOutcome::Failed
        } else if self.is_skipped() {
            TaskOutcome::Skipped
        } else if self.is_changed() {
            TaskOutcome::Changed
        } else {
            TaskOutcome::Ok
        }
    }

    /// The text to show beside the outcome. `verbose` actions (`debug`, `assert`) have one even if all is well.
    pub(crate) fn message(&self, verbose: bool) -> Option<String> {
        let bad = self.is_failed() || self.is_unreachable();
        if self.no_log {
            return bad.then(|| CENSORED.to_owned());
        }
        if self.is_skipped() && !bad {
            let reasons = ["skip_reason", "skipped_reason"];
            return reasons
                .iter()
                .find_map(|name| self.values.get(*name))
                .map(text);
        }
        if !bad && !verbose {
            return None;
        }
        self.values
            .get("msg")
            .map(text)
            .or_else(|| shown(&self.values))
    }

    /// The whole result as JSON text for verbose output.
    pub(crate) fn json(&self) -> Arc<str> {
        let text = if self.no_log {
            Json::Object(censored(&self.values)).to_string()
        } else {
            serde_json::to_string(&self.values).expect("a JSON value can be written")
        };
        text.into()
    }

    /// The differences to show.
    pub(crate) fn shown_diffs(&self) -> Vec<FileDiff> {
        if self.no_log {
            Vec::new()
        } else {
            self.diffs.clone()
        }
    }
}

const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// What is left of a result that must not be shown.
fn censored(values: &JsonMap) -> JsonMap {
    let mut map = JsonMap::new();
    for name in [
        "changed",
        "failed",
        "skipped",
        "unreachable",
        "attempts",
        "retries",
    ] {
        if let Some(value) = values.get(name) {
            map.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(Json::Array(items)) = values.get("results") {
        let hidden = items.iter().map(|item| match item {
            Json::Object(item) => Json::Object(censored(item)),
            _ => Json::from(CENSORED),
        });
        map.insert("results".to_owned(), hidden.collect());
    }
    map.insert("censored".to_owned(), CENSORED.into());
    map
}

/// `debug: var=NAME` returns the value under its name.
fn shown(values: &JsonMap) -> Option<String> {
    let known = ["changed", "failed", "ansible_loop_var", "skipped"];
    let mut others = values
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    let (name, value) = others.next()?;
    Some(format!("{name}: {value}"))
}

/// What is known of a result that depends on something unknown.
pub(crate) fn unknown() -> JsonMap {
    map(json!({
        "changed": false,
        "skipped": true,
        "unknown": true,
        "skip_reason": "Unknown in check mode: it depends on a result that is not there yet",
    }))
}

/// A result that has failed for this reason.
pub(crate) fn failure(reason: impl Into<String>) -> JsonMap {
    let mut values = JsonMap::new();
    values.insert("changed".to_owned(), false.into());
    values.insert("failed".to_owned(), true.into());
    values.insert("msg".to_owned(), reason.into().into());
    values
}

/// Makes a mapping out of `json!({...})`.
pub(crate) fn map(value: Json) -> JsonMap {
    match value {
        Json::Object(map) => map,
        other => JsonMap::from_iter([("value".to_owned(), other)]),
    }
}

pub(crate) fn check(values: &JsonMap, name: &str) -> bool {
    values.get(name).is_some_and(truth)
}

/// Whether a banner says that changes are only shown; a template counts as yes, as in Ansible.
pub(crate) fn marked_as_check(keyword: Option<&Spanned<Json>>, usual: bool) -> bool {
    keyword.map_or(usual, |keyword| match &keyword.value {
        Json::String(text) if text.contains("{{") => true,
        value => truth(value),
    })
}

/// Whether a value means yes, by Ansible's words.
pub(crate) fn truth(value: &Json) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::String(text) => matches!(
            text.trim().to_ascii_lowercase().as_str(),
            "yes" | "true" | "on" | "1" | "y" | "t"
        ),
        Json::Number(number) => number.as_f64() != Some(0.0),
        _ => false,
    }
}

/// A value as a text: texts without quotes, all else as JSON.
pub(crate) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Puts the results of a loop's items together as Ansible does.
pub(crate) fn collect(items: Vec<ItemResult>) -> ItemResult {
    let mut whole = ItemResult::default();
    let any = |test: fn(&ItemResult) -> bool| items.iter().any(test);
    let skipped = items.iter().all(ItemResult::is_skipped);
    let failed = any(|item| check(&item.values, "failed"));
    let bad = items.iter().filter(|item| check(&item.values, "failed"));
    whole.ignore_errors = bad.clone().count() > 0 && bad.clone().all(|item| item.ignore_errors);
    let lost = items.iter().filter(|item| item.is_unreachable());
    whole.ignore_unreachable =
        lost.clone().count() > 0 && lost.clone().all(|item| item.ignore_unreachable);
    whole.no_log = any(|item| item.no_log);
    whole.unknown = any(|item| item.unknown);
    whole.delegate = items.last().and_then(|item| item.delegate.clone());
    let mut values = JsonMap::new();
    values.insert("changed".to_owned(), any(ItemResult::is_changed).into());
    let failed_by_word = items
        .iter()
        .any(|item| item.values.contains_key("failed_when_result"));
    if failed {
        values.insert("failed".to_owned(), true.into());
    } else if failed_by_word {
        values.insert("failed".to_owned(), false.into());
    }
    if any(ItemResult::is_unreachable) {
        values.insert("unreachable".to_owned(), true.into());
    }
    values.insert("skipped".to_owned(), skipped.into());
    let msg = match (failed, skipped) {
        (true, _) => "One or more items failed",
        (_, true) => "All items skipped",
        _ => "All items completed",
    };
    values.insert("msg".to_owned(), msg.into());
    if skipped {
        values.insert("skip_reason".to_owned(), msg.into());
    }
    for item in items {
        whole.diffs.extend(item.diffs);
        whole.effects.extend(item.effects);
        whole.notify.extend(item.notify);
        push(&mut values, Json::Object(item.values));
    }
    whole.values = values;
    whole
}

fn push(values: &mut JsonMap, item: Json) {
    let results = values
        .entry("results")
        .or_insert_with(|| Json::Array(Vec::new()));
    if let Json::Array(results) = results {
        results.push(item);
    }
}

/// The result of a loop over nothing.
pub(crate) fn nothing_to_do() -> ItemResult {
    ItemResult {
        values: map(json!({
            "changed": false,
            "skipped": true,
            "skipped_reason": "No items in the list",
            "results": [],
        })),
        ..ItemResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: Json) -> ItemResult {
        ItemResult {
            values: map(value),
            ..ItemResult::default()
        }
    }

    #[test]
    fn a_loop_with_a_failed_item_has_failed_and_is_not_skipped() {
        let whole = collect(vec![
            item(json!({"changed": false, "skipped": true})),
            item(json!({"changed": true, "failed": true, "msg": "no"})),
        ]);
        assert_eq!(whole.outcome(), TaskOutcome::Failed);
        assert!(whole.is_changed());
        assert_eq!(whole.values["msg"], "One or more items failed");
        assert_eq!(whole.values["results"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn facts_that_a_later_item_sets_anew_are_kept_once() {
        let facts = |value: Json, host: Option<&str>| ItemResult {
            effects: vec![Effect::Facts {
                level: FactLevel::Set,
                facts: map(value),
                host: host.map(Into::into),
            }],
            ..ItemResult::default()
        };
        let later = facts(json!({"l": [1, 2]}), None);
        let left = |mut before: ItemResult| {
            before.drop_facts_replaced_by(&later, false);
            before.effects.len()
        };
        assert_eq!(left(facts(json!({"l": [1]}), None)), 0);
        assert_eq!(left(facts(json!({"l": [1], "m": 1}), None)), 1);
        assert_eq!(left(facts(json!({"l": [1]}), Some("other"))), 1);
    }

    #[test]
    fn a_list_that_grows_in_a_loop_is_kept_once() {
        const ITEMS: usize = 200;
        let told = |kept| {
            let mut results: Vec<ItemResult> = Vec::new();
            for length in 1..=ITEMS {
                let facts = json!({"l": vec!["item"; length]});
                let mut result = item(json!({"changed": false, "ansible_facts": facts.clone()}));
                result.effects.push(Effect::Facts {
                    level: FactLevel::Set,
                    facts: map(facts),
                    host: None,
                });
                if let Some(before) = results.last_mut() {
                    before.drop_facts_replaced_by(&result, kept);
                }
                results.push(result);
            }
            collect(results).json().matches("\"item\"").count()
        };
        assert_eq!(told(false), ITEMS);
        assert_eq!(told(true), ITEMS * (ITEMS + 1) / 2);
    }

    #[test]
    fn a_loop_whose_items_were_all_skipped_is_skipped() {
        let whole = collect(vec![item(json!({"changed": false, "skipped": true}))]);
        assert_eq!(whole.outcome(), TaskOutcome::Skipped);
        assert_eq!(whole.message(false).as_deref(), Some("All items skipped"));
    }

    #[test]
    fn hidden_results_show_nothing_but_their_outcome() {
        let mut secret = item(
            json!({"changed": true, "failed": true, "msg": "hunter2", "results": [{"stdout": "hunter2"}]}),
        );
        secret.no_log = true;
        assert!(!secret.json().contains("hunter2"));
        assert!(!secret.message(true).unwrap().contains("hunter2"));
    }

    #[test]
    fn failed_when_decides_over_the_module() {
        let said = item(json!({"changed": false, "failed": true, "failed_when_result": false}));
        assert_eq!(said.outcome(), TaskOutcome::Ok);
    }
}
