//! Changing what is there by what it is.

use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{ApiPath, Client, ClientError, Notes};

/// How often a change begins again because somebody else, or the server itself, changed the object in between.
const CONFLICT_RETRIES: usize = 5;

impl Client {
    /// Reads the object at `path` and puts in its place what `revised` makes of it. Where it was changed in
    /// between, all begins again from what is there then.
    pub(crate) async fn revise<T: DeserializeOwned>(
        &self,
        path: &ApiPath,
        notes: Notes<'_>,
        revised: impl Fn(&T) -> Json,
    ) -> Result<(), ClientError> {
        let mut retries = 0..CONFLICT_RETRIES;
        loop {
            let server = self.get::<T>(path).await?;
            let body = revised(&server.value);
            let etag = server.etag.as_deref();
            match self.change(Method::PUT, path, &body, etag, notes).await {
                Err(error) if error.is_conflict() && retries.next().is_some() => {}
                outcome => return outcome,
            }
        }
    }
}
