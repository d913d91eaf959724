//! `wait_for` blocks: what the guest must have done before the instance counts as made.

use std::time::Duration;

use strata_core::{Diagnostic, Diagnostics, connection::ConnectionError};

use super::Work;
use crate::{
    instance_state::Family,
    provider::{attributes::Attributes, validate as checks},
    wait,
};

/// What can be waited for, in the order in which we do: what a guest does first comes first.
const KINDS: [&str; 6] = ["agent", "ipv4", "ipv6", "ready", "cloud-init", "delay"];

/// Checks `wait_for` blocks.
pub(crate) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    for block in config.blocks("wait_for") {
        checks::one_of(block, "type", &KINDS, diags);
        if block.text("type") == Some("delay")
            && block.0.get("delay").is_some_and(|delay| delay.is_known())
            && block.text("delay").and_then(duration).is_none()
        {
            diags.push(
                Diagnostic::error(
                    "incus-invalid-value",
                    "`wait_for` of type `delay` has no valid `delay`",
                )
                .hint("a time such as `30s`, `1m30s` or `500ms`"),
            );
        }
    }
}

/// Waits for everything that the blocks ask for.
pub(crate) async fn wait_for(
    work: &Work<'_>,
    name: &str,
    object: Attributes<'_>,
) -> Result<(), Diagnostics> {
    let mut blocks: Vec<_> = object.blocks("wait_for").collect();
    blocks.sort_by_key(|block| {
        KINDS
            .iter()
            .position(|kind| block.text("type") == Some(kind))
    });
    for block in blocks {
        one(work, name, block)
            .await
            .map_err(|error| explain(name, &error))?;
    }
    Ok(())
}

/// Waits until programs can be run in it, and files be written through them.
pub(crate) async fn agent(work: &Work<'_>, name: &str) -> Result<(), Diagnostics> {
    let limit = work.session.timeouts().ready;
    let notes = work.notes();
    wait::for_agent(&work.client, work.instance(name), limit, notes)
        .await
        .map_err(|error| explain(name, &error))
}

async fn one(work: &Work<'_>, name: &str, block: Attributes<'_>) -> Result<(), ConnectionError> {
    let client = &work.client;
    let instance = work.instance(name);
    let timeouts = work.session.timeouts();
    let notes = work.notes();
    let nic = block.some_text("nic");
    match block.text("type").unwrap_or_default() {
        "ipv4" => {
            wait::for_address(
                client,
                instance,
                Some(Family::V4),
                nic,
                timeouts.address,
                notes,
            )
            .await
        }
        "ipv6" => {
            wait::for_address(
                client,
                instance,
                Some(Family::V6),
                nic,
                timeouts.address,
                notes,
            )
            .await
        }
        "cloud-init" => wait::for_cloud_init(client, instance, timeouts.cloud_init, notes).await,
        "ready" => wait::for_ready(client, instance, timeouts.ready, notes).await,
        "agent" => wait::for_agent(client, instance, timeouts.ready, notes).await,
        _ => {
            let delay = block.text("delay").and_then(duration).unwrap_or_default();
            work.note("waits as long as `delay` says");
            notes.wait(tokio::time::sleep(delay)).await;
            Ok(())
        }
    }
}

fn explain(name: &str, error: &ConnectionError) -> Diagnostics {
    let summary = format!("instance `{name}` was made, but did not become what `wait_for` asks");
    Diagnostics::from(Diagnostic::error("incus-wait-for", summary).detail(error.to_string()))
}

/// Reads a time as Go writes it: numbers with units, one after the other.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    // Longer than a year is a mistake, and would not fit everywhere.
    let limit = 366.0 * 86400.0;
    (!text.is_empty() && seconds <= limit).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_written_as_go_writes_them() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for wrong in ["", "5", "s", "5x", "-5s", "9999999999h", "1..s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
