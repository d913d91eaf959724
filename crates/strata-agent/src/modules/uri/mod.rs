//! `uri`: one HTTP request, and what is answered.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::address::{ACCESS, Access};
use super::download::shown;
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::attributes::Attributes;
use crate::base64::encode as base64;
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::request::{Answer, Request};
use crate::system::{HttpRequest, Redirects};
use body::Body;

mod body;

pub(super) struct Uri {
    request: HttpRequest,
    access: Access,
    body: Option<Body>,
    dest: Option<PathBuf>,
    creates: Option<PathBuf>,
    removes: Option<PathBuf>,
    expected: Vec<u16>,
    return_content: bool,
    attributes: Attributes,
    check: bool,
}

/// Whether the request is made at all, and all of it.
pub(super) struct Found {
    skipped: Option<String>,
    request: HttpRequest,
}

impl Module for Uri {
    const SPEC: Spec = Spec::new(
        "uri",
        &[
            Field::str("url").required(),
            Field::path("dest"),
            Field::str("url_username").alias(&["user"]),
            Field::str("url_password").alias(&["password"]),
            Field::new("body", FieldKind::Raw),
            Field::str("body_format")
                .choices(&["form-urlencoded", "json", "raw", "form-multipart"])
                .default("raw"),
            Field::path("src"),
            Field::bool("remote_src", false),
            Field::str("method").default("GET"),
            Field::bool("return_content", false),
            Field::str("follow_redirects")
                .choices(&["all", "no", "none", "safe", "urllib2", "yes"])
                .default("safe"),
            Field::path("creates"),
            Field::path("removes"),
            Field::list("status_code").default("200"),
            Field::int("timeout").default("30"),
            Field::new("headers", FieldKind::Dict),
            Field::bool("force", false),
            Field::bool("force_basic_auth", false),
            Field::bool("validate_certs", true),
            Field::bool("use_proxy", true),
            Field::str("http_agent").default("ansible-httpget"),
            Field::path("unix_socket"),
            Field::path("ca_path"),
        ],
    )
    .with(ACCESS)
    .with_file_attributes()
    .exclusive(&[&["body", "src"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Uri, ModuleError> {
        let url = arguments.text("url").trim().to_owned();
        let method = arguments.text("method").to_uppercase();
        if method.is_empty() || !method.bytes().all(|c| c.is_ascii_uppercase()) {
            return Err(ModuleError::new(
                "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
            ));
        }
        let body = Body::read(arguments)?;
        let mut headers = headers(arguments);
        if let Some(kind) = body.as_ref().map(Body::content_type) {
            body::set_default(&mut headers, "Content-Type", &kind);
        }
        Ok(Uri {
            request: HttpRequest {
                url,
                method,
                headers,
                body: None,
                redirects: match arguments.text("follow_redirects").as_str() {
                    "all" | "yes" => Redirects::All,
                    "none" | "no" => Redirects::None,
                    "urllib2" => Redirects::Python,
                    _ => Redirects::Safe,
                },
                timeout: Duration::from_secs(arguments.seconds("timeout").max(1)),
                verify_certificates: arguments.bool("validate_certs"),
                use_proxy: arguments.bool("use_proxy"),
                socket: arguments.path("unix_socket"),
                ..HttpRequest::default()
            },
            access: Access::read(arguments),
            body,
            dest: arguments.path("dest"),
            creates: arguments.path("creates"),
            removes: arguments.path("removes"),
            expected: expected(arguments)?,
            return_content: arguments.bool("return_content"),
            attributes: Attributes::read(arguments)?,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            skipped: None,
            request: self.request.clone(),
        };
        let is_there = |path: &PathBuf| host.metadata_followed(path).map(|there| there.is_some());
        if let Some(path) = &self.creates
            && is_there(path)?
        {
            found.skipped = Some(format!("skipped, since '{}' exists", path.display()));
        } else if let Some(path) = &self.removes
            && !is_there(path)?
        {
            found.skipped = Some(format!(
                "skipped, since '{}' does not exist",
                path.display()
            ));
        } else if let Some(body) = &self.body {
            found.request.body = Some(body.bytes(host)?);
        }
        self.access.add_to(&mut found.request, host);
        if let Some(path) = &self.dest
            && let Some(there) = host.metadata_followed(path)?
            && there.kind == crate::host::Kind::File
        {
            let since = crate::time::http_date(there.modified);
            found
                .request
                .headers
                .push(("If-Modified-Since".to_owned(), since));
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.skipped.is_some() {
            return Vec::new();
        }
        vec![Change::Request(Box::new(Request {
            request: found.request.clone(),
            save: self.dest.clone(),
            expected: self.expected.clone(),
            strict: false,
        }))]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some(reason) = &found.skipped {
            return Ok(Report {
                values: values(json!({"stdout": reason})),
                changed: Some(false),
                ..Report::default()
            });
        }
        let Some(answer) = outcome.answers.first() else {
            return Ok(Report {
                msg: "This action (uri) does not support check mode.".to_owned(),
                skipped: self.check,
                changed: Some(false),
                ..Report::default()
            });
        };
        let mut report = match &answer.failure {
            Some(reason) => values(json!({
                "status": -1, "url": shown_url(&answer.url), "redirected": false, "msg": reason,
                "elapsed": answer.elapsed as u64,
            })),
            None => self.describe(answer, &self.content(host, answer)),
        };
        let mut changed = answer.saved.is_some();
        if let Some(path) = &answer.saved {
            changed |= self.settle(host, path)?;
            report.insert("path".to_owned(), path.to_string_lossy().into());
        }
        let said = report
            .remove("msg")
            .and_then(|msg| text(&msg))
            .unwrap_or_default();
        if self.expected.contains(&answer.status) {
            return Ok(Report {
                msg: said,
                values: report,
                changed: Some(changed),
                ..Report::default()
            });
        }
        let (status, expected) = (list(&[answer.status]), list(&self.expected));
        let status = status.trim_matches(['[', ']']);
        let msg = format!("Status code was {status} and not {expected}: {said}");
        Err(ModuleError {
            values: report,
            kept: true,
            ..ModuleError::new(msg)
        })
    }
}

impl Uri {
    /// What was answered; where it went into a file it is read again only if somebody asks for it.
    fn content(&self, host: &dyn Host, answer: &Answer) -> Vec<u8> {
        match &answer.saved {
            Some(path) if self.return_content || is_json(kind(answer)) => {
                host.read(path).unwrap_or_default()
            }
            _ => answer.body.clone(),
        }
    }

    /// Everything about an answer, as Ansible names it: header fields beside the rest.
    fn describe(&self, answer: &Answer, bytes: &[u8]) -> Map<String, Value> {
        let mut described: Map<String, Value> = answer
            .headers
            .iter()
            .map(|(name, value)| (name.replace('-', "_"), value.as_str().into()))
            .collect();
        // A redirect that is not followed is an error to Python's library.
        let is_good = answer.status < 300;
        if let Some(place) = described.get_mut("location") {
            *place = absolute(&answer.url, place.as_str().unwrap_or_default()).into();
        }
        let length = answer.headers.get("content-length");
        let length = length.map_or("unknown", String::as_str);
        let msg = match is_good {
            true => format!("OK ({length} bytes)"),
            false => format!("HTTP Error {}: {}", answer.status, answer.reason),
        };
        let cookies: Vec<(&str, &str)> = answer
            .cookies
            .iter()
            .filter_map(|one| cookie(one))
            .collect();
        let pairs: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies: Map<String, Value> = cookies
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        described.extend(values(json!({
            "status": answer.status, "url": shown_url(&answer.url), "msg": msg,
            "redirected": shown_url(&answer.url).trim_end_matches('/') != self.request.url.trim_end_matches('/'),
            "elapsed": answer.elapsed as u64, "cookies": cookies, "cookies_string": pairs.join("; "),
        })));
        let content = || decoded(bytes, kind(answer));
        if is_json(kind(answer))
            && let Ok(json) = serde_json::from_slice::<Value>(bytes)
        {
            described.insert("json".to_owned(), json);
        }
        if self.return_content {
            described.insert("content".to_owned(), content().into());
        }
        if !is_good {
            described.insert("body".to_owned(), content().into());
        }
        described
    }

    /// Sets owner, group and mode of the file that was written; true if they differed.
    fn settle(&self, host: &dyn Host, path: &std::path::Path) -> Result<bool, ModuleError> {
        let wanted = self.attributes.resolve(host)?;
        let there = host.metadata(path)?;
        let change = there.and_then(|there| wanted.change(path, &there, true));
        if let Some(Change::Permissions {
            path,
            permissions,
            follow,
            ..
        }) = &change
        {
            crate::change::set_permissions(host, path, *permissions, *follow)?;
        }
        Ok(change.is_some())
    }
}

fn headers(arguments: &Arguments) -> Vec<(String, String)> {
    let mut headers = vec![("User-Agent".to_owned(), arguments.text("http_agent"))];
    let given = arguments.raw("headers").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        if let Some(value) = text(value) {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value));
        }
    }
    if let Some(user) = arguments.string("url_username") {
        let pair = format!("{user}:{}", arguments.text("url_password"));
        let value = format!("Basic {}", base64(pair.as_bytes()));
        body::set_default(&mut headers, "Authorization", &value);
    }
    if arguments.bool("force") {
        body::set_default(&mut headers, "Cache-Control", "no-cache");
    }
    headers
}

fn expected(arguments: &Arguments) -> Result<Vec<u16>, ModuleError> {
    let codes = arguments.list("status_code").unwrap_or_default();
    let codes = codes.iter().map(|code| {
        if code.trim() == "-1" {
            return Ok(0);
        }
        code.trim().parse().map_err(|_| {
            ModuleError::new(format!(
                "argument 'status_code' is of type list and we were unable to convert to list: \
                 '{code}' cannot be converted to an int"
            ))
        })
    });
    codes.collect()
}

/// Codes as Python shows them; what has none is -1.
fn list(codes: &[u16]) -> String {
    let shown = |code: &u16| match code {
        0 => "-1".to_owned(),
        code => code.to_string(),
    };
    let codes: Vec<String> = codes.iter().map(shown).collect();
    format!("[{}]", codes.join(", "))
}

fn cookie(field: &str) -> Option<(&str, &str)> {
    let (name, value) = field.split(';').next()?.split_once('=')?;
    Some((name.trim(), value.trim()))
}

/// A place on the same server, as a whole address.
fn absolute(url: &str, place: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return place.to_owned();
    };
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    match place.starts_with('/') && !place.starts_with("//") {
        true => format!("{scheme}://{host}{place}"),
        false => place.to_owned(),
    }
}

/// The text of a body, by the characters that its type names.
fn decoded(body: &[u8], kind: &str) -> String {
    let charset = kind.to_lowercase();
    let is_latin = ["iso-8859-1", "latin-1", "latin1"]
        .iter()
        .any(|name| charset.contains(&format!("charset={name}")));
    match is_latin {
        true => body.iter().map(|byte| char::from(*byte)).collect(),
        false => String::from_utf8_lossy(body).into_owned(),
    }
}

/// The type of the content, or nothing.
fn kind(answer: &Answer) -> &str {
    let kind = answer.headers.get("content-type");
    kind.map_or("", String::as_str)
}

/// Whether a content type is one of JSON.
fn is_json(kind: &str) -> bool {
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let sub = kind.split_once('/').map_or("", |(_, sub)| sub);
    let sub = sub.rsplit('+').next().unwrap_or(sub);
    matches!(sub, "json" | "javascript")
}

/// The address without a password; what follows `?` is kept, as in Ansible.
fn shown_url(url: &str) -> String {
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)));
    let path = shown(path);
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}
