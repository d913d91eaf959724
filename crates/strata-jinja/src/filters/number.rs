//! Filters over numbers: `int`, `float`, `round`, `abs`, `log`, `pow`, `root`, `human_readable`, `human_to_bytes`, `min`, `max`.

use std::{cmp::Ordering, num::IntErrorKind};

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, ValueKind},
};

use super::{add, option, refuse};
use crate::{
    operators::{integer, number, whole},
    python,
};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "int", int);
    add(environment, "float", float);
    add(environment, "round", round);
    add(environment, "log", log);
    add(environment, "pow", pow);
    add(environment, "root", root);
    add(environment, "abs", abs);
    add(environment, "human_readable", human_readable);
    add(environment, "human_to_bytes", human_to_bytes);
    add(environment, "filesizeformat", filesizeformat);
}

fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    Ok(())
}

/// `value | int(default, base)`: what is no number becomes the default.
fn int(
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    options: Kwargs,
) -> Result<Value, Error> {
    defined(value)?;
    let default = option::<Value>(&options, "default")?
        .or(default)
        .unwrap_or_else(|| Value::from(0));
    let base = option::<u32>(&options, "base")?.or(base).unwrap_or(10);
    options.assert_all_used()?;
    Ok(match value.kind() {
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => value.clone(),
        ValueKind::Number => whole(truncated(f64::try_from(value.clone())?), "number")?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            match parse_int(text, base) {
                Some(found) => whole(found, "number")?,
                None => default,
            }
        }
        _ => default,
    })
}

/// A number without its fraction, if it has no more than 128 bits then.
fn truncated(number: f64) -> Option<i128> {
    let limit = 2_f64.powi(127);
    (number > -limit && number < limit).then_some(number.trunc() as i128)
}

/// The whole number that a text tells, which is none inside where it has more than 128 bits.
fn parse_int(text: &str, base: u32) -> Option<Option<i128>> {
    let text = text.trim().replace('_', "");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let lower = digits.to_lowercase();
    let (base, digits) = match (base, lower.get(..2)) {
        (16 | 0, Some("0x")) => (16, &digits[2..]),
        (8 | 0, Some("0o")) => (8, &digits[2..]),
        (2 | 0, Some("0b")) => (2, &digits[2..]),
        (0, _) => (10, digits),
        (base @ 2..=36, _) => (base, digits),
        _ => return None,
    };
    let number = match i128::from_str_radix(digits, base) {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => None,
        Err(_) if base == 10 => {
            let number = digits.parse::<f64>().ok();
            truncated(number.filter(|number| number.is_finite())?)
        }
        Err(_) => return None,
    };
    Some(match negative {
        true => number.and_then(i128::checked_neg),
        false => number,
    })
}

fn float(value: &Value, default: Option<f64>, options: Kwargs) -> Result<f64, Error> {
    defined(value)?;
    let default = option::<f64>(&options, "default")?
        .or(default)
        .unwrap_or(0.0);
    options.assert_all_used()?;
    Ok(match value.kind() {
        ValueKind::Bool => f64::from(u8::from(value.is_true())),
        ValueKind::Number => f64::try_from(value.clone())?,
        ValueKind::String => value
            .as_str()
            .unwrap_or_default()
            .trim()
            .parse()
            .unwrap_or(default),
        _ => default,
    })
}

/// `value | round(precision, 'common' | 'ceil' | 'floor')`.
fn round(
    value: &Value,
    precision: Option<i32>,
    method: Option<String>,
    options: Kwargs,
) -> Result<Value, Error> {
    defined(value)?;
    let precision = option::<i32>(&options, "precision")?
        .or(precision)
        .unwrap_or(0)
        .clamp(-300, 300);
    let method = option::<String>(&options, "method")?
        .or(method)
        .unwrap_or_else(|| "common".to_owned());
    options.assert_all_used()?;
    if method == "common"
        && let Some(whole) = integer(value)
    {
        return Ok(Value::from(round_integer(whole, precision)));
    }
    let number = number(value)?;
    let scale = 10_f64.powi(precision);
    Ok(Value::from(match method.as_str() {
        // Python rounds halves to even, on the exact decimal value.
        "common" if precision >= 0 => format!("{number:.*}", precision as usize)
            .parse()
            .unwrap_or(number),
        "common" => (number * scale).round_ties_even() / scale,
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        other => return refuse(format!("`{other}` is no way to round")),
    }))
}

/// A whole number stays one; halves go to the even side.
fn round_integer(number: i64, precision: i32) -> i64 {
    let zeros = u32::try_from(precision.saturating_neg()).unwrap_or(0);
    let Some(unit) = 10_i64.checked_pow(zeros) else {
        return 0;
    };
    let (whole, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
    let up = match (2 * i128::from(rest)).cmp(&i128::from(unit)) {
        Ordering::Less => false,
        Ordering::Equal => whole % 2 != 0,
        Ordering::Greater => true,
    };
    (whole + i64::from(up)).saturating_mul(unit)
}

fn abs(value: &Value) -> Result<Value, Error> {
    match integer(value) {
        Some(number) => Ok(Value::from(i128::from(number).abs())),
        None => Ok(Value::from(number(value)?.abs())),
    }
}

fn log(value: &Value, base: Option<f64>) -> Result<f64, Error> {
    let value = number(value)?;
    Ok(match base {
        None => value.ln(),
        Some(10.0) => value.log10(),
        Some(base) => value.ln() / base.ln(),
    })
}

fn pow(value: &Value, exponent: f64) -> Result<f64, Error> {
    Ok(number(value)?.powf(exponent))
}

fn root(value: &Value, base: Option<f64>) -> Result<f64, Error> {
    let value = number(value)?;
    Ok(match base {
        None | Some(2.0) => value.sqrt(),
        Some(base) => value.powf(1.0 / base),
    })
}

/// Units with their powers of 1024, the largest first.
const UNITS: [(char, i32); 9] = [
    ('Y', 8),
    ('Z', 7),
    ('E', 6),
    ('P', 5),
    ('T', 4),
    ('G', 3),
    ('M', 2),
    ('K', 1),
    ('B', 0),
];

fn human_readable(
    value: &Value,
    bits: Option<bool>,
    unit: Option<String>,
    options: Kwargs,
) -> Result<String, Error> {
    let bits = option::<bool>(&options, "isbits")?
        .or(bits)
        .unwrap_or(false);
    let unit = option::<String>(&options, "unit")?.or(unit);
    options.assert_all_used()?;
    let value = number(value)?;
    let wanted = unit
        .and_then(|unit| unit.chars().next())
        .map(|letter| letter.to_ascii_uppercase());
    let fits = |(letter, power): &(char, i32)| match wanted {
        Some(wanted) => *letter == wanted,
        None => value >= 1024_f64.powi(*power),
    };
    let (letter, power) = UNITS.into_iter().find(fits).unwrap_or(('B', 0));
    let name = match (letter, bits) {
        ('B', true) => "bits".to_owned(),
        ('B', false) => "Bytes".to_owned(),
        (letter, true) => format!("{letter}b"),
        (letter, false) => format!("{letter}B"),
    };
    Ok(format!("{:.2} {name}", value / 1024_f64.powi(power)))
}

fn human_to_bytes(
    value: &Value,
    default_unit: Option<String>,
    bits: Option<bool>,
    options: Kwargs,
) -> Result<i64, Error> {
    let default_unit = option::<String>(&options, "default_unit")?.or(default_unit);
    let bits = option::<bool>(&options, "isbits")?
        .or(bits)
        .unwrap_or(false);
    options.assert_all_used()?;
    let text = python::text(value);
    let text = text.trim();
    let digits = text.len()
        - text
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .len();
    let Ok(number) = text[..digits].parse::<f64>() else {
        return refuse(format!("`{text}` is no size"));
    };
    let unit = text[digits..].trim();
    let unit = if unit.is_empty() {
        default_unit.as_deref().unwrap_or("B")
    } else {
        unit
    };
    let mut letters = unit.chars();
    let letter = letters.next().unwrap_or('B').to_ascii_uppercase();
    let suffix = letters.as_str();
    let expected = if bits { "b" } else { "B" };
    let long = if bits {
        ["bit", "bits"]
    } else {
        ["byte", "bytes"]
    };
    let plain =
        letter == 'B' && (suffix.is_empty() || long.contains(&unit.to_lowercase().as_str()));
    match UNITS.into_iter().find(|(other, _)| *other == letter) {
        // The letter alone may be small, before another one it may not.
        Some((_, power))
            if plain || suffix.is_empty() || (suffix == expected && unit.starts_with(letter)) =>
        {
            Ok((number * 1024_f64.powi(power)).round_ties_even() as i64)
        }
        _ => refuse(format!("`{unit}` is no unit of size")),
    }
}

fn filesizeformat(value: &Value, binary: Option<bool>) -> Result<String, Error> {
    let value = match value.as_str() {
        Some(text) => text.trim().parse().or_else(|_| refuse("this is no size"))?,
        None => number(value)?,
    };
    let (base, names) = if binary == Some(true) {
        (
            1024.0,
            ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"],
        )
    } else {
        (1000.0, ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"])
    };
    if value == 1.0 {
        return Ok("1 Byte".to_owned());
    }
    if value < base {
        return Ok(format!("{value:.0} Bytes"));
    }
    let mut size = value / base;
    for name in &names[..7] {
        if size < base {
            return Ok(format!("{size:.1} {name}"));
        }
        size /= base;
    }
    Ok(format!("{size:.1} {}", names[7]))
}
