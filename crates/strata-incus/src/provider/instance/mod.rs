//! `incus_instance`: a container or a virtual machine, from its image to the moment when its guest is up.
//!
//! [`plan()`] decides and names effects, [`create`], [`update`] and [`delete`] make changes,
//! [`state()`] turns what the server tells into attributes, [`wait_for`] waits for the guest and
//! [`files`] puts files into it, [`exec`] runs programs in it. [`addresses`] keeps the hardware
//! addresses of one that is replaced.

mod addresses;
mod create;
mod delete;
mod effects;
mod exec;
mod files;
mod find;
mod plan;
mod schema;
mod state;
mod update;
mod wait_for;

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, Value,
    provider::{ApplyRequest, ApplyResponse, Object, Progress},
};

pub(crate) use self::{
    addresses::HardwareAddresses,
    files::{GuestFiles, validate as validate_files, with_defaults as with_file_defaults},
    find::{find, settle},
    plan::{plan, validate},
    schema::{file_schema, schema},
    state::state,
};
use super::{attributes::Attributes, session::Session};
use crate::{
    client::{Client, ClientError, Instance, Notes},
    instance_state::FullInstance,
};

/// The type in configuration.
pub(crate) const TYPE: &str = "incus_instance";

/// One instance that is worked on.
pub(crate) struct Work<'a> {
    session: &'a Session,
    client: Arc<Client>,
    project: String,
    progress: &'a Progress,
}

impl<'a> Work<'a> {
    /// Finds the client and the project of an instance.
    pub(crate) fn new(
        session: &'a Session,
        object: &Value,
        progress: &'a Progress,
    ) -> Result<Self, Diagnostics> {
        let client = session.client(Attributes(object))?;
        let project = Attributes(object)
            .text("project")
            .unwrap_or(&client.remote().project);
        Ok(Self {
            session,
            project: project.to_owned(),
            client,
            progress,
        })
    }

    fn instance<'b>(&'b self, name: &'b str) -> Instance<'b> {
        Instance {
            project: &self.project,
            name,
        }
    }

    /// The files in it.
    pub(crate) fn files(&self, name: &str) -> GuestFiles<'_> {
        GuestFiles {
            client: &self.client,
            holder: self.instance(name).into(),
            what: format!("instance `{name}`"),
        }
    }

    fn notes(&self) -> Notes<'_> {
        Notes::Engine(self.progress)
    }

    fn note(&self, text: &str) {
        self.progress.note(text);
    }

    /// The instance with its state; none if it is not there.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<FullInstance>, ClientError> {
        let path = self.instance(name).path(&[]).query("recursion", "1");
        Ok(self.client.find(&path).await?.map(|answer| answer.value))
    }

    /// Starts, stops or resumes it.
    async fn set_state(&self, name: &str, action: &str) -> Result<(), ClientError> {
        // Minus one: the guest may take as long as it wants, until the operation's own limit.
        let body =
            serde_json::json!({ "action": action, "force": action == "stop", "timeout": -1 });
        let path = self.instance(name).path(&["state"]);
        self.client
            .change(hyper::Method::PUT, &path, &body, None, self.notes())
            .await
    }

    /// The object as it is now, over what is known of it.
    async fn result(&self, known: &Value) -> Result<Option<Object>, ClientError> {
        let name = Attributes(known).text("name").unwrap_or_default();
        let found = self.find(name).await?;
        Ok(found.map(|instance| Object {
            value: super::attributes::conform(known, &state(known, &instance)),
            private: Vec::new(),
        }))
    }
}

/// Creates, updates or deletes an instance.
pub(crate) async fn apply(session: &Session, request: ApplyRequest) -> ApplyResponse {
    let object = request
        .planned
        .as_ref()
        .or(request.prior.as_ref().map(|prior| &prior.value));
    let nothing = ApplyResponse {
        object: None,
        diagnostics: Diagnostics::new(),
    };
    let Some(object) = object else {
        return nothing;
    };
    let work = match Work::new(session, object, &request.progress) {
        Ok(work) => work,
        Err(diagnostics) => {
            return ApplyResponse {
                object: request.prior.clone(),
                diagnostics,
            };
        }
    };
    match (&request.prior, &request.planned) {
        (None, Some(planned)) => {
            let kept = HardwareAddresses::from_private(&request.private);
            create::create(&work, planned, &request.marker, kept).await
        }
        (Some(prior), Some(planned)) => update::update(&work, prior, planned).await,
        (Some(prior), None) => delete::delete(&work, prior).await,
        (None, None) => nothing,
    }
}

/// What came of a change that failed: the diagnostic, and what is there now.
async fn failed(work: &Work<'_>, known: &Value, diagnostics: Diagnostics) -> ApplyResponse {
    // What is there must be recorded; if even that cannot be told, what was planned is closest.
    let object = match work.result(known).await {
        Ok(object) => object,
        Err(_) => Some(Object {
            value: super::attributes::without_unknown(known),
            private: Vec::new(),
        }),
    };
    ApplyResponse {
        object,
        diagnostics,
    }
}

/// What came of a change that went well.
async fn finished(work: &Work<'_>, planned: &Value) -> ApplyResponse {
    let name = Attributes(planned).text("name").unwrap_or_default();
    match work.result(planned).await {
        Ok(Some(object)) => ApplyResponse {
            object: Some(object),
            diagnostics: Diagnostics::new(),
        },
        Ok(None) => ApplyResponse {
            object: None,
            diagnostics: Diagnostic::error(
                "incus-instance-gone",
                format!("instance `{name}` is gone"),
            )
            .detail("The server made it, but no longer has it.")
            .into(),
        },
        Err(error) => ApplyResponse {
            object: Some(Object {
                value: super::attributes::without_unknown(planned),
                private: Vec::new(),
            }),
            diagnostics: error
                .diagnostic(format!("cannot read instance `{name}` back"))
                .into(),
        },
    }
}
