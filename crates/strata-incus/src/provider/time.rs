//! Times as the server writes them (RFC 3339), as numbers.

use serde_json::Value as Json;
use strata_core::Value;

/// Unix time of a server's text; zero if it is none, as of an image that was never used.
pub(crate) fn unix_value(text: Option<&Json>) -> Value {
    let seconds = text.and_then(Json::as_str).and_then(unix);
    Value::from(seconds.unwrap_or_default())
}

fn unix(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let date = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let time = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    Some(date * 86400 + time - offset(text.get(19..)?)?)
}

/// The offset from UTC at the end of a time, behind its fraction of a second.
fn offset(rest: &str) -> Option<i64> {
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Days since 1970 in the Gregorian calendar; months count from March, so that a leap day is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970_in_any_zone() {
        assert_eq!(unix("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(unix("2024-02-29T12:00:00.123456789Z"), Some(1_709_208_000));
        assert_eq!(unix("2024-02-29T14:00:00+02:00"), Some(1_709_208_000));
        assert_eq!(unix("2026-11-21T13:50:00-00:30"), Some(1_795_270_800));
        for wrong in ["", "soon", "2024-02-29", "2024-02-29T12:00:00"] {
            assert_eq!(unix(wrong), None, "{wrong}");
        }
    }
}
