//! `random_password`: random text that is a secret.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, Plan, ResourceType, Schema};

use super::{
    Keepers,
    text::{self, with_rules},
};
use crate::{Settings, failure::failed};

/// Random text that is a secret, made by the system's cryptographic source of chance.
#[derive(Default, Schema)]
pub(crate) struct RandomPassword {
    /// Values whose change makes a new password.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// How many characters it has.
    #[schema(replace, range(1..=1048576))]
    length: i64,
    /// Whether upper-case letters may occur.
    #[schema(default = true, replace)]
    upper: bool,
    /// Whether lower-case letters may occur.
    #[schema(default = true, replace)]
    lower: bool,
    /// Whether digits may occur.
    #[schema(optional_computed, deprecated = "use `numeric`")]
    number: bool,
    /// Whether digits may occur. Default: `true`.
    #[schema(optional_computed)]
    numeric: bool,
    /// Whether special characters may occur: those of `override_special`, or `!@#$%&*()-_=+[]{}<>:?`.
    #[schema(default = true, replace)]
    special: bool,
    /// How many upper-case letters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_upper: i64,
    /// How many lower-case letters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_lower: i64,
    /// How many digits it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_numeric: i64,
    /// How many special characters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_special: i64,
    /// The special characters that may occur.
    #[schema(replace)]
    override_special: Option<String>,
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

with_rules!(RandomPassword);

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
        let password = text::make(&self.rules())?;
        self.finish(password)
    }

    /// The id is the password.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let mut imported = Self {
            length: id.chars().count() as i64,
            upper: true,
            lower: true,
            number: true,
            numeric: true,
            special: true,
            ..Self::default()
        };
        imported.finish(id.to_owned())?;
        Ok(imported)
    }
}
