//! `time_offset`: a moment at a distance from another.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{
    Triggers,
    calendar::Calendar,
    moment::{self, Distance},
};
use crate::{Settings, failure::bad_import};

/// A moment at a distance from another, which is that at which it was made, or is given.
#[derive(Default, Schema)]
#[schema(at_least_one_of(
    "offset_years",
    "offset_months",
    "offset_days",
    "offset_hours",
    "offset_minutes",
    "offset_seconds"
))]
pub(crate) struct TimeOffset {
    /// Values whose change makes a new moment.
    #[schema(optional, replace)]
    triggers: Triggers,
    /// Where the distance starts; now if not set.
    #[schema(optional_computed, replace, check = moment::is_rfc3339)]
    base_rfc3339: String,
    /// How many years to go; back if negative.
    offset_years: Option<i32>,
    /// How many months to go; back if negative.
    offset_months: Option<i32>,
    /// How many days to go; back if negative.
    offset_days: Option<i32>,
    /// How many hours to go; back if negative.
    offset_hours: Option<i32>,
    /// How many minutes to go; back if negative.
    offset_minutes: Option<i32>,
    /// How many seconds to go; back if negative.
    offset_seconds: Option<i32>,
    /// The moment.
    #[schema(computed)]
    rfc3339: String,
    /// The year.
    #[schema(computed)]
    year: i64,
    /// The month, from 1.
    #[schema(computed)]
    month: i64,
    /// The day of the month.
    #[schema(computed)]
    day: i64,
    /// The hour.
    #[schema(computed)]
    hour: i64,
    /// The minute.
    #[schema(computed)]
    minute: i64,
    /// The second.
    #[schema(computed)]
    second: i64,
    /// Seconds since 1970-01-01T00:00:00Z.
    #[schema(computed)]
    unix: i64,
    /// Where the distance starts.
    #[schema(computed, stable)]
    id: String,
}

impl TimeOffset {
    fn distance(&self) -> Distance {
        Distance {
            years: self.offset_years,
            months: self.offset_months,
            days: self.offset_days,
            hours: self.offset_hours,
            minutes: self.offset_minutes,
            seconds: self.offset_seconds,
        }
    }

    fn fill(&mut self) -> Result<(), Diagnostics> {
        let at = self.distance().after(moment::parse(&self.base_rfc3339)?)?;
        let calendar = Calendar::of(at);
        self.id = self.base_rfc3339.clone();
        self.year = calendar.year;
        self.month = calendar.month;
        self.day = calendar.day;
        self.hour = calendar.hour;
        self.minute = calendar.minute;
        self.second = calendar.second;
        self.unix = calendar.unix;
        self.rfc3339 = moment::text(at);
        Ok(())
    }
}

impl ResourceType for TimeOffset {
    const NAME: &'static str = "time_offset";
    type Client = Settings;

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        if self.base_rfc3339.is_empty() {
            self.base_rfc3339 = moment::text(context.client.clock.now());
        }
        self.fill()
    }

    async fn update(&mut self, _: &Self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.fill()
    }

    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let form = || bad_import(Self::NAME, "BASE,YEARS,MONTHS,DAYS,HOURS,MINUTES,SECONDS");
        let parts: Vec<&str> = id.split(',').collect();
        let [base, years, months, days, hours, minutes, seconds] = parts[..] else {
            return Err(form());
        };
        let number = |text: &str| match text {
            "" | "0" => Ok(None),
            text => text.parse::<i32>().map(Some).map_err(|_| form()),
        };
        let mut imported = Self {
            base_rfc3339: base.to_owned(),
            offset_years: number(years)?,
            offset_months: number(months)?,
            offset_days: number(days)?,
            offset_hours: number(hours)?,
            offset_minutes: number(minutes)?,
            offset_seconds: number(seconds)?,
            ..Self::default()
        };
        if imported.distance().is_none() {
            return Err(form());
        }
        imported.fill()?;
        Ok(imported)
    }
}
