//! `sops`: what SOPS has encrypted, read through the `sops` of this machine, as carlpett/sops 1.4 has it.

mod external;
mod file;
mod program;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "sops",
        "registry.terraform.io/carlpett/sops",
        settings.clone(),
    )
    .data_source::<file::SopsFile>()
    .data_source::<external::SopsExternal>()
    .ephemeral::<file::EphemeralFile>()
    .ephemeral::<external::EphemeralExternal>()
    .build()
}
