//! What becomes of the root module's outputs.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Action, Diagnostics, Marks, Value, addr::ModuleInstance};
use strata_state::{Output, State};

use super::{OutputChange, PlanMode};
use crate::session::Session;

/// Plans all outputs.
pub(crate) fn plan_outputs(
    session: &Session<'_>,
    state: &State,
    mode: PlanMode,
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, OutputChange> {
    let mut changes = BTreeMap::new();
    if mode != PlanMode::Destroy {
        for (name, output) in &session.environment.config.root().outputs {
            let value = session
                .evaluator
                .output(&ModuleInstance::root(), name, diags);
            let sensitive = output.sensitive || value.marks_deep().contains(Marks::SENSITIVE);
            changes.insert(
                name.clone(),
                change(state.outputs.get(name), value.unmark_paths().0, sensitive),
            );
        }
    }
    for (name, output) in &state.outputs {
        changes.entry(name.clone()).or_insert_with(|| OutputChange {
            action: Action::Delete,
            before: Some(output.value.clone()),
            after: None,
            sensitive: output.sensitive,
        });
    }
    changes
}

fn change(before: Option<&Output>, after: Value, sensitive: bool) -> OutputChange {
    let action = match before {
        // State does not keep outputs that are null.
        None if after.is_null() => Action::NoOp,
        None => Action::Create,
        Some(before) if before.value == after && before.sensitive == sensitive => Action::NoOp,
        Some(_) => Action::Update,
    };
    OutputChange {
        action,
        before: before.map(|output| output.value.clone()),
        after: Some(after),
        sensitive: sensitive || before.is_some_and(|output| output.sensitive),
    }
}
