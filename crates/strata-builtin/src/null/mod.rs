//! `null`: objects that are nothing but their arguments, as hashicorp/null 3.2 has them.

mod data_source;
mod resource;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "null",
        "registry.terraform.io/hashicorp/null",
        settings.clone(),
    )
    .resource::<resource::NullResource>()
    .data_source::<data_source::NullDataSource>()
    .build()
}
