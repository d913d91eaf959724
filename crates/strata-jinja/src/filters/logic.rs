//! `default`, `mandatory`, `ternary`, `bool` and the like.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::add;
use crate::{operators::type_name, python, run::Run};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "default", default);
    add(environment, "d", default);
    add(environment, "mandatory", mandatory);
    add(environment, "ternary", ternary);
    add(environment, "bool", boolean);
    add(environment, "type_debug", type_debug);
    add(environment, "string", string);
}

/// `value | default(other, true)`.
fn default(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let value = &chosen(value)?;
    let arguments = arguments.into_values();
    let (given, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let named = options
        .has("default_value")
        .then(|| options.get("default_value"));
    let other = match named.transpose()? {
        Some(named) => named,
        None => given.first().cloned().unwrap_or_else(|| Value::from("")),
    };
    let always = match options.has("boolean") {
        true => options.get::<Value>("boolean")?.is_true(),
        false => given.get(1).is_some_and(Value::is_true),
    };
    options.assert_all_used()?;
    let replace = value.is_undefined() || always && !value.is_true();
    chosen(if replace { &other } else { value })
}

/// `value | mandatory('message')`.
fn mandatory(
    state: &mut State<'_, '_>,
    value: &Value,
    message: Option<String>,
    options: Kwargs,
) -> Result<Value, Error> {
    if !value.is_undefined() {
        return Ok(value.clone());
    }
    let message = super::option::<String>(&options, "msg")?.or(message);
    options.assert_all_used()?;
    let message = match message {
        Some(message) => message,
        None => {
            let what = Run::of(state)?.missing().unwrap_or_default();
            format!("mandatory variable is missing: {what}")
        }
    };
    let source = crate::TemplateError::new(crate::TemplateErrorKind::Undefined, message.clone());
    Err(Error::new(ErrorKind::InvalidOperation, message).with_source(source))
}

/// `value | ternary('yes', 'no', 'none')`.
fn ternary(value: &Value, yes: &Value, no: &Value, none: Option<Value>) -> Result<Value, Error> {
    let value = chosen(value)?;
    if value.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    match &none {
        Some(none) if value.is_none() => chosen(none),
        _ if value.is_true() => chosen(yes),
        _ => chosen(no),
    }
}

/// What was wrong with a value counts now that it is used.
fn chosen(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Invalid => Err(crate::convert::invalid(value)),
        _ => Ok(value.clone()),
    }
}

/// `value | bool`: as Ansible reads booleans. It warns about what is neither true nor false, and goes on with false.
fn boolean(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    match value.kind() {
        ValueKind::Bool => Ok(value.clone()),
        ValueKind::None => Ok(Value::from(false)),
        ValueKind::Number => Ok(Value::from(f64::try_from(value.clone())? == 1.0)),
        _ => {
            let text = python::text(value);
            match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" | "y" | "t" => Ok(Value::from(true)),
                _ => Ok(Value::from(false)),
            }
        }
    }
}

fn type_debug(value: &Value) -> &'static str {
    type_name(value)
}

fn string(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    python::checked_text(value)
}
