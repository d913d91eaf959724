//! `random_string`: random text that is no secret.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, Plan, ResourceType, Schema};

use super::{
    Keepers,
    text::{self, Characters},
};
use crate::Settings;

/// Random text that is shown; for a secret take `random_password`.
#[derive(Default, Schema)]
pub(crate) struct RandomString {
    /// Values whose change makes a new text.
    #[schema(optional, replace)]
    keepers: Keepers,
    #[schema(flatten)]
    characters: Characters,
    /// The text.
    #[schema(computed, stable)]
    result: String,
    /// The text.
    #[schema(computed, stable)]
    id: String,
}

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
        self.result = text::make(&self.characters.rules())?;
        self.id = self.result.clone();
        Ok(())
    }

    /// The id is the text.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        Ok(Self {
            characters: Characters::any(id),
            result: id.to_owned(),
            id: id.to_owned(),
            ..Self::default()
        })
    }
}
