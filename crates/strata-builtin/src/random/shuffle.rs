//! `random_shuffle`: a list in another order.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{Keepers, chance::Chance};
use crate::Settings;

/// The elements of a list in random order, or some of them.
#[derive(Default, Schema)]
pub(crate) struct RandomShuffle {
    /// Values whose change makes a new order.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// Text that decides the order: the same text, the same order.
    #[schema(replace)]
    seed: Option<String>,
    /// The elements.
    #[schema(replace)]
    input: Vec<Option<String>>,
    /// How many elements come out; more than there are repeat them. All if not set.
    #[schema(replace, range(0..=100000))]
    result_count: Option<u32>,
    /// The elements in their order.
    #[schema(computed, stable)]
    result: Vec<Option<String>>,
    /// Always `-`.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for RandomShuffle {
    const NAME: &'static str = "random_shuffle";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let count = self
            .result_count
            .map_or(self.input.len(), |count| count as usize);
        let mut chance = Chance::new(self.seed.as_deref());
        // Each element occurs once before any occurs again.
        while self.result.len() < count && !self.input.is_empty() {
            let mut round = self.input.clone();
            chance.shuffle(&mut round)?;
            let left = count - self.result.len();
            self.result.extend(round.into_iter().take(left));
        }
        self.id = "-".to_owned();
        Ok(())
    }
}
