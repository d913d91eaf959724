//! `ansible`: hosts and groups for an inventory, as ansible/ansible 1.3 has them.
//!
//! The objects are only kept in the state. `-i STATE`, the inventory plugin `cloud.terraform.terraform_provider` and
//! environments read them from there.

mod group;
mod host;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "ansible",
        "registry.terraform.io/ansible/ansible",
        settings.clone(),
    )
    .resource::<group::AnsibleGroup>()
    .resource::<host::AnsibleHost>()
    .build()
}
