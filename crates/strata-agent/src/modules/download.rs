//! Fetching something small from an address, as modules do that take a key by its URL.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::scratch::Scratch;
use crate::host::{Host, HostError, HttpResponse, Permissions};
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
    let failed = |error| told(error, &format!("Failed to download key at {}", shown(url)));
    answered(
        host.fetch(&request(url, verify_certificates))
            .map_err(failed)?,
        url,
    )
}

/// Gives what an address answers in JSON.
pub(super) fn fetch_json(
    host: &dyn Host,
    url: &str,
    verify_certificates: bool,
) -> Result<Value, ModuleError> {
    let mut request = request(url, verify_certificates);
    let accept = ("accept".to_owned(), "application/json".to_owned());
    request.headers.push(accept);
    let answer = host.fetch(&request)?;
    serde_json::from_slice(&answered(answer, url)?)
        .map_err(|error| ModuleError::new(format!("{}: {error}", shown(url))))
}

/// The content of a good answer.
fn answered(mut answer: HttpResponse, url: &str) -> Result<Vec<u8>, ModuleError> {
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

/// Fetches an address into a file of its own, named as the address ends.
pub(super) fn to_file(host: &dyn Host, url: &str) -> Result<(Scratch, PathBuf), ModuleError> {
    if !is_address(url) {
        let shown = shown(url);
        return Err(ModuleError::new(format!(
            "only http and https addresses are supported: {shown}"
        )));
    }
    let failed = |error| told(error, &format!("Failure downloading {}", shown(url)));
    let mut answer = host.fetch(&request(url, true)).map_err(failed)?;
    if answer.status != 200 {
        let (url, status, reason) = (shown(url), answer.status, &answer.reason);
        return Err(ModuleError::new(format!(
            "Failure downloading {url}, HTTP Error {status}: {reason}"
        )));
    }
    let folder = Scratch::new(host)?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = match path.rsplit('/').next() {
        Some(name) if !name.is_empty() && name != ".." => name,
        _ => "download",
    };
    let file = PathBuf::from(folder.path(name));
    // Apt reads it as a user of its own.
    let permissions = Permissions {
        mode: Some(0o644),
        ..Permissions::default()
    };
    host.write(&file, &mut answer.body, permissions)?;
    Ok((folder, file))
}

/// A failure with what was to be fetched before it.
fn told(error: HostError, what: &str) -> ModuleError {
    match error {
        HostError::Other(reason) => ModuleError::new(format!("{what}: {reason}")),
        error => error.into(),
    }
}

fn request(url: &str, verify_certificates: bool) -> HttpRequest {
    HttpRequest {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: vec![("user-agent".to_owned(), "ansible-httpget".to_owned())],
        body: None,
        redirects: Redirects::Safe,
        timeout: Duration::from_secs(30),
        verify_certificates,
        use_proxy: true,
        ..HttpRequest::default()
    }
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
