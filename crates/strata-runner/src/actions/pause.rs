//! `pause`: waits a while, or for the user.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use strata_core::Event;

use crate::{
    session::TaskError,
    task::{ActionResult, Call},
};

/// The units that a pause is given in, with their seconds.
const UNITS: [(&str, u64); 2] = [("minutes", 60), ("seconds", 1)];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&["seconds", "minutes", "prompt", "echo"])?;
    let given = UNITS.map(|(unit, seconds)| (unit, seconds, call.arguments.get(unit)));
    let given: Vec<_> = given
        .into_iter()
        .filter_map(|(unit, seconds, amount)| {
            let amount = amount.filter(|amount| !amount.is_null())?;
            Some((unit, seconds, amount))
        })
        .collect();
    let echo = call.flag("echo", true);
    let begun = Begun::now(call, echo);
    match given.as_slice() {
        [] => {
            let answer = ask(call, echo);
            Ok(begun.end("minutes", &answer))
        }
        [(unit, seconds, amount)] => {
            // Less than a second is one, as in Ansible.
            let seconds = whole(unit, amount)?.saturating_mul(*seconds).max(1);
            call.shared.events.send(Event::Pausing {
                seconds,
                hidden: !echo,
            });
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(begun.end(unit, ""))
        }
        _ => Err(TaskError::Failed(
            "parameters are mutually exclusive: minutes|seconds".to_owned(),
        )),
    }
}

/// An amount of time in whole units; parts of one do not count. Nothing is waited for below zero.
fn whole(unit: &str, amount: &Json) -> Result<u64, TaskError> {
    let number = match amount {
        Json::Number(number) => number.as_f64().map(|number| number as i64),
        Json::Bool(flag) => Some(i64::from(*flag)),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| {
        TaskError::Failed(format!(
            "argument '{unit}' of `pause` needs a whole number, not `{}`",
            crate::outcome::text(amount)
        ))
    })?;
    Ok(u64::try_from(number).unwrap_or(0))
}

/// Asks the user; goes on at once where there is nobody, as Ansible does.
fn ask(call: &Call<'_>, echo: bool) -> String {
    let prompt = call.text("prompt").filter(|prompt| !prompt.is_empty());
    let text = prompt.unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".to_owned());
    let hidden = if echo { "" } else { " (output is hidden)" };
    let ask = call.shared.options.ask.as_ref();
    let question = format!("[{}]\n{text}{hidden}:", call.job.name);
    ask.and_then(|ask| ask(&question, !echo))
        .unwrap_or_default()
}

/// A pause under way.
struct Begun<'a> {
    call: &'a Call<'a>,
    at: Instant,
    start: Json,
    echo: bool,
}

impl<'a> Begun<'a> {
    fn now(call: &'a Call<'_>, echo: bool) -> Self {
        Self {
            call,
            at: Instant::now(),
            start: clock(call),
            echo,
        }
    }

    /// What is returned of it, with its length in the unit in which it was given.
    fn end(&self, unit: &str, answer: &str) -> ActionResult {
        let took = self.at.elapsed();
        let one = UNITS.iter().find(|(name, _)| *name == unit);
        let length = took.as_secs_f64() / one.map_or(1.0, |(_, seconds)| *seconds as f64);
        let length = (length * 100.0).round() / 100.0;
        ActionResult::values(json!({
            "changed": false,
            "delta": took.as_secs(),
            "echo": self.echo,
            "rc": 0,
            "start": self.start,
            "stderr": "",
            "stdout": format!("Paused for {length:?} {unit}"),
            "stop": clock(self.call),
            "user_input": answer,
        }))
    }
}

/// The time as Python prints it.
fn clock(call: &Call<'_>) -> Json {
    let now = call.templar.expression("now() | string");
    now.unwrap_or(Json::Null)
}
