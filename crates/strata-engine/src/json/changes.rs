//! A change as JSON: before, after, and masks of the same shape for what is unknown and what is sensitive.

use serde_json::{Map, Value as Json, json};
use strata_core::{Action, AttributePath, Marks, PathStep, Type, Value};
use strata_state::json::exact;

use crate::plan::{Change, OutputChange, Reason};

/// The change of an instance.
pub(crate) fn change_json(change: &Change) -> Json {
    let after = change.after.as_ref();
    let mut json = json!({
        "actions": actions(change.action),
        "before": change.before.as_ref().map(exact),
        "after": after.map(known),
        "after_unknown": after.filter(|after| !after.is_wholly_known()).map_or(json!({}), unknown),
        "before_sensitive": change.before.as_ref().map_or(json!(false), sensitive),
        "after_sensitive": after.map_or(json!(false), sensitive),
    });
    if let Some(id) = &change.importing {
        json["importing"] = json!({ "id": &**id });
    }
    if !change.requires_replace.is_empty() {
        json["replace_paths"] = change.requires_replace.iter().map(path).collect();
    }
    json
}

/// The change of an output.
pub(crate) fn output_json(change: &OutputChange) -> Json {
    let after = change.after.as_ref();
    let is_unknown = after.is_some_and(|after| !after.is_known());
    let mut json = json!({
        "actions": actions(change.action),
        "before": change.before.as_ref().map(exact),
        "after_unknown": after.filter(|after| !after.is_wholly_known()).map_or(json!(false), unknown),
        "before_sensitive": change.sensitive,
        "after_sensitive": change.sensitive,
    });
    if !is_unknown {
        json["after"] = after.map_or(Json::Null, known);
    }
    json
}

pub(crate) fn actions(action: Action) -> Json {
    match action {
        Action::NoOp => json!(["no-op"]),
        Action::Create => json!(["create"]),
        Action::Read => json!(["read"]),
        Action::Update => json!(["update"]),
        Action::DeleteThenCreate => json!(["delete", "create"]),
        Action::CreateThenDelete => json!(["create", "delete"]),
        Action::Delete => json!(["delete"]),
        Action::Forget => json!(["forget"]),
        Action::Open => json!(["open"]),
        Action::Renew => json!(["renew"]),
        Action::Close => json!(["close"]),
    }
}

/// The published name of a reason.
pub(crate) fn reason(action: Action, reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::CannotUpdate => "replace_because_cannot_update",
        Reason::Tainted => "replace_because_tainted",
        Reason::Requested => "replace_by_request",
        Reason::Triggered => "replace_by_triggers",
        Reason::NotInConfiguration => "delete_because_no_resource_config",
        Reason::NoMoveTarget => "delete_because_no_move_target",
        Reason::NoModule => "delete_because_no_module",
        Reason::CountIndex => "delete_because_count_index",
        Reason::EachKey => "delete_because_each_key",
        Reason::WrongRepetition => "delete_because_wrong_repetition",
        Reason::ConfigUnknown if action == Action::Read => "read_because_config_unknown",
        Reason::DependencyPending => "read_because_dependency_pending",
        Reason::Deposed | Reason::ConfigUnknown => return None,
    })
}

/// The name of a reason in the stream of `plan -json`, which differs.
pub(crate) fn reason_in_stream(action: Action, why: &Reason) -> Option<&'static str> {
    match why {
        Reason::CannotUpdate => Some("cannot_update"),
        Reason::Tainted => Some("tainted"),
        Reason::Requested => Some("requested"),
        Reason::Triggered => Some("replace_triggered_by"),
        why => reason(action, why),
    }
}

/// A value without what is unknown in objects and maps; elsewhere null stands for it.
pub(crate) fn known(value: &Value) -> Json {
    match value.unmarked() {
        Value::Map(_, entries) | Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, child)| child.is_known());
            Json::Object(
                entries
                    .map(|(name, child)| (name.to_string(), known(child)))
                    .collect(),
            )
        }
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().map(known).collect()
        }
        leaf => exact(leaf),
    }
}

/// True where a value is unknown, in its shape; what is known in an object is left out.
fn unknown(value: &Value) -> Json {
    mask(value, &|value| !value.is_known(), &|value| {
        !value.is_wholly_known()
    })
}

/// True where a value is sensitive, in its shape; of what is unknown only the kind of shape is told.
pub(crate) fn sensitive(value: &Value) -> Json {
    mask(
        value,
        &|value| value.marks().contains(Marks::SENSITIVE),
        &|value| value.marks_deep().contains(Marks::SENSITIVE),
    )
}

fn mask(value: &Value, here: &dyn Fn(&Value) -> bool, inside: &dyn Fn(&Value) -> bool) -> Json {
    if here(value) {
        return json!(true);
    }
    match value.unmarked() {
        Value::Map(_, entries) | Value::Object(entries) => {
            let shown =
                |child: &Value| inside(child) || is_container(child) || shape(child).is_some();
            let entries = entries.iter().filter(|(_, child)| shown(child));
            Json::Object(
                entries
                    .map(|(name, child)| (name.to_string(), mask(child, here, inside)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().map(|item| mask(item, here, inside)).collect()
        }
        value => shape(value).unwrap_or(json!(false)),
    }
}

/// The empty shape of an unknown value, as far as its type tells.
fn shape(value: &Value) -> Option<Json> {
    match value.unmarked() {
        Value::Unknown(unknown) => match unknown.ty {
            Type::Object(_) | Type::Map(_) => Some(json!({})),
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => Some(json!([])),
            Type::Dynamic | Type::Bool | Type::Number | Type::String => None,
        },
        _ => None,
    }
}

fn is_container(value: &Value) -> bool {
    value.as_entries().is_some() || value.as_sequence().is_some()
}

/// The steps of a path; those that have no name end it.
pub(crate) fn path(path: &AttributePath) -> Json {
    let step = |step: &PathStep| match step {
        PathStep::Attribute(name) | PathStep::Key(name) => Some(json!(&**name)),
        PathStep::Index(index) => Some(json!(index.as_i64()?)),
        PathStep::Element => None,
    };
    path.0.iter().map_while(step).collect()
}
