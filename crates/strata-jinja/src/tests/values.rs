//! Tests on plain values: `truthy`, `contains`, `subset`, `any`, `all`, `nan`, `mapping`.

use std::cmp::Ordering;

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, ValueKind},
};

use super::add;
use crate::{
    operators::{self, compare, integer, type_name},
    python,
};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "truthy", |value: &Value, options: Kwargs| {
        truthy(value, &options)
    });
    add(environment, "falsy", |value: &Value, options: Kwargs| {
        truthy(value, &options).map(|truth| !truth)
    });
    add(environment, "contains", contains);
    add(environment, "subset", |left: &Value, right: &Value| {
        includes(right, left)
    });
    add(environment, "issubset", |left: &Value, right: &Value| {
        includes(right, left)
    });
    add(environment, "superset", |left: &Value, right: &Value| {
        includes(left, right)
    });
    add(environment, "issuperset", |left: &Value, right: &Value| {
        includes(left, right)
    });
    add(environment, "all", |value: &Value| {
        Ok::<_, Error>(value.try_iter()?.all(|item| item.is_true()))
    });
    add(environment, "any", |value: &Value| {
        Ok::<_, Error>(value.try_iter()?.any(|item| item.is_true()))
    });
    for name in ["lt", "lessthan", "<"] {
        add(environment, name, |left: &Value, right: &Value| {
            compare(left, right, "<").map(Ordering::is_lt)
        });
    }
    for name in ["le", "<="] {
        add(environment, name, |left: &Value, right: &Value| {
            compare(left, right, "<=").map(Ordering::is_le)
        });
    }
    for name in ["gt", "greaterthan", ">"] {
        add(environment, name, |left: &Value, right: &Value| {
            compare(left, right, ">").map(Ordering::is_gt)
        });
    }
    for name in ["ge", ">="] {
        add(environment, name, |left: &Value, right: &Value| {
            compare(left, right, ">=").map(Ordering::is_ge)
        });
    }
    add(environment, "odd", |value: &Value| {
        remainder(value, 2).map(|rest| rest == 1.0)
    });
    add(environment, "even", |value: &Value| {
        remainder(value, 2).map(|rest| rest == 0.0)
    });
    add(environment, "divisibleby", |value: &Value, by: i64| {
        remainder(value, by).map(|rest| rest == 0.0)
    });
    add(environment, "lower", |value: &Value| {
        in_case(value, char::is_lowercase)
    });
    add(environment, "upper", |value: &Value| {
        in_case(value, char::is_uppercase)
    });
    add(environment, "nan", is_nan);
    add(environment, "isnan", is_nan);
    add(environment, "sequence", sequence);
    add(environment, "iterable", sequence);
    add(environment, "callable", crate::bound::is_callable);
    add(environment, "none", |value: &Value| value.is_none());
    add(environment, "number", number);
    add(environment, "vault_encrypted", |_: &Value| false);
}

fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    Ok(())
}

fn truthy(value: &Value, options: &Kwargs) -> Result<bool, Error> {
    defined(value)?;
    let convert = options.has("convert_bool") && options.get::<bool>("convert_bool")?;
    options.assert_all_used()?;
    Ok(match value.as_str() {
        Some(text) if convert => {
            matches!(
                text.to_lowercase().as_str(),
                "true" | "yes" | "on" | "1" | "y" | "t"
            )
        }
        _ => value.is_true(),
    })
}

/// True if all letters that have a case have this one, and there are some; also in what is no text, as it is written.
fn in_case(value: &Value, is_it: fn(char) -> bool) -> Result<bool, Error> {
    defined(value)?;
    let text = python::text(value);
    let mut cased = text
        .chars()
        .filter(|c| c.is_lowercase() || c.is_uppercase());
    Ok(cased.clone().next().is_some() && cased.all(is_it))
}

/// What is left of a number, with the sign of the divisor.
fn remainder(value: &Value, by: i64) -> Result<f64, Error> {
    defined(value)?;
    let refuse = |message: String| Err(Error::new(ErrorKind::InvalidOperation, message));
    match (integer(value), operators::number(value)) {
        _ if by == 0 => refuse("division by zero".to_owned()),
        (Some(whole), _) => Ok((whole.rem_euclid(by)) as f64),
        (None, Ok(number)) => Ok(number.rem_euclid(by as f64)),
        (None, Err(_)) => refuse(format!("a {} is no number", type_name(value))),
    }
}

fn is_nan(value: &Value) -> Result<bool, Error> {
    defined(value)?;
    Ok(f64::try_from(value.clone()).is_ok_and(f64::is_nan))
}

fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    defined(container)?;
    defined(item)?;
    match (container.as_str(), item.as_str()) {
        (Some(text), Some(part)) => Ok(text.contains(part)),
        (Some(_), None) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("only a text can be in a text, not a {}", type_name(item)),
        )),
        _ => Ok(container.try_iter()?.any(|other| other == *item)),
    }
}

fn includes(larger: &Value, smaller: &Value) -> Result<bool, Error> {
    defined(larger)?;
    defined(smaller)?;
    let larger: Vec<Value> = larger.try_iter()?.collect();
    Ok(smaller.try_iter()?.all(|item| larger.contains(&item)))
}

/// Texts, lists and mappings are all sequences to Jinja.
fn sequence(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable
    )
}

fn number(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
}
