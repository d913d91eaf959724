//! `archive`: archives of files, as hashicorp/archive 2.7 has them.
//!
//! [`source`] collects what goes in, [`mod@format`] writes it: the same content always gives the same
//! archive, whatever the times and owners of the files. The original's archives have the same entries
//! but other bytes, since its compressor is another.

mod file;
mod format;
mod source;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "archive",
        "registry.terraform.io/hashicorp/archive",
        settings.clone(),
    )
    .resource::<file::ArchiveFile>()
    .data_source::<file::ArchiveFile>()
    .build()
}
