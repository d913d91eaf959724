//! `test`: runs test files, and shows how they end.

use std::{fs, path::PathBuf};

use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    infrastructure::Settings,
    registry::Platforms,
    stop::Stop,
    testing::{Status, TestOptions, Told, test},
};

use super::{Exit, FAILED, Look, block_on, complain_as, process, screen, signals::stoppable};
use crate::{
    args,
    render::test::{self as look, Report},
};

pub(super) fn run(arguments: &args::Test) -> Result<Exit, Diagnostics> {
    let done = block_on(work(arguments))?;
    let status = match done {
        Ok(status) => status,
        Err(diags) => {
            complain_as(&diags, arguments.json);
            return Ok(FAILED);
        }
    };
    Ok(if status <= Status::Pass { 0 } else { FAILED })
}

async fn work(arguments: &args::Test) -> Result<Status, Diagnostics> {
    let process = process()?;
    let platforms = Platforms::real(&process);
    let settings = Settings::of(PathBuf::from("."));
    let options = TestOptions {
        folder: arguments.test_directory.clone(),
        filter: arguments.filter.clone(),
        variables: arguments.variables.0.clone(),
        parallelism: usize::from(arguments.parallelism),
        verbose: arguments.verbose,
    };
    if arguments.json {
        look::begin();
    }
    let screen = screen(&Look::Terraform {
        compact_warnings: false,
    });
    let stop = Stop::new();
    let mut report = Report::default();
    let mut tell = |told: Told<'_>| {
        report.take(&told);
        match arguments.json {
            true => look::json(&told),
            false => look::text(&told),
        }
    };
    let run = test(&settings, &options, &process, &platforms, &stop, &mut tell);
    let done = stoppable(&stop, &screen.printer(), run).await;
    let sum = done.map_err(|found| with_states(found, &stop))?;
    match arguments.json {
        true => look::json_sum(&sum),
        false => look::text_sum(&sum),
    }
    if let Some(path) = &arguments.junit_xml {
        fs::write(path, report.junit()).map_err(|error| {
            let summary = format!("The report `{}` cannot be written", path.display());
            Diagnostic::error("report", summary).detail(error.to_string())
        })?;
    }
    Ok(sum.status())
}

/// Says where the states are of tests that were left at once.
fn with_states(found: Diagnostics, stop: &Stop) -> Diagnostics {
    let named = |found: Diagnostic| {
        let folder = std::env::temp_dir().join("strata-test-*");
        found.hint(format!(
            "What the tests made is in the states in `{}`.",
            folder.display()
        ))
    };
    let mut all = Diagnostics::new();
    all.extend(found.into_iter().map(|found| match stop.is_soft() {
        true => named(found),
        false => found,
    }));
    all
}
