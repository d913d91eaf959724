//! `time_static`: the moment at which it was made.

use jiff::Timestamp;
use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{Triggers, calendar::Calendar, moment};
use crate::Settings;

/// A moment: that at which it was made, or one that is given.
#[derive(Default, Schema)]
pub(crate) struct TimeStatic {
    /// Values whose change makes a new moment.
    #[schema(optional, replace)]
    triggers: Triggers,
    /// The moment, such as `2026-02-12T06:36:13Z`; now if not set.
    #[schema(optional_computed, replace, check = moment::is_rfc3339)]
    rfc3339: String,
    #[schema(flatten)]
    calendar: Calendar,
    /// The moment.
    #[schema(computed, stable)]
    id: String,
}

impl TimeStatic {
    fn fill(&mut self, at: Timestamp) {
        self.calendar = Calendar::of(at);
        self.rfc3339 = moment::text(at);
        self.id = self.rfc3339.clone();
    }
}

impl ResourceType for TimeStatic {
    const NAME: &'static str = "time_static";
    type Client = Settings;

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let at = match self.rfc3339.as_str() {
            "" => context.client.clock.now(),
            given => moment::parse(given)?,
        };
        self.fill(at);
        Ok(())
    }

    /// The id is the moment.
    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let mut imported = Self::default();
        imported.fill(moment::parse(id)?);
        Ok(imported)
    }
}
