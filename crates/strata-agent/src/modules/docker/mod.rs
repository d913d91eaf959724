//! The modules of `community.docker`, by the Engine API over its unix socket.
//!
//! Neither the `docker` program nor Python's library is needed. Each module asks what there is, and
//! decides on requests, which are made in order; names stand for ids, so that all requests are
//! known before the first one is made.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, text};
use crate::change::Change;
use crate::host::Host;
use crate::module::{ModuleError, Report};
use crate::protocol::Diff;
use crate::request::{self, Request};
use crate::system::HttpRequest;
use tls::Tls;

pub(super) mod container;
pub(super) mod exec;
mod frames;
pub(super) mod host_info;
pub(super) mod image;
pub(super) mod info;
pub(super) mod login;
pub(super) mod network;
pub(super) mod prune;
mod tls;
pub(super) mod volume;

/// The arguments of every module of the family.
pub(super) const ENGINE: &[Field] = &[
    Field::str("docker_host").alias(&["docker_url"]),
    Field::str("api_version")
        .alias(&["docker_api_version"])
        .default("auto"),
    Field::int("timeout").default("60"),
    Field::bool("debug", false),
    Field::maybe("tls"),
    Field::maybe("validate_certs").alias(&["tls_verify"]),
    Field::str("tls_hostname"),
    Field::unsupported("use_ssh_client"),
    Field::path("ca_path").alias(&["ca_cert", "tls_ca_cert", "cacert_path"]),
    Field::path("client_cert").alias(&["tls_client_cert", "cert_path"]),
    Field::path("client_key").alias(&["tls_client_key", "key_path"]),
];

const SOCKET: &str = "/var/run/docker.sock";

/// How the engine is reached.
pub(super) struct Engine {
    docker_host: Option<String>,
    tls: Tls,
    version: String,
    timeout: Duration,
    /// Whether actions are told without a check, too.
    debug: bool,
    check: bool,
}

impl Engine {
    pub(super) fn read(arguments: &Arguments, check: bool) -> Result<Engine, ModuleError> {
        let version = arguments.text("api_version");
        Ok(Engine {
            docker_host: arguments.string("docker_host"),
            tls: Tls::read(arguments),
            version: match version.as_str() {
                "auto" => String::new(),
                version => format!("/v{}", version.trim_start_matches('v')),
            },
            timeout: Duration::from_secs(arguments.seconds("timeout")),
            debug: arguments.bool("debug"),
            check,
        })
    }

    /// The address as given, or as the environment has it, or the usual one.
    fn address(&self, host: &dyn Host) -> Result<(Option<PathBuf>, String), ModuleError> {
        let given = self.docker_host.clone();
        let given = given.or_else(|| host.environment().get("DOCKER_HOST").cloned());
        let given = given.unwrap_or_else(|| format!("unix://{SOCKET}"));
        if let Some(path) = given.strip_prefix("unix://") {
            return Ok((Some(path.into()), "http://localhost".to_owned()));
        }
        let scheme = if self.tls.is_used(host) {
            "https"
        } else {
            "http"
        };
        match given.strip_prefix("tcp://") {
            Some(rest) => Ok((None, format!("{scheme}://{}", rest.trim_end_matches('/')))),
            None => Err(ModuleError::new(format!(
                "`docker_host: {given}` is not supported by Strata: it speaks to unix:// and tcp://"
            ))),
        }
    }

    /// A request to the engine.
    pub(super) fn request(
        &self,
        host: &dyn Host,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<HttpRequest, ModuleError> {
        let (socket, base) = self.address(host)?;
        let mut headers = Vec::new();
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let files = self.tls.files(host);
        Ok(HttpRequest {
            verify_certificates: self.tls.verifies(host),
            authorities: files.authorities.filter(|_| socket.is_none()),
            client_certificate: files.certificate.filter(|_| socket.is_none()),
            client_key: files.key.filter(|_| socket.is_none()),
            connect_to: self.tls.name(host).and_then(|_| host_of(&base)),
            url: format!("{}{}{path}", self.named(host, &base), self.version),
            method: method.to_owned(),
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
            timeout: self.timeout,
            socket,
            ..HttpRequest::default()
        })
    }

    /// The address by the name that the engine's certificate has, where that is another one.
    fn named(&self, host: &dyn Host, base: &str) -> String {
        match (
            self.tls.name(host),
            base.strip_prefix("https://"),
            host_of(base),
        ) {
            (Some(name), Some(rest), Some(own)) => {
                format!(
                    "https://{name}{}",
                    rest.strip_prefix(&own).unwrap_or_default()
                )
            }
            _ => base.to_owned(),
        }
    }

    /// Asks for something that may not be there.
    pub(super) fn get(&self, host: &dyn Host, path: &str) -> Result<Option<Value>, ModuleError> {
        let answer = request::send(
            host,
            &Request {
                request: self.request(host, "GET", path, None)?,
                save: None,
                expected: Vec::new(),
                strict: false,
            },
        );
        let answer = answer.map_err(|error| match error.unknown {
            true => error,
            false => ModuleError::new(format!("Error connecting: {}", error.msg)),
        })?;
        let said: Result<Value, _> = serde_json::from_slice(&answer.body);
        match (answer.status, said) {
            (200, Ok(said)) => Ok(Some(said)),
            (404, _) => Ok(None),
            (status, said) => {
                let why = said.ok().and_then(|said| text(&said["message"]));
                let why = why.unwrap_or_else(|| answer.reason.clone());
                Err(ModuleError::new(format!(
                    "An unexpected Docker error occurred: {status}: {why}"
                )))
            }
        }
    }

    /// A request that changes something, and must succeed.
    pub(super) fn call(
        &self,
        host: &dyn Host,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Change, ModuleError> {
        Ok(change(self.request(host, method, path, body)?))
    }

    /// Whether the result lists the actions.
    fn tells_actions(&self) -> bool {
        self.check || self.debug
    }
}

/// The host of an address over TLS, without its port.
fn host_of(base: &str) -> Option<String> {
    let rest = base.strip_prefix("https://")?;
    let end = match rest.starts_with('[') {
        true => rest.find(']')? + 1,
        false => rest.find([':', '/']).unwrap_or(rest.len()),
    };
    Some(rest[..end].to_owned())
}

/// A request as a change; a redirect or what is already so is no failure.
pub(super) fn change(request: HttpRequest) -> Change {
    Change::Request(Box::new(Request {
        request,
        save: None,
        expected: vec![200, 201, 202, 204, 304],
        strict: true,
    }))
}

/// What a module is about to do: the requests, and what they are called.
#[derive(Default)]
pub(super) struct Work {
    pub(super) changes: Vec<Change>,
    pub(super) actions: Vec<Value>,
}

impl Work {
    fn act(&mut self, action: impl Into<Value>, change: Change) {
        self.actions.push(action.into());
        self.changes.push(change);
    }
}

/// What differs: each with its value before and after.
#[derive(Default, Clone)]
pub(super) struct Differences(Vec<(String, Value, Value)>);

impl Differences {
    fn add(&mut self, name: impl Into<String>, active: Value, parameter: Value) {
        self.0.push((name.into(), active, parameter));
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them for a user to read.
    fn diff(&self, path: &str) -> Diff {
        let side = |value: fn(&(String, Value, Value)) -> Value| {
            let map: Map<String, Value> = self
                .0
                .iter()
                .map(|entry| (entry.0.clone(), value(entry)))
                .collect();
            let shown = serde_json::to_string_pretty(&map).expect("a map of values is JSON");
            format!("{shown}\n")
        };
        Diff {
            path: path.to_owned(),
            before_header: String::new(),
            after_header: String::new(),
            before: side(|entry| entry.1.clone()),
            after: side(|entry| entry.2.clone()),
        }
    }
}

/// A text for a part of an address.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A map of texts; what is no text is refused, as YAML makes other things of `yes` and `1.0`.
pub(super) fn labels(
    arguments: &Arguments,
    name: &str,
) -> Result<Option<Map<String, Value>>, ModuleError> {
    let Some(given) = arguments.raw(name).and_then(Value::as_object) else {
        return Ok(None);
    };
    let has_text = |value: &Value| value.is_string() || value.is_number();
    match given.iter().find(|(_, value)| !has_text(value)) {
        None => Ok(texts(arguments.raw(name))),
        Some((key, value)) => Err(ModuleError::new(format!(
            "The value {value} for \"{key}\" of {name} is not a string. This can lead to \
             unexpected behavior. Please convert it to a string to avoid this error."
        ))),
    }
}

/// A map whose values become texts as the engine has them: booleans in lower case.
pub(super) fn texts(value: Option<&Value>) -> Option<Map<String, Value>> {
    let given = value.and_then(Value::as_object)?;
    let texts = given.iter().map(|(key, value)| {
        let shown = match value {
            Value::Bool(value) => value.to_string(),
            Value::Null => "null".to_owned(),
            value => text(value).unwrap_or_default(),
        };
        (key.clone(), Value::from(shown))
    });
    Some(texts.collect())
}

/// A size with its unit, as the engine counts: in bytes. `-1` and `unlimited` stand for no limit.
pub(super) fn bytes(given: &str) -> Result<i64, ModuleError> {
    let given = given.trim();
    if matches!(given, "unlimited" | "-1") {
        return Ok(-1);
    }
    let at = given
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(given.len());
    let (number, unit) = given.split_at(at);
    let unit = unit.trim().to_uppercase();
    let power = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return Err(not_a_size(given)),
    };
    let number: f64 = number.parse().map_err(|_| not_a_size(given))?;
    Ok((number * 1024f64.powi(power)) as i64)
}

fn not_a_size(given: &str) -> ModuleError {
    ModuleError::new(format!("Failed to convert \"{given}\" to bytes"))
}

/// The actions of a result, where they are told.
fn told(engine: &Engine, actions: &[Value], values: &mut Map<String, Value>) {
    if engine.tells_actions() {
        values.insert("actions".to_owned(), json!(actions));
    }
}

/// What became of a thing: how it is where it shall be, and else what was done.
fn reported(
    engine: &Engine,
    name: &str,
    shown: Option<(&str, Value)>,
    work: &Work,
    differences: &Differences,
) -> Report {
    let mut report = Map::new();
    told(engine, &work.actions, &mut report);
    match shown {
        Some((key, value)) => report.insert(key.to_owned(), value),
        None => report.insert("actions".to_owned(), json!(work.actions)),
    };
    Report {
        diff: vec![differences.diff(name)],
        ..Report::of(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        let check = |given: &str, expected| assert_eq!(bytes(given).unwrap(), expected, "{given}");
        check("1024", 1024);
        check("64m", 64 << 20);
        check("1.5G", 3 << 29);
        check("2KiB", 2048);
        check("unlimited", -1);
        assert!(bytes("1 apple").is_err());
    }

    #[test]
    fn a_host_stands_before_its_port() {
        assert_eq!(host_of("https://a.b:2376").as_deref(), Some("a.b"));
        assert_eq!(host_of("https://[::1]:2376").as_deref(), Some("[::1]"));
        assert_eq!(host_of("http://a"), None);
    }

    #[test]
    fn names_are_safe_in_addresses() {
        assert_eq!(encode("a/b:c d"), "a%2Fb%3Ac%20d");
    }
}
