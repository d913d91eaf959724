//! Changes an instance: stops it first if it shall not run, starts it last if it shall.

use hyper::Method;
use serde_json::{Map, Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyResponse, Object},
};

use super::{Work, exec, failed, finished, state::is_computed, wait_for};
use crate::{
    client::ClientError,
    provider::{
        attributes::{self, Attributes, Texts},
        config, devices,
    },
};

/// What of the instance a change sends.
const SENT: [&str; 6] = [
    "description",
    "profiles",
    "config",
    "device",
    "ephemeral",
    "architecture",
];

/// Updates an instance.
pub(crate) async fn update(work: &Work<'_>, prior: &Object, planned: &Value) -> ApplyResponse {
    match change(work, &prior.value, planned).await {
        Ok(()) => finished(work, planned).await,
        Err(Failure { diagnostics, name }) => {
            // It may be there under the old name still.
            let known = attributes::with(&prior.value, [("name", Value::from(name))]);
            failed_update(work, &known, diagnostics).await
        }
    }
}

/// Why an update failed, and under which name the instance is there now.
struct Failure {
    diagnostics: Diagnostics,
    name: String,
}

/// What a change does besides sending what differs.
struct Steps {
    stop: bool,
    rename: bool,
    start: bool,
}

impl Steps {
    fn new(before: Attributes<'_>, after: Attributes<'_>) -> Self {
        let running = before.flag("running") == Some(true);
        let run = after.flag("running") == Some(true);
        // A running instance cannot be renamed.
        let rename = before.text("name") != after.text("name");
        Self {
            stop: running && (!run || rename),
            start: run && (!running || rename),
            rename,
        }
    }
}

async fn change(work: &Work<'_>, prior: &Value, planned: &Value) -> Result<(), Failure> {
    let (before, after) = (Attributes(prior), Attributes(planned));
    let steps = Steps::new(before, after);
    let old = before.text("name").unwrap_or_default();
    let new = after.text("name").unwrap_or_default();
    vacate(work, &steps, old, new)
        .await
        .map_err(|error| failure(old, &error))?;
    if SENT.iter().any(|name| prior.get(name) != planned.get(name)) {
        put(work, new, prior, planned)
            .await
            .map_err(|error| failure(new, &error))?;
    }
    if steps.start {
        work.note("starts");
        start(work, new)
            .await
            .map_err(|error| failure(new, &error))?;
    }
    let in_guest = async {
        if prior.get("file") != planned.get("file") {
            let files = work.files(new);
            files.write(planned, work.notes()).await?;
        }
        if steps.start {
            wait_for::wait_for(work, new, after).await?;
        }
        match after.flag("running") {
            Some(true) => exec::run(work, new, &exec::due(Some(prior), planned)).await,
            _ => Ok(()),
        }
    };
    in_guest.await.map_err(|diagnostics| Failure {
        diagnostics,
        name: new.to_owned(),
    })
}

fn failure(name: &str, error: &ClientError) -> Failure {
    Failure {
        diagnostics: error
            .diagnostic(format!("cannot update instance `{name}`"))
            .into(),
        name: name.to_owned(),
    }
}

/// Stops and renames, where need be.
async fn vacate(work: &Work<'_>, steps: &Steps, old: &str, new: &str) -> Result<(), ClientError> {
    if steps.stop {
        work.note("stops");
        stop(work, old).await?;
    }
    if steps.rename {
        work.note("renames");
        rename_to(work, old, new).await?;
    }
    Ok(())
}

async fn stop(work: &Work<'_>, name: &str) -> Result<(), ClientError> {
    match work.set_state(name, "stop").await {
        Err(error) if says(&error, "already stopped") => Ok(()),
        outcome => outcome,
    }
}

async fn start(work: &Work<'_>, name: &str) -> Result<(), ClientError> {
    match work.set_state(name, "start").await {
        // A frozen instance runs for the server, but not for the user.
        Err(error) if says(&error, "already running") => match work
            .set_state(name, "unfreeze")
            .await
        {
            Err(error) if says(&error, "not frozen") || says(&error, "already running") => Ok(()),
            outcome => outcome,
        },
        outcome => outcome,
    }
}

/// True if the server's words contain these.
pub(crate) fn says(error: &ClientError, words: &str) -> bool {
    error
        .server_message()
        .is_some_and(|message| message.contains(words))
}

async fn rename_to(work: &Work<'_>, old: &str, new: &str) -> Result<(), ClientError> {
    let body = json!({ "name": new });
    let path = work.instance(old).path(&[]);
    work.client
        .change(Method::POST, &path, &body, None, work.notes())
        .await
}

async fn put(
    work: &Work<'_>,
    name: &str,
    prior: &Value,
    planned: &Value,
) -> Result<(), ClientError> {
    let path = work.instance(name).path(&[]);
    work.note("changes the configuration");
    let revised = |server: &Map<String, Json>| body(server, prior, planned);
    work.client.revise(&path, work.notes(), revised).await
}

/// Gives an instance that was copied or restored the configuration it is to have, and no other.
pub(crate) async fn overwrite(
    work: &Work<'_>,
    name: &str,
    planned: &Value,
    ours: Texts,
) -> Result<(), ClientError> {
    let path = work.instance(name).path(&[]);
    let revised = |server: &Map<String, Json>| {
        let mut body = body(server, planned, planned);
        if let Some(config) = body["config"].as_object_mut() {
            config.extend(ours.iter().map(|(key, value)| (key.clone(), json!(value))));
        }
        body
    };
    work.client.revise(&path, work.notes(), revised).await
}

fn body(server: &Map<String, Json>, prior: &Value, planned: &Value) -> Json {
    let config: Texts = server
        .get("config")
        .and_then(|config| serde_json::from_value(config.clone()).ok())
        .unwrap_or_default();
    let (before, after) = (Attributes(prior), Attributes(planned));
    json!({
        "architecture": server.get("architecture"),
        "ephemeral": server.get("ephemeral"),
        "stateful": server.get("stateful"),
        "description": after.text("description").unwrap_or_default(),
        "profiles": after.texts("profiles").unwrap_or_default(),
        "config": config::merged(&config, &before.map("config"), &after.map("config"), is_computed),
        "devices": devices::of(planned),
    })
}

/// After a failed update what is there is what was, changed by what the server tells.
async fn failed_update(work: &Work<'_>, known: &Value, diagnostics: Diagnostics) -> ApplyResponse {
    let name = Attributes(known).text("name").unwrap_or_default();
    match work.find(name).await {
        Ok(Some(instance)) => ApplyResponse {
            object: Some(Object {
                value: super::state(known, &instance),
                private: Vec::new(),
            }),
            diagnostics,
        },
        _ => failed(work, known, diagnostics).await,
    }
}
