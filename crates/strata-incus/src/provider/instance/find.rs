//! Looks for an instance that a create without an answer left behind, and lets it finish.

use strata_core::{
    Diagnostics, Value,
    provider::{Found, Object, Progress},
};

use super::{Work, create::is_ours, state, wait_for};
use crate::{
    client::{ClientError, Notes},
    provider::{
        attributes::{self, Attributes},
        session::Session,
    },
};

/// Waits for the operations that work on an instance.
async fn ended(work: &Work<'_>, name: &str) -> Result<(), ClientError> {
    let path = work.instance(name).path(&[]);
    let path = path.as_str().split('?').next().unwrap_or_default();
    for operation in work.client.running(&work.project).await? {
        if operation.concerns(path) {
            // Its failure shows in what is there.
            work.client.wait(operation, Notes::Nobody).await.ok();
        }
    }
    Ok(())
}

/// Waits until the server has done with what it was asked for an instance.
pub(crate) async fn settle(session: &Session, object: &Value) -> Result<(), Diagnostics> {
    let progress = Progress::ignored();
    let work = Work::new(session, object, &progress)?;
    let name = Attributes(object).text("name").unwrap_or_default();
    ended(&work, name).await.map_err(|error| {
        let summary = format!("cannot tell if the server is done with instance `{name}`");
        error.diagnostic(summary).into()
    })
}

/// Finds an instance by its name and our mark.
pub(crate) async fn find(
    session: &Session,
    planned: &Value,
    marker: &str,
) -> Result<Found, Diagnostics> {
    let progress = Progress::ignored();
    let work = Work::new(session, planned, &progress)?;
    let object = Attributes(planned);
    let name = object.text("name").unwrap_or_default();
    let failed = |error: ClientError| {
        Diagnostics::from(error.diagnostic(format!("cannot look for instance `{name}`")))
    };
    // The server goes on with what it began: it must have ended before we judge.
    ended(&work, name).await.map_err(failed)?;
    let Some(instance) = work.find(name).await.map_err(failed)? else {
        return Ok(Found::Nothing);
    };
    if !is_ours(planned, &instance, marker, true) {
        return Ok(Found::Foreign);
    }
    let wanted = object.flag("running") == Some(true);
    let complete = wanted == instance.is_running()
        && !object.is_set("file")
        && !object.is_set("source_file")
        && !object.is_set("exec")
        && (!wanted || wait_for::wait_for(&work, name, object).await.is_ok());
    let instance = work.find(name).await.map_err(failed)?.unwrap_or(instance);
    let now = state(planned, &instance);
    Ok(Found::Ours {
        object: Object {
            value: match complete {
                true => attributes::conform(planned, &now),
                false => now,
            },
            private: Vec::new(),
        },
        complete,
    })
}
