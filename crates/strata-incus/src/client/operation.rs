//! Operations: what the server works on after it has answered.

use serde::Deserialize;
use serde_json::Value as Json;

use super::error::ClientError;

/// An operation as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Operation {
    /// Its id.
    pub(crate) id: String,
    /// What it is, in the server's words.
    #[serde(default)]
    pub(crate) description: String,
    /// Below 200 while it runs, 200 when it succeeded, above when it did not.
    pub(crate) status_code: u16,
    /// Why it failed.
    #[serde(default)]
    pub(crate) err: String,
    /// The paths of what it works on, by kind.
    #[serde(default)]
    pub(crate) resources: Json,
    /// What it gives, by its kind.
    #[serde(default)]
    pub(crate) metadata: Json,
}

impl Operation {
    /// True if nothing more will come of it.
    pub(crate) fn is_final(&self) -> bool {
        self.status_code >= 200
    }

    /// The operation, or its error.
    pub(crate) fn into_result(self) -> Result<Self, ClientError> {
        match self.status_code {
            200 => Ok(self),
            401 => Err(ClientError::Operation("it was cancelled".to_owned())),
            _ => Err(ClientError::Operation(self.err)),
        }
    }

    /// What it is doing, if it tells: `Unpacking image: 40% (200MB/s)`.
    pub(crate) fn progress(&self) -> Option<&str> {
        let entries = self.metadata.as_object()?;
        let telling = entries.iter().find(|(key, _)| key.ends_with("_progress"))?;
        telling.1.as_str()
    }

    /// True if an image comes of it; Incus 6.0 names no object then.
    pub(crate) fn makes_an_image(&self) -> bool {
        self.description == "Downloading image"
    }

    /// True if it works on this object, given as a path without query.
    pub(crate) fn concerns(&self, path: &str) -> bool {
        let Some(kinds) = self.resources.as_object() else {
            return false;
        };
        let paths = kinds.values().filter_map(Json::as_array).flatten();
        paths.filter_map(Json::as_str).any(|resource| {
            resource
                .split_once('?')
                .map_or(resource, |(path, _)| path)
                .eq(path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(json: &str) -> Operation {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_running_operation_tells_its_progress_and_what_it_works_on() {
        let operation = operation(
            r#"{"id":"a","status_code":103,"err":"","resources":{"instances":["/1.0/instances/web?project=p"]},
                "metadata":{"create_instance_from_image_unpack_progress":"Unpacking image: 40%","progress":{"percent":"40"}}}"#,
        );
        assert!(!operation.is_final());
        assert_eq!(operation.progress(), Some("Unpacking image: 40%"));
        assert!(operation.concerns("/1.0/instances/web"));
        assert!(!operation.concerns("/1.0/instances/we"));
    }

    #[test]
    fn a_failed_operation_gives_the_servers_words() {
        let operation =
            operation(r#"{"id":"a","status_code":400,"err":"no room","metadata":null}"#);
        assert!(operation.is_final());
        assert_eq!(
            operation.into_result(),
            Err(ClientError::Operation("no room".to_owned()))
        );
    }
}
