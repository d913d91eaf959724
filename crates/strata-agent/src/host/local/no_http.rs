//! What stands for HTTP in builds of the agent that have no client for it.

use std::collections::BTreeMap;

use crate::host::{HostError, HttpResponse};
use crate::system::HttpRequest;

pub(super) fn fetch(
    request: &HttpRequest,
    _environment: &BTreeMap<String, String>,
) -> Result<HttpResponse, HostError> {
    Err(HostError::Other(format!(
        "{}: this build of the agent has no HTTP client",
        request.url
    )))
}
