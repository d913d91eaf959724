//! `random_integer`: a whole number within bounds.

use strata_core::{Diagnostics, Number, Value};
use strata_provider::{Context, ResourceType, Schema};

use super::{Keepers, chance::Chance};
use crate::{
    Settings,
    failure::{bad_import, error},
};

/// A random whole number; no secret.
#[derive(Default, Schema)]
pub(crate) struct RandomInteger {
    /// Values whose change makes a new number.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// The least that it may be.
    #[schema(replace)]
    min: i64,
    /// The most that it may be.
    #[schema(replace)]
    max: i64,
    /// Text that decides the number: the same text, the same number.
    #[schema(replace)]
    seed: Option<String>,
    /// The number.
    #[schema(computed, stable)]
    result: i64,
    /// The number as text.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for RandomInteger {
    const NAME: &'static str = "random_integer";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        let bound = |name| {
            config
                .get(name)
                .and_then(Value::as_number)
                .and_then(Number::as_i64)
        };
        if let (Some(min), Some(max)) = (bound("min"), bound("max"))
            && min > max
        {
            diags.push(error(
                "Create Random Integer Error",
                "The minimum (min) value needs to be smaller than or equal to maximum (max) value.",
            ));
        }
    }

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        // The span of all i64 fits u64; only the very widest, which needs one more, is drawn whole.
        let span = self.max.abs_diff(self.min);
        let mut chance = Chance::new(self.seed.as_deref());
        let above = match span.checked_add(1) {
            Some(end) => chance.below(end)?,
            None => chance.below(u64::MAX)?,
        };
        self.result = self.min.wrapping_add_unsigned(above);
        self.id = self.result.to_string();
        Ok(())
    }

    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let form = || bad_import(Self::NAME, "RESULT,MIN,MAX or RESULT,MIN,MAX,SEED");
        let parts: Vec<&str> = id.splitn(4, ',').collect();
        let number = |at: usize| {
            parts
                .get(at)
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or_else(form)
        };
        let result = number(0)?;
        Ok(Self {
            min: number(1)?,
            max: number(2)?,
            seed: parts.get(3).map(|seed| (*seed).to_owned()),
            result,
            id: result.to_string(),
            ..Self::default()
        })
    }
}
