//! `strftime` and `to_datetime`.

use minijinja::{Environment, Error, State, Value, value::Kwargs};

use super::{add, option};
use crate::{calendar::Moment, run::Run};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "strftime", strftime);
    add(environment, "to_datetime", to_datetime);
}

/// `'%Y-%m-%d' | strftime(seconds, utc=false)`.
fn strftime(
    state: &mut State<'_, '_>,
    format: String,
    seconds: Option<Value>,
    utc: Option<bool>,
    options: Kwargs,
) -> Result<String, Error> {
    let seconds = option::<Value>(&options, "second")?
        .or(seconds)
        .filter(|seconds| !seconds.is_none());
    let utc = option::<bool>(&options, "utc")?.or(utc).unwrap_or(false);
    options.assert_all_used()?;
    let now = Run::of(state)?.templar.surroundings.now();
    let seconds = match seconds {
        Some(value) => match value.as_str() {
            Some(text) => text.trim().parse::<f64>().unwrap_or_default(),
            None => f64::try_from(value)?,
        },
        None => now.seconds as f64,
    };
    let offset = if utc { 0 } else { now.offset_seconds };
    Ok(Moment::new(seconds.floor() as i64, now.nanoseconds, offset).format(&format))
}

/// `'2024-05-01 10:00:00' | to_datetime('%Y-%m-%d %H:%M:%S')`.
fn to_datetime(text: String, format: Option<String>) -> Result<Value, Error> {
    let format = format.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".to_owned());
    let moment = Moment::parse(&text, &format).map_err(|reason| {
        Error::new(
            minijinja::ErrorKind::InvalidOperation,
            format!("`{text}` does not fit `{format}`: {reason}"),
        )
    })?;
    Ok(Value::from_object(moment))
}
