//! `random_password`: random text that is a secret.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, Plan, ResourceType, Schema};

use super::{
    Keepers,
    text::{self, Characters},
};
use crate::{Settings, failure::failed};

/// Random text that is a secret, made by the system's cryptographic source of chance.
#[derive(Default, Schema)]
pub(crate) struct RandomPassword {
    /// Values whose change makes a new password.
    #[schema(optional, replace)]
    keepers: Keepers,
    #[schema(flatten)]
    characters: Characters,
    /// The password.
    #[schema(computed, stable, sensitive)]
    result: String,
    /// A bcrypt hash of the password, or of its first 72 bytes.
    #[schema(computed, stable, sensitive)]
    bcrypt_hash: String,
    /// Always `none`.
    #[schema(computed, stable)]
    id: String,
}

impl RandomPassword {
    fn finish(&mut self, password: String) -> Result<(), Diagnostics> {
        self.bcrypt_hash = bcrypt_hash(&password, COST)?;
        self.result = password;
        self.id = "none".to_owned();
        Ok(())
    }
}

/// How much work a hash takes, as in the original.
pub(super) const COST: u32 = 10;

/// A hash of a password, or of its first 72 bytes, as bcrypt has it.
pub(crate) fn bcrypt_hash(password: &str, cost: u32) -> Result<String, Diagnostics> {
    let bytes = password.as_bytes();
    let bytes = bytes[..bytes.len().min(72)].to_vec();
    bcrypt::non_truncating_hash(bytes, cost).map_err(|_| {
        failed(
            "Hash Generation Error",
            "The password could not be hashed with bcrypt.",
        )
    })
}

impl ResourceType for RandomPassword {
    const NAME: &'static str = "random_password";
    const VERSION: u64 = 3;
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        text::validate(config, diags);
    }

    async fn plan(plan: &mut Plan<'_, Settings>) -> Result<(), Diagnostics> {
        text::plan_numeric(plan);
        Ok(())
    }

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let password = text::make(&self.characters.rules())?;
        self.finish(password)
    }

    /// The id is the password.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let mut imported = Self {
            characters: Characters::any(id),
            ..Self::default()
        };
        imported.finish(id.to_owned())?;
        Ok(imported)
    }
}
