//! Waiting for what a guest does: getting an address, finishing cloud-init, saying that it is ready.

use std::{sync::Arc, time::Duration};

use strata_core::connection::ConnectionError;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    client::{self, Client, ClientError, Finished, Instance, Lifecycle, NOT_FOUND, Notes, Program},
    instance_state::{Family, GuestState},
};

/// How many lines of a log an error shows.
const LOG_LINES: usize = 15;

/// How long a server may answer with errors, or not at all, before that is told: one that is busy starting
/// a guest cannot always say how it is, and one that is restarted is back within seconds.
const TROUBLE_LIMIT: Duration = Duration::from_secs(20);

/// Waits until an interface has an address that others can reach.
pub(crate) async fn for_address(
    client: &Client,
    instance: Instance<'_>,
    family: Option<Family>,
    interface: Option<&str>,
    limit: Duration,
    notes: Notes<'_>,
) -> Result<(), ConnectionError> {
    let what = (notes, "waits for an address");
    let has_address = |state: &GuestState| state.has_address(family, interface);
    match until(client, instance, limit, what, has_address).await? {
        true => Ok(()),
        false => Err(no_address(instance, family, interface, limit)),
    }
}

/// Asks for the state of a guest until it is as wanted; false if it was not within the limit.
///
/// Incus tells nobody when a guest gets an address: neither an event nor a blocking call does. So
/// this asks again and again, first after 50 ms, then ever more slowly up to half a second.
async fn until(
    client: &Client,
    instance: Instance<'_>,
    limit: Duration,
    (notes, what): (Notes<'_>, &str),
    is_wanted: impl Fn(&GuestState) -> bool,
) -> Result<bool, ConnectionError> {
    let path = instance.path(&["state"]);
    let end = Instant::now() + limit;
    let mut answered = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        match client.get::<GuestState>(&path).await {
            Ok(state) if !state.value.is_running() => return Err(ended(instance)),
            Ok(state) if is_wanted(&state.value) => return Ok(true),
            Ok(_) => answered = Instant::now(),
            Err(error) if error.is_passing() && answered.elapsed() < TROUBLE_LIMIT => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() + pause > end {
            return Ok(false);
        }
        notes.note(what);
        notes.wait(sleep(pause)).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
}

fn no_address(
    instance: Instance<'_>,
    family: Option<Family>,
    interface: Option<&str>,
    limit: Duration,
) -> ConnectionError {
    let family = match family {
        Some(Family::V4) => "IPv4 ",
        Some(Family::V6) => "IPv6 ",
        None => "",
    };
    let interface = interface.map_or(String::new(), |name| format!(" on interface `{name}`"));
    ConnectionError::Unreachable(format!(
        "instance `{}` got no {family}address{interface} within {} s",
        instance.name,
        limit.as_secs()
    ))
}

/// What is told of an instance that does not run although it should.
pub(crate) fn stopped(instance: Instance<'_>) -> ConnectionError {
    ConnectionError::Absent(format!("instance `{}` is not running", instance.name))
}

/// What is told of an instance that ended while it was waited for.
fn ended(instance: Instance<'_>) -> ConnectionError {
    ConnectionError::Absent(format!(
        "instance `{0}` is not running: it has ended; `incus info {0} --show-log` may tell why. Where many run on one \
         host, its limit `fs.inotify.max_user_instances` is often too low",
        instance.name
    ))
}

/// Waits until programs can be run in it: of a virtual machine, until its agent answers.
pub(crate) async fn for_agent(
    client: &Client,
    instance: Instance<'_>,
    limit: Duration,
    notes: Notes<'_>,
) -> Result<(), ConnectionError> {
    let what = (notes, "waits for the agent");
    let answers = |state: &GuestState| state.processes > 0;
    match until(client, instance, limit, what, answers).await? {
        true => Ok(()),
        false => {
            let (name, seconds) = (instance.name, limit.as_secs());
            Err(ConnectionError::NotReady(format!(
                "the agent of instance `{name}` did not answer within {seconds} s"
            )))
        }
    }
}

/// Waits until cloud-init is done, if the guest has it.
pub(crate) async fn for_cloud_init(
    client: &Arc<Client>,
    instance: Instance<'_>,
    limit: Duration,
    notes: Notes<'_>,
) -> Result<(), ConnectionError> {
    // This file is there once all is done. Looking for it is far cheaper than starting cloud-init,
    // which is Python, only to hear that there is nothing to wait for.
    if let Ok(result) = client
        .read_file(instance, "/run/cloud-init/result.json")
        .await
    {
        return match has_errors(&result) {
            false => Ok(()),
            true => Err(failed(client, instance).await),
        };
    }
    let off = client.read_file(instance, "/etc/cloud/cloud-init.disabled");
    if off.await.is_ok() {
        return Ok(());
    }
    notes.note("waits for cloud-init");
    let command = ["cloud-init", "status", "--wait"].map(str::to_owned);
    let program = Program::new(&command);
    let waiting = client::run(client, instance, &program, notes);
    let Finished { code, .. } =
        tokio::time::timeout(limit, waiting)
            .await
            .unwrap_or_else(|_| {
                Err(ConnectionError::NotReady(format!(
                    "cloud-init of instance `{}` was not done within {} s",
                    instance.name,
                    limit.as_secs()
                )))
            })?;
    match code {
        // 2 is done, with errors that cloud-init got over (since its version 23.4).
        0 | 2 | NOT_FOUND => Ok(()),
        _ => Err(failed(client, instance).await),
    }
}

/// True if cloud-init's result lists errors.
fn has_errors(result: &[u8]) -> bool {
    let result: serde_json::Value = serde_json::from_slice(result).unwrap_or_default();
    let errors = result
        .pointer("/v1/errors")
        .and_then(serde_json::Value::as_array);
    errors.is_some_and(|errors| !errors.is_empty())
}

async fn failed(client: &Client, instance: Instance<'_>) -> ConnectionError {
    let log = client
        .read_file(instance, "/var/log/cloud-init-output.log")
        .await;
    let log = log.map_or_else(|_| String::new(), |bytes| last_lines(&bytes));
    ConnectionError::NotReady(format!(
        "cloud-init of instance `{}` failed; the end of its log:\n{log}",
        instance.name
    ))
}

/// The end of a log.
pub(crate) fn last_lines(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// Waits until the guest itself says that it is ready.
pub(crate) async fn for_ready(
    client: &Client,
    instance: Instance<'_>,
    limit: Duration,
    notes: Notes<'_>,
) -> Result<(), ConnectionError> {
    // Listening begins before the look, so that nothing is missed between the two.
    let mut events = client.lifecycle().await;
    let source = instance.path(&[]);
    let source = source.as_str().split('?').next().unwrap_or_default();
    let (path, end) = (instance.path(&["state"]), Instant::now() + limit);
    let late = |_| {
        let error = ClientError::Timeout {
            what: format!("the readiness of instance `{}`", instance.name),
            seconds: limit.as_secs(),
        };
        ConnectionError::NotReady(error.to_string())
    };
    loop {
        let state = timeout_at(end, client.get::<GuestState>(&path))
            .await
            .map_err(late)??;
        match state.value.status.as_str() {
            "Ready" => return Ok(()),
            "Running" => notes.note("waits until it says that it is ready"),
            _ => return Err(stopped(instance)),
        }
        let next = something_happens(client, &mut events, (source, instance.project));
        notes.wait(timeout_at(end, next)).await.map_err(late)?;
    }
}

/// Waits until something happens to an instance, given by its path and its project, or may have been missed.
async fn something_happens(
    client: &Client,
    events: &mut Receiver<Lifecycle>,
    (source, project): (&str, &str),
) {
    loop {
        match events.recv().await {
            Ok(event) if event.project == project && event.is_of(source) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => {
                // The stream broke: open a new one, and look again.
                sleep(Duration::from_millis(500)).await;
                *events = client.lifecycle().await;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloud_inits_result_tells_errors() {
        assert!(!has_errors(
            br#"{"v1":{"datasource":"NoCloud","errors":[]}}"#
        ));
        assert!(has_errors(
            br#"{"v1":{"errors":["('scripts_user', ...)"]}}"#
        ));
        assert!(!has_errors(b""));
    }

    #[test]
    fn only_the_end_of_a_log_is_shown() {
        let log: String = (0..40).map(|line| format!("line {line}\n\n")).collect();
        let shown = last_lines(log.as_bytes());
        assert!(shown.starts_with("line 25\n") && shown.ends_with("line 39"));
    }
}
