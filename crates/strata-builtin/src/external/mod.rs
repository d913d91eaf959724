//! `external`: asks a program, as hashicorp/external 2.3 has it.

mod data_source;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "external",
        "registry.terraform.io/hashicorp/external",
        settings.clone(),
    )
    .data_source::<data_source::External>()
    .build()
}
