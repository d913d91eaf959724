//! Removes an instance, running or not.

use hyper::Method;
use serde_json::Value as Json;
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyResponse, Object},
};

use super::{Work, failed, update::says};
use crate::{client::ClientError, provider::attributes::Attributes};

/// Deletes an instance; one that is gone already is deleted.
pub(crate) async fn delete(work: &Work<'_>, prior: &Object) -> ApplyResponse {
    let object = Attributes(&prior.value);
    let name = object.text("name").unwrap_or_default();
    let running = object.flag("running") == Some(true);
    match remove(work, name, running).await {
        Ok(()) => ApplyResponse {
            object: None,
            diagnostics: Diagnostics::new(),
        },
        Err(error) => {
            let diagnostic = error.diagnostic(format!("cannot delete instance `{name}`"));
            let diagnostic = match says(&error, "protected") {
                true => diagnostic
                    .hint("`security.protection.delete` of the instance must be `false` first"),
                false => diagnostic,
            };
            failed(work, &still_there(&prior.value), diagnostic.into()).await
        }
    }
}

async fn remove(work: &Work<'_>, name: &str, running: bool) -> Result<(), ClientError> {
    if running {
        gone_is_fine(stop(work, name).await)?;
    }
    match erase(work, name).await {
        // State was wrong about it.
        Err(error) if says(&error, "running") => {
            gone_is_fine(stop(work, name).await)?;
            gone_is_fine(erase(work, name).await)
        }
        outcome => gone_is_fine(outcome),
    }
}

async fn stop(work: &Work<'_>, name: &str) -> Result<(), ClientError> {
    work.note("stops");
    match work.set_state(name, "stop").await {
        Err(error) if says(&error, "already stopped") => Ok(()),
        outcome => outcome,
    }
}

async fn erase(work: &Work<'_>, name: &str) -> Result<(), ClientError> {
    work.note("deletes");
    let path = work.instance(name).path(&[]);
    work.client
        .change(Method::DELETE, &path, &Json::Null, None, work.notes())
        .await
}

/// An ephemeral instance is gone once it is stopped; others may have been removed behind our back.
fn gone_is_fine(outcome: Result<(), ClientError>) -> Result<(), ClientError> {
    match outcome {
        Err(error) if error.is_not_found() || says(&error, "Instance not found") => Ok(()),
        outcome => outcome,
    }
}

/// Opens what a half-done removal may have changed, so that it is read anew.
fn still_there(prior: &Value) -> Value {
    let open = |name: &'static str| {
        let ty = prior.get(name).map(Value::ty);
        ty.map(|ty| (name, Value::unknown(ty)))
    };
    let names = [
        "running",
        "status",
        "ipv4_address",
        "ipv6_address",
        "mac_address",
        "interfaces",
    ];
    crate::provider::attributes::with(prior, names.into_iter().filter_map(open))
}
