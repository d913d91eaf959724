//! Fetching something small from an address, as modules do that take a key by its URL.

use std::io::Read;
use std::time::Duration;

use crate::host::Host;
use crate::module::ModuleError;
use crate::system::{HttpRequest, Redirects};

/// No key or list of keys is larger.
const LARGEST: u64 = 8 << 20;

/// Gives what an address answers with status 200.
pub(super) fn fetch(
    host: &dyn Host,
    url: &str,
    verify_certificates: bool,
) -> Result<Vec<u8>, ModuleError> {
    let mut answer = host.fetch(&HttpRequest {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: vec![("user-agent".to_owned(), "ansible-httpget".to_owned())],
        body: None,
        redirects: Redirects::Safe,
        timeout: Duration::from_secs(30),
        verify_certificates,
        use_proxy: true,
        ..HttpRequest::default()
    })?;
    if answer.status != 200 {
        let (status, reason) = (answer.status, &answer.reason);
        return Err(ModuleError::new(format!(
            "Failed to download key at {}: HTTP Error {status}: {reason}",
            shown(url)
        )));
    }
    let mut bytes = Vec::new();
    let read = answer
        .body
        .by_ref()
        .take(LARGEST + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| ModuleError::new(format!("{}: {error}", shown(url))))?;
    if bytes.len() as u64 > LARGEST {
        let shown = shown(url);
        return Err(ModuleError::new(format!("{shown} is too large")));
    }
    Ok(bytes)
}

/// Whether a text is an address that can be fetched.
pub(super) fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// The address without what may be secret in it.
pub(super) fn shown(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => bare.to_owned(),
    }
}
