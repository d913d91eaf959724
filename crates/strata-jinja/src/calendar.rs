//! Moments of the Gregorian calendar, as Python's `datetime` shows them to templates.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr},
};

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment with the offset of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    seconds: i64,
    nanoseconds: u32,
    offset: i32,
}

/// The fields of a clock and calendar.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: i64,
    day_of_year: i64,
}

/// Days since 1970 of a date (Howard Hinnant's `days_from_civil`).
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since 1970 (`civil_from_days`).
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl Moment {
    pub(crate) fn new(seconds: i64, nanoseconds: u32, offset: i32) -> Self {
        // Years beyond four digits have no use in a template and might overflow.
        let seconds = seconds.clamp(-62_135_596_800, 253_402_300_799);
        Self {
            seconds,
            nanoseconds,
            offset,
        }
    }

    /// Which of two moments comes first.
    pub(crate) fn cmp_time(&self, other: &Self) -> std::cmp::Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }

    fn fields(self) -> Fields {
        let local = self.seconds + i64::from(self.offset);
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = date_from_days(days);
        Fields {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - days_from_date(year, 1, 1) + 1,
        }
    }

    /// `strftime`.
    pub(crate) fn format(self, format: &str) -> String {
        let mut out = String::new();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some('-') => {
                    let text = characters
                        .next()
                        .map(|letter| self.directive(letter))
                        .unwrap_or_default();
                    let trimmed = text.trim_start_matches(['0', ' ']);
                    out.push_str(if trimmed.is_empty() { "0" } else { trimmed });
                }
                Some(letter) => out.push_str(&self.directive(letter)),
                None => out.push('%'),
            }
        }
        out
    }

    fn directive(self, letter: char) -> String {
        let f = self.fields();
        let name = |names: &[&str], at: i64| {
            names[usize::try_from(at).unwrap_or_default() % names.len()].to_owned()
        };
        let hour12 = (f.hour + 11) % 12 + 1;
        match letter {
            'Y' => format!("{:04}", f.year),
            'y' => format!("{:02}", f.year.rem_euclid(100)),
            'C' => format!("{:02}", f.year / 100),
            'm' => format!("{:02}", f.month),
            'd' => format!("{:02}", f.day),
            'e' => format!("{:2}", f.day),
            'H' => format!("{:02}", f.hour),
            'k' => format!("{:2}", f.hour),
            'I' => format!("{hour12:02}"),
            'M' => format!("{:02}", f.minute),
            'S' => format!("{:02}", f.second),
            'f' => format!("{:06}", self.nanoseconds / 1000),
            'j' => format!("{:03}", f.day_of_year),
            'p' => if f.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'a' => name(&DAYS, f.weekday)[..3].to_owned(),
            'A' => name(&DAYS, f.weekday),
            'b' | 'h' => name(&MONTHS, f.month - 1)[..3].to_owned(),
            'B' => name(&MONTHS, f.month - 1),
            'u' => format!("{}", (f.weekday + 6) % 7 + 1),
            'w' => f.weekday.to_string(),
            's' => self.seconds.to_string(),
            'U' => format!("{:02}", (f.day_of_year + 6 - f.weekday) / 7),
            'W' => format!("{:02}", (f.day_of_year + 6 - (f.weekday + 6) % 7) / 7),
            'z' => {
                let sign = if self.offset < 0 { '-' } else { '+' };
                let minutes = self.offset.abs() / 60;
                format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            'Z' => if self.offset == 0 { "UTC" } else { "" }.to_owned(),
            'F' => self.format("%Y-%m-%d"),
            'T' => self.format("%H:%M:%S"),
            'R' => self.format("%H:%M"),
            'D' | 'x' => self.format("%m/%d/%y"),
            'X' => self.format("%H:%M:%S"),
            'c' => self.format("%a %b %e %H:%M:%S %Y"),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            other => format!("%{other}"),
        }
    }

    /// `strptime`, for the directives that dates in configuration use.
    pub(crate) fn parse(text: &str, format: &str) -> Result<Self, String> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (1900, 1, 1);
        let (mut hour, mut minute, mut second, mut offset) = (0, 0, 0, 0);
        let mut nanoseconds = 0;
        let mut afternoon = None;
        let mut directives = format.chars();
        while let Some(character) = directives.next() {
            if character != '%' {
                rest = rest
                    .strip_prefix(character)
                    .ok_or_else(|| format!("`{character}` is missing"))?;
                continue;
            }
            let letter = directives.next().unwrap_or('%');
            match letter {
                'Y' => year = digits(&mut rest, 4)?,
                'm' => month = digits(&mut rest, 2)?,
                'd' => day = digits(&mut rest, 2)?,
                'H' | 'I' => hour = digits(&mut rest, 2)?,
                'M' => minute = digits(&mut rest, 2)?,
                'S' => second = digits(&mut rest, 2)?,
                'y' => {
                    let short = digits(&mut rest, 2)?;
                    year = if short < 69 {
                        2000 + short
                    } else {
                        1900 + short
                    };
                }
                'f' => {
                    let before = rest.len();
                    let fraction = digits(&mut rest, 6)?;
                    let places = u32::try_from(before - rest.len()).unwrap_or(6);
                    nanoseconds = u32::try_from(fraction).unwrap_or(0) * 10_u32.pow(9 - places);
                }
                'b' | 'B' => month = name(&mut rest, &MONTHS)?,
                'a' | 'A' => {
                    name(&mut rest, &DAYS)?;
                }
                'p' => {
                    afternoon = Some(
                        rest.get(..2)
                            .is_some_and(|half| half.eq_ignore_ascii_case("pm")),
                    );
                    rest = rest.get(2..).unwrap_or_default();
                }
                'z' => offset = zone(&mut rest)?,
                'Z' => rest = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
                '%' => rest = rest.strip_prefix('%').ok_or("`%` is missing")?,
                other => return Err(format!("`%{other}` is not supported")),
            }
        }
        if !rest.is_empty() {
            return Err(format!("`{rest}` is left over"));
        }
        if let Some(afternoon) = afternoon {
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        if !(1..=12).contains(&month)
            || !(1..=31).contains(&day)
            || hour > 23
            || minute > 59
            || second > 61
        {
            return Err("there is no such date".to_owned());
        }
        let local = days_from_date(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        let offset = i32::try_from(offset).unwrap_or_default();
        Ok(Self::new(local - i64::from(offset), nanoseconds, offset))
    }
}

fn digits(rest: &mut &str, most: usize) -> Result<i64, String> {
    let count = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, after) = rest.split_at(count);
    *rest = after;
    number
        .parse()
        .map_err(|_| format!("a number is missing before `{after}`"))
}

fn name(rest: &mut &str, names: &[&str]) -> Result<i64, String> {
    for (at, name) in names.iter().enumerate() {
        for spelled in [*name, &name[..3]] {
            if rest
                .get(..spelled.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(spelled))
            {
                *rest = &rest[spelled.len()..];
                return Ok(at as i64 + 1);
            }
        }
    }
    Err(format!("`{rest}` begins with no name of a day or month"))
}

fn zone(rest: &mut &str) -> Result<i64, String> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Ok(0);
    }
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    *rest = rest
        .strip_prefix(['+', '-'])
        .ok_or("a time zone is missing")?;
    let hours = digits(rest, 2)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    Ok(sign * (hours * 3600 + digits(rest, 2)? * 60))
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let fields = self.fields();
        Some(Value::from(match key.as_str()? {
            "year" => fields.year,
            "month" => fields.month,
            "day" => fields.day,
            "hour" => fields.hour,
            "minute" => fields.minute,
            "second" => fields.second,
            "microsecond" => i64::from(self.nanoseconds / 1000),
            _ => return None,
        }))
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "strftime" => {
                let format = arguments
                    .first()
                    .and_then(|value| value.as_str().map(str::to_owned));
                Ok(Value::from(self.format(&format.unwrap_or_default())))
            }
            "isoformat" => Ok(Value::from(self.format("%Y-%m-%dT%H:%M:%S"))),
            "timestamp" => Ok(Value::from(self.seconds as f64)),
            "weekday" => Ok(Value::from((self.fields().weekday + 6) % 7)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = if self.nanoseconds / 1000 > 0 {
            ".%f"
        } else {
            ""
        };
        f.write_str(&self.format(&format!("%Y-%m-%d %H:%M:%S{fraction}")))
    }
}

/// The difference of two moments: `.days`, `.seconds`, `.total_seconds()`.
#[derive(Debug)]
pub(crate) struct Span(f64);

impl Span {
    /// The time from `earlier` to `later`.
    pub(crate) fn between(later: &Moment, earlier: &Moment) -> Self {
        let nanoseconds = f64::from(later.nanoseconds) - f64::from(earlier.nanoseconds);
        Self((later.seconds - earlier.seconds) as f64 + nanoseconds / 1e9)
    }
}

impl Object for Span {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "days" => Some(Value::from((self.0 / 86_400.0).floor() as i64)),
            "seconds" => Some(Value::from(self.0.rem_euclid(86_400.0) as i64)),
            _ => None,
        }
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "total_seconds" => Ok(Value::from(self.0)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        let moment = Moment::new(1_714_559_405, 0, 7200);
        assert_eq!(
            moment.format("%Y-%m-%d %H:%M:%S %z %a %j %-d"),
            "2024-05-01 12:30:05 +0200 Wed 122 1"
        );
        let read = Moment::parse("2024-05-01T10:30:05Z", "%Y-%m-%dT%H:%M:%SZ").unwrap();
        assert_eq!(read.seconds, 1_714_559_405);
        assert!(Moment::parse("2024-13-01", "%Y-%m-%d").is_err());
    }
}
