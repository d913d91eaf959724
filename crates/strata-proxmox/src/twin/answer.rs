//! What the API answers: data, a task's name, or a refusal in the words of PVE.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, ext::ReasonPhrase, header};
use serde_json::{Value as Json, json};

use super::store::Store;

/// What a request came to.
pub(super) enum Answer {
    /// Data.
    Data(Json),
    /// Data with members beside it, such as `total` or `changes`.
    With(Json, Vec<(&'static str, Json)>),
    /// Something that ends later.
    Task(Started),
}

/// What a task does when its time has come: it may write to its log, and fail with a text.
pub(super) type Work = Box<dyn FnOnce(&mut Store, &mut Vec<String>) -> Result<(), String> + Send>;

/// A task that was started.
pub(super) struct Started {
    pub(super) kind: &'static str,
    /// What it works on; empty for the node itself.
    pub(super) id: String,
    pub(super) node: String,
    pub(super) work: Work,
}

impl Started {
    pub(super) fn answer(
        kind: &'static str,
        node: &str,
        id: impl ToString,
        work: impl FnOnce(&mut Store, &mut Vec<String>) -> Result<(), String> + Send + 'static,
    ) -> Answered {
        Ok(Answer::Task(Self {
            kind,
            id: id.to_string(),
            node: node.to_owned(),
            work: Box::new(work),
        }))
    }
}

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) errors: BTreeMap<String, String>,
    /// True if the body is empty and only the status line speaks.
    pub(super) bare: bool,
    /// True if the text ends without a newline.
    pub(super) plain: bool,
}

pub(super) type Answered = Result<Answer, Refusal>;

pub(super) fn data(value: Json) -> Answered {
    Ok(Answer::Data(value))
}

pub(super) fn null() -> Answered {
    Ok(Answer::Data(Json::Null))
}

impl Refusal {
    /// An error of the call itself: 500 with a text.
    pub(super) fn fail(message: impl Into<String>) -> Self {
        Self::status(500, message)
    }

    pub(super) fn status(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: BTreeMap::new(),
            bare: false,
            plain: status == 501,
        }
    }

    /// A parameter that does not fit.
    pub(super) fn parameter(name: &str, text: impl Into<String>) -> Self {
        Self::parameters(BTreeMap::from([(name.to_owned(), text.into())]))
    }

    pub(super) fn parameters(errors: BTreeMap<String, String>) -> Self {
        let message = "Parameter verification failed.".to_owned();
        Self {
            status: 400,
            message,
            errors,
            bare: false,
            plain: false,
        }
    }

    /// A missing privilege.
    pub(super) fn denied(what: &str) -> Self {
        Self::status(403, format!("Permission check failed ({what})"))
    }

    /// A refusal whose status line says all.
    pub(super) fn bare(status: u16, message: &str) -> Self {
        Self {
            bare: true,
            ..Self::status(status, message)
        }
    }
}

pub(super) fn fail<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::fail(message))
}

pub(super) fn wrong<T>(name: &str, text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::parameter(name, text))
}

/// The whole answer with its envelope.
pub(super) fn response(value: Json, beside: Vec<(&'static str, Json)>) -> Response<Full<Bytes>> {
    let mut body = json!({ "data": value });
    for (name, value) in beside {
        body[name] = value;
    }
    with_body(200, "OK", &body.to_string())
}

pub(super) fn refusal(refusal: &Refusal) -> Response<Full<Bytes>> {
    let phrase = refusal.message.lines().next().unwrap_or_default();
    if refusal.bare {
        return with_body(refusal.status, phrase, "");
    }
    let newline = if refusal.plain { "" } else { "\n" };
    let mut body = json!({ "data": null, "message": format!("{}{newline}", refusal.message) });
    if !refusal.errors.is_empty() {
        body["errors"] = json!(refusal.errors);
    }
    with_body(refusal.status, phrase, &body.to_string())
}

fn with_body(status: u16, phrase: &str, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(phrase) = ReasonPhrase::try_from(phrase.as_bytes().to_vec()) {
        response.extensions_mut().insert(phrase);
    }
    if !body.is_empty() {
        let json = header::HeaderValue::from_static("application/json;charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}
