//! `ansible_host`: a host of an inventory.

use std::collections::BTreeMap;

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use crate::Settings;

/// A host, for the inventory that is made of the state.
#[derive(Default, Schema)]
pub(crate) struct AnsibleHost {
    /// Its name in the inventory.
    #[schema(replace)]
    name: String,
    /// The groups it is in.
    groups: Option<Vec<String>>,
    /// Its variables.
    variables: Option<BTreeMap<String, String>>,
    /// Its name.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for AnsibleHost {
    const NAME: &'static str = "ansible_host";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.id = self.name.clone();
        Ok(())
    }
}
