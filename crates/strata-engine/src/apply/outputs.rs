//! The outputs of the root module, once everything is done.

use strata_core::{Action, Diagnostics, Marks, addr::ModuleInstance};
use strata_state::Output;

use super::run::Run;
use crate::plan::PlanMode;

impl Run<'_> {
    pub(super) fn outputs(&mut self) {
        if self.plan.mode == PlanMode::Destroy {
            if !self.plan.targeted && self.state.resources.is_empty() {
                self.state.outputs.clear();
            }
            return;
        }
        let complete = !self.skipped && !self.diagnostics.has_errors();
        for (name, change) in &self.plan.outputs {
            if change.action == Action::Delete {
                self.state.outputs.remove(name);
                continue;
            }
            let mut diags = Diagnostics::new();
            let value = self
                .session
                .evaluator
                .output(&ModuleInstance::root(), name, &mut diags);
            // Outputs that cannot be told after a failure stay as they were; the failure has been reported.
            if complete {
                self.diagnostics.append(diags);
            }
            let declared = self.plan.environment.config.root().outputs.get(name);
            let sensitive = declared.is_some_and(|output| output.sensitive)
                || value.marks_deep().contains(Marks::SENSITIVE);
            let value = value.unmark_paths().0;
            if !value.is_wholly_known() {
                continue;
            }
            match value.is_null() {
                true => self.state.outputs.remove(name),
                false => self
                    .state
                    .outputs
                    .insert(name.clone(), Output { value, sensitive }),
            };
        }
    }
}
