//! One test file: its runs in order, then the end of all that they made.

use std::sync::Arc;

use strata_config::{Config, TestFile};
use strata_core::Diagnostics;

use super::{
    Shown, Status, Sum, Told,
    held::Held,
    overrides,
    run::{self, Ran, World},
};

/// Does the runs of a file; after one that could not be done, the others are left out.
pub(super) async fn test(
    world: &World<'_>,
    config: &Arc<Config>,
    file: &TestFile,
    sum: &mut Sum,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<(), Diagnostics> {
    let name = file.name.as_str();
    tell(Told::FileStarted(name));
    let mut held = Held::new()?;
    let mut earlier = Vec::new();
    let mut status = Status::Pass;
    for block in &file.runs {
        let run = &*block.name;
        if status == Status::Error || world.stop.is_soft() {
            sum.count(Status::Skip);
            let (status, diagnostics) = (Status::Skip, &Diagnostics::new());
            let shown = None;
            tell(Told::RunEnded {
                file: name,
                run,
                status,
                diagnostics,
                shown,
            });
            continue;
        }
        tell(Told::RunStarted { file: name, run });
        let ran = run::run(world, config, file, block, &earlier, &mut held).await;
        sum.count(ran.status);
        tell(Told::RunEnded {
            file: name,
            run,
            status: ran.status,
            diagnostics: &ran.diagnostics,
            shown: shown(&ran).filter(|_| world.verbose),
        });
        status = status.max(ran.status);
        earlier.push((block.name.clone(), ran.outputs));
    }
    tell(Told::TearingDown(name));
    let mut diagnostics = held.tear_down(world, name, tell).await;
    if diagnostics.has_errors() {
        sum.left_behind = true;
        status = Status::Error;
    }
    let of_runs = world.modules.values().map(Arc::as_ref);
    overrides::check(
        &file.overrides,
        of_runs.chain([&**config]),
        &mut diagnostics,
    );
    tell(Told::FileEnded {
        file: name,
        status,
        diagnostics: &diagnostics,
    });
    Ok(())
}

fn shown(ran: &Ran) -> Option<Shown<'_>> {
    let providers = ran.providers.as_ref()?;
    match (&ran.state, &ran.plan) {
        (Some(state), _) => Some(Shown::State(state, providers)),
        (None, Some(plan)) => Some(Shown::Plan(plan, providers)),
        (None, None) => None,
    }
}
