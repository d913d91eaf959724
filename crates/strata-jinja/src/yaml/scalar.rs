//! What a scalar without quotes means in YAML 1.1, as PyYAML resolves it.

use serde_json::{Number, Value as Json};

/// The value of a scalar without quotes. Dates stay texts.
pub(crate) fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Json::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Json::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Json::String(text.to_owned());
    }
    integer(text)
        .map(Json::from)
        .or_else(|| float(text).and_then(Number::from_f64).map(Json::Number))
        .unwrap_or_else(|| Json::String(text.to_owned()))
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// An integer: decimal, `0b`, `0x`, octal with a leading 0, or in base 60 (`1:30`).
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    let only = |digits: &str, fits: fn(&char) -> bool| {
        !digits.is_empty() && digits.chars().all(|c| c == '_' || fits(&c))
    };
    let value = if let Some(bits) = digits
        .strip_prefix("0b")
        .filter(|d| only(d, |c| matches!(c, '0' | '1')))
    {
        parse(bits, 2)?
    } else if let Some(hex) = digits
        .strip_prefix("0x")
        .filter(|d| only(d, char::is_ascii_hexdigit))
    {
        parse(hex, 16)?
    } else if let Some(octal) = digits
        .strip_prefix('0')
        .filter(|d| only(d, |c| c.is_digit(8)))
    {
        parse(octal, 8)?
    } else if only(digits, char::is_ascii_digit)
        && (digits == "0" || !digits.starts_with(['0', '_']))
    {
        parse(digits, 10)?
    } else {
        base_60(digits)?
    };
    Some(if negative { -value } else { value })
}

fn parse(digits: &str, base: u32) -> Option<i64> {
    i64::from_str_radix(&digits.replace('_', ""), base).ok()
}

fn base_60(digits: &str) -> Option<i64> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if first.starts_with('0')
        || !first.chars().all(|c| c.is_ascii_digit() || c == '_')
        || !digits.contains(':')
    {
        return None;
    }
    let mut value = parse(first, 10)?;
    for part in parts {
        if part.is_empty() || part.len() > 2 || !part.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let minutes: i64 = part.parse().ok()?;
        if minutes > 59 {
            return None;
        }
        value = value.checked_mul(60)?.checked_add(minutes)?;
    }
    Some(value)
}

/// A float: it must have a point, and an exponent must have a sign.
fn float(text: &str) -> Option<f64> {
    let (negative, digits) = split_sign(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits_only = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let good_exponent = exponent.is_none_or(|exponent| {
        exponent.starts_with(['+', '-'])
            && exponent.len() > 1
            && exponent[1..].chars().all(|c| c.is_ascii_digit())
    });
    let something = !whole.is_empty() || fraction.starts_with(|c: char| c.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction) || !good_exponent || !something {
        return None;
    }
    let clean = format!("{whole}.{fraction}0e{}", exponent.unwrap_or("0")).replace('_', "");
    let value: f64 = format!("0{clean}").parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_read_as_pyyaml_does() {
        for (text, value) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("010", json!(8)),
            ("0644", json!(420)),
            ("08", json!("08")),
            ("0x1F", json!(31)),
            ("0o17", json!("0o17")),
            ("1_000", json!(1000)),
            ("1:30", json!(90)),
            ("22:22", json!(1342)),
            ("1.5", json!(1.5)),
            ("1e3", json!("1e3")),
            ("1.0e+3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            ("-5", json!(-5)),
            ("-", json!("-")),
            (".", json!(".")),
            ("~", json!(null)),
            ("2024-01-01", json!("2024-01-01")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }
}
