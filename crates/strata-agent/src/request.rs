//! An HTTP request that is made as a change, and what came of it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use crate::host::{Host, HostError, HttpResponse, Kind, MAX_READ, Permissions};
use crate::module::ModuleError;
use crate::system::HttpRequest;

/// A request, and where its content goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is sent.
    pub request: HttpRequest,
    /// The file or folder in which the content is kept.
    pub save: Option<PathBuf>,
    /// Only with these status codes is the content kept.
    pub expected: Vec<u16>,
    /// Whether any other status is a failure, and what is to follow is not done.
    pub strict: bool,
}

/// An answer, wholly read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The words after it.
    pub reason: String,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Each `Set-Cookie` field.
    pub cookies: Vec<String>,
    /// The address after redirects.
    pub url: String,
    /// The content; empty when it went into a file.
    pub body: Vec<u8>,
    /// The file in which it is.
    pub saved: Option<PathBuf>,
    /// Seconds that it took.
    pub elapsed: f64,
    /// Why there is no answer at all.
    pub failure: Option<String>,
}

/// Sends a request and reads or keeps the answer.
pub(crate) fn send(host: &dyn Host, request: &Request) -> Result<Answer, ModuleError> {
    let start = host.now();
    let mut response = match host.fetch(&request.request) {
        // Who wants to know how it went is told that nobody answered.
        Err(HostError::Other(reason)) if !request.strict && !request.expected.is_empty() => {
            return Ok(Answer {
                url: request.request.url.clone(),
                elapsed: host.now() - start,
                failure: Some(reason),
                ..Answer::default()
            });
        }
        response => response?,
    };
    let mut answer = Answer {
        status: response.status,
        reason: std::mem::take(&mut response.reason),
        headers: std::mem::take(&mut response.headers),
        cookies: std::mem::take(&mut response.cookies),
        url: std::mem::take(&mut response.url),
        ..Answer::default()
    };
    let kept = request.expected.contains(&answer.status) && answer.status != 304;
    match request.save.as_ref().filter(|_| kept) {
        Some(path) => answer.saved = Some(save(host, path, &answer, response)?),
        None => {
            let read = response.body.take(MAX_READ).read_to_end(&mut answer.body);
            read.map_err(|error| ModuleError::new(format!("the answer broke off: {error}")))?;
        }
    }
    answer.elapsed = host.now() - start;
    match complaint(&answer, kept).filter(|_| request.strict) {
        Some(complaint) => Err(ModuleError::new(complaint)),
        None => Ok(answer),
    }
}

/// What an API says is wrong: by its status, or with a good one on a line of its own.
fn complaint(answer: &Answer, expected: bool) -> Option<String> {
    let said = String::from_utf8_lossy(&answer.body);
    let field = |text: &str, name: &str| {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        value.get(name)?.as_str().map(str::to_owned)
    };
    if expected {
        return said.lines().find_map(|line| field(line, "error"));
    }
    let message = field(&said, "message").unwrap_or_else(|| said.trim().to_owned());
    let (status, reason) = (answer.status, &answer.reason);
    Some(format!("{status} {reason}: {message}").replace(" : ", ": "))
}

/// Writes the content where it is wanted, unless the same is there already.
fn save(
    host: &dyn Host,
    path: &Path,
    answer: &Answer,
    mut response: HttpResponse,
) -> Result<PathBuf, ModuleError> {
    let is_folder = host
        .metadata_followed(path)?
        .is_some_and(|found| found.kind == Kind::Directory);
    let path = match is_folder {
        true => path.join(file_name(answer)),
        false => path.to_owned(),
    };
    // What there is keeps its mode; the content goes in at once, never half of it.
    host.write(&path, &mut response.body, Permissions::default())
        .map_err(|error| match error {
            HostError::Io { reason, .. } => ModuleError::new(format!(
                "Failed to store the answer in {}: {reason}",
                path.display()
            )),
            other => other.into(),
        })?;
    Ok(path)
}

/// The name that the server gives, or the last part of the address.
fn file_name(answer: &Answer) -> String {
    let given = answer.headers.get("content-disposition").and_then(|field| {
        let (_, name) = field.split_once("filename=")?;
        let name = name.split(';').next()?.trim().trim_matches('"');
        name.rsplit('/').next().map(str::to_owned)
    });
    let path = answer.url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let last = path
        .split_once('/')
        .and_then(|(_, path)| path.rsplit('/').next());
    let name = given.unwrap_or_else(|| last.unwrap_or_default().to_owned());
    match name.as_str() {
        "" | "." | ".." => "index.html".to_owned(),
        _ => name,
    }
}

/// Bytes as a body that is still to be read, for tests and models.
pub fn body(bytes: &[u8]) -> Box<dyn Read + Send> {
    Box::new(Cursor::new(bytes.to_vec()))
}
