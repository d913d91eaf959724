//! `random_string`: random text that is no secret.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, Plan, ResourceType, Schema};

use super::{
    Keepers,
    text::{self, with_rules},
};
use crate::Settings;

/// Random text that is shown; for a secret take `random_password`.
#[derive(Default, Schema)]
pub(crate) struct RandomString {
    /// Values whose change makes a new text.
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
    /// The text.
    #[schema(computed, stable)]
    result: String,
    /// The text.
    #[schema(computed, stable)]
    id: String,
}

with_rules!(RandomString);

impl ResourceType for RandomString {
    const NAME: &'static str = "random_string";
    const VERSION: u64 = 2;
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        text::validate(config, diags);
    }

    async fn plan(plan: &mut Plan<'_, Settings>) -> Result<(), Diagnostics> {
        text::plan_numeric(plan);
        Ok(())
    }

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.result = text::make(&self.rules())?;
        self.id = self.result.clone();
        Ok(())
    }

    /// The id is the text.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        Ok(Self {
            length: id.chars().count() as i64,
            upper: true,
            lower: true,
            number: true,
            numeric: true,
            special: true,
            result: id.to_owned(),
            id: id.to_owned(),
            ..Self::default()
        })
    }
}
