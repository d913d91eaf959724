//! `null_resource`: something to hang provisioners on.

use std::collections::BTreeMap;

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};
use uuid::Uuid;

use crate::Settings;

/// Does nothing; provisioners hang on it. `terraform_data` does the same without a provider.
#[derive(Default, Schema)]
pub(crate) struct NullResource {
    /// Values whose change makes it anew, so that its provisioners run again.
    #[schema(replace)]
    triggers: Option<BTreeMap<String, Option<String>>>,
    /// A random id.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for NullResource {
    const NAME: &'static str = "null_resource";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        // The original takes 63 random bits.
        let (high, _) = Uuid::new_v4().as_u64_pair();
        self.id = (high >> 1).to_string();
        Ok(())
    }

    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        Ok(Self {
            id: id.to_owned(),
            triggers: None,
        })
    }
}
