//! The backend: its arguments from everywhere, and taking the state along where they change.

use std::path::Path;

use serde_json::Value as Json;
use strata_config::{Config, VariableText, module::Backend, variable_file};
use strata_core::{
    Diagnostic, Diagnostics,
    files::{Files, MemoryFiles},
};
use strata_state::backend::arguments;

use super::{
    Options,
    migrate::{self, Ask},
};
use crate::{
    files::Disk,
    infrastructure::{
        backend::{self, Chosen, Known},
        initial,
        places::Places,
    },
    process::Process,
};

/// Notes the backend and its arguments for later commands; what Strata does not have is reported. Gives its name.
pub(super) fn configure(
    config: &Config,
    options: &Options,
    process: &Process,
    ask: Ask<'_>,
    diags: &mut Diagnostics,
) -> String {
    strata_config::unsupported(config, diags);
    let kind = config.root().settings.backend.as_ref();
    let kind = kind.map_or("local".to_owned(), |backend| backend.kind.to_string());
    if !diags.has_errors()
        && let Err(errors) = configure_kind(config, options, process, ask, diags)
    {
        diags.append(errors);
    }
    kind
}

fn configure_kind(
    config: &Config,
    options: &Options,
    process: &Process,
    ask: Ask<'_>,
    diags: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    let data = initial::data_folder(&options.settings, process);
    let known = match backend::known(&data) {
        Err(_) if options.reconfigure => None,
        known => known?,
    };
    let Some(block) = &config.root().settings.backend else {
        return without_block(config, options, known, &data, process, ask, diags);
    };
    let written = Chosen::of(block).checked(Some(block))?;
    let chosen = with_arguments(&written, block, options)?;
    let usual = Chosen::default();
    let before = match &known {
        Some(known) if known.chosen != chosen => {
            allowed(options)?;
            Some(&known.chosen)
        }
        Some(_) => None,
        // The state may be where it is without a backend.
        None => Some(&usual),
    };
    let settings = &options.settings;
    let after =
        Places::with(settings, &chosen, process)?.encrypted_by(config, settings, process)?;
    migrate::check_reachable(&after)?;
    if let Some(before) = before.filter(|before| !options.reconfigure && **before != chosen) {
        let before = Places::with(settings, &before.clone().checked(None)?, process)?
            .encrypted_by(config, settings, process)?;
        migrate::migrate(options, &before, &after, process, ask)?;
    }
    backend::write(&data, &written, &chosen)
}

/// The block went away: so does what is known of it.
fn without_block(
    config: &Config,
    options: &Options,
    known: Option<Known>,
    data: &Path,
    process: &Process,
    ask: Ask<'_>,
    diags: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    if !options.backend_config.is_empty() {
        let why = "-backend-config was used without a \"backend\" block in the configuration.";
        diags.push(
            Diagnostic::warning("backend-config", "Missing backend configuration").detail(why),
        );
    }
    let Some(known) = known else {
        return Ok(());
    };
    allowed(options)?;
    if !options.reconfigure {
        let place = |chosen: &Chosen| {
            let settings = &options.settings;
            Places::with(settings, chosen, process)?.encrypted_by(config, settings, process)
        };
        let before = place(&known.chosen.checked(None)?)?;
        let after = place(&Chosen::default())?;
        migrate::migrate(options, &before, &after, process, ask)?;
    }
    backend::forget(data)
}

/// A change must be wanted.
fn allowed(options: &Options) -> Result<(), Diagnostics> {
    if options.reconfigure || options.migrate_state {
        return Ok(());
    }
    let why = "A change in the backend configuration has been detected, which may require migrating existing state.";
    Err(Diagnostic::error("backend-changed", "Backend configuration changed")
        .detail(why)
        .hint("Take the state along with `-migrate-state`, or leave it where it is with `-reconfigure`.")
        .into())
}

/// The block's arguments with those of `-backend-config`.
fn with_arguments(
    written: &Chosen,
    block: &Backend,
    options: &Options,
) -> Result<Chosen, Diagnostics> {
    let mut chosen = written.clone();
    for text in &options.backend_config {
        set(&mut chosen, text)?;
    }
    chosen.checked(Some(block))
}

/// Takes one `-backend-config`: an argument with its value, or a file of them.
fn set(chosen: &mut Chosen, text: &str) -> Result<(), Diagnostics> {
    if let Some((name, value)) = text.split_once('=') {
        let value = match value.trim_start().starts_with(['{', '[']) {
            true => structured(value)?,
            false => Json::from(value),
        };
        return set_one(chosen, name.trim(), value);
    }
    let mut diags = Diagnostics::new();
    set_all(chosen, &Disk, Path::new(text), &mut diags)?;
    let renamed = |found: Diagnostic| Diagnostic {
        summary: found.summary.replace("variables file", "file"),
        ..found
    };
    let mut found = Diagnostics::new();
    found.extend(diags.into_iter().map(renamed));
    found.into_result(())
}

/// The value of an argument that is a list or an object.
fn structured(text: &str) -> Result<Json, Diagnostics> {
    const PATH: &str = "-backend-config.tfvars";
    let files = MemoryFiles::new([(PATH, &*format!("value = {text}\n"))]);
    let mut diags = Diagnostics::new();
    let mut chosen = Chosen::default();
    for input in variable_file(&files, Path::new(PATH), &mut diags) {
        chosen
            .arguments
            .insert("value".to_owned(), json(&input.value));
    }
    let value = chosen.arguments.remove("value").unwrap_or_default();
    diags.into_result(value)
}

fn set_all(
    chosen: &mut Chosen,
    files: &dyn Files,
    path: &Path,
    diags: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    for input in variable_file(files, path, diags) {
        set_one(chosen, &input.name, json(&input.value))?;
    }
    Ok(())
}

fn json(value: &VariableText) -> Json {
    match value {
        VariableText::Raw(text) => Json::from(&**text),
        VariableText::Value(value) => strata_state::json::plain(value),
    }
}

fn set_one(chosen: &mut Chosen, name: &str, value: Json) -> Result<(), Diagnostics> {
    let names: Vec<_> = arguments::names(&chosen.kind).collect();
    if !names.contains(&name) {
        let why = format!(
            "The backend configuration argument \"{name}\" given on the command line is not expected for the \
             selected backend type."
        );
        let summary = "Invalid backend configuration argument";
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        return Err(Diagnostic::error("backend-config", summary)
            .detail(why)
            .hint(format!(
                "The backend `{}` has {}.",
                chosen.kind,
                names.join(", ")
            ))
            .into());
    }
    match value.is_null() {
        true => drop(chosen.arguments.remove(name)),
        false => drop(chosen.arguments.insert(name.to_owned(), value)),
    }
    Ok(())
}
