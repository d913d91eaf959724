//! Checks configuration without state, variables or platform.

use std::{path::Path, sync::Arc};

use strata_config::{Config, LoadOptions, VariableInput};
use strata_core::{Diagnostic, Diagnostics, files::Files};
use strata_engine::Providers;

use super::{Settings, inputs, places};
use crate::{process::Process, registry::Platforms};

/// Loads the configuration in `directory` and reports every mistake that can be found without running it.
pub fn validate(
    files: &dyn Files,
    directory: &Path,
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    // What the environment sets is known even here, and sources of modules may need it.
    let settings = Settings::of(directory.to_owned());
    let mut unheard = Diagnostics::new();
    let inputs = inputs::collect(&settings, &process.environment, files, &mut unheard);
    validate_with(files, &settings, &inputs, process, platforms, diags)
}

/// The same with values for variables, on which sources of modules may depend.
pub(super) fn validate_with(
    files: &dyn Files,
    settings: &Settings,
    inputs: &[VariableInput],
    process: &Process,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    let data_directory = places::data_folder(settings, process);
    let workspace = places::workspace(settings, process);
    let options = LoadOptions {
        inputs,
        workspace: &workspace,
        data_directory: Some(&data_directory),
    };
    let config = strata_config::load_with(files, &settings.directory, &options, diags);
    let config = Arc::new(config);
    let providers = platforms.providers();
    strata_config::validate(&config, providers.schemas(), diags);
    unknown_providers(&config, &providers, diags);
    config
}

/// Reports providers that this program does not have.
fn unknown_providers(config: &Config, providers: &Providers, diags: &mut Diagnostics) {
    let schemas = providers.schemas();
    let mut missing: Vec<_> = config
        .providers()
        .into_iter()
        .map(|address| address.source)
        .filter(|source| schemas.provider(source).is_none())
        .collect();
    missing.sort();
    missing.dedup();
    for source in missing {
        let diagnostic = Diagnostic::error(
            "unknown-provider",
            format!("Provider `{source}` is not there"),
        )
        .detail("Strata has its providers built in, and runs no plugins yet.")
        .hint("It has `lxc/incus` and `terraform.io/builtin/terraform`.");
        diags.push(diagnostic);
    }
}
