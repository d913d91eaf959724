//! Which providers a configuration uses, and which of them Strata has.

use std::collections::BTreeMap;

use strata_config::Config;
use strata_core::{Diagnostic, Diagnostics, Span};
use strata_engine::Providers;

/// A provider that the configuration uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUse {
    /// Its full address.
    pub source: String,
    /// True if Strata has it built in.
    pub built_in: bool,
}

/// Lists providers by address; one that Strata lacks is reported with the places that need it.
pub(super) fn check(
    config: &Config,
    providers: &Providers,
    diags: &mut Diagnostics,
) -> Vec<ProviderUse> {
    let mut used: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for (address, resource) in config.resources() {
        if let Some(provider) = config.provider_of(&address) {
            let places = used.entry(provider.source.to_string()).or_default();
            places.push(resource.span.clone());
        }
    }
    for address in config.providers() {
        let places = used.entry(address.source.to_string()).or_default();
        let block = config.provider_block(&address);
        places.extend(block.map(|block| block.span.clone()));
    }
    let schemas = providers.schemas();
    let found = used.into_iter().map(|(source, places)| {
        let built_in = schemas.provider(&source).is_some();
        if !built_in {
            diags.push(missing(&source, &places));
        }
        ProviderUse { source, built_in }
    });
    found.collect()
}

/// How many places a message shows.
const MOST_PLACES: usize = 5;

fn missing(source: &str, places: &[Span]) -> Diagnostic {
    let found = Diagnostic::error("unknown-provider", format!("Provider `{source}` is not there"))
        .detail(format!(
            "It is needed at {} places. Strata has its providers built in.",
            places.len()
        ))
        .hint("If it is not one of HashiCorp's, name its source in `required_providers`.");
    let places = places.iter().take(MOST_PLACES).cloned();
    places.fold(found, Diagnostic::at)
}
