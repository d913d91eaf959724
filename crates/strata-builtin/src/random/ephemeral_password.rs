//! `ephemeral.random_password`: a password for one run, which no state has.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use super::{
    password::{COST, bcrypt_hash},
    text::{self, Rules},
};
use crate::Settings;

/// Random text that is a secret and kept nowhere: each run has another.
#[derive(Default, Schema)]
pub(crate) struct EphemeralPassword {
    /// How many characters it has.
    #[schema(range(1..=1048576))]
    length: i64,
    /// Whether upper-case letters may occur.
    #[schema(default = true)]
    upper: bool,
    /// Whether lower-case letters may occur.
    #[schema(default = true)]
    lower: bool,
    /// Whether digits may occur.
    #[schema(default = true)]
    numeric: bool,
    /// Whether special characters may occur: those of `override_special`, or `!@#$%&*()-_=+[]{}<>:?`.
    #[schema(default = true)]
    special: bool,
    /// How many upper-case letters it has at least.
    #[schema(default = 0, range(0..=1048576))]
    min_upper: i64,
    /// How many lower-case letters it has at least.
    #[schema(default = 0, range(0..=1048576))]
    min_lower: i64,
    /// How many digits it has at least.
    #[schema(default = 0, range(0..=1048576))]
    min_numeric: i64,
    /// How many special characters it has at least.
    #[schema(default = 0, range(0..=1048576))]
    min_special: i64,
    /// The special characters that may occur.
    override_special: Option<String>,
    /// The password.
    #[schema(computed, sensitive)]
    result: String,
    /// A bcrypt hash of the password, or of its first 72 bytes.
    #[schema(computed, sensitive)]
    bcrypt_hash: String,
}

impl EphemeralPassword {
    fn rules(&self) -> Rules<'_> {
        Rules {
            length: self.length,
            upper: (self.upper, self.min_upper),
            lower: (self.lower, self.min_lower),
            numeric: (self.numeric, self.min_numeric),
            special: (self.special, self.min_special),
            override_special: self.override_special.as_deref(),
        }
    }
}

impl DataSourceType for EphemeralPassword {
    const NAME: &'static str = "random_password";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        text::validate(config, diags);
    }

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let password = text::make(&self.rules())?;
        self.bcrypt_hash = bcrypt_hash(&password, COST)?;
        self.result = password;
        Ok(())
    }
}
