//! `cloudinit`: user data of several parts, as hashicorp/cloudinit 2.3 has it.

mod config;
mod mime;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;
pub(crate) use config::{CloudinitPart, check, checksum, render};

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "cloudinit",
        "registry.terraform.io/hashicorp/cloudinit",
        settings.clone(),
    )
    .resource::<config::CloudinitConfig>()
    .data_source::<config::CloudinitConfig>()
    .build()
}
