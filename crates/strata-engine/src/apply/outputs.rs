//! The outputs of the root module, once everything is done.

use strata_core::{
    Action, Diagnostics, Marks, Value,
    addr::{ModuleInstance, ResourceInstance},
};
use strata_state::Output;

use super::run::Run;
use crate::{
    checks, ephemeral,
    plan::{PlanMode, about, as_warnings},
    session::Session,
};

impl Run<'_> {
    /// Opens what outputs and conditions refer to, and no change did.
    pub(super) async fn open_what_outputs_need(&mut self) {
        if self.plan.mode != PlanMode::Destroy && !self.diagnostics.has_errors() {
            let opened = ephemeral::open_for_results(self.session).await;
            self.diagnostics.append(opened.err().unwrap_or_default());
        }
    }

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

    /// Looks at all conditions again, now that everything has its value, and notes in the state what they found.
    pub(super) async fn checks(&mut self) {
        let is_partial = self.plan.targeted || self.plan.mode == PlanMode::Destroy;
        if is_partial || self.skipped || self.diagnostics.has_errors() {
            return;
        }
        self.read_scoped().await;
        let mut diags = Diagnostics::new();
        let results = checks::evaluate(self.session, &|_| false, &mut diags);
        // What was said in the plan, and still holds, has been said.
        diags
            .into_iter()
            .filter(|found| self.plan.is_empty() || !found.is_error())
            .for_each(|found| self.diagnostics.push(found));
        self.state.check_results = checks::to_state(&results);
    }

    /// Data sources of `check` blocks look at what is there now.
    async fn read_scoped(&mut self) {
        let config = &self.plan.environment.config;
        let scoped = config
            .resources()
            .filter(|(_, block)| block.scoped_to.is_some());
        for (address, _) in scoped {
            let mut diags = Diagnostics::new();
            let evaluator = &self.session.evaluator;
            let modules = evaluator.module_instances(&address.module, &mut diags);
            for module in &modules.instances {
                let resource = module.resource(
                    address.mode,
                    address.type_name.clone(),
                    address.name.clone(),
                );
                for key in evaluator.resource_instances(&resource, &mut diags).keys() {
                    let instance = resource.instance(key);
                    let found = scoped_value(self.session, &instance, &mut diags).await;
                    if let Some(value) = found {
                        evaluator.set_instance(&instance, value);
                    }
                }
            }
            self.diagnostics.append(as_warnings(diags));
        }
    }
}

async fn scoped_value(
    session: &Session<'_>,
    instance: &ResourceInstance,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let provider = session.provider_of(instance, None).ok()?;
    let kind = session.kind(&provider, instance, diags)?;
    let marked = session
        .evaluator
        .resource_config(instance, kind.block(), diags);
    let (config, marks) = marked.unmark_paths();
    let configured = session.configured(&provider, diags)?;
    let type_name = instance.resource.type_name.clone();
    match configured.read_data(type_name, config).await {
        Ok(value) => Some(kind.mark(&value, &marks)),
        Err(errors) => {
            diags.append(about(errors, instance));
            None
        }
    }
}
