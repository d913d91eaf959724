//! Takes an environment down.

use strata_core::{Diagnostics, Event, StageOutcome};
use strata_engine::PlanMode;

use super::{Made, Run, StageEnd, Summary};

/// Deletes all that the provision and image stages made, the last stage first.
///
/// Stops at the first stage that fails: what it still has may need what earlier stages made.
pub async fn down(run: &Run<'_>) -> Result<Summary, Diagnostics> {
    run.unknown_names().into_result(())?;
    let opened = run.open_secrets().await?;
    let run = &run.with(&opened);
    let made = run.made_until_now()?;
    let mut ends = Vec::new();
    for stage in run.environment.stages.iter().rev() {
        let Some(provision) = stage.root_module() else {
            continue;
        };
        if !run.wants_down(stage) {
            continue;
        }
        run.events.send(Event::StageStarted {
            stage: stage.name.clone(),
            kind: stage.kind(),
        });
        let end = run
            .provision(stage, provision, &made.outputs, PlanMode::Destroy)
            .await;
        let end = end.unwrap_or_else(|diags| {
            run.tell(stage, diags);
            StageEnd::of(StageOutcome::Failed)
        });
        run.events.send(Event::StageFinished {
            stage: stage.name.clone(),
            kind: stage.kind(),
            outcome: end.outcome,
        });
        ends.push((stage.name.clone(), stage.kind(), end.outcome));
        if end.outcome == StageOutcome::Failed {
            break;
        }
    }
    let summary = Summary(ends);
    if summary.succeeded() {
        run.platforms.forget(&made.hosts);
        run.forget_runs();
    }
    Ok(summary)
}

impl Run<'_> {
    /// What all provision stages made until now, by their states alone.
    pub(super) fn made_until_now(&self) -> Result<Made, Diagnostics> {
        let mut all = Made::default();
        for stage in &self.environment.stages {
            if let Some(provision) = stage.root_module() {
                let made = self.made_before(stage, provision, &all.outputs)?;
                all.outputs.extend(made.outputs);
                all.hosts.extend(made.hosts);
            }
        }
        Ok(all)
    }
}
