//! What the API answers: the envelope around every object, operation and error.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a request came to.
pub(super) enum Answer {
    /// An object, or null; with the version of what was asked for.
    Sync(Value),
    /// Something new is there.
    Created,
    /// Something that ends later: a description, what it works on, and what goes with the answer.
    Operation(Box<Started>),
    /// A file's content.
    File(Vec<u8>),
}

/// An operation that was started.
pub(super) struct Started {
    pub(super) description: &'static str,
    /// Kind and path of what it works on.
    pub(super) resource: (&'static str, String),
    /// What happened, for the lifecycle events: action and source path.
    pub(super) lifecycle: Vec<(&'static str, String)>,
    /// The project it belongs to.
    pub(super) project: String,
    /// What it tells while it works: a name and a text.
    pub(super) progress: Option<(&'static str, &'static str)>,
    /// The secrets of its WebSockets, if it has some.
    pub(super) sockets: Value,
    /// What it gives in the end.
    pub(super) result: Value,
    /// Why it fails, if it does: a daemon looks at images and devices only after it has answered.
    pub(super) failure: Option<Refusal>,
}

impl Started {
    /// An operation on an object, that ends well and gives nothing.
    pub(super) fn new(
        description: &'static str,
        resource: (&'static str, String),
        project: &str,
    ) -> Self {
        Self {
            description,
            resource,
            lifecycle: Vec::new(),
            project: project.to_owned(),
            progress: None,
            sockets: Value::Null,
            result: Value::Null,
            failure: None,
        }
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

pub(super) type Answered = Result<Answer, Refusal>;

pub(super) fn refuse<T>(status: StatusCode, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status,
        message: message.into(),
    })
}

pub(super) fn not_found<T>(what: &str) -> Result<T, Refusal> {
    refuse(StatusCode::NOT_FOUND, format!("{what} not found"))
}

pub(super) fn bad_request<T>(message: impl Into<String>) -> Result<T, Refusal> {
    refuse(StatusCode::BAD_REQUEST, message)
}

/// The version of an object, for `ETag` and `If-Match`: of what a PUT can change, as on a real daemon.
pub(super) fn etag(value: &Value) -> String {
    const FIELDS: [&str; 17] = [
        "addresses",
        "aliases",
        "backends",
        "egress",
        "entries",
        "ingress",
        "members",
        "name",
        "ports",
        "projects",
        "restricted",
        "architecture",
        "config",
        "description",
        "devices",
        "ephemeral",
        "profiles",
    ];
    let digest = Sha256::digest(json!(FIELDS.map(|field| said(&value[field]))).to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value without what is empty in it: that is the same whether it is told or not.
fn said(value: &Value) -> Value {
    let is_empty = |value: &Value| {
        let empties = [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!(false),
            json!(0),
        ];
        empties.contains(value)
    };
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), said(value)));
            fields.filter(|(_, value)| !is_empty(value)).collect()
        }
        Value::Array(values) => values.iter().map(said).collect(),
        value if is_empty(value) => Value::Null,
        value => value.clone(),
    }
}

pub(super) fn sync(value: &Value) -> Response<Full<Bytes>> {
    let body = json!({ "type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0, "error": "", "metadata": value });
    let mut response = with_body(StatusCode::OK, &body);
    if value.is_object() {
        let tag = etag(value)
            .parse()
            .expect("hexadecimal digits are a header's value");
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

pub(super) fn created() -> Response<Full<Bytes>> {
    let body = json!({ "type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0, "error": "", "metadata": null });
    with_body(StatusCode::CREATED, &body)
}

pub(super) fn operation(operation: &Value) -> Response<Full<Bytes>> {
    let path = format!(
        "/1.0/operations/{}",
        operation["id"].as_str().unwrap_or_default()
    );
    let body = json!({ "type": "async", "status": "Operation created", "status_code": 100, "operation": path, "error_code": 0, "error": "", "metadata": operation });
    with_body(StatusCode::ACCEPTED, &body)
}

pub(super) fn refusal(refusal: &Refusal) -> Response<Full<Bytes>> {
    let code = refusal.status.as_u16();
    let body = json!({ "type": "error", "status": "", "status_code": 0, "operation": "", "error_code": code, "error": refusal.message, "metadata": null });
    with_body(refusal.status, &body)
}

fn with_body(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
