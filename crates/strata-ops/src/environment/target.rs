//! `-target`: a stage with all that it comes after, perhaps narrowed to some of its resources.

use strata_core::{Diagnostic, Diagnostics, addr::Target};

use super::{Run, choice::is_named};
use crate::{
    infrastructure::stored,
    project::{Stage, StageBody, stage_id},
};

impl Run<'_> {
    /// True for the stages that are asked for, and for those that they come after, at whatever distance.
    pub(super) fn is_target(&self, stage: &Stage) -> bool {
        let targets = &self.options.targets;
        let stages = &self.environment.stages;
        // Those that come before stand before: from the last to the first, each passes it on.
        let mut wanted = vec![targets.is_empty(); stages.len()];
        for (at, other) in stages.iter().enumerate().rev() {
            wanted[at] |= targets.iter().any(|target| names(other, target).is_some());
            if wanted[at] {
                other.after.iter().for_each(|before| wanted[*before] = true);
            }
            if std::ptr::eq(other, stage) {
                return wanted[at];
            }
        }
        false
    }

    /// True for the stages that are asked for, and for those that come after them: what goes goes with all that needs it.
    pub(super) fn is_target_of_down(&self, stage: &Stage) -> bool {
        let targets = &self.options.targets;
        let mut wanted: Vec<bool> = Vec::new();
        for other in &self.environment.stages {
            let named = targets.iter().any(|target| names(other, target).is_some());
            let needs = other.after.iter().any(|before| wanted[*before]);
            let is_wanted = targets.is_empty() || named || needs;
            if std::ptr::eq(other, stage) {
                return is_wanted;
            }
            wanted.push(is_wanted);
        }
        false
    }

    /// What the plan of a stage is narrowed to; everything if it is empty.
    pub(super) fn resource_targets(&self, stage: &Stage) -> Result<Vec<Target>, Diagnostics> {
        let targets = self.options.targets.iter();
        let addresses: Vec<&str> = targets.filter_map(|target| names(stage, target)).collect();
        let mut diags = Diagnostics::new();
        let read = |text: &&str| stored::target(text, &mut diags);
        let found = match addresses.contains(&"") {
            true => Vec::new(),
            false => addresses.iter().filter_map(read).collect(),
        };
        diags.into_result(found)
    }

    /// Reports targets that are no stage of the environment, and addresses of what has none.
    pub(super) fn unknown_targets(&self, diags: &mut Diagnostics) {
        let stages = &self.environment.stages;
        let known = |target: &String| stages.iter().any(|stage| names(stage, target).is_some());
        for target in self.options.targets.iter().filter(|target| !known(target)) {
            let ids = stages
                .iter()
                .map(|stage| stage_id(stage.kind(), &stage.name));
            let ids: Vec<String> = ids.map(|id| format!("`{id}`")).collect();
            let summary = format!("The target `{target}` is no stage of this environment");
            let hint = format!(
                "There are {}. Behind a `provision` stage may stand the address of a resource.",
                ids.join(", ")
            );
            diags.push(Diagnostic::error("unknown-stage", summary).hint(hint));
        }
    }
}

/// What a target names of a stage: empty for all of it, or the address of a resource; none for another stage.
fn names<'a>(stage: &Stage, target: &'a str) -> Option<&'a str> {
    if is_named(stage, target) {
        return Some("");
    }
    let id = stage_id(stage.kind(), &stage.name);
    let address = target.strip_prefix(&id)?.strip_prefix('.')?;
    // An image is built as a whole.
    matches!(stage.body, StageBody::Provision(_)).then_some(address)
}
