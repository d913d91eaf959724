//! `up`, `down`, `plan ENV` and `status`: whole environments.

use std::path::Path;

use anstream::println;
use strata_core::{Action, Diagnostic, Diagnostics, Events, StageKind};
use strata_ops::{
    environment::{self, Approve, Options, Run, StageStatus, Summary},
    files::Disk,
    infrastructure::{Plan, Providers},
    process::Process,
    project::{self, Environment, Project},
    registry::Platforms,
    secrets::Secrets,
    stop::Stop,
};

use super::{Exit, FAILED, Look, approval::ask, block_on, process, screen, signals::stoppable};
use crate::{
    args,
    render::{
        Printer, plan as draw,
        style::{BAD, CHANGE, FAINT, GOOD, paint},
    },
};

pub(super) fn up(arguments: &args::Up) -> Result<Exit, Diagnostics> {
    let asking = Asking {
        approved: arguments.auto_approve,
        losses_only: true,
        planning: false,
    };
    with_run(&arguments.environment, None, asking, async |run, _| {
        summary(environment::up(run).await?)
    })
}

/// Runs the stages of one kind; machines are taken as they are.
pub(super) fn stages(arguments: &args::Stages, kind: StageKind) -> Result<Exit, Diagnostics> {
    with_run(
        &arguments.environment,
        Some(kind),
        Asking::WORKING,
        async |run, _| summary(environment::up(run).await?),
    )
}

pub(super) fn down(arguments: &args::Down) -> Result<Exit, Diagnostics> {
    let asking = Asking {
        approved: arguments.auto_approve,
        losses_only: false,
        planning: false,
    };
    with_run(&arguments.environment, None, asking, async |run, _| {
        summary(environment::down(run).await?)
    })
}

pub(super) fn plan(arguments: &args::PlanTarget) -> Result<Exit, Diagnostics> {
    let settings = &arguments.plan.settings;
    let target = args::Environment {
        environment: arguments.environment.clone().unwrap_or_default(),
        twin: arguments.twin,
        only: arguments.only.clone(),
        skip: arguments.skip.clone(),
        from: arguments.from.clone(),
        target: arguments.plan.target.clone(),
        instance: Vec::new(),
        parallelism: settings.parallelism,
        verbose: 0,
        diff: true,
        json: settings.json,
    };
    refuse_folder_options(&arguments.plan)?;
    let json = settings.json;
    with_run(&target, None, Asking::NEVER, async |run, printer| {
        let show = |_: &str, plan: &Plan| {
            if !json {
                printer.print(draw::plan(plan, &run.platforms.providers()));
            }
        };
        let summary = environment::plan(run, &show).await?;
        let changes = summary
            .0
            .iter()
            .any(|(_, _, outcome)| *outcome == strata_core::StageOutcome::Changed);
        match (summary.succeeded(), changes && arguments.detailed_exitcode) {
            (false, _) => Ok(FAILED),
            (true, true) => Ok(2),
            (true, false) => Ok(0),
        }
    })
}

/// Options that only make sense for one folder.
fn refuse_folder_options(plan: &args::Plan) -> Result<(), Diagnostics> {
    let settings = &plan.settings;
    let given = [
        ("-destroy", plan.destroy),
        ("-refresh-only", plan.refresh_only),
        ("-refresh", !plan.refresh),
        ("-replace", !plan.replace.is_empty()),
        ("-exclude", !plan.exclude.is_empty()),
        ("-backup", settings.backup.is_some()),
        ("-compact-warnings", plan.compact_warnings),
        ("-var", settings.variables.kinds().0),
        ("-var-file", settings.variables.kinds().1),
        ("-state", settings.state.is_some()),
        ("-lock", !settings.lock),
        ("-lock-timeout", !settings.lock_timeout.is_zero()),
    ];
    let mut diags = Diagnostics::new();
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        let diagnostic = Diagnostic::error(
            "option",
            format!("`{option}` does not go with an environment"),
        );
        diags.push(diagnostic.hint("It works on one folder: run `strata plan` there."));
    }
    diags.into_result(())
}

pub(super) fn status(arguments: &args::Status) -> Result<Exit, Diagnostics> {
    let json = arguments.environment.json;
    with_run(
        &arguments.environment,
        None,
        Asking::NEVER,
        async |run, printer| {
            let stages = environment::status(run).await?;
            if json {
                let stages: Vec<_> = stages.iter().map(status_json).collect();
                println!("{:#}", serde_json::Value::from(stages));
            } else {
                printer.print(stages.iter().map(status_line).collect());
            }
            Ok(0)
        },
    )
}

fn status_json(status: &StageStatus) -> serde_json::Value {
    serde_json::json!({ "stage": &*status.stage, "kind": status.kind, "status": status.word, "detail": status.detail, "good": status.good })
}

fn status_line(status: &StageStatus) -> String {
    let style = match (status.good, status.word) {
        (true, _) => GOOD,
        (false, "failed" | "failing" | "unreachable") => BAD,
        (false, _) => CHANGE,
    };
    let kind = serde_json::to_value(status.kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default();
    let name = format!("{kind} {}", status.stage);
    format!(
        "{name:<28} {:<12} {}\n",
        paint(style, status.word),
        paint(FAINT, &status.detail)
    )
}

fn summary(summary: Summary) -> Result<Exit, Diagnostics> {
    Ok(if summary.succeeded() { 0 } else { FAILED })
}

/// Loads the project and gives `work` what it needs to work on the environment.
fn with_run(
    arguments: &args::Environment,
    kind: Option<StageKind>,
    asking: Asking,
    work: impl AsyncFnOnce(&Run<'_>, &Printer) -> Result<Exit, Diagnostics>,
) -> Result<Exit, Diagnostics> {
    let mut process = process()?;
    let project = load(&process)?;
    // What the environment files say counts for all that reads the environment: `TF_VAR_…`, a platform's token.
    process.environment = project.env.clone().into_map();
    let Some(environment) = project.environment(&arguments.environment) else {
        return Err(unknown_environment(&project, &arguments.environment));
    };
    let options = Options {
        only: arguments.only.clone(),
        skip: arguments.skip.clone(),
        from: arguments.from.clone(),
        targets: arguments.target.clone(),
        kind,
        instances: arguments.instance.clone(),
        parallelism: usize::from(arguments.parallelism),
        diff: arguments.diff,
    };
    let look = if arguments.json {
        Look::Json
    } else if asking.planning {
        Look::Planning(arguments.verbose)
    } else {
        Look::Progress(arguments.verbose)
    };
    block_on(async {
        let platforms = platforms(&project, environment, arguments, &process)?;
        let screen = screen(&look);
        let (stop, events): (Stop, Events) = (Stop::new(), screen.events());
        let approval = Approval {
            asking,
            printer: screen.printer(),
            show: !arguments.json,
            providers: platforms.providers(),
        };
        let unread = Secrets::new();
        let run = Run {
            secrets: &unread,
            project: &project,
            environment,
            options: &options,
            process: &process,
            platforms: &platforms,
            approve: &approval,
            stop: &stop,
            events: &events,
        };
        let exit = stoppable(&stop, &approval.printer, work(&run, &approval.printer)).await;
        let exit = exit.or_else(|diags| {
            super::tell(&events, diags);
            Ok(FAILED)
        });
        drop(screen);
        exit
    })?
}

fn platforms(
    project: &Project,
    environment: &Environment,
    arguments: &args::Environment,
    process: &Process,
) -> Result<Platforms, Diagnostics> {
    if !arguments.twin {
        return Ok(Platforms::real(process));
    }
    let folder = Run::twin_folder(project, &arguments.environment);
    Platforms::twin(process, &folder, &environment.twin_members).map_err(Diagnostics::from)
}

/// What to write where a command wants an environment and was given none.
pub(super) fn which_environment() -> String {
    let project = process().ok().and_then(|process| load(&process).ok());
    let names = project.iter().flat_map(|project| &project.environments);
    let names: Vec<String> = names.map(|one| format!("`{}`", one.name)).collect();
    match names.is_empty() {
        false => format!(
            "Name the environment that is meant; `{}` has {}.",
            project::FILE_NAME,
            names.join(", ")
        ),
        true => format!(
            "Environments stand in `{}`, which is not here; for files that are there already `strata init --from .` \
             drafts it. Then name one, as in `strata plan ENV --twin`.",
            project::FILE_NAME
        ),
    }
}

fn load(process: &Process) -> Result<Project, Diagnostics> {
    let mut diags = Diagnostics::new();
    match project::load(&Disk, Path::new(""), &process.environment, &mut diags) {
        Some(project) => {
            super::complain(&diags);
            Ok(project)
        }
        None => Err(diags),
    }
}

fn unknown_environment(project: &Project, name: &str) -> Diagnostics {
    let names: Vec<_> = project
        .environments
        .iter()
        .map(|environment| format!("`{}`", environment.name))
        .collect();
    Diagnostic::error(
        "unknown-environment",
        format!("The project `{}` has no environment `{name}`", project.name),
    )
    .hint(format!("It has {}.", names.join(", ")))
    .into()
}

/// When to ask before a plan is carried out.
#[derive(Clone, Copy)]
struct Asking {
    /// The user has agreed beforehand.
    approved: bool,
    /// Ask only if something would be lost.
    losses_only: bool,
    /// Nothing is carried out.
    planning: bool,
}

impl Asking {
    /// For commands that change no machine.
    const WORKING: Asking = Asking {
        approved: false,
        losses_only: true,
        planning: false,
    };

    /// For commands that carry nothing out.
    const NEVER: Asking = Asking {
        approved: false,
        losses_only: false,
        planning: true,
    };
}

/// Shows a plan and asks, unless told not to.
struct Approval {
    asking: Asking,
    printer: Printer,
    show: bool,
    providers: Providers,
}

impl Approve for Approval {
    fn approve(&self, stage: &str, plan: &Plan) -> bool {
        if self.show {
            self.printer.print(draw::plan(plan, &self.providers));
        }
        let losses = plan.changes.iter().any(|change| {
            matches!(
                change.action,
                Action::Delete | Action::DeleteThenCreate | Action::CreateThenDelete
            )
        });
        let free = self.asking.losses_only && !losses;
        self.asking.approved || free || ask(&format!("Carry out the plan of stage `{stage}`?"))
    }
}
