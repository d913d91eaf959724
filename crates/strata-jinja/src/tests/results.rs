//! Tests on results of tasks: `changed`, `failed`, `skipped`, `succeeded`, `unreachable`, `started`, `finished`.

use minijinja::{Environment, Error, ErrorKind, Value, value::ValueKind};

use super::add;

pub(super) fn register(environment: &mut Environment<'static>) {
    for name in ["failed", "failure"] {
        add(environment, name, |result: &Value| failed(result));
    }
    for name in ["succeeded", "success", "successful"] {
        add(environment, name, |result: &Value| {
            failed(result).map(|failed| !failed)
        });
    }
    for name in ["changed", "change"] {
        add(environment, name, changed);
    }
    for name in ["skipped", "skip"] {
        add(environment, name, |result: &Value| flag(result, "skipped"));
    }
    add(environment, "unreachable", |result: &Value| {
        flag(result, "unreachable")
    });
    add(environment, "reachable", |result: &Value| {
        flag(result, "unreachable").map(|gone| !gone)
    });
    add(environment, "timedout", |result: &Value| {
        flag(result, "timedout")
    });
    add(environment, "started", |result: &Value| {
        flag(result, "started")
    });
    add(environment, "finished", |result: &Value| {
        flag(result, "finished")
    });
}

/// A field of a result counts when it is there and true; anything but a result is a mistake.
fn flag(result: &Value, name: &str) -> Result<bool, Error> {
    match result.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Map => Ok(result.get_attr(name)?.is_true()),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "the test needs the result of a task, not {}",
                crate::python::repr(result)
            ),
        )),
    }
}

fn failed(result: &Value) -> Result<bool, Error> {
    flag(result, "failed")
}

/// In a loop, one changed item makes the whole changed.
fn changed(result: &Value) -> Result<bool, Error> {
    if flag(result, "changed")? {
        return Ok(true);
    }
    let items = result.get_attr("results")?;
    if items.kind() != ValueKind::Seq {
        return Ok(false);
    }
    for item in items.try_iter()? {
        if item.kind() == ValueKind::Map && flag(&item, "changed")? {
            return Ok(true);
        }
    }
    Ok(false)
}
