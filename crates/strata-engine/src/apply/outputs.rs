//! The outputs of the root module, once everything is done.

use std::sync::Arc;

use strata_config::module::Lifecycle;
use strata_core::{
    Action, Diagnostic, Diagnostics, Marks, Value,
    addr::{Module, ModuleInstance, ResourceInstance},
    hash::{HashMap, HashSet},
};
use strata_state::Output;

use super::run::{Run, Status};
use crate::{
    checks, ephemeral,
    plan::{Change, PlanMode, Work, about, as_warnings},
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

    /// Looks at the conditions of what stays as it is, which may speak of what was changed. What a failure left open they
    /// cannot tell.
    pub(super) fn check_what_stays(&mut self) {
        if self.plan.mode != PlanMode::Normal || self.skipped || self.diagnostics.has_errors() {
            return;
        }
        let plan = self.plan;
        let stays = |change: &&Change| change.action == Action::NoOp && change.deposed.is_none();
        for change in plan.changes.iter().filter(stays) {
            let mut found = self.unmet_preconditions(change);
            if !found.has_errors()
                && let Some(value) = &change.after
            {
                self.check_after(change, value.clone(), &mut found);
            }
            self.keep_unmet_of(&change.address, &found);
            let unmet = found
                .into_iter()
                .filter(|found| found.code == "condition-failed");
            self.diagnostics.extend(unmet);
        }
    }

    pub(super) fn outputs(&mut self) {
        if self.plan.mode == PlanMode::Destroy {
            // They go before all that they are made of, some of which may have stayed.
            if !self.plan.targeted {
                self.state.outputs.clear();
            }
            return;
        }
        let complete = !self.skipped && !self.diagnostics.has_errors();
        if self.plan.mode == PlanMode::Normal && !self.plan.targeted {
            let mut found = Diagnostics::new();
            checks::of_module_outputs(self.session, &mut found);
            let unmet = found.into_iter();
            self.diagnostics
                .extend(unmet.filter(|found| found.code == "condition-failed"));
        }
        let open = match complete {
            true => HashSet::default(),
            false => self.outputs_of_undone(),
        };
        for (name, change) in &self.plan.outputs {
            if change.action == Action::Delete {
                self.state.outputs.remove(name);
                continue;
            }
            // What is made of something that failed stays as it was, or is what the plan knew of it.
            if open.contains(name) {
                change.keep_known(name, &self.plan.environment.config, &mut self.state);
                continue;
            }
            let mut diags = Diagnostics::new();
            let value = self
                .session
                .evaluator
                .output(&ModuleInstance::root(), name, &mut diags);
            // Outputs that cannot be told after a failure stay as they were; the failure has been reported.
            let is_refused = diags.iter().any(|found| found.code == "condition-failed");
            if complete || is_refused {
                self.diagnostics.append(diags);
            }
            if is_refused {
                continue;
            }
            let declared = self.plan.environment.config.root().outputs.get(name);
            let sensitive = declared.is_some_and(|output| output.sensitive)
                || value.marks_deep().contains(Marks::SENSITIVE);
            let value = value.unmark_paths().0;
            // What was not planned stays as it was.
            let is_whole = self.plan.mode == PlanMode::Normal && !self.plan.targeted;
            let is_final = complete && is_whole;
            if !is_final && !value.is_wholly_known() {
                continue;
            }
            let known = unknown_as_null(&value);
            let (was_null, value) = (value.is_null(), known);
            match was_null {
                true => self.state.outputs.remove(name),
                false => self
                    .state
                    .outputs
                    .insert(name.clone(), Output { value, sensitive }),
            };
        }
    }

    /// The outputs that refer to what was not done, or not to a good end.
    fn outputs_of_undone(&self) -> HashSet<Arc<str>> {
        let undone = self.undone();
        let undone: HashSet<_> = undone
            .iter()
            .map(|instance| instance.resource.config())
            .collect();
        let dependencies = strata_config::dependencies(&self.plan.environment.config);
        let refers_to = |name: &&Arc<str>| {
            let resources = dependencies.output(&Module::root(), name);
            resources.iter().any(|resource| undone.contains(resource))
        };
        let names = self.plan.outputs.keys().filter(refers_to);
        names.cloned().collect()
    }

    /// Looks at all conditions again, now that what was done has its value, and notes in the state what they found.
    pub(super) async fn checks(&mut self) {
        if self.plan.targeted {
            return;
        }
        if self.plan.mode == PlanMode::Destroy {
            let config = &self.plan.environment.config;
            self.state.check_results = checks::of_nothing(config);
            return;
        }
        let is_whole = !self.skipped && !self.diagnostics.has_errors();
        if is_whole {
            self.read_scoped().await;
        }
        let mut diags = Diagnostics::new();
        let results = self.conditions(&mut diags);
        // What was said in the plan, and still holds, has been said; what a failure left open is no news either.
        let is_empty = self.plan.is_empty();
        let is_news = |found: &Diagnostic| match is_whole {
            true => is_empty || !found.is_error(),
            false => found.code == "check-failed",
        };
        self.diagnostics.extend(diags.into_iter().filter(is_news));
        self.state.check_results = checks::to_state(&results);
    }

    /// What all conditions have found: of an instance whose change was not made, nothing.
    fn conditions(&self, diags: &mut Diagnostics) -> Vec<checks::CheckResult> {
        let undone = self.undone();
        let planned = self.failed_in_plan();
        let conditions = |instance: &ResourceInstance, _: &Lifecycle| match self.unmet.get(instance)
        {
            Some(messages) => (checks::Status::Fail, messages.clone()),
            None if undone.contains(instance) => (checks::Status::Unknown, Vec::new()),
            None if !planned.is_empty() => match planned.get(&*instance.to_string()) {
                Some(messages) => (checks::Status::Fail, messages.to_vec()),
                None => (checks::Status::Pass, Vec::new()),
            },
            None => (checks::Status::Pass, Vec::new()),
        };
        checks::evaluate(self.session, &conditions, diags)
    }

    /// The instances whose conditions did not hold in the plan, which goes on only where nothing is changed.
    fn failed_in_plan(&self) -> HashMap<&str, &[String]> {
        let objects = self.plan.checks.iter().flat_map(|check| &check.objects);
        let failed = objects.filter(|object| object.status == checks::Status::Fail);
        failed
            .map(|object| (&*object.address, &*object.messages))
            .collect()
    }

    /// The instances whose changes were not made, or not to a good end. What is there anew is done although its old
    /// object stays.
    fn undone(&self) -> HashSet<&ResourceInstance> {
        let nodes = self.plan.graph.nodes.iter().zip(&self.status);
        let undone = nodes.filter(|(_, status)| **status != Status::Done);
        let changes = undone.filter_map(|(node, _)| {
            let change = &self.plan.changes[node.work.change()?];
            let is_old = change.deposed.is_some() || change.action == Action::CreateThenDelete;
            let deletes = matches!(node.work, Work::Delete(_));
            (!(deletes && is_old)).then_some(&change.address)
        });
        changes.collect()
    }

    /// Data sources of `check` blocks look at what is there now.
    async fn read_scoped(&mut self) {
        let config = &self.plan.environment.config;
        let scoped = config
            .resources()
            .filter(|(_, block)| block.scoped_to.is_some());
        for (address, block) in scoped {
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
                    let mut wrong = Diagnostics::new();
                    let found = scoped_value(self.session, &instance, &mut wrong).await;
                    match (found, &block.scoped_to) {
                        (Some(value), _) => evaluator.set_instance(&instance, value),
                        (None, Some(check)) => {
                            self.session.note_unreadable(&instance, check, &wrong);
                        }
                        (None, None) => {}
                    }
                    diags.append(wrong);
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

/// What nobody knows even after an apply is null, as Terraform keeps it: such as `format` of null gives.
fn unknown_as_null(value: &Value) -> Value {
    match value.is_known() {
        false => Value::Null(value.ty()),
        true => value.map_children(|_, child| unknown_as_null(child)),
    }
}
