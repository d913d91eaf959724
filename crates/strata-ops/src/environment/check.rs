//! Looks for mistakes in every file of every stage before anything runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use strata_core::{Diagnostic, Diagnostics, Value};
use strata_hcl::Expression;

use super::{Run, configure};
use crate::{
    files::Disk,
    infrastructure::{Settings, check_inputs},
    playbook,
    project::{Configure, Outputs, Provision, Scope, Stage, StageBody, image_outputs},
};

/// The outputs that root modules declare, by stage.
type Declared = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// Loads every root module and playbook, and checks the values that the project gives to variables.
///
/// Outputs of stages that have not run are unknown here, and fit any type; but they must be declared.
pub fn check(run: &Run<'_>, diags: &mut Diagnostics) {
    let outputs = Outputs::new();
    let mut declared = Declared::new();
    // Read once each, so that settings without effect are named once.
    let mut opened = BTreeMap::new();
    let stages = run.environment.stages.iter();
    for stage in stages.filter(|stage| run.wants(stage)) {
        match &stage.body {
            StageBody::Provision(provision) => {
                let names = run.check_provision(provision, diags);
                declared.insert(stage.name.clone(), names);
            }
            StageBody::Image(image) => {
                let mut names = run.check_provision(&image.machine, diags);
                names.extend(image.alias.iter().map(|_| Arc::from("alias")));
                declared.insert(stage.outputs_key(), names);
                if let Some(playbook) = &image.playbook {
                    run.check_playbook(playbook, &mut opened, diags);
                }
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
                run.check_playbook(stage, &mut opened, diags);
            }
            StageBody::Verify(verify) => {
                for expression in verify.expressions() {
                    let _: Value = run.scope(&outputs).evaluate(expression, diags);
                }
            }
        }
        check_outputs(stage, &declared, diags);
    }
    run.shared_hosts(diags);
}

impl Run<'_> {
    /// Loads a playbook and reports its mistakes; `opened` keeps the settings of Ansible by their file.
    fn check_playbook(
        &self,
        configure: &Configure,
        opened: &mut BTreeMap<Option<PathBuf>, playbook::Project>,
        diags: &mut Diagnostics,
    ) {
        let project = opened
            .entry(configure.ansible_config.clone())
            .or_insert_with(|| self.ansible(configure, diags));
        configure::load(configure, &serde_json::Map::new(), project, diags);
    }

    /// Checks a root module and the values for its variables; gives the names of its outputs.
    fn check_provision(
        &self,
        provision: &Provision,
        diags: &mut Diagnostics,
    ) -> BTreeSet<Arc<str>> {
        let given = self.given(provision, &Outputs::new(), diags);
        let settings = Settings {
            given,
            variable_files: provision.variable_files.clone(),
            ..Settings::of(provision.directory.clone())
        };
        let mut found = Diagnostics::new();
        let inputs = check_inputs(&Disk, &settings, self.process, self.platforms, &mut found);
        let placed = found.into_iter().map(|found| placed(found, provision));
        diags.extend(placed);
        inputs.config.root().outputs.keys().cloned().collect()
    }
}

/// Reports references to outputs that the root module of the stage does not declare.
fn check_outputs(stage: &Stage, declared: &Declared, diags: &mut Diagnostics) {
    for expression in stage.expressions() {
        for reference in expression.references() {
            let (Some(name), Some(output)) = (reference.attribute(0), reference.attribute(1))
            else {
                continue;
            };
            let known = match &*reference.root {
                "provision" => declared.get(name),
                "image" => declared.get(&image_outputs(name)),
                _ => None,
            };
            let Some(known) = known else {
                continue;
            };
            if known.contains(output) {
                continue;
            }
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            let has = match known.len() {
                0 => "Its root module has no outputs.".to_owned(),
                _ => format!("Its outputs are {}.", known.join(", ")),
            };
            let kind = &reference.root;
            let summary = format!("The stage `{kind}.{name}` has no output `{output}`");
            let diagnostic = Diagnostic::error("unknown-output", summary).at(reference.span());
            let hint = format!("Correct the name, or add a block `output \"{output}\" {{}}`.");
            diags.push(diagnostic.detail(has).hint(hint));
        }
    }
}

/// Says of a value that a variable does not take where the project file gives it, and from which names it comes.
fn placed(diagnostic: Diagnostic, provision: &Provision) -> Diagnostic {
    let given = provision.variables.as_ref().and_then(Expression::as_map);
    let about = |name: &str| diagnostic.detail.contains(&format!("var.{name} "));
    let entry = given
        .into_iter()
        .flatten()
        .find(|(key, _)| about(key_of(key)));
    let Some((_, value)) = entry.filter(|_| diagnostic.code == "invalid-variable") else {
        return diagnostic;
    };
    let value = part(value, &diagnostic.detail);
    let references = value.references();
    let names = references
        .iter()
        .filter(|reference| &*reference.root == "env");
    let names: Vec<String> = names
        .filter_map(|reference| reference.attribute(0))
        .map(|name| format!("`{name}`"))
        .collect();
    let diagnostic = diagnostic.label(value.span(), "given here");
    match names.len() {
        0 => diagnostic,
        _ => diagnostic.hint(format!(
            "Correct {} in `.env`, or in the environment.",
            names.join(", ")
        )),
    }
}

/// The part of an object that a complaint such as `var.vm by strata.hcl: cores: a number is required` is about.
fn part(value: Expression, detail: &str) -> Expression {
    let parts = value.as_map().unwrap_or_default();
    let about = |key: &Expression| detail.contains(&format!(": {}: ", key_of(key)));
    let found = parts.into_iter().find(|(key, _)| about(key));
    found.map_or(value, |(_, part)| part)
}

fn key_of(key: &Expression) -> &str {
    key.text().trim_matches('"')
}
