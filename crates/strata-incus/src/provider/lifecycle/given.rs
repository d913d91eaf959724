//! What every project has from its beginning, such as its profile `default`: it is taken over as it stands,
//! changed to what is written, and emptied when its resource goes, as in release 1.0 of the original.

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyRequest, Object},
};

use super::{
    super::{attributes::Attributes, entity::ServerObject},
    Lifecycle,
};
use crate::client::{Answer, ApiPath, ClientError, Notes};

impl Lifecycle<'_> {
    /// Changes it to what is planned, whatever it holds.
    pub(super) async fn take(
        &self,
        planned: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let failed = |error: ClientError| {
            Diagnostics::from(error.diagnostic(format!("cannot change {}", self.name(planned))))
        };
        let revised = |server: &ServerObject| {
            let now = self.state(planned, server);
            self.update_body(&now, planned, server)
        };
        self.revise(planned, request, revised)
            .await
            .map_err(failed)?;
        self.result(planned).await.map(Some).map_err(failed)
    }

    /// Empties it. A project that has the profiles of the default one keeps the root disk, without which its
    /// instances could not be.
    pub(super) async fn give_back(
        &self,
        prior: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let failed = |error: ClientError| {
            Diagnostics::from(error.diagnostic(format!("cannot empty {}", self.name(prior))))
        };
        let project = self.project(Attributes(prior));
        let path = ApiPath::new(&["projects", project]);
        let project: Option<Answer<Json>> = self.client.find(&path).await.map_err(failed)?;
        let Some(project) = project else {
            return Ok(None);
        };
        let keeps_root = project.value["config"]["features.profiles"] == "false";
        let emptied = |server: &ServerObject| {
            let root = server
                .devices
                .iter()
                .flatten()
                .filter(|(name, _)| keeps_root && *name == "root");
            let devices: serde_json::Map<String, Json> = root
                .map(|(name, device)| (name.clone(), json!(device)))
                .collect();
            json!({ "description": server.description, "config": {}, "devices": devices })
        };
        match self.revise(prior, request, emptied).await {
            Ok(()) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn revise(
        &self,
        object: &Value,
        request: &ApplyRequest,
        body: impl Fn(&ServerObject) -> Json,
    ) -> Result<(), ClientError> {
        let attributes = Attributes(object);
        let path = self.entity.path(attributes, self.project(attributes));
        let notes = Notes::Engine(&request.progress);
        self.client.revise(&path, notes, body).await
    }
}
