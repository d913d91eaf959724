//! `random_uuid`: a UUID, version 4.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};
use uuid::Uuid;

use super::Keepers;
use crate::{Settings, failure::bad_import};

/// A random UUID.
#[derive(Default, Schema)]
pub(crate) struct RandomUuid {
    /// Values whose change makes a new UUID.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// The UUID.
    #[schema(computed, stable)]
    result: String,
    /// The UUID.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for RandomUuid {
    const NAME: &'static str = "random_uuid";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.result = Uuid::new_v4().to_string();
        self.id = self.result.clone();
        Ok(())
    }

    /// The id is the UUID.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let uuid = Uuid::try_parse(id).map_err(|_| bad_import(Self::NAME, "UUID"))?;
        let result = uuid.to_string();
        Ok(Self {
            id: result.clone(),
            result,
            ..Self::default()
        })
    }
}
