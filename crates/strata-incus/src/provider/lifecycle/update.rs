//! The update of a plain object: what is there, with what changed; again, if someone else was faster.

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyRequest, Object},
};

use super::{
    super::{
        attributes::{Attributes, Texts},
        config, devices,
        entity::ServerObject,
    },
    Lifecycle,
};
use crate::client::{ClientError, Notes};

impl Lifecycle<'_> {
    pub(super) async fn update(
        &self,
        prior: &Object,
        planned: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let failed = |error: ClientError| {
            Diagnostics::from(error.diagnostic(format!("cannot update {}", self.name(planned))))
        };
        let object = Attributes(planned);
        self.rename(&prior.value, planned).await.map_err(failed)?;
        let path = self.entity.path(object, self.project(object));
        let notes = Notes::Engine(&request.progress);
        let revised = |server: &ServerObject| self.update_body(&prior.value, planned, server);
        let changed = self.client.revise(&path, notes, revised).await;
        changed.map_err(failed)?;
        if prior.value.get("file") != planned.get("file")
            && let Some(files) = self.guest_files(planned)
        {
            files.write(planned, notes).await?;
        }
        self.result(planned).await.map(Some).map_err(failed)
    }

    /// Gives it its new name, if that is how its kind takes one.
    async fn rename(&self, prior: &Value, planned: &Value) -> Result<(), ClientError> {
        let attribute = self.entity.name_attribute();
        let new = Attributes(planned).text(attribute);
        if !self.entity.is_renamed() || Attributes(prior).text(attribute) == new {
            return Ok(());
        }
        let object = Attributes(prior);
        let path = self.entity.path(object, self.project(object));
        let body = json!({ "name": new });
        let renamed = self
            .client
            .change(Method::POST, &path, &body, None, Notes::Nobody)
            .await;
        match renamed {
            // An earlier try may have come this far.
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    }

    pub(super) fn update_body(
        &self,
        prior: &Value,
        planned: &Value,
        server: &ServerObject,
    ) -> Json {
        let config = config::merged(
            server.config.as_ref().unwrap_or(&Texts::new()),
            &Attributes(prior).map("config"),
            &Attributes(planned).map("config"),
            self.is_computed(planned),
        );
        let mut body = json!({});
        if self.entity.has_description() {
            let description = match self.entity.is_part(Attributes(planned)) {
                true => Some(server.description.as_str()),
                false => Attributes(planned).text("description"),
            };
            body["description"] = json!(description.unwrap_or_default());
        }
        if self.entity.has_config() {
            body["config"] = json!(config);
        }
        if self.entity.has_devices() {
            body["devices"] = json!(devices::of(planned));
        }
        for table in self.entity.tables() {
            let (field, rows) = table.json(Attributes(planned));
            body[field] = rows;
        }
        for (name, value) in self.entity.update_fields(Attributes(planned), server) {
            body[name] = value;
        }
        body
    }
}
