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
    .absent(
        "ansible_playbook",
        "A playbook runs after the machines are there: as a `configure` stage of `strata.hcl`, which `strata init --from .` drafts, or by `strata playbook`.",
    )
    .absent(
        "ansible_vault",
        "Encrypted values are decrypted where the playbook runs: by `strata playbook --vault-password-file FILE`.",
    )
    .build()
}
