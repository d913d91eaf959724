//! `time_static`: the moment at which it was made.

use jiff::Timestamp;
use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{
    Triggers,
    moment::{self, Moment},
};
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
    /// The year.
    #[schema(computed, stable)]
    year: i64,
    /// The month, from 1.
    #[schema(computed, stable)]
    month: i64,
    /// The day of the month.
    #[schema(computed, stable)]
    day: i64,
    /// The hour.
    #[schema(computed, stable)]
    hour: i64,
    /// The minute.
    #[schema(computed, stable)]
    minute: i64,
    /// The second.
    #[schema(computed, stable)]
    second: i64,
    /// Seconds since 1970-01-01T00:00:00Z.
    #[schema(computed, stable)]
    unix: i64,
    /// The moment.
    #[schema(computed, stable)]
    id: String,
}

impl TimeStatic {
    fn fill(&mut self, at: Timestamp) {
        let moment = Moment::of(at);
        self.year = moment.year;
        self.month = moment.month;
        self.day = moment.day;
        self.hour = moment.hour;
        self.minute = moment.minute;
        self.second = moment.second;
        self.unix = moment.unix;
        self.rfc3339 = moment.rfc3339.clone();
        self.id = moment.rfc3339;
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
