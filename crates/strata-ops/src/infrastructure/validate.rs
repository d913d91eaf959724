//! Checks configuration without state, variables or platform.

use std::{path::Path, sync::Arc};

use strata_config::Config;
use strata_core::{Diagnostic, Diagnostics, files::Files};
use strata_engine::Providers;

use crate::registry::Platforms;

/// Loads the configuration in `directory` and reports every mistake that can be found without running it.
pub fn validate(
    files: &dyn Files,
    directory: &Path,
    platforms: &Platforms,
    diags: &mut Diagnostics,
) -> Arc<Config> {
    let config = Arc::new(strata_config::load(files, directory, diags));
    let providers = platforms.providers(directory);
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
