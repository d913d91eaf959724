//! `apply FILE`: a saved plan is applied as it was shown, without asking; and what both kinds of apply say at the end.

use std::path::Path;

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_ops::{
    infrastructure::{self, Applied, Plan, SavedPlan, Session},
    registry::Platforms,
    stop::Stop,
};

use super::{
    Exit, FAILED, block_on,
    infrastructure::{finish, screen_of, settings},
    process,
    signals::stoppable,
    tell,
};
use crate::{
    args,
    render::{Printer, failures, terraform, terraform_json},
};

pub(super) fn apply(file: &Path, arguments: &args::Plan) -> Result<Exit, Diagnostics> {
    refuse_planning_options(arguments)?;
    finish(block_on(work(file, arguments))?, arguments.settings.json)
}

async fn work(file: &Path, arguments: &args::Plan) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let platforms = Platforms::real(&process);
    let settings = settings(&arguments.settings);
    let Some(saved) = SavedPlan::read(file, &settings, &process)? else {
        let summary = format!("Failed to load \"{}\" as a plan file", file.display());
        return Err(Diagnostic::error("plan-file", summary)
            .detail("It is not a plan that Strata saved.")
            .hint("Only Terraform applies what Terraform planned: plan again, with `strata plan -out`.")
            .into());
    };
    let screen = screen_of(arguments);
    let (events, printer) = (screen.events(), screen.printer());
    let stop = Stop::new();
    let json = arguments.settings.json;
    let run = async {
        let (session, plan) =
            Session::open_saved(&saved, &settings, &process, &platforms, &events).await?;
        infrastructure::announce_saved(&plan, &events);
        let applied = session.apply(&plan, &stop, &events).await?;
        Ok(tell_applied(
            applied,
            &plan,
            &events,
            &printer,
            json.then_some(Outputs::Shown),
        ))
    };
    let exit = stoppable(&stop, &printer, run).await;
    drop(screen);
    exit
}

/// Whether the stream for machines ends with the outputs; `destroy` leaves them out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outputs {
    Shown,
    Hidden,
}

/// Shows what came of an apply; `stream` says how the stream for machines ends, if that is what is written.
pub(super) fn tell_applied(
    applied: Applied,
    plan: &Plan,
    events: &Events,
    printer: &Printer,
    stream: Option<Outputs>,
) -> Exit {
    let failed = applied.diagnostics.has_errors() || applied.stopped;
    let summary = failures::summary(&applied, plan);
    if plan.is_partial() {
        events.diagnostic(incomplete());
    }
    match stream {
        _ if failed => {}
        Some(Outputs::Shown) => printer.print(terraform_json::outputs(&applied.state)),
        Some(Outputs::Hidden) => {}
        None => printer.print(terraform::outputs(&applied.state)),
    }
    tell(events, applied.diagnostics);
    if failed && stream.is_none() {
        printer.print(summary);
    }
    if failed { FAILED } else { 0 }
}

fn incomplete() -> Diagnostic {
    Diagnostic::warning("targeted", "Applied changes may be incomplete")
        .detail("The plan was made for a part only, with `-target` or `-exclude`.")
        .hint("`strata plan` tells whether something is left to do.")
}

/// What is to be done stands in the plan.
fn refuse_planning_options(plan: &args::Plan) -> Result<(), Diagnostics> {
    let settings = &plan.settings;
    let given = [
        ("-destroy", plan.destroy),
        ("-refresh-only", plan.refresh_only),
        ("-refresh", !plan.refresh),
        ("-replace", !plan.replace.is_empty()),
        ("-target", !plan.target.is_empty()),
        ("-exclude", !plan.exclude.is_empty()),
        ("-state", settings.state.is_some()),
    ];
    let mut diags = Diagnostics::new();
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        let summary = format!("`{option}` does not go with a saved plan");
        diags.push(
            Diagnostic::error("option", summary)
                .detail("What is to be done was decided when the plan was made."),
        );
    }
    diags.into_result(())
}
