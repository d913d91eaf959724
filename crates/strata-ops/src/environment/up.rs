//! Brings an environment up.

use strata_core::{BoxFuture, Diagnostics, Event, StageOutcome};
use strata_engine::PlanMode;

use super::{Made, Run, StageEnd, Summary, check, stages};
use crate::project::{Stage, StageBody};

/// Runs all stages: makes what is missing, configures it, verifies it.
///
/// Nothing runs if a file of any stage has a mistake. What fails is told by events; the stages
/// behind it are skipped, all others go on.
pub async fn up(run: &Run<'_>) -> Result<Summary, Diagnostics> {
    let mut diags = run.unknown_names();
    check(run, &mut diags);
    run.go_on_after(diags)?;
    let opened = run.open_secrets().await?;
    let run = &run.with(&opened);
    let summary = stages::run(run, |stage, made| stage_up(run, stage, made)).await;
    if let Err(diagnostic) = run.platforms.save() {
        return Err(diagnostic.into());
    }
    Ok(summary)
}

fn stage_up<'a>(run: &'a Run<'a>, stage: &'a Stage, made: Made) -> BoxFuture<'a, StageEnd> {
    Box::pin(async move {
        if !run.wants(stage) {
            return left_out(run, stage, made);
        }
        run.events.send(Event::StageStarted {
            stage: stage.name.clone(),
            kind: stage.kind(),
        });
        let end = match &stage.body {
            StageBody::Provision(provision) => {
                run.provision(stage, provision, &made.outputs, PlanMode::Normal)
                    .await
            }
            StageBody::Configure(configure) => run.configure(stage, configure, &made).await,
            StageBody::Image(image) => run.image(stage, image, &made).await,
            StageBody::Verify(verify) => run.verify(stage, verify, &made).await,
        };
        let end = end.unwrap_or_else(|diags| {
            run.tell(stage, diags);
            StageEnd::of(StageOutcome::Failed)
        });
        run.remember(stage, end.outcome);
        run.events.send(Event::StageFinished {
            stage: stage.name.clone(),
            kind: stage.kind(),
            outcome: end.outcome,
        });
        end
    })
}

/// A stage that the user left out still gives what its state holds.
pub(super) fn left_out(run: &Run<'_>, stage: &Stage, made: Made) -> StageEnd {
    run.events.send(Event::StageFinished {
        stage: stage.name.clone(),
        kind: stage.kind(),
        outcome: StageOutcome::Skipped,
    });
    let made = match stage.root_module() {
        Some(provision) => run
            .made_before(stage, provision, &made.outputs)
            .unwrap_or_else(|diags| {
                run.tell(stage, diags);
                Made::default()
            }),
        None => Made::default(),
    };
    StageEnd {
        outcome: StageOutcome::Skipped,
        made,
        left_out: true,
    }
}
