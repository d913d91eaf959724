//! Points in time as modules print them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Formats seconds since 1970 in the host's time zone, in the notation of `strftime`.
pub(crate) fn stamp(seconds: f64, format: &str) -> String {
    zoned(seconds).strftime(format).to_string()
}

/// The point in time in the host's time zone; out-of-range values count as 1970.
pub(crate) fn zoned(seconds: f64) -> jiff::Zoned {
    let microseconds = (seconds * 1e6) as i64;
    Timestamp::from_microsecond(microseconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::system())
}

/// A point in time as HTTP headers have it.
pub(crate) fn http_date(seconds: f64) -> String {
    let time = Timestamp::from_second(seconds as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// A day since 1970 as `2030-01-31`.
pub(crate) fn utc_day(days: i64) -> String {
    let seconds = days.saturating_mul(86_400);
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d")
        .to_string()
}

/// The days since 1970 of a day as [`utc_day`] writes it.
pub(crate) fn day_of(day: &str) -> Option<i64> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let midnight = day.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_second().div_euclid(86_400))
}

/// Seconds since 1970 of a time in the host's zone, written in the notation of `strftime`.
pub(crate) fn read(text: &str, format: &str) -> Option<f64> {
    let time = jiff::civil::DateTime::strptime(format, text).ok()?;
    let time = time.to_zoned(TimeZone::system()).ok()?;
    Some(time.timestamp().as_microsecond() as f64 / 1e6)
}

/// A duration as Python prints it: `0:00:01.234567`.
pub(crate) fn delta(seconds: f64) -> String {
    let microseconds = (seconds.max(0.0) * 1e6).round() as u64;
    let whole = microseconds / 1_000_000;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    let fraction = microseconds % 1_000_000;
    if fraction == 0 {
        return format!("{hours}:{minutes:02}:{rest:02}");
    }
    format!("{hours}:{minutes:02}:{rest:02}.{fraction:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_as_python_does() {
        assert_eq!(delta(0.002_5), "0:00:00.002500");
        assert_eq!(delta(3725.0), "1:02:05");
    }
}
