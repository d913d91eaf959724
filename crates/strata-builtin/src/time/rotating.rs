//! `time_rotating`: a moment that is replaced when its time has come.

use strata_core::Diagnostics;
use strata_provider::{Context, Observed, Plan, ResourceType, Schema};

use super::{
    Triggers,
    calendar::Calendar,
    moment::{self, Distance},
};
use crate::{Settings, failure::bad_import};

/// A moment that is made anew at the first plan after its rotation time, with all that depends on it.
#[derive(Default, Schema)]
#[schema(at_least_one_of(
    "rotation_years",
    "rotation_months",
    "rotation_days",
    "rotation_hours",
    "rotation_minutes",
    "rotation_rfc3339"
))]
pub(crate) struct TimeRotating {
    /// Values whose change makes a new moment.
    #[schema(optional, replace)]
    triggers: Triggers,
    /// Where the time to rotation starts; now if not set.
    #[schema(optional_computed, replace, check = moment::is_rfc3339)]
    rfc3339: String,
    /// How many years until rotation.
    rotation_years: Option<i32>,
    /// How many months until rotation.
    rotation_months: Option<i32>,
    /// How many days until rotation.
    rotation_days: Option<i32>,
    /// How many hours until rotation.
    rotation_hours: Option<i32>,
    /// How many minutes until rotation.
    rotation_minutes: Option<i32>,
    /// When it rotates, if no distance says so.
    #[schema(optional_computed, check = moment::is_rfc3339)]
    rotation_rfc3339: String,
    #[schema(flatten)]
    calendar: Calendar,
    /// Where the time to rotation starts.
    #[schema(computed, stable)]
    id: String,
}

impl TimeRotating {
    fn distance(&self) -> Distance {
        Distance {
            years: self.rotation_years,
            months: self.rotation_months,
            days: self.rotation_days,
            hours: self.rotation_hours,
            minutes: self.rotation_minutes,
            seconds: None,
        }
    }

    fn fill(&mut self) -> Result<(), Diagnostics> {
        let base = moment::parse(&self.rfc3339)?;
        if !self.distance().is_none() {
            self.rotation_rfc3339 = moment::text(self.distance().after(base)?);
        }
        self.id = self.rfc3339.clone();
        self.calendar = Calendar::of(base);
        Ok(())
    }
}

impl ResourceType for TimeRotating {
    const NAME: &'static str = "time_rotating";
    type Client = Settings;

    async fn plan(plan: &mut Plan<'_, Settings>) -> Result<(), Diagnostics> {
        // A rotation time that follows from a distance moves with it.
        let moved = ["years", "months", "days", "hours", "minutes"]
            .iter()
            .any(|unit| plan.changes(&format!("rotation_{unit}")));
        if moved && !plan.is_configured("rotation_rfc3339") {
            plan.set_unknown("rotation_rfc3339");
        }
        Ok(())
    }

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        if self.rfc3339.is_empty() {
            self.rfc3339 = moment::text(context.client.clock.now());
        }
        self.fill()
    }

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<Observed, Diagnostics> {
        match self.rotation_rfc3339.is_empty() {
            false if context.client.clock.now() > moment::parse(&self.rotation_rfc3339)? => {
                Ok(Observed::Gone)
            }
            _ => Ok(Observed::Present),
        }
    }

    async fn update(&mut self, _: &Self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.fill()
    }

    async fn import(id: &str, _: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let form = || {
            bad_import(
                Self::NAME,
                "BASE,YEARS,MONTHS,DAYS,HOURS,MINUTES or BASE,ROTATION",
            )
        };
        let parts: Vec<&str> = id.split(',').collect();
        let number = |text: &str| match text {
            "" | "0" => Ok(None),
            text => text.parse::<i32>().map(Some).map_err(|_| form()),
        };
        let mut imported = match parts[..] {
            [base, rotation] => Self {
                rfc3339: base.to_owned(),
                rotation_rfc3339: moment::text(moment::parse(rotation)?),
                ..Self::default()
            },
            [base, years, months, days, hours, minutes] => Self {
                rfc3339: base.to_owned(),
                rotation_years: number(years)?,
                rotation_months: number(months)?,
                rotation_days: number(days)?,
                rotation_hours: number(hours)?,
                rotation_minutes: number(minutes)?,
                ..Self::default()
            },
            _ => return Err(form()),
        };
        if imported.distance().is_none() && imported.rotation_rfc3339.is_empty() {
            return Err(form());
        }
        imported.fill()?;
        Ok(imported)
    }
}
