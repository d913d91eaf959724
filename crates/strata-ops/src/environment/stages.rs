//! Runs stages, each as soon as those it comes after are done.

use futures_util::{StreamExt, stream::FuturesUnordered};
use strata_core::{BoxFuture, Event, StageOutcome};

use super::{Made, Run, StageEnd, Summary};
use crate::project::Stage;

/// Runs every stage with `run_stage`; those behind a failed one are skipped, the others go on.
pub(super) async fn run<'a>(
    run: &'a Run<'a>,
    run_stage: impl Fn(&'a Stage, Made) -> BoxFuture<'a, StageEnd>,
) -> Summary {
    let stages = &run.environment.stages;
    let mut ends: Vec<Option<StageEnd>> = stages.iter().map(|_| None).collect();
    let mut started = vec![false; stages.len()];
    let mut running = FuturesUnordered::new();
    loop {
        for (at, stage) in stages.iter().enumerate() {
            if started[at] || !stage.after.iter().all(|before| ends[*before].is_some()) {
                continue;
            }
            started[at] = true;
            let broken = stage
                .after
                .iter()
                .any(|before| blocks(ends[*before].as_ref()));
            if broken || run.stop.is_soft() {
                skip(run, stage);
                ends[at] = Some(StageEnd::of(StageOutcome::Skipped));
                continue;
            }
            let made = gather(&ends);
            let future = run_stage(stage, made);
            running.push(async move { (at, future.await) });
        }
        if let Some((at, end)) = running.next().await {
            ends[at] = Some(end);
            continue;
        }
        // A skipped stage may have set others free to be skipped, too.
        if started.iter().all(|started| *started) {
            break;
        }
    }
    let end = |(stage, end): (&Stage, &Option<StageEnd>)| {
        let outcome = end
            .as_ref()
            .map_or(StageOutcome::Skipped, |end| end.outcome);
        (stage.name.clone(), stage.kind(), outcome)
    };
    Summary(stages.iter().zip(&ends).map(end).collect())
}

/// True if what comes after cannot run.
fn blocks(end: Option<&StageEnd>) -> bool {
    end.is_some_and(|end| {
        matches!(end.outcome, StageOutcome::Failed | StageOutcome::Skipped) && !end.left_out
    })
}

fn skip(run: &Run<'_>, stage: &Stage) {
    let (name, kind) = (stage.name.clone(), stage.kind());
    run.events.send(Event::StageFinished {
        stage: name,
        kind,
        outcome: StageOutcome::Skipped,
    });
}

/// Everything that the stages done so far made.
fn gather(ends: &[Option<StageEnd>]) -> Made {
    let mut all = Made::default();
    for made in ends.iter().flatten().map(|end| &end.made) {
        all.outputs.extend(made.outputs.clone());
        all.hosts.extend(made.hosts.clone());
        all.planned.extend(made.planned.clone());
    }
    all
}
