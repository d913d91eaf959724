//! Points in time, in RFC 3339.

use jiff::{SignedDuration, civil::DateTime};
use strata_core::{Type, Value};

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};

const TIME: Parameter = Parameter::new("timestamp", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "formatdate",
        &[
            Parameter::new("format", Kind::String),
            Parameter::new("time", Kind::String),
        ],
        Returns::String,
        "Writes a point in time by a pattern.",
        formatdate,
    ),
    Function::new(
        "plantimestamp",
        &[],
        Returns::String,
        "Gives the time of the plan; unknown before there is one.",
        |_, context| {
            let time = context.scope.environment().plan_timestamp;
            Ok(time.map_or(Value::unknown(Type::String), Value::from))
        },
    ),
    Function::new(
        "timeadd",
        &[TIME, Parameter::new("duration", Kind::String)],
        Returns::String,
        "Adds a duration such as `1h30m` to a point in time.",
        timeadd,
    ),
    Function::new(
        "timecmp",
        &[
            Parameter::new("timestamp_a", Kind::String),
            Parameter::new("timestamp_b", Kind::String),
        ],
        Returns::Number,
        "Compares two points in time: -1, 0 or 1.",
        |given, _| {
            let order = instant(given, 0)?.utc().cmp(&instant(given, 1)?.utc());
            Ok(Value::from(order as i64))
        },
    ),
    Function::new(
        "timestamp",
        &[],
        Returns::String,
        "Gives the time now; unknown while planning.",
        |_, context| {
            let chance = context.scope.environment().chance;
            Ok(chance.map_or(Value::unknown(Type::String), |chance| {
                Value::from(chance.now())
            }))
        },
    ),
];

/// A time as the clock there shows it, and how many minutes that clock is ahead of UTC.
#[derive(Clone, Copy)]
struct Instant {
    local: DateTime,
    offset: i64,
}

impl Instant {
    fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() < 20 {
            return None;
        }
        let bytes = text.as_bytes();
        let shape = bytes[4] == b'-'
            && bytes[7] == b'-'
            && bytes[10] == b'T'
            && bytes[13] == b':'
            && bytes[16] == b':';
        // No minute has a second more than others, as in Terraform.
        if !shape || &text[17..19] == "60" {
            return None;
        }
        let zone = text[19..].find(['Z', '+', '-'])? + 19;
        let offset = match &text[zone..] {
            "Z" => 0,
            zone => offset(zone)?,
        };
        let local: DateTime = text[..zone].parse().ok()?;
        Some(Self { local, offset })
    }

    fn utc(self) -> Option<DateTime> {
        self.local
            .checked_sub(SignedDuration::from_secs(self.offset * 60))
            .ok()
    }

    fn zone(self, colon: &str, utc: &str) -> String {
        if self.offset == 0 && !utc.is_empty() {
            return utc.to_owned();
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }
}

fn offset(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 24 || minutes > 59 {
        return None;
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    Some(sign * (hours * 60 + minutes))
}

fn instant(given: Given<'_>, at: usize) -> Result<Instant, FunctionError> {
    let written = text(given, at);
    Instant::parse(written).ok_or_else(|| {
        FunctionError::argument(
            at,
            format!("not a valid RFC3339 timestamp: {}", what_is_wrong(written)),
        )
    })
}

/// Why a text is no time, in the words of Terraform where it is short of what comes first.
fn what_is_wrong(text: &str) -> &'static str {
    match text.as_bytes().get(10) {
        _ if text.is_empty() => "end of string before year",
        byte if text.len() >= 10
            && text.parse::<jiff::civil::Date>().is_ok()
            && byte != Some(&b'T') =>
        {
            "missing required time introducer 'T'"
        }
        _ => "a time is written as 2026-01-31T23:59:00Z",
    }
}

fn timeadd(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let instant = instant(given, 0)?;
    let invalid = || FunctionError::argument(1, no_duration(text(given, 1)));
    let nanoseconds = duration(text(given, 1)).ok_or_else(invalid)?;
    let added = SignedDuration::from_nanos(nanoseconds);
    let local = instant
        .local
        .checked_add(added)
        .map_err(|_| FunctionError::new("the result is beyond the calendar"))?;
    Ok(Value::from(Instant { local, ..instant }.to_string()))
}

impl std::fmt::Display for Instant {
    /// Writes RFC 3339 in whole seconds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (date, time) = (self.local.date(), self.local.time());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(
            f,
            "{date}T{hour:02}:{minute:02}:{second:02}{}",
            self.zone(":", "Z")
        )
    }
}

/// What a YAML scalar that is a date or a time becomes.
pub(super) fn yaml_timestamp(text: &str) -> Option<String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.replacen('t', "T", 1),
    };
    Some(Instant::parse(&whole)?.to_string())
}

/// Why a text is no duration, as Go says it.
fn no_duration(text: &str) -> String {
    let digit = |c: char| c.is_ascii_digit() || c == '.';
    let units = text.trim_start_matches(['-', '+']).split(digit);
    let known = ["", "ns", "us", "µs", "μs", "ms", "s", "m", "h"];
    let mut unknown = units.filter(|unit| !known.contains(unit));
    match unknown.next() {
        Some(unit) if text.starts_with(|c: char| digit(c) || c == '-' || c == '+') => {
            format!("time: unknown unit {unit:?} in duration {text:?}")
        }
        _ if text.ends_with(|c: char| c.is_ascii_digit()) => {
            format!("time: missing unit in duration {text:?}")
        }
        _ => format!("time: invalid duration {text:?}"),
    }
}

/// Reads `-1h30m`, `1.5s`, `100ms` as nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                "h" => 3600e9,
                _ => return None,
            };
        rest = &rest[end..];
    }
    let nanoseconds = sign * total;
    (!text.is_empty() && nanoseconds.abs() < 9.2e18).then_some(nanoseconds as i64)
}

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
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn formatdate(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let instant = instant(given, 1)?;
    let mut out = String::new();
    let mut rest = text(given, 0);
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("''") {
            out.push('\'');
            rest = after;
            continue;
        }
        if first == '\'' {
            rest = quoted(&rest[1..], &mut out)
                .ok_or_else(|| FunctionError::argument(0, "unterminated literal '"))?;
            continue;
        }
        let length = rest.find(|c| c != first).unwrap_or(rest.len());
        let token = &rest[..length];
        rest = &rest[length..];
        if !first.is_ascii_alphabetic() {
            out.push_str(token);
            continue;
        }
        match field(token, instant) {
            Some(written) => out.push_str(&written),
            None => {
                let why = match first {
                    'Y' => ": year must either be \"YY\" or \"YYYY\"",
                    _ => "",
                };
                let message = format!("invalid date format verb {token:?}{why}");
                return Err(FunctionError::argument(0, message));
            }
        }
    }
    Ok(Value::from(out))
}

/// Reads text up to a single quote; two of them are one.
fn quoted<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let end = rest.find('\'')?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Some(rest),
        }
    }
}

fn field(token: &str, instant: Instant) -> Option<String> {
    let (date, time) = (instant.local.date(), instant.local.time());
    let month = MONTHS[(date.month() - 1) as usize];
    let day = DAYS[date.weekday().to_monday_zero_offset() as usize];
    let half = if time.hour() < 12 { "am" } else { "pm" };
    let twelve = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    Some(match token {
        "YYYY" => format!("{:04}", date.year()),
        "YY" => format!("{:02}", date.year() % 100),
        "MMMM" => month.to_owned(),
        "MMM" => month[..3].to_owned(),
        "MM" => format!("{:02}", date.month()),
        "M" => date.month().to_string(),
        "DD" => format!("{:02}", date.day()),
        "D" => date.day().to_string(),
        "EEEE" => day.to_owned(),
        "EEE" => day[..3].to_owned(),
        "hh" => format!("{:02}", time.hour()),
        "h" => time.hour().to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => half.to_uppercase(),
        "aa" => half.to_owned(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "Z" => instant.zone(":", "Z"),
        "ZZZ" => instant.zone("", "UTC"),
        "ZZZZ" => instant.zone("", ""),
        "ZZZZZ" => instant.zone(":", ""),
        _ => return None,
    })
}
