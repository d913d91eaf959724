//! `local`: files and programs on this machine, as hashicorp/local 2.6 has them.

mod command;
mod content;
mod data_file;
mod data_sensitive_file;
mod digests;
mod file;
mod sensitive_file;
mod write;
mod written;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "local",
        "registry.terraform.io/hashicorp/local",
        settings.clone(),
    )
    .resource::<file::LocalFile>()
    .resource::<sensitive_file::LocalSensitiveFile>()
    .data_source::<command::LocalCommand>()
    .data_source::<data_file::DataLocalFile>()
    .data_source::<data_sensitive_file::DataLocalSensitiveFile>()
    .build()
}
