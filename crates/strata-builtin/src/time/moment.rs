//! Moments: reading, writing and moving them.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use strata_core::{Diagnostics, Value};

use crate::failure::failed;

/// How far to move a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distance {
    pub(crate) years: Option<i32>,
    pub(crate) months: Option<i32>,
    pub(crate) days: Option<i32>,
    pub(crate) hours: Option<i32>,
    pub(crate) minutes: Option<i32>,
    pub(crate) seconds: Option<i32>,
}

/// A moment in RFC 3339, in UTC, to the second.
pub(crate) fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads RFC 3339.
pub(crate) fn parse(text: &str) -> Result<Timestamp, Diagnostics> {
    let parsed = text.parse::<Timestamp>().ok();
    parsed.ok_or_else(|| {
        failed(
            "Invalid RFC3339 timestamp",
            "The text is not a timestamp such as `2026-02-12T06:36:13Z`.",
        )
    })
}

/// Checks that a value is RFC 3339.
pub(crate) fn is_rfc3339(value: &Value) -> Result<(), String> {
    match value.as_str().map(str::parse::<Timestamp>) {
        Some(Err(_)) => Err("must be a timestamp such as `2026-02-12T06:36:13Z`".to_owned()),
        _ => Ok(()),
    }
}

impl Distance {
    /// Moves a moment: years, months and days by the calendar, the rest by the clock.
    ///
    /// As in Go, a day that a month does not have runs over into the next: a month after January 31 is March 3.
    pub(crate) fn after(self, at: Timestamp) -> Result<Timestamp, Diagnostics> {
        let out_of_range = || {
            failed(
                "Timestamp out of range",
                "The moment is beyond the years that a calendar has.",
            )
        };
        let moved = self.moved(at).ok_or_else(out_of_range)?;
        Ok(moved)
    }

    fn moved(self, at: Timestamp) -> Option<Timestamp> {
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let month = i64::from(civil.year()) * 12 + i64::from(civil.month()) - 1;
        let month = month + whole(self.years) * 12 + whole(self.months);
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let first = DateTime::new(
            year,
            i8::try_from(month.rem_euclid(12) + 1).ok()?,
            1,
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond(),
        );
        let days = i64::from(civil.day()) - 1 + whole(self.days);
        let seconds = days * 86_400
            + whole(self.hours) * 3600
            + whole(self.minutes) * 60
            + whole(self.seconds);
        let first = first.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        first.checked_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// True if it says nothing.
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

fn whole(number: Option<i32>) -> i64 {
    number.map_or(0, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: &str, distance: Distance) -> String {
        text(distance.after(parse(start).unwrap()).unwrap())
    }

    #[test]
    fn months_run_over_as_in_go() {
        let month = Distance {
            months: Some(1),
            ..Distance::default()
        };
        assert_eq!(after("2025-01-31T01:02:03Z", month), "2025-03-03T01:02:03Z");
        let back = Distance {
            months: Some(-13),
            ..Distance::default()
        };
        assert_eq!(after("2025-01-15T00:00:00Z", back), "2023-12-15T00:00:00Z");
        let leap = Distance {
            years: Some(1),
            ..Distance::default()
        };
        assert_eq!(after("2024-02-29T00:00:00Z", leap), "2025-03-01T00:00:00Z");
    }

    #[test]
    fn a_moment_past_all_calendars_is_refused() {
        let far = Distance {
            years: Some(i32::MAX),
            ..Distance::default()
        };
        assert!(far.after(parse("2025-01-31T01:02:03Z").unwrap()).is_err());
    }

    #[test]
    fn text_is_in_utc_without_fractions() {
        assert_eq!(
            text(parse("2025-01-31T01:02:03.5+02:00").unwrap()),
            "2025-01-30T23:02:03Z"
        );
    }
}
