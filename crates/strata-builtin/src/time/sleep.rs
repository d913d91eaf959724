//! `time_sleep`: waits at its creation, its end, or both; not where machines are models.

use std::time::Duration;

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, ResourceType, Schema};

use super::{Triggers, moment};
use crate::{Settings, failure::bad_import};

/// Waits when it is made and when it is destroyed, so that what depends on it does too.
#[derive(Default, Schema)]
#[schema(at_least_one_of("create_duration", "destroy_duration"))]
pub(crate) struct TimeSleep {
    /// Values whose change makes it wait again.
    #[schema(optional, replace)]
    triggers: Triggers,
    /// How long to wait when it is made, such as `30s`, `5m`, `1.5h` or `200ms`.
    #[schema(check = is_duration)]
    create_duration: Option<String>,
    /// How long to wait when it is destroyed.
    #[schema(check = is_duration)]
    destroy_duration: Option<String>,
    /// When it was made.
    #[schema(computed, stable)]
    id: String,
}

fn is_duration(value: &Value) -> Result<(), String> {
    match value.as_str().map(duration) {
        Some(None) => {
            Err("must be a number immediately followed by `ms`, `s`, `m` or `h`".to_owned())
        }
        _ => Ok(()),
    }
}

/// Reads a number and a unit.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let milliseconds = match unit {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    let plain = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit());
    let number = number.parse::<f64>().ok().filter(|_| plain)?;
    Duration::try_from_secs_f64(number * milliseconds / 1000.0).ok()
}

async fn wait(text: Option<&str>, context: &Context<'_, Settings>) {
    if let Some(duration) = text.and_then(duration).filter(|_| context.client.waits) {
        context.progress.note("waiting");
        tokio::time::sleep(duration).await;
    }
}

impl ResourceType for TimeSleep {
    const NAME: &'static str = "time_sleep";
    type Client = Settings;

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        wait(self.create_duration.as_deref(), context).await;
        self.id = moment::text(context.client.clock.now());
        Ok(())
    }

    async fn delete(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        wait(self.destroy_duration.as_deref(), context).await;
        Ok(())
    }

    async fn import(id: &str, context: &mut Context<'_, Settings>) -> Result<Self, Diagnostics> {
        let form = || bad_import(Self::NAME, "CREATE_DURATION,DESTROY_DURATION");
        let (create, destroy) = id.split_once(',').ok_or_else(form)?;
        let given = |text: &str| match (text, duration(text)) {
            ("", _) => Ok(None),
            (text, Some(_)) => Ok(Some(text.to_owned())),
            _ => Err(form()),
        };
        let (create_duration, destroy_duration) = (given(create)?, given(destroy)?);
        if create_duration.is_none() && destroy_duration.is_none() {
            return Err(form());
        }
        let id = moment::text(context.client.clock.now());
        Ok(Self {
            create_duration,
            destroy_duration,
            id,
            triggers: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("200ms"), Some(Duration::from_millis(200)));
        for wrong in [
            "", "5", "5d", "s", "-1s", ".5s", "1.s", "1 s", "1s1m", "1e9s",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
