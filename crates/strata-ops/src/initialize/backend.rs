//! The backend: its arguments from everywhere, and taking the state along where they change.

use std::path::Path;

use strata_config::{Config, VariableText, variable_file};
use strata_core::{Diagnostic, Diagnostics, Type, files::Files};

use super::Options;
use crate::{
    files::Disk,
    infrastructure::{
        backend::{self, Known, Local},
        initial,
        places::Places,
        workspaces,
    },
    process::Process,
};

/// Asks a question that has `yes` for an answer, or has not.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> bool;

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
        && let Err(errors) = configure_local(config, options, process, ask, diags)
    {
        diags.append(errors);
    }
    kind
}

fn configure_local(
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
        return without_block(options, known, &data, process, ask, diags);
    };
    let block = Local::of(block);
    let mut arguments = block.clone();
    for text in &options.backend_config {
        set(&mut arguments, text)?;
    }
    let before = match &known {
        Some(known) if known.kind != "local" || known.arguments != arguments => {
            allowed(options)?;
            Some(known.arguments.clone())
        }
        Some(_) => None,
        // The state may be where it is without a backend.
        None => Some(Local::default()),
    };
    if let Some(before) = before.filter(|before| !options.reconfigure && *before != arguments) {
        migrate(options, &before, &arguments, process, ask)?;
    }
    backend::write(&data, &block, &arguments)
}

/// The block went away: so does what is known of it.
fn without_block(
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
        migrate(options, &known.arguments, &Local::default(), process, ask)?;
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

/// Takes one `-backend-config`: an argument with its value, or a file of them.
fn set(arguments: &mut Local, text: &str) -> Result<(), Diagnostics> {
    if let Some((name, value)) = text.split_once('=') {
        return set_one(arguments, name.trim(), value.to_owned());
    }
    let mut diags = Diagnostics::new();
    let files: &dyn Files = &Disk;
    for input in variable_file(files, Path::new(text), &mut diags) {
        let value = match &input.value {
            VariableText::Raw(text) => Some(text.clone()),
            VariableText::Value(value) => {
                let text = value.convert(&Type::String).ok();
                text.and_then(|text| text.as_str().map(str::to_owned))
            }
        };
        match value {
            Some(value) => set_one(arguments, &input.name, value)?,
            None => diags.push(
                Diagnostic::error("backend-config", "Invalid backend configuration argument")
                    .detail(format!("`{}` in `{text}` must be a text.", input.name)),
            ),
        }
    }
    let renamed = |found: Diagnostic| Diagnostic {
        summary: found.summary.replace("variables file", "file"),
        ..found
    };
    let mut found = Diagnostics::new();
    found.extend(diags.into_iter().map(renamed));
    found.into_result(())
}

fn set_one(arguments: &mut Local, name: &str, value: String) -> Result<(), Diagnostics> {
    match name {
        "path" => arguments.path = Some(value),
        "workspace_dir" => arguments.workspace_dir = Some(value),
        _ => {
            let why = format!(
                "The backend configuration argument \"{name}\" given on the command line is not expected for the \
                 selected backend type."
            );
            let summary = "Invalid backend configuration argument";
            return Err(Diagnostic::error("backend-config", summary)
                .detail(why)
                .hint("The backend `local` has `path` and `workspace_dir`.")
                .into());
        }
    }
    Ok(())
}

/// Copies the states of all workspaces to where they will be looked for; what is there already is asked about.
fn migrate(
    options: &Options,
    before: &Local,
    after: &Local,
    process: &Process,
    ask: Ask<'_>,
) -> Result<(), Diagnostics> {
    let settings = &options.settings;
    let (from, to) = (
        Places::with(settings, before, process),
        Places::with(settings, after, process),
    );
    let mut copies = Vec::new();
    for workspace in workspaces::all(&from)? {
        let (old, new) = (from.state_file(&workspace), to.state_file(&workspace));
        if old != new && is_filled(&old) {
            copies.push((old, new));
        }
    }
    if copies.is_empty() {
        return Ok(());
    }
    let overwrites = copies.iter().any(|(_, new)| is_filled(new));
    if !options.force_copy {
        if !options.input {
            let summary =
                "Can't ask approval for state migration when interactive input is disabled.";
            return Err(Diagnostic::error("backend-changed", summary)
                .hint("Remove `-input=false`, or say `-force-copy` or `-reconfigure`.")
                .into());
        }
        let question = match overwrites {
            false => {
                "Do you want to copy existing state to the new backend?\n  There is state where the backend has kept \
                 it so far, and none where it is to be kept now."
            }
            true => {
                "Do you want to copy existing state to the new backend?\n  There is state in both places; what is \
                 in the new one would be overwritten."
            }
        };
        if !ask(question) {
            return Ok(());
        }
    }
    copies.iter().try_for_each(|(old, new)| copy(old, new))
}

fn is_filled(state: &Path) -> bool {
    std::fs::metadata(state).is_ok_and(|file| file.len() > 0)
}

fn copy(from: &Path, to: &Path) -> Result<(), Diagnostics> {
    let wrong = |why: String| -> Diagnostics {
        let summary = format!("The state `{}` cannot be copied", from.display());
        Diagnostic::error("backend-migration", summary)
            .detail(why)
            .into()
    };
    let opened = strata_state::Store::new(from.to_owned())
        .open()
        .map_err(|error| wrong(error.to_string()))?;
    if opened.has_journal {
        return Err(wrong(
            "A run on it was killed; plan or apply there first.".to_owned(),
        ));
    }
    let bytes = std::fs::read(from).map_err(|error| wrong(error.to_string()))?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|error| wrong(error.to_string()))?;
    }
    strata_state::write_private(to, &bytes).map_err(|error| wrong(error.to_string()))
}
