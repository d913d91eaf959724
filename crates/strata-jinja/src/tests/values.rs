//! Tests on plain values: `truthy`, `contains`, `subset`, `any`, `all`, `nan`, `mapping`.

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, ValueKind},
};

use super::add;

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
    add(environment, "nan", |value: f64| value.is_nan());
    add(environment, "isnan", |value: f64| value.is_nan());
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

fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    defined(container)?;
    defined(item)?;
    match (container.as_str(), item.as_str()) {
        (Some(text), Some(part)) => Ok(text.contains(part)),
        (Some(_), None) => Ok(false),
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
