//! What becomes of the root module's outputs.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::Config;
use strata_core::{
    Action, Diagnostics, Marks, Value,
    addr::{Module, ModuleInstance},
};
use strata_state::{Output, State};

use super::{Context, OutputChange, PlanMode, refresh::as_warnings, targets::Scope};
use crate::session::Session;

/// Plans all outputs.
pub(crate) fn plan_outputs(
    session: &Session<'_>,
    context: &Context<'_>,
    scope: &Scope,
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, OutputChange> {
    let mut changes = BTreeMap::new();
    let state = context.state;
    if context.options.mode != PlanMode::Destroy {
        for (name, output) in &session.environment.config.root().outputs {
            // What refers to something that is not planned cannot be told.
            let refers_to = context.dependencies.output(&Module::root(), name);
            let is_planned = refers_to
                .iter()
                .all(|resource| scope.has_resource(resource));
            // One that refers to nothing belongs to no target.
            let is_apart = refers_to.is_empty() && matches!(scope, Scope::Part { .. });
            if !is_planned || is_apart {
                continue;
            }
            let mut found = Diagnostics::new();
            let value = session
                .evaluator
                .output(&ModuleInstance::root(), name, &mut found);
            let conditions = found.iter().all(|found| found.code == "condition-failed");
            diags.append(match context.options.mode == PlanMode::RefreshOnly {
                // Nothing is changed that they could keep from being changed.
                true if conditions => as_warnings(found),
                _ => found,
            });
            let sensitive = output.sensitive || value.marks_deep().contains(Marks::SENSITIVE);
            changes.insert(
                name.clone(),
                change(state.outputs.get(name), value.unmark_paths().0, sensitive),
            );
        }
    }
    let is_declared =
        |name: &Arc<str>| session.environment.config.root().outputs.contains_key(name);
    for (name, output) in &state.outputs {
        // What is declared no longer belongs to no target either.
        let stays = is_declared(name) || matches!(scope, Scope::Part { .. });
        if context.options.mode != PlanMode::Destroy && stays {
            continue;
        }
        changes.entry(name.clone()).or_insert_with(|| OutputChange {
            action: Action::Delete,
            before: Some(output.value.clone()),
            after: None,
            sensitive: output.sensitive,
        });
    }
    changes
}

impl OutputChange {
    /// Notes in a state what is known of the output already: Terraform does so in the plan, and keeps it although what
    /// the output is made of fails later.
    pub(crate) fn keep_known(&self, name: &Arc<str>, config: &Config, state: &mut State) {
        let Some(known) = self.after.as_ref().filter(|after| after.is_wholly_known()) else {
            return;
        };
        if known.is_null() {
            state.outputs.remove(name);
            return;
        }
        let declared = config.root().outputs.get(name);
        let output = Output {
            value: known.unmark_paths().0,
            sensitive: declared.is_some_and(|output| output.sensitive),
        };
        state.outputs.insert(name.clone(), output);
    }
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
