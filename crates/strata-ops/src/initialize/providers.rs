//! Which providers a configuration uses, and which of them Strata has.

use std::collections::BTreeSet;

use strata_config::Config;
use strata_core::Diagnostics;
use strata_engine::Providers;

/// A provider that the configuration uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUse {
    /// Its full address.
    pub source: String,
    /// True if Strata has it built in.
    pub built_in: bool,
}

/// Lists providers by address; those that Strata lacks are reported.
pub(super) fn check(
    config: &Config,
    providers: &Providers,
    diags: &mut Diagnostics,
) -> Vec<ProviderUse> {
    let schemas = providers.schemas();
    strata_config::unknown_providers(config, schemas, diags);
    let sources = config.providers().into_iter().map(|address| address.source);
    let sources: BTreeSet<_> = sources.collect();
    let entry = |source: std::sync::Arc<str>| ProviderUse {
        built_in: schemas.has(&source),
        source: source.to_string(),
    };
    sources.into_iter().map(entry).collect()
}
