//! From a request's method and path to the function that answers it.

use hyper::{HeaderMap, Method, StatusCode, http::request::Parts};
use serde_json::{Value, json};
use strata_http::decode;

use super::{
    Shared,
    answer::{Answer, Answered, bad_request, not_found, refuse},
    api, description,
    store::Kind,
};

/// A request as the functions of [`api`] see it.
pub(super) struct Call<'a> {
    pub(super) shared: &'a Shared,
    pub(super) method: &'a Method,
    /// The project it asks for.
    pub(super) project: String,
    /// How deep answers go: 0 for paths, 1 for objects, 2 for all about them.
    pub(super) recursion: u8,
    /// True if it asks for the objects of all projects.
    pub(super) all_projects: bool,
    /// `If-Match`.
    pub(super) if_match: Option<String>,
    pub(super) body: Value,
    /// The `path` of the files API.
    pub(super) path: String,
    /// The cluster member that it asks for.
    pub(super) target: Option<String>,
    /// The body as it came, of what is not JSON.
    pub(super) raw: &'a [u8],
    pub(super) headers: &'a HeaderMap,
}

impl Call<'_> {
    /// The same call with another body.
    pub(super) fn with_body(&self, body: Value) -> Call<'_> {
        Call {
            body,
            project: self.project.clone(),
            if_match: None,
            path: self.path.clone(),
            target: self.target.clone(),
            ..*self
        }
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// True if the body is no JSON, but a backup or a file.
    pub(super) fn is_raw(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| !kind.contains("json"))
    }
}

pub(super) fn answer(shared: &Shared, parts: &Parts, body: &[u8]) -> Answered {
    let query = parts.uri.query().unwrap_or_default();
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| decode(value, true))
            .next_back()
    };
    let kind = parts
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_none_or(|kind| kind.contains("json"));
    let call = Call {
        shared,
        method: &parts.method,
        project: parameter("project").unwrap_or_else(|| "default".to_owned()),
        recursion: parameter("recursion")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        all_projects: parameter("all-projects").is_some_and(|text| text == "true"),
        if_match: parts
            .headers
            .get("if-match")
            .and_then(|tag| tag.to_str().ok())
            .map(str::to_owned),
        body: if is_json {
            json_body(body)?
        } else {
            Value::Null
        },
        path: parameter("path").unwrap_or_default(),
        target: parameter("target").filter(|target| !target.is_empty()),
        raw: body,
        headers: &parts.headers,
    };
    let segments: Vec<String> = parts
        .uri
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|segment| decode(segment, true))
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut answer = match segments.as_slice() {
        ["1.0", rest @ ..] => dispatch(&call, rest)?,
        [] => Answer::Sync(json!(["/1.0"])),
        _ => return refuse(StatusCode::NOT_FOUND, "Not Found"),
    };
    if let (&Method::GET, Answer::Sync(answer)) = (call.method, &mut answer) {
        description::complete(&segments, call.recursion, answer);
    }
    Ok(answer)
}

fn json_body(body: &[u8]) -> Result<Value, super::answer::Refusal> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).or_else(|error| bad_request(error.to_string()))
}

fn dispatch(call: &Call<'_>, segments: &[&str]) -> Answered {
    if segments.first() != Some(&"projects")
        && call
            .shared
            .store()
            .get(Kind::Project, "", &call.project)
            .is_none()
    {
        return refuse(
            StatusCode::NOT_FOUND,
            format!(
                "Failed loading project {:?}: Project not found",
                call.project
            ),
        );
    }
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    if let Some(answer) = api::rest::answer(call, segments) {
        return answer;
    }
    match segments {
        [] => api::server::keys(call),
        ["instances"] if post => api::instances::create(call),
        ["instances", name] if post => api::instances::rename(call, name),
        ["instances", name] if get && call.recursion > 0 => api::instances::full(call, name),
        ["instances", name] if get => api::instances::read(call, name),
        ["instances", name] if call.method == Method::PUT || call.method == Method::PATCH => {
            api::instances::update(call, name)
        }
        ["instances", name] if call.method == Method::DELETE => api::instances::delete(call, name),
        ["instances", name, "state"] => api::instances::state(call, name),
        ["instances", name, "files"] => api::files::in_instance(call, name),
        ["instances", name, "exec"] if post => api::instances::exec(call, name),
        ["instances", name, "snapshots"] if post => api::snapshots::create(call, name),
        ["instances", name, "snapshots", snapshot] if call.method == Method::DELETE => {
            api::snapshots::delete(call, name, snapshot)
        }
        ["images"] if post => api::images::create(call),
        ["images", "aliases"] if post => api::images::add_alias(call),
        ["images", "aliases"] if get => api::images::aliases(call),
        ["images", "aliases", alias] => api::images::alias(call, alias),
        ["images", fingerprint, "secret"] if post => api::images::secret(call, fingerprint),
        ["images", fingerprint] => api::images::one(call, fingerprint),
        ["networks", name, "state"] if get => api::networks::state(call, name),
        ["networks", name, "leases"] if get => api::networks::leases(call, name),
        ["projects", name, "state"] if get => api::limits::usage(call, name),
        ["storage-pools", pool, "resources"] if get => api::limits::room(call, pool),
        ["storage-pools", pool, "volumes", "custom", name, "files"] => {
            api::files::in_volume(call, pool, name)
        }
        ["certificates"] if post => api::server::trust(call),
        ["storage-pools", pool, "volumes"] => api::objects::collection(call, &api::volumes(pool)),
        ["storage-pools", pool, "volumes", "custom"] => {
            api::objects::collection(call, &api::volumes(pool))
        }
        ["storage-pools", pool, "volumes", "custom", name] => {
            api::objects::one(call, &api::volumes(pool), name)
        }
        [path @ .., "backups"] => api::backups::collection(call, path, Kind::Backup),
        [path @ .., "backups", name] => api::backups::one(call, path, Kind::Backup, name),
        [path @ .., "backups", name, "export"] if get => api::backups::export(call, path, name),
        [path @ .., "snapshots"] if path.contains(&"volumes") => {
            api::backups::collection(call, path, Kind::VolumeSnapshot)
        }
        [path @ .., "snapshots", name] if path.contains(&"volumes") => {
            api::backups::one(call, path, Kind::VolumeSnapshot, name)
        }
        ["operations"] if get => Ok(Answer::Sync(json!({}))),
        ["operations", id] | ["operations", id, "wait"] if get => {
            match call.shared.operations.get(id) {
                Some(ended) => ended.map(Answer::Sync),
                None => not_found("Operation"),
            }
        }
        ["cluster"] if get => api::server::cluster(call),
        segments => match api::family(segments) {
            Some((family, None)) => api::objects::collection(call, &family),
            Some((family, Some(name))) => api::objects::one(call, &family, name),
            None => missing(call, segments),
        },
    }
}

fn missing(call: &Call<'_>, segments: &[&str]) -> Answered {
    let message = format!(
        "the twin has no {} /1.0/{}",
        call.method,
        segments.join("/")
    );
    refuse(StatusCode::NOT_IMPLEMENTED, message)
}
