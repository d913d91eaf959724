//! What a calendar says of a moment, which several types here tell under the same names.

use jiff::{Timestamp, tz::TimeZone};
use strata_provider::Schema;

/// A moment as a calendar in UTC has it.
#[derive(Default, Schema)]
pub(super) struct Calendar {
    /// The year.
    #[schema(computed, stable)]
    pub(super) year: i64,
    /// The month, from 1.
    #[schema(computed, stable)]
    pub(super) month: i64,
    /// The day of the month.
    #[schema(computed, stable)]
    pub(super) day: i64,
    /// The hour.
    #[schema(computed, stable)]
    pub(super) hour: i64,
    /// The minute.
    #[schema(computed, stable)]
    pub(super) minute: i64,
    /// The second.
    #[schema(computed, stable)]
    pub(super) second: i64,
    /// Seconds since 1970-01-01T00:00:00Z.
    #[schema(computed, stable)]
    pub(super) unix: i64,
}

impl Calendar {
    /// What it says.
    pub(super) fn of(at: Timestamp) -> Self {
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        Self {
            year: civil.year().into(),
            month: civil.month().into(),
            day: civil.day().into(),
            hour: civil.hour().into(),
            minute: civil.minute().into(),
            second: civil.second().into(),
            unix: at.as_second(),
        }
    }
}
