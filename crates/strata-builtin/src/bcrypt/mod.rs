//! `bcrypt`: hashes of passwords, as viktorradnai/bcrypt 0.1 has them.

mod hash;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "bcrypt",
        "registry.terraform.io/viktorradnai/bcrypt",
        settings.clone(),
    )
    .resource::<hash::BcryptHash>()
    .build()
}
