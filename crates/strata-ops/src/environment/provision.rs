//! The `provision` stage: an HCL root module, planned and applied.

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, StageOutcome, Type, Value, addr::ResourceMode,
    inventory::InventoryHost,
};
use strata_engine::{PlanMode, PlanOptions, Providers};
use strata_state::State;

use super::{Made, Run, StageEnd, image::with_image, record::LastRun};
use crate::{
    files::Disk,
    infrastructure::{Session, Settings, outputs, stored, validate},
    project::{Outputs, Provision, Stage, StageBody},
};

impl Run<'_> {
    /// Plans, asks, applies: what configuration has, or with [`PlanMode::Destroy`] that nothing is left.
    pub(super) async fn provision(
        &self,
        stage: &Stage,
        provision: &Provision,
        outputs: &Outputs,
        mode: PlanMode,
    ) -> Result<StageEnd, Diagnostics> {
        let settings = self.settings(stage, provision, outputs)?;
        let session = Session::open(
            &settings,
            "OperationTypeApply",
            self.process,
            self.platforms,
            self.events,
        )
        .await?;
        let options = self.plan_options(stage, mode)?;
        let plan = session.plan(&options, self.events).await?;
        let unchanged = plan.is_empty();
        drop(self.tell_hosts(stage, &plan));
        if !unchanged && !self.approve.approve(&stage.name, &plan) {
            return Err(not_approved(stage));
        }
        let declared = session.output_names();
        let applied = session.apply(&plan, self.stop, self.events).await?;
        let failed = applied.diagnostics.has_errors() || applied.stopped;
        self.tell(stage, applied.diagnostics);
        let outcome = match (failed, unchanged) {
            (true, _) => StageOutcome::Failed,
            (false, true) => StageOutcome::Unchanged,
            (false, false) => StageOutcome::Changed,
        };
        let mut made = self.made(stage, &applied.state);
        if !failed {
            complete(&mut made, stage, declared);
        }
        Ok(StageEnd {
            made,
            ..StageEnd::of(outcome)
        })
    }

    /// What an earlier run made, by its state alone.
    pub(super) fn made_before(
        &self,
        stage: &Stage,
        provision: &Provision,
        outputs: &Outputs,
    ) -> Result<Made, Diagnostics> {
        let settings = self.settings(stage, provision, outputs)?;
        let state = stored::read(&settings, self.process)?;
        let mut made = self.made(stage, &state);
        if self.last_run(stage) == LastRun::Succeeded {
            // What is wrong with the configuration is told by who works with it.
            let mut unheard = Diagnostics::new();
            let directory = &provision.directory;
            let config = validate(
                &Disk,
                directory,
                None,
                self.process,
                self.platforms,
                &mut unheard,
            );
            let declared = config.root().outputs.keys().cloned();
            complete(&mut made, stage, declared.collect());
        }
        Ok(made)
    }

    pub(super) fn made(&self, stage: &Stage, state: &State) -> Made {
        let outputs = outputs(state);
        // What an image is made of is no host of the environment.
        let (outputs, hosts) = match &stage.body {
            StageBody::Image(image) => (with_image(&outputs, image, state), Vec::new()),
            _ => (outputs, self.hosts(state)),
        };
        Made {
            outputs: [(stage.outputs_key(), outputs)].into(),
            hosts,
            planned: Vec::new(),
        }
    }

    /// The hosts among a state's objects.
    pub(super) fn hosts(&self, state: &State) -> Vec<InventoryHost> {
        let providers = self.platforms.providers();
        let managed = state
            .instances()
            .filter(|(address, _, _)| address.resource.mode == ResourceMode::Managed);
        managed
            .filter_map(|(address, _, instance)| {
                let type_name = &address.resource.type_name;
                let value = decode(
                    &providers,
                    type_name,
                    &instance.current.as_ref()?.attributes,
                )?;
                self.platforms.host(type_name, &value)
            })
            .collect()
    }

    /// How the engine works on this stage.
    pub(super) fn settings(
        &self,
        stage: &Stage,
        provision: &Provision,
        outputs: &Outputs,
    ) -> Result<Settings, Diagnostics> {
        let mut diags = Diagnostics::new();
        let given = self.given(provision, outputs, &mut diags);
        let settings = Settings {
            state: self.platforms.are_twins().then(|| self.twin_state(stage)),
            workspace: self
                .shares_directory(provision)
                .then(|| self.environment.name.clone()),
            given,
            variable_files: provision.variable_files.clone(),
            parallelism: self.options.parallelism,
            ..Settings::of(provision.directory.clone())
        };
        diags.into_result(settings)
    }

    /// Values of the root module's variables, as far as they are known.
    pub(super) fn given(
        &self,
        provision: &Provision,
        outputs: &Outputs,
        diags: &mut Diagnostics,
    ) -> Vec<(Arc<str>, Value)> {
        let Some(expression) = &provision.variables else {
            return Vec::new();
        };
        let value = self.scope(outputs).evaluate(expression, diags);
        match value.as_entries() {
            Some(entries) => entries
                .iter()
                .map(|(name, value)| (name.clone().into(), value.clone()))
                .collect(),
            None => {
                if value.is_known() {
                    diags.push(
                        Diagnostic::error("invalid-variables", "`variables` must be an object")
                            .at(expression.span()),
                    );
                }
                Vec::new()
            }
        }
    }

    /// True if another environment has the same root module: then each has a workspace of its own.
    fn shares_directory(&self, provision: &Provision) -> bool {
        let others = self
            .project
            .environments
            .iter()
            .filter(|other| other.name != self.environment.name);
        others
            .flat_map(|other| &other.stages)
            .filter_map(Stage::root_module)
            .any(|other| other.directory == provision.directory)
    }

    fn twin_state(&self, stage: &Stage) -> std::path::PathBuf {
        Run::twin_folder(self.project, &self.environment.name)
            .join(format!("{}.tfstate", stage.outputs_key()))
    }

    pub(super) fn plan_options(
        &self,
        stage: &Stage,
        mode: PlanMode,
    ) -> Result<PlanOptions, Diagnostics> {
        Ok(PlanOptions {
            mode,
            refresh: true,
            targets: self.resource_targets(stage)?,
            exclude: Vec::new(),
            replace: Vec::new(),
            parallelism: self.options.parallelism,
            stop: self.stop.engine().clone(),
        })
    }
}

/// Gives the outputs that are null, which a state does not keep.
fn complete(made: &mut Made, stage: &Stage, declared: Vec<Arc<str>>) {
    let key = stage.outputs_key();
    let known = made.outputs.get(&key).and_then(Value::as_entries);
    let mut all = known.cloned().unwrap_or_default();
    for name in declared {
        if !all.contains_key(&name) {
            all.insert(name.into(), Value::Null(Type::Dynamic));
        }
    }
    made.outputs.insert(key, Value::object(all));
}

fn decode(providers: &Providers, type_name: &str, attributes: &str) -> Option<Value> {
    let schema = providers.resource_type(ResourceMode::Managed, type_name)?;
    strata_state::json::decode(attributes, &schema.block.implied_type()).ok()
}

pub(super) fn not_approved(stage: &Stage) -> Diagnostics {
    Diagnostic::error(
        "not-approved",
        format!("The plan of stage `{}` was not approved", stage.name),
    )
    .hint("Answer `yes`, or say `-auto-approve` where nobody can be asked.")
    .into()
}
