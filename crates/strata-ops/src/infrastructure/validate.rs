//! Checks configuration without state, variables or platform.

use std::{path::Path, sync::Arc};

use strata_config::{BACKEND_ARGUMENT, Config, LoadOptions, STORAGE, VariableInput};
use strata_core::{Diagnostic, Diagnostics, Severity, Value, files::Files};

use super::{Settings, inputs, places};
use crate::{files::Disk, graph::without_emptiness, process::Process, registry::Platforms};

/// Loads the configuration in `directory` and reports every mistake that can be found without running it; `tests` is
/// the folder with its tests, if these are to be looked at, too.
pub fn validate(
    files: &dyn Files,
    directory: &Path,
    tests: Option<&Path>,
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    // What the environment sets is known even here, and sources of modules may need it.
    let settings = Settings::of(directory.to_owned());
    let mut unheard = Diagnostics::new();
    let inputs = inputs::collect(&settings, &process.environment, files, &mut unheard);
    let mut found = Diagnostics::new();
    let config = load(files, &settings, &inputs, process, &mut found);
    let providers = platforms.providers();
    let ask = |source: &str, kind, type_name: &str, value: &Value| match providers.get(source) {
        Some(provider) => provider.validate(kind, type_name, value),
        None => Diagnostics::new(),
    };
    strata_config::validate_with_providers(
        &config,
        providers.schemas(),
        Arc::new(Disk),
        &process.working_directory,
        &ask,
        &mut found,
    );
    diags.extend(without_emptiness(found).into_iter().map(without_storage));
    if let Some(tests) = tests {
        strata_config::test_files(files, directory, tests, diags);
    }
    config
}

/// Where the state is kept is of no account for whether the configuration is right, but the next command will say it.
fn without_storage(mut found: Diagnostic) -> Diagnostic {
    if found.code == STORAGE || found.code == BACKEND_ARGUMENT {
        found.severity = Severity::Warning;
    }
    found
}

/// The same with values for variables, on which sources of modules may depend.
pub(crate) fn validate_with(
    files: &dyn Files,
    settings: &Settings,
    inputs: &[VariableInput],
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    let config = load(files, settings, inputs, process, diags);
    let providers = platforms.providers();
    let here = &process.working_directory;
    strata_config::validate_with_files(&config, providers.schemas(), Arc::new(Disk), here, diags);
    config
}

fn load(
    files: &dyn Files,
    settings: &Settings,
    inputs: &[VariableInput],
    process: &Process,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    let data_directory = places::data_folder(settings, process);
    let workspace = places::workspace(settings, process);
    let options = LoadOptions {
        inputs,
        workspace: &workspace,
        data_directory: Some(&data_directory),
        working_directory: Some(&process.started_in),
    };
    let folder = settings
        .configuration
        .as_ref()
        .unwrap_or(&settings.directory);
    let config = strata_config::load_with(files, folder, &options, diags);
    Arc::new(config)
}
