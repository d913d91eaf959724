//! `validate`, `plan`, `apply` and `destroy` on the Terraform configuration in a folder.

use std::path::{Path, PathBuf};

use anstream::println;
use serde_json::json;
use strata_core::{Diagnostics, addr::parse_resource_instance};
use strata_ops::{
    files::Disk,
    infrastructure::{self, PlanMode, PlanOptions, Session, stored},
    registry::Platforms,
    stop::Stop,
};

use super::{
    Exit, FAILED, Look, approval::ask, block_on, complain_as, process, screen, signals::stoppable,
    tell,
};
use crate::{
    args,
    render::{plan as draw, terraform_json},
};

/// What `-detailed-exitcode` gives when there are changes.
const CHANGES: Exit = 2;

pub(super) fn validate(arguments: &args::Validate) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let mut diags = Diagnostics::new();
    infrastructure::validate(
        &Disk,
        Path::new("."),
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

pub(super) fn plan(arguments: &args::Plan) -> Result<Exit, Diagnostics> {
    let json = arguments.settings.json;
    let result = block_on(work(arguments, None))?;
    finish(result, json)
}

pub(super) fn apply(arguments: &args::Apply, destroy: bool) -> Result<Exit, Diagnostics> {
    let json = arguments.plan.settings.json;
    let mut plan = arguments.plan.clone();
    plan.destroy |= destroy;
    let result = block_on(work(&plan, Some(arguments.auto_approve)))?;
    finish(result, json)
}

fn finish(result: Result<Exit, Diagnostics>, json: bool) -> Result<Exit, Diagnostics> {
    result.or_else(|diags| {
        complain_as(&diags, json);
        Ok(FAILED)
    })
}

/// Plans; applies if `approved` is there, without asking if it is true.
async fn work(arguments: &args::Plan, approved: Option<bool>) -> Result<Exit, Diagnostics> {
    let options = options(arguments)?;
    let process = process()?;
    let platforms = Platforms::real(&process);
    let look = if arguments.settings.json {
        Look::TerraformJson
    } else {
        Look::Terraform
    };
    let screen = screen(&look);
    let events = screen.events();
    let operation = if approved.is_some() {
        "OperationTypeApply"
    } else {
        "OperationTypePlan"
    };
    let stop = Stop::new();
    let run = async {
        let session = Session::open(
            &settings(&arguments.settings),
            operation,
            &process,
            &platforms,
            &events,
        )
        .await?;
        let plan = session.plan(&options, &events).await?;
        if !arguments.settings.json {
            screen.printer().print(format!("\n{}", draw::plan(&plan)));
        }
        let Some(auto_approve) = approved else {
            let changes = arguments.detailed_exitcode && !plan.is_empty();
            return Ok(if changes { CHANGES } else { 0 });
        };
        if !plan.is_empty() && !auto_approve && !ask("Do you want to perform these actions?") {
            return Err(not_approved());
        }
        let applied = session.apply(&plan, &stop, &events).await?;
        let failed = applied.diagnostics.has_errors() || applied.stopped;
        tell(&events, applied.diagnostics);
        Ok(if failed { FAILED } else { 0 })
    };
    let exit = stoppable(&stop, &screen.printer(), run).await;
    drop(screen);
    exit
}

fn not_approved() -> Diagnostics {
    strata_core::Diagnostic::error("not-approved", "The plan was not approved")
        .hint("Answer `yes`, or say `-auto-approve` where nobody can be asked.")
        .into()
}

fn options(arguments: &args::Plan) -> Result<PlanOptions, Diagnostics> {
    let mut diags = Diagnostics::new();
    let targets = arguments
        .target
        .iter()
        .filter_map(|text| stored::target(text, &mut diags))
        .collect();
    let replace = arguments
        .replace
        .iter()
        .filter_map(|text| match parse_resource_instance(text) {
            Ok(address) => Some(address),
            Err(error) => {
                let summary = format!("`{text}` is no address of a resource instance");
                diags.push(
                    strata_core::Diagnostic::error("invalid-address", summary)
                        .detail(error.to_string()),
                );
                None
            }
        });
    let replace = replace.collect();
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
        replace,
        parallelism,
    })
}

/// The settings of a command, for the folder it runs in.
pub(super) fn settings(arguments: &args::Settings) -> infrastructure::Settings {
    infrastructure::Settings {
        state: arguments.state.clone(),
        variables: arguments.variables.clone(),
        variable_files: arguments.variable_files.clone(),
        lock: arguments.lock,
        lock_timeout: arguments.lock_timeout,
        parallelism: usize::from(arguments.parallelism),
        ..infrastructure::Settings::of(PathBuf::from("."))
    }
}
