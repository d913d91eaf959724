//! `bcrypt_hash`: the hash of one password.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use crate::{Settings, random::password::bcrypt_hash};

/// The bcrypt hash of a password, made once: its salt is kept with it.
#[derive(Default, Schema)]
pub(crate) struct BcryptHash {
    /// The password.
    #[schema(replace, sensitive)]
    cleartext: String,
    /// How much work it takes, as a power of two.
    #[schema(replace, default = 10, range(4..=31))]
    cost: u32,
    /// The hash.
    #[schema(computed, stable, sensitive)]
    id: String,
}

impl ResourceType for BcryptHash {
    const NAME: &'static str = "bcrypt_hash";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.id = bcrypt_hash(&self.cleartext, self.cost)?;
        Ok(())
    }
}
