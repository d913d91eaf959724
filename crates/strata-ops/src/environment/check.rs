//! Looks for mistakes in every file of every stage before anything runs.

use strata_core::{Diagnostics, Value};

use super::{Run, configure};
use crate::{
    files::Disk,
    infrastructure::{Settings, check_inputs},
    playbook::Project,
    project::{Outputs, Scope, StageBody},
    vault::Sources,
};

/// Loads every root module and playbook, and checks the values that the project gives to variables.
///
/// Outputs of stages that have not run are unknown here, and fit any type.
pub fn check(run: &Run<'_>, diags: &mut Diagnostics) {
    let outputs = Outputs::new();
    let mut project = None;
    for stage in run
        .environment
        .stages
        .iter()
        .filter(|stage| run.wants(stage))
    {
        match &stage.body {
            StageBody::Provision(provision) => {
                let given = run.given(provision, &outputs, diags);
                let settings = Settings {
                    given,
                    variable_files: provision.variable_files.clone(),
                    ..Settings::of(provision.directory.clone())
                };
                check_inputs(&Disk, &settings, run.process, run.platforms, diags);
            }
            StageBody::Configure(stage) => {
                let first = stage.instances.first();
                let scope = Scope {
                    instance: first.map(|instance| instance.name.clone()),
                    ..run.scope(&outputs)
                };
                for expression in stage.hosts.iter().chain(&stage.variables) {
                    let _: Value = scope.evaluate(expression, diags);
                }
                // Read once, so that settings without effect are named once.
                let project = project.get_or_insert_with(|| {
                    Project::open(&Sources::default(), run.process, None, diags)
                });
                configure::load(stage, &serde_json::Map::new(), project, diags);
            }
            StageBody::Verify(verify) => {
                for expression in verify.expressions() {
                    let _: Value = run.scope(&outputs).evaluate(expression, diags);
                }
            }
        }
    }
}
