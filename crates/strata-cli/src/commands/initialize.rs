//! `init` and `get`: fetching modules, and saying what a configuration needs besides.

use std::path::PathBuf;

use anstream::println;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    infrastructure::Settings,
    initialize::{self, Initialized, Options, Step},
    registry::Platforms,
};

use super::{Exit, FAILED, approval, complain_as, process};
use crate::{args, render::terraform_json};

pub(super) fn init(arguments: &args::Init) -> Result<Exit, Diagnostics> {
    let settings = Settings {
        variables: arguments.variables.0.clone(),
        lock: arguments.lock,
        lock_timeout: arguments.lock_timeout,
        ..Settings::of(PathBuf::from("."))
    };
    let options = Options {
        settings,
        upgrade: arguments.upgrade,
        modules: arguments.get,
        tests: arguments.test_directory.clone(),
        backend: arguments.cloud.unwrap_or(arguments.backend),
        backend_config: arguments.backend_config.clone(),
        reconfigure: arguments.reconfigure,
        migrate_state: arguments.migrate_state || arguments.force_copy,
        force_copy: arguments.force_copy,
        input: arguments.input,
    };
    let json = arguments.json;
    if let Some(source) = &arguments.from_module {
        tell(json, &format!("Copying configuration from {source:?}..."));
        if let Err(diags) = initialize::copy_module(source, &options, &process()?) {
            complain_as(&diags, json);
            return Ok(FAILED);
        }
    }
    if options.backend {
        tell(json, "Initializing the backend...");
    }
    let mut diags = Diagnostics::new();
    diags.extend((!arguments.plugin_dir.is_empty()).then(unused_plugins));
    let found = run(&options, json, &mut diags)?;
    if !diags.has_errors() {
        providers(&found, json);
    }
    complain_as(&diags, json);
    if diags.has_errors() {
        return Ok(FAILED);
    }
    tell(json, "");
    match found.is_empty {
        true => tell(json, "Strata initialized in an empty directory!"),
        false => tell(json, "Strata has been successfully initialized!"),
    }
    Ok(0)
}

pub(super) fn get(arguments: &args::Get) -> Result<Exit, Diagnostics> {
    let options = Options {
        settings: Settings::of(PathBuf::from(".")),
        upgrade: arguments.update,
        modules: true,
        tests: arguments.test_directory.clone(),
        backend: false,
        backend_config: Vec::new(),
        reconfigure: false,
        migrate_state: false,
        force_copy: false,
        input: true,
    };
    let mut diags = Diagnostics::new();
    run(&options, false, &mut diags)?;
    // Which providers are there is not what was asked.
    let mut about_modules = Diagnostics::new();
    about_modules.extend(
        diags
            .into_iter()
            .filter(|found| found.code != "unknown-provider"),
    );
    complain_as(&about_modules, false);
    Ok(if about_modules.has_errors() {
        FAILED
    } else {
        0
    })
}

fn unused_plugins() -> Diagnostic {
    Diagnostic::warning("plugin-dir", "Plugins of a folder are not used")
        .detail("The providers are built in to Strata: those that `-plugin-dir` would give are not looked at.")
}

fn run(options: &Options, json: bool, diags: &mut Diagnostics) -> Result<Initialized, Diagnostics> {
    let process = process()?;
    let platforms = Platforms::real(&process);
    let mut begun = false;
    let mut say = |step: Step| {
        if !std::mem::replace(&mut begun, true) {
            tell(json, "Initializing modules...");
        }
        tell(json, &line(&step));
    };
    Ok(initialize::run(
        options,
        &process,
        &platforms,
        &mut say,
        &mut approval::ask,
        diags,
    ))
}

fn line(step: &Step) -> String {
    match step {
        Step::Local { key, folder } | Step::Installed { key, folder } => {
            format!("- {key} in {folder}")
        }
        Step::Downloading {
            key,
            source,
            version: None,
        } => {
            format!("Downloading {source} for {key}...")
        }
        Step::Downloading {
            key,
            source,
            version: Some(version),
        } => {
            format!("Downloading {source} {version} for {key}...")
        }
    }
}

fn providers(found: &Initialized, json: bool) {
    tell(json, "Initializing provider plugins...");
    for provider in &found.providers {
        tell(
            json,
            &format!("- {} is built in to Strata", provider.source),
        );
    }
}

/// A line for people, or the same as a line of Terraform's JSON.
fn tell(json: bool, text: &str) {
    match json {
        false => println!("{text}"),
        true if text.is_empty() => {}
        true => terraform_json::line("info", text, "init_output", []),
    }
}
