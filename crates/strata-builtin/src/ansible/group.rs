//! `ansible_group`: a group of an inventory.

use std::collections::BTreeMap;

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use crate::Settings;

/// A group of hosts, for the inventory that is made of the state.
#[derive(Default, Schema)]
pub(crate) struct AnsibleGroup {
    /// Its name in the inventory.
    #[schema(replace)]
    name: String,
    /// The groups in it.
    children: Option<Vec<String>>,
    /// Variables of all hosts in it.
    variables: Option<BTreeMap<String, String>>,
    /// Its name.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for AnsibleGroup {
    const NAME: &'static str = "ansible_group";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.id = self.name.clone();
        Ok(())
    }
}
