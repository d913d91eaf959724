//! What the answer to a call means.

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, Subject, Value, addr::ResourceInstance,
    provider::ApplyResponse,
};
use strata_state::{Call, Outcome, StoredObject};

use super::prepare::ChangeTask;
use crate::{
    conform,
    objects::{Kind, Template},
    plan::about,
};

/// A call that has come back.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// The new value with marks, for configuration to refer to.
    pub(crate) value: Option<Value>,
    pub(crate) diagnostics: Diagnostics,
}

/// What the journal knows of a call after its task went to the provider.
pub(crate) struct Sent {
    pub(crate) address: ResourceInstance,
    pub(crate) call: Call,
    pub(crate) had_object: bool,
    pub(crate) planned: Option<Value>,
    pub(crate) template: Template,
    /// True if the next apply goes on with what this one left half made.
    pub(crate) continues: bool,
}

impl Sent {
    pub(crate) fn new(task: &ChangeTask, continues: bool) -> Self {
        Self {
            address: task.begin.address.clone(),
            call: task.begin.call,
            had_object: task.request.prior.is_some(),
            planned: task.planned.clone(),
            template: Template {
                tainted: false,
                dependencies: task.begin.dependencies.clone(),
                create_before_destroy: task.begin.create_before_destroy,
            },
            continues,
        }
    }
}

/// Judges a provider's answer.
pub(crate) fn end(
    sent: &Sent,
    kind: &Kind,
    response: ApplyResponse,
    before: Option<&StoredObject>,
) -> Ended {
    let mut diagnostics = about(response.diagnostics, &sent.address);
    let Some(object) = response.object else {
        if sent.call != Call::Delete && !diagnostics.has_errors() {
            diagnostics.push(nothing_there(&sent.address));
        }
        let outcome = if sent.had_object {
            Outcome::Gone
        } else {
            Outcome::Unchanged
        };
        return Ended {
            outcome,
            value: None,
            diagnostics,
        };
    };
    if sent.call == Call::Delete {
        if !diagnostics.has_errors() {
            diagnostics.push(still_there(&sent.address));
        }
        return Ended {
            outcome: kept(kind, &object, before),
            value: None,
            diagnostics,
        };
    }
    let failed = diagnostics.has_errors();
    let planned = sent.planned.as_ref();
    let marks = planned
        .map(|planned| planned.unmark_paths().1)
        .unwrap_or_default();
    if !failed {
        check(sent, &object.value, &mut diagnostics);
    }
    let value = known(&object.value);
    let marked = kind.mark(&value, &marks);
    let template = Template {
        tainted: sent.call == Call::Create && diagnostics.has_errors() && !sent.continues,
        ..sent.template.clone()
    };
    let stored = kind.encode(&marked, object.private, &template);
    Ended {
        outcome: Outcome::Object(Box::new(stored)),
        value: Some(marked),
        diagnostics,
    }
}

/// An object that a failed delete left behind, as far as it changed.
fn kept(
    kind: &Kind,
    object: &strata_core::provider::Object,
    before: Option<&StoredObject>,
) -> Outcome {
    let Some(before) = before else {
        return Outcome::Unchanged;
    };
    let mut stored = before.clone();
    let marked = kind.mark_stored(&object.value, before);
    stored.attributes = strata_state::json::encode(&marked, &kind.ty).into();
    stored.private = object.private.clone().into();
    Outcome::Object(Box::new(stored))
}

/// Nothing unknown may go into state.
fn known(value: &Value) -> Value {
    match value {
        Value::Unknown(unknown) => Value::Null(unknown.ty.clone()),
        value if value.is_wholly_known() => value.clone(),
        value => value.map_children(|_, child| known(child)),
    }
}

fn check(sent: &Sent, value: &Value, diagnostics: &mut Diagnostics) {
    if !value.is_wholly_known() {
        diagnostics.push(bug(
            &sent.address,
            "left values unknown in",
            &strata_state::json::unknown_paths(value),
        ));
    }
    let Some(planned) = &sent.planned else {
        return;
    };
    let wrong = conform::result_against_plan(&planned.unmark_paths().0, value);
    if !wrong.is_empty() {
        diagnostics.push(bug(
            &sent.address,
            "made something else than it had planned of",
            &wrong,
        ));
    }
}

fn bug(address: &ResourceInstance, what: &str, paths: &[AttributePath]) -> Diagnostic {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    Diagnostic::error(
        "provider-inconsistent-result",
        format!("the provider {what} `{address}`"),
    )
    .detail(format!(
        "This is a bug in the provider of `{}`; it concerns {}.",
        address.resource.type_name,
        paths.join(", ")
    ))
    .subject(Subject::Resource(address.clone()))
}

fn nothing_there(address: &ResourceInstance) -> Diagnostic {
    Diagnostic::error(
        "provider-no-object",
        format!("the provider says it made `{address}`, but gave no object"),
    )
    .detail(format!(
        "This is a bug in the provider of `{}`.",
        address.resource.type_name
    ))
    .subject(Subject::Resource(address.clone()))
}

fn still_there(address: &ResourceInstance) -> Diagnostic {
    Diagnostic::error(
        "provider-not-deleted",
        format!("the provider says it deleted `{address}`, but it is still there"),
    )
    .detail(format!(
        "This is a bug in the provider of `{}`.",
        address.resource.type_name
    ))
    .subject(Subject::Resource(address.clone()))
}
