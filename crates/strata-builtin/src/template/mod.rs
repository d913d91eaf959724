//! `template`: texts with variables, as hashicorp/template 2.2 has them. The original is archived, and the function
//! `templatefile` and the provider `cloudinit` stand in its place; many configurations still have it.

mod cloudinit;
mod file;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "template",
        "registry.terraform.io/hashicorp/template",
        settings.clone(),
    )
    .data_source::<file::TemplateFile>()
    .data_source::<cloudinit::TemplateCloudinitConfig>()
    .build()
}
