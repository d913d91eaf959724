//! `null_data_source`: gives back what it is given.

use std::collections::BTreeMap;

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};
use uuid::Uuid;

use crate::Settings;

/// Gives back what it is given; a `locals` block does the same better.
#[derive(Default, Schema)]
pub(crate) struct NullDataSource {
    /// Values to give back.
    inputs: Option<BTreeMap<String, Option<String>>>,
    /// The values of `inputs`.
    #[schema(computed)]
    outputs: Option<BTreeMap<String, Option<String>>>,
    /// A random number, another one at each read.
    #[schema(computed)]
    random: String,
    /// `default` if not set.
    #[schema(default = "default")]
    has_computed_default: String,
    /// Always `static`.
    #[schema(computed, deprecated = "it means nothing")]
    id: String,
}

impl DataSourceType for NullDataSource {
    const NAME: &'static str = "null_data_source";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let (high, _) = Uuid::new_v4().as_u64_pair();
        self.random = (high >> 1).to_string();
        self.outputs = self.inputs.clone();
        self.id = "static".to_owned();
        Ok(())
    }
}
