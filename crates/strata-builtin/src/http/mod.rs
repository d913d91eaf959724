//! `http`: asks a web server, as hashicorp/http 3.5 has it.

mod agent;
mod data_source;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "http",
        "registry.terraform.io/hashicorp/http",
        settings.clone(),
    )
    .data_source::<data_source::Http>()
    .build()
}
