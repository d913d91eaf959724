//! A whole environment: up, down, planned, looked at.
//!
//! [`Run`] knows what every stage needs; `stages` runs them, each as soon as those it comes after
//! are done. One file a kind of stage says what is done in it: `provision`, `configure`, `image`, `verify`.

mod check;
mod choice;
mod configure;
mod down;
mod image;
mod inventory;
mod on_hosts;
mod plan;
mod planned_hosts;
mod provision;
mod record;
mod secrets;
mod shared_hosts;
mod stages;
mod status;
mod target;
mod up;
mod verify;

use std::{path::PathBuf, sync::Arc};

use strata_core::{
    Diagnostics, Events, StageKind, StageOutcome, Subject, Value, inventory::InventoryHost,
};
use strata_engine::Plan;

use crate::{
    files::Disk,
    process::Process,
    project::{Environment, Outputs, Project, Scope, Stage, env_file::Variables},
    registry::Platforms,
    secrets::Secrets,
    stop::Stop,
};

pub use check::check;
pub use down::down;
pub use plan::plan;
pub(crate) use shared_hosts::{addresses, written};
pub use status::{StageStatus, status};
pub use up::up;

/// How to work on an environment.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only these stages, if there are any.
    pub only: Vec<String>,
    /// Not these stages.
    pub skip: Vec<String>,
    /// Only this stage and those that come after it.
    pub from: Option<String>,
    /// Only these stages and those that they come after, if there are any; behind a stage may stand the
    /// address of a resource, which narrows its plan: `provision.STAGE.ADDRESS`.
    pub targets: Vec<String>,
    /// Only stages of this kind.
    pub kind: Option<StageKind>,
    /// Of the stages with instances, only these instances, if there are any.
    pub instances: Vec<String>,
    /// How many provider calls run, and hosts are worked on, at once.
    pub parallelism: usize,
    /// Show how files change.
    pub diff: bool,
}

/// Decides whether a plan is carried out.
pub trait Approve: Send + Sync {
    /// Shows the plan of a stage and says whether to go on.
    fn approve(&self, stage: &str, plan: &Plan) -> bool;
}

/// An environment, and all that is needed to work on it.
pub struct Run<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its environment.
    pub environment: &'a Environment,
    /// How to work.
    pub options: &'a Options,
    /// The process.
    pub process: &'a Process,
    /// Secrets that were read; none before a run begins.
    pub secrets: &'a Secrets,
    /// Platforms, real ones or twins.
    pub platforms: &'a Platforms,
    /// Asked before anything is changed on a platform.
    pub approve: &'a dyn Approve,
    /// Ends the run early.
    pub stop: &'a Stop,
    /// Told what happens.
    pub events: &'a Events,
}

/// What the stages that are done gave to those that come after.
#[derive(Clone, Default)]
pub(crate) struct Made {
    /// Outputs of provision stages.
    pub(crate) outputs: Outputs,
    /// Hosts that providers made.
    pub(crate) hosts: Vec<InventoryHost>,
    /// Hosts that a plan would make; none in a run.
    pub(crate) planned: Vec<InventoryHost>,
}

/// How one stage ended.
pub(crate) struct StageEnd {
    pub(crate) outcome: StageOutcome,
    pub(crate) made: Made,
    /// True if the user left it out, so that what comes after may run all the same.
    pub(crate) left_out: bool,
}

/// How all stages ended, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary(pub Vec<(Arc<str>, StageKind, StageOutcome)>);

impl Summary {
    /// True if no stage failed.
    pub fn succeeded(&self) -> bool {
        self.0
            .iter()
            .all(|(_, _, outcome)| *outcome != StageOutcome::Failed)
    }
}

impl StageEnd {
    /// A stage that gives nothing to others.
    pub(crate) fn of(outcome: StageOutcome) -> Self {
        Self {
            outcome,
            made: Made::default(),
            left_out: false,
        }
    }

    /// The same, but what comes after may run although this did not.
    pub(crate) fn left_out(self) -> Self {
        Self {
            left_out: true,
            ..self
        }
    }
}

impl<'a> Run<'a> {
    /// What expressions of the project file may refer to, after what was made.
    pub(crate) fn scope<'b>(&'b self, outputs: &'b Outputs) -> Scope<'b> {
        Scope {
            env: self.env(),
            environment: self.environment.name.clone(),
            outputs,
            instance: None,
            secrets: self.secrets,
            files: (&Disk, &self.project.folder),
        }
    }

    fn env(&self) -> &Variables {
        &self.project.env
    }

    /// Says of diagnostics which stage they belong to, unless they say what they are about.
    pub(crate) fn tell(&self, stage: &Stage, diags: Diagnostics) {
        for mut diagnostic in diags {
            if diagnostic.subject.is_none() && diagnostic.labels.is_empty() {
                let (environment, stage) =
                    (self.environment.name.to_string(), stage.name.to_string());
                diagnostic.subject = Some(Subject::Stage { environment, stage });
            }
            self.events.diagnostic(diagnostic);
        }
    }

    /// Fails with all of them if one is an error; else tells the warnings.
    pub(crate) fn go_on_after(&self, diags: Diagnostics) -> Result<(), Diagnostics> {
        if diags.has_errors() {
            return Err(diags);
        }
        diags
            .into_iter()
            .for_each(|warning| self.events.diagnostic(warning));
        Ok(())
    }

    /// Where the twin of this environment is kept.
    pub fn twin_folder(project: &Project, environment: &str) -> PathBuf {
        project
            .folder
            .join(".strata")
            .join("twin")
            .join(environment)
    }
}

/// The text that an expression must give.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    let text = value.convert(&strata_core::Type::String).ok()?;
    text.as_str().map(str::to_owned)
}
