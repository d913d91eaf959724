//! The delete of a plain object; what is gone already is no failure.

use hyper::Method;
use serde_json::Value as Json;
use strata_core::{
    Diagnostics, Value,
    provider::{ApplyRequest, Object},
};

use super::{
    super::{attributes::Attributes, entity::PENDING},
    Lifecycle,
};
use crate::client::Notes;

impl Lifecycle<'_> {
    pub(super) async fn delete(
        &self,
        prior: &Value,
        request: &ApplyRequest,
    ) -> Result<Option<Object>, Diagnostics> {
        let object = Attributes(prior);
        if self.entity.is_part(object) && self.is_whole(prior).await? {
            return Ok(None);
        }
        let path = self.entity.delete_path(object, self.project(object));
        let notes = Notes::Engine(&request.progress);
        match self
            .client
            .change(Method::DELETE, &path, &Json::Null, None, notes)
            .await
        {
            Ok(()) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => {
                let diagnostic = error.diagnostic(format!("cannot delete {}", self.name(prior)));
                Err(Diagnostics::from(match self.entity.delete_hint() {
                    Some(hint) if error.server_message().is_some() => diagnostic.hint(hint),
                    _ => diagnostic,
                }))
            }
        }
    }

    /// True if the object that this is a part of was made: then the part goes with it, and cannot before.
    async fn is_whole(&self, prior: &Value) -> Result<bool, Diagnostics> {
        let found = self.get(prior).await.map_err(|error| {
            error.diagnostic(format!("cannot read {} before", self.name(prior)))
        })?;
        Ok(found.is_none_or(|server| server.value.status != PENDING))
    }
}
