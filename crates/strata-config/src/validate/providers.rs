//! Providers that are not there: one message for each, with the places that need it.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Span};

use crate::{schemas::Schemas, tree::Config};

/// How many places a message shows.
const MOST_PLACES: usize = 5;

/// Reports every provider that a configuration needs and that has no schema.
pub fn unknown_providers(config: &Config, schemas: &Schemas, diags: &mut Diagnostics) {
    let mut needed: BTreeMap<Arc<str>, Vec<Span>> = BTreeMap::new();
    for (address, resource) in config.resources() {
        if let Some(provider) = config.provider_of(&address) {
            needed
                .entry(provider.source)
                .or_default()
                .push(resource.span.clone());
        }
    }
    for address in config.providers() {
        let block = config
            .provider_block(&address)
            .map(|block| block.span.clone());
        needed.entry(address.source).or_default().extend(block);
    }
    for (source, mut places) in needed {
        if !schemas.has(&source) {
            places.sort();
            places.dedup();
            diags.push(unknown(schemas, &source, &places));
        }
    }
}

/// What to do where a provider is not there.
const LEFT_OUT: &str = "Providers are built in, and there are no others: `strata doc` lists what they have. Leave what needs this one in a root module of its own, for Terraform.";

fn unknown(schemas: &Schemas, source: &str, places: &[Span]) -> Diagnostic {
    let namesakes: Vec<&str> = schemas.namesakes(source).collect();
    let places_text = match places.len() {
        1 => "1 place".to_owned(),
        count => format!("{count} places"),
    };
    // Without a source it is one of HashiCorp's, which may not be what is meant.
    let hint = match (namesakes.first(), source.contains("/hashicorp/")) {
        _ if source.ends_with("/terraform-lxd/lxd") => {
            "Strata speaks to Incus, LXD's successor: there is `lxc/incus`, whose types have the same names with `incus_` for `lxd_`. What is to stay on LXD is Terraform's.".to_owned()
        }
        (Some(first), _) => format!(
            "There is `{}`: write `source = \"{first}\"` for it in `required_providers`.",
            namesakes.join("` and `")
        ),
        (None, true) => format!(
            "If the provider is not one of HashiCorp's, name its source in `required_providers`. {LEFT_OUT}"
        ),
        (None, false) => LEFT_OUT.to_owned(),
    };
    let found = Diagnostic::error("unknown-provider", "Provider not available")
        .detail(format!(
            "The provider `{source}` is needed at {places_text}, and Strata does not have it."
        ))
        .hint(hint);
    let places = places.iter().take(MOST_PLACES).cloned();
    places.fold(found, Diagnostic::at)
}
