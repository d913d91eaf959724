//! Python's `%` on texts: `'%s is %03d' % (name, number)`.

use minijinja::{Error, ErrorKind, Value, value::ValueKind};

use crate::python;

fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

/// Python's `pattern % values`.
pub(crate) fn percent_format(pattern: &str, values: &Value) -> Result<String, Error> {
    let list = if values.is_tuple() {
        values.try_iter()?.collect()
    } else {
        vec![values.clone()]
    };
    let mut next = list.into_iter();
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut name = None;
        if let Some(after) = rest.strip_prefix('(') {
            let (key, after) = after.split_once(')').ok_or_else(|| incomplete(pattern))?;
            name = Some(key);
            rest = after;
        }
        let length = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or_else(|| incomplete(pattern))?;
        let conversion = char::from(rest.as_bytes()[length]);
        let spec = Spec::parse(&rest[..length], &mut next)?;
        let value = match name {
            Some(key) => values.get_attr(key)?,
            None => next.next().ok_or_else(|| incomplete(pattern))?,
        };
        out.push_str(&spec.format(conversion, &value)?);
        rest = &rest[length + 1..];
    }
    out.push_str(rest);
    // A mapping or a list need not be looked at.
    let may_be_unused = matches!(values.kind(), ValueKind::Map | ValueKind::Seq);
    if next.next().is_some() && (values.is_tuple() || !may_be_unused) {
        return refuse("not all arguments are used by the format");
    }
    Ok(out)
}

fn incomplete(pattern: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!("not enough arguments for the format `{pattern}`"),
    )
}

/// Flags, width and precision of one conversion.
#[derive(Default)]
struct Spec {
    zero: bool,
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn parse(text: &str, arguments: &mut impl Iterator<Item = Value>) -> Result<Self, Error> {
        let mut spec = Self::default();
        let flags = text.len() - text.trim_start_matches(['0', '-', '+', ' ', '#']).len();
        for flag in text[..flags].chars() {
            match flag {
                '0' => spec.zero = true,
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.blank = true,
                _ => spec.alternate = true,
            }
        }
        let (width, precision) = match text[flags..].split_once('.') {
            Some((width, precision)) => (width, Some(precision)),
            None => (&text[flags..], None),
        };
        let mut number = |text: &str| -> usize {
            let value = if text == "*" {
                arguments.next().and_then(|value| value.as_usize())
            } else {
                text.parse().ok()
            };
            value.unwrap_or_default().min(10_000)
        };
        let width = number(width);
        spec.precision = precision.map(&mut number);
        spec.width = width;
        Ok(spec)
    }

    fn format(&self, conversion: char, value: &Value) -> Result<String, Error> {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        let precision = self.precision;
        Ok(match conversion {
            's' | 'r' | 'a' => {
                let text = if conversion == 's' {
                    python::checked_text(value)?
                } else {
                    python::repr(value)
                };
                let text = match precision {
                    Some(limit) => text.chars().take(limit).collect(),
                    None => text,
                };
                self.padded(&text, false)
            }
            'c' => self.padded(&python::text(value), false),
            'd' | 'i' | 'u' => self.padded(&self.signed(integer(value)?.to_string()), true),
            'x' => self.padded(&self.based("0x", format!("{:x}", integer(value)?)), true),
            'X' => self.padded(&self.based("0X", format!("{:X}", integer(value)?)), true),
            'o' => self.padded(&self.based("0o", format!("{:o}", integer(value)?)), true),
            'f' | 'F' => {
                let number = f64::try_from(value.clone())?;
                self.padded(
                    &self.signed(format!("{number:.*}", precision.unwrap_or(6))),
                    true,
                )
            }
            'e' | 'E' | 'g' | 'G' => {
                let number = f64::try_from(value.clone())?;
                let text = scientific(conversion, number, precision.unwrap_or(6));
                self.padded(&self.signed(text), true)
            }
            other => return refuse(format!("`%{other}` is no conversion")),
        })
    }

    fn signed(&self, digits: String) -> String {
        match digits.starts_with('-') {
            false if self.plus => format!("+{digits}"),
            false if self.blank => format!(" {digits}"),
            _ => digits,
        }
    }

    fn based(&self, prefix: &str, digits: String) -> String {
        if self.alternate {
            format!("{prefix}{digits}")
        } else {
            digits
        }
    }

    fn padded(&self, text: &str, number: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            return format!("{text}{}", " ".repeat(missing));
        }
        if self.zero && number {
            let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
            return format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..]);
        }
        format!("{}{text}", " ".repeat(missing))
    }
}

fn integer(value: &Value) -> Result<i64, Error> {
    if let Some(number) = value.as_i64() {
        return Ok(number);
    }
    match value.kind() {
        ValueKind::Bool => Ok(i64::from(value.is_true())),
        ValueKind::Number => Ok(f64::try_from(value.clone())? as i64),
        _ => refuse(format!("a number is needed, not {}", python::repr(value))),
    }
}

fn scientific(conversion: char, number: f64, precision: usize) -> String {
    let exponent_form = |precision: usize| {
        let text = format!("{number:.precision$e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or_default();
        let sign = if exponent < 0 { '-' } else { '+' };
        (
            digits.to_owned(),
            exponent,
            format!("e{sign}{:02}", exponent.abs()),
        )
    };
    let text = match conversion {
        'e' | 'E' => {
            let (digits, _, exponent) = exponent_form(precision);
            digits + &exponent
        }
        _ => {
            let significant = precision.max(1);
            let (digits, exponent, written) = exponent_form(significant - 1);
            let trimmed = |text: String| match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            };
            if exponent < -4 || exponent >= significant as i32 {
                trimmed(digits) + &written
            } else {
                let places = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
                trimmed(format!("{number:.places$}"))
            }
        }
    };
    if conversion.is_uppercase() {
        text.to_uppercase()
    } else {
        text
    }
}
