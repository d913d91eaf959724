//! Which stages, and which instances of them, the user asks for.

use strata_core::{Diagnostic, Diagnostics};

use super::Run;
use crate::project::{Stage, StageBody, stage_id};

impl Run<'_> {
    /// True if the user wants this stage to run.
    pub(crate) fn wants(&self, stage: &Stage) -> bool {
        self.is_chosen(stage) && self.is_target(stage)
    }

    /// The same for taking it down.
    pub(super) fn wants_down(&self, stage: &Stage) -> bool {
        self.is_chosen(stage) && self.is_target_of_down(stage)
    }

    fn is_chosen(&self, stage: &Stage) -> bool {
        let options = self.options;
        let named = |names: &[String]| names.iter().any(|name| is_named(stage, name));
        (options.only.is_empty() || named(&options.only))
            && !named(&options.skip)
            && options.kind.is_none_or(|kind| kind == stage.kind())
            && options
                .from
                .as_ref()
                .is_none_or(|from| self.is_from(stage, from))
    }

    /// True for the stage of this name, and for those that come after it, at whatever distance.
    fn is_from(&self, stage: &Stage, from: &str) -> bool {
        let mut reached: Vec<bool> = Vec::new();
        for other in &self.environment.stages {
            let is_reached =
                is_named(other, from) || other.after.iter().any(|before| reached[*before]);
            if std::ptr::eq(other, stage) {
                return is_reached;
            }
            reached.push(is_reached);
        }
        false
    }

    /// Reports stages and instances on the command line that are not in the environment.
    pub(crate) fn unknown_names(&self) -> Diagnostics {
        let stages = &self.environment.stages;
        let options = self.options;
        let names = options
            .only
            .iter()
            .chain(&options.skip)
            .chain(&options.from);
        let mut diags = Diagnostics::new();
        for name in names.filter(|name| !stages.iter().any(|stage| is_named(stage, name))) {
            let ids = stages
                .iter()
                .map(|stage| stage_id(stage.kind(), &stage.name));
            diags.push(unknown("stage", name, ids));
        }
        self.unknown_targets(&mut diags);
        let instances: Vec<String> = stages.iter().flat_map(instance_names).collect();
        let unknown_instances = options
            .instances
            .iter()
            .filter(|name| !instances.contains(name));
        for name in unknown_instances {
            diags.push(unknown("instance", name, instances.iter().cloned()));
        }
        diags
    }
}

/// True if a name of the command line is that of the stage.
pub(super) fn is_named(stage: &Stage, name: &str) -> bool {
    *name == *stage.name || name == stage_id(stage.kind(), &stage.name)
}

fn instance_names(stage: &Stage) -> Vec<String> {
    match &stage.body {
        StageBody::Configure(configure) => {
            let instances = configure.instances.iter();
            instances
                .map(|instance| instance.name.to_string())
                .collect()
        }
        StageBody::Provision(_) | StageBody::Image(_) | StageBody::Verify(_) => Vec::new(),
    }
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> Diagnostic {
    let code = if what == "stage" {
        "unknown-stage"
    } else {
        "unknown-instance"
    };
    let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    let hint = match known.len() {
        0 => format!("The environment has no {what}s."),
        _ => format!("There are {}.", known.join(", ")),
    };
    Diagnostic::error(code, format!("There is no {what} `{name}`")).hint(hint)
}
