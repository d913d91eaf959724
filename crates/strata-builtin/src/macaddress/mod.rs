//! `macaddress`: addresses of network devices by chance, as ivoronin/macaddress 0.3 has them.

mod address;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "macaddress",
        "registry.terraform.io/ivoronin/macaddress",
        settings.clone(),
    )
    .resource::<address::MacAddress>()
    .build()
}
