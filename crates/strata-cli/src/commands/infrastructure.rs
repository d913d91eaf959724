//! `validate`, `plan`, `apply` and `destroy` on the Terraform configuration in a folder.

use std::{
    mem::ManuallyDrop,
    path::{Path, PathBuf},
};

use anstream::println;
use serde_json::json;
use strata_core::{
    Diagnostics, Event, Events,
    addr::{ResourceMode, parse_resource_instance},
};
use strata_ops::{
    files::Disk,
    infrastructure::{self, PlanMode, PlanOptions, Session, stored},
    registry::Platforms,
    stop::Stop,
};

use super::{
    Exit, FAILED, Look, approval::ask, block_on, complain_as, process, prompt, saved, screen,
    signals::stoppable,
};
use crate::{
    args,
    render::{Screen, plan as draw, terraform_json},
};

/// What `-detailed-exitcode` gives when there are changes.
const CHANGES: Exit = 2;

pub(super) fn validate(arguments: &args::Validate) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let mut diags = Diagnostics::new();
    infrastructure::validate(
        &Disk,
        Path::new("."),
        (!arguments.no_tests).then_some(&*arguments.test_directory),
        &process,
        &Platforms::real(&process),
        &mut diags,
    );
    let valid = !diags.has_errors();
    if arguments.json {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            diags.iter().partition(|diagnostic| diagnostic.is_error());
        let diagnostics: Vec<_> = diags.iter().map(terraform_json::diagnostic).collect();
        let result = json!({
            "format_version": "1.0",
            "valid": valid,
            "error_count": errors.len(),
            "warning_count": warnings.len(),
            "diagnostics": diagnostics,
        });
        println!("{result:#}");
    } else {
        super::complain(&diags);
        if valid {
            println!("Success! The configuration is valid.");
        }
    }
    Ok(if valid { 0 } else { FAILED })
}

/// What comes after planning.
enum Then<'a> {
    /// Nothing; the plan may be saved.
    Show {
        out: Option<&'a Path>,
        detailed: bool,
        generate: Option<&'a Path>,
    },
    /// It is applied; by `destroy`, or by `apply`, which may destroy, too.
    Apply { auto_approve: bool, destroys: bool },
    /// It is applied without showing or asking.
    Refresh,
}

pub(super) fn plan(arguments: &args::PlanTarget) -> Result<Exit, Diagnostics> {
    let then = Then::Show {
        out: arguments.out.as_deref(),
        detailed: arguments.detailed_exitcode,
        generate: arguments.generate_config_out.as_deref(),
    };
    run(&arguments.plan, &then)
}

pub(super) fn apply(arguments: &args::Apply) -> Result<Exit, Diagnostics> {
    let auto_approve = arguments.auto_approve;
    match &arguments.saved {
        None => {
            let destroys = false;
            run(
                &arguments.plan,
                &Then::Apply {
                    auto_approve,
                    destroys,
                },
            )
        }
        Some(file) => saved::apply(file, &arguments.plan),
    }
}

pub(super) fn destroy(arguments: &args::Destroy) -> Result<Exit, Diagnostics> {
    let mut plan = arguments.plan.clone();
    plan.destroy = true;
    let (auto_approve, destroys) = (arguments.auto_approve, true);
    run(
        &plan,
        &Then::Apply {
            auto_approve,
            destroys,
        },
    )
}

pub(super) fn refresh(arguments: &args::Refresh) -> Result<Exit, Diagnostics> {
    let plan = args::Plan {
        settings: arguments.settings.clone(),
        destroy: false,
        refresh_only: true,
        refresh: true,
        replace: Vec::new(),
        target: arguments.target.clone(),
        exclude: arguments.exclude.clone(),
        compact_warnings: arguments.compact_warnings,
    };
    run(&plan, &Then::Refresh)
}

fn run(plan: &args::Plan, then: &Then<'_>) -> Result<Exit, Diagnostics> {
    let json = plan.settings.json;
    if let (
        true,
        Then::Apply {
            auto_approve: false,
            ..
        },
    ) = (json, then)
    {
        let error =
            strata_core::Diagnostic::error("not-approved", "Plan file or auto-approve required");
        let error = error
            .detail("Nobody can be asked with `-json`.")
            .hint("Say `-auto-approve`, or apply a saved plan.");
        return finish(Err(error.into()), json);
    }
    finish(block_on(work(plan, then))?, json)
}

pub(super) fn finish(result: Result<Exit, Diagnostics>, json: bool) -> Result<Exit, Diagnostics> {
    result.or_else(|diags| {
        complain_as(&diags, json);
        Ok(FAILED)
    })
}

/// The screen of a command.
pub(super) fn screen_of(arguments: &args::Plan) -> Screen {
    let look = match arguments.settings.json {
        true => Look::TerraformJson,
        false => Look::Terraform {
            compact_warnings: arguments.compact_warnings,
        },
    };
    screen(&look)
}

async fn work(arguments: &args::Plan, then: &Then<'_>) -> Result<Exit, Diagnostics> {
    let stop = Stop::new();
    let options = options(arguments, &stop)?;
    let process = process()?;
    let platforms = Platforms::real(&process);
    let screen = screen_of(arguments);
    let events = match then {
        Then::Refresh => without_sums(screen.events()),
        Then::Show { .. } | Then::Apply { .. } => screen.events(),
    };
    let printer = screen.printer();
    let json = arguments.settings.json;
    let operation = match then {
        Then::Show { .. } => "OperationTypePlan",
        Then::Apply { .. } => "OperationTypeApply",
        Then::Refresh => "OperationTypeRefresh",
    };
    let mut settings = settings(&arguments.settings);
    settings.may_be_empty = arguments.destroy;
    prompt::variables(&mut settings, arguments.settings.input, &process);
    let run = async {
        let mut session =
            Session::open(&settings, operation, &process, &platforms, &events).await?;
        if let Then::Show {
            generate: Some(path),
            ..
        } = then
        {
            session
                .generate(path, &settings, &process, &platforms, &events)
                .await?;
        }
        if let Then::Apply {
            destroys: false, ..
        } = then
        {
            session.end_as_apply();
        }
        // The program ends with it: giving back each part of a large plan first would take a while.
        let plan = match then {
            Then::Show { out: Some(out), .. } => {
                session
                    .plan_and_save(&options, &settings, out, &events)
                    .await?
            }
            _ => session.plan(&options, &events).await?,
        };
        let plan = ManuallyDrop::new(plan);
        match (then, json) {
            (Then::Refresh, _) => {}
            (_, true) => printer.print(terraform_json::planned_outputs(&plan)),
            (_, false) => {
                let begin = &mut |piece| printer.begin(piece);
                let mut last = draw::pieces("\n".to_owned(), &plan, session.providers(), begin);
                match then {
                    Then::Show { out, .. } => last.push_str(&draw::next_steps(*out, &plan)),
                    Then::Apply { .. } | Then::Refresh => {}
                }
                printer.print(last);
            }
        }
        match then {
            Then::Show { detailed, .. } => {
                let changes = *detailed && plan.is_applyable();
                return Ok(if changes { CHANGES } else { 0 });
            }
            Then::Apply { auto_approve, .. } => {
                let asks = plan.is_applyable() && !auto_approve;
                if asks && !(arguments.settings.input && ask(draw::question(&plan))) {
                    return Err(not_approved());
                }
            }
            Then::Refresh => {}
        }
        let applied = session.apply(&plan, &stop, &events).await?;
        let outputs = match then {
            Then::Apply { destroys: true, .. } => saved::Outputs::Hidden,
            _ => saved::Outputs::Shown,
        };
        let stream = json.then_some(outputs);
        Ok(saved::tell_applied(
            applied, &plan, &events, &printer, stream,
        ))
    };
    let exit = stoppable(&stop, &screen.printer(), run).await;
    drop(screen);
    exit
}

/// `refresh` plans and applies nothing that would be summed up.
fn without_sums(events: Events) -> Events {
    Events::new(move |event| {
        if !matches!(event, Event::ChangeSummary { .. }) {
            events.send(event);
        }
    })
}

fn not_approved() -> Diagnostics {
    strata_core::Diagnostic::error("not-approved", "The plan was not approved")
        .hint("Answer `yes`, or say `-auto-approve` where nobody can be asked.")
        .into()
}

fn options(arguments: &args::Plan, stop: &Stop) -> Result<PlanOptions, Diagnostics> {
    let mut diags = Diagnostics::new();
    let mut targets = |texts: &[String]| {
        let read = |text: &String| stored::target(text, &mut diags);
        texts.iter().filter_map(read).collect()
    };
    let (targets, exclude) = (targets(&arguments.target), targets(&arguments.exclude));
    let replace = arguments.replace.iter().filter_map(|text| {
        let wrong = match parse_resource_instance(text) {
            Ok(address) if address.resource.mode == ResourceMode::Managed => {
                return Some(address);
            }
            Ok(address) => {
                format!("`{address}` is read, not made: only what Strata makes can be made anew.")
            }
            Err(error) => error.to_string(),
        };
        let summary = format!("Invalid force-replace address {text:?}");
        let wrong = strata_core::Diagnostic::error("invalid-address", summary).detail(wrong);
        diags.push(wrong);
        None
    });
    let replace = replace.collect();
    refuse_contradictions(arguments, &mut diags);
    let mode = match () {
        () if arguments.destroy => PlanMode::Destroy,
        () if arguments.refresh_only => PlanMode::RefreshOnly,
        () => PlanMode::Normal,
    };
    let parallelism = usize::from(arguments.settings.parallelism);
    diags.into_result(PlanOptions {
        mode,
        refresh: arguments.refresh,
        targets,
        exclude,
        replace,
        parallelism,
        stop: stop.engine().clone(),
    })
}

/// Options that ask for two things at once.
fn refuse_contradictions(arguments: &args::Plan, diags: &mut Diagnostics) {
    let is_normal = !arguments.destroy && !arguments.refresh_only;
    if arguments.destroy && arguments.refresh_only {
        diags.push(
            strata_core::Diagnostic::error("options", "Incompatible plan mode options")
                .detail("`-destroy` deletes everything, and `-refresh-only` changes nothing."),
        );
    }
    if arguments.refresh_only && !arguments.refresh {
        diags.push(
            strata_core::Diagnostic::error("options", "Incompatible refresh options")
                .detail("`-refresh-only` does nothing but what `-refresh=false` forbids."),
        );
    }
    if !is_normal && !arguments.replace.is_empty() {
        diags.push(
            strata_core::Diagnostic::error("options", "Unsupported plan mode").detail(
                "`-replace` goes with ordinary plans only, not with `-destroy` or `-refresh-only`.",
            ),
        );
    }
}

/// The settings of a command, for the folder it runs in.
pub(super) fn settings(arguments: &args::Settings) -> infrastructure::Settings {
    infrastructure::Settings {
        state: arguments.state.clone(),
        backup: arguments.backup.clone(),
        variables: arguments.variables.0.clone(),
        lock: arguments.lock,
        lock_timeout: arguments.lock_timeout,
        parallelism: usize::from(arguments.parallelism),
        ..infrastructure::Settings::of(PathBuf::from("."))
    }
}
