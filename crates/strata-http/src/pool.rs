//! Requests over connections that are kept and used again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    ext::ReasonPhrase,
    header,
};
use hyper_util::rt::TokioIo;

use crate::{Body, Endpoint, Error, Stream, body::Outgoing};

/// Answers larger than this are refused: nothing that we ask for comes near it.
const BODY_LIMIT: usize = 256 << 20;

/// How long to wait for a connection.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A request before it is bound to a connection.
#[derive(Clone)]
pub struct Call {
    /// What to do.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Headers beside `Host` and `User-Agent`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// How long the answer may take.
    pub limit: Duration,
}

/// An answer with its whole body.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The text in the status line, or the standard's for this status.
    pub reason: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A header's value, if it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Connections to one endpoint.
pub struct Pool {
    endpoint: Endpoint,
    headers: Mutex<Vec<(&'static str, String)>>,
    idle: Mutex<Vec<SendRequest<Outgoing>>>,
}

impl Pool {
    /// A pool that connects when first asked to send something.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            headers: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// Sends these headers with every request, such as one that proves who we are.
    #[must_use]
    pub fn with_headers(self, headers: Vec<(&'static str, String)>) -> Self {
        self.set_headers(headers);
        self
    }

    /// Sends these headers instead from now on, such as a proof that is new.
    pub fn set_headers(&self, headers: Vec<(&'static str, String)>) {
        *self.headers.lock().unwrap_or_else(PoisonError::into_inner) = headers;
    }

    /// The headers that go with every request.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let headers = self.headers.lock();
        headers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it leads.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Opens a stream beside the pool, for a WebSocket.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::open`].
    pub async fn stream(&self) -> Result<Stream, Error> {
        self.endpoint.open(CONNECT_LIMIT).await
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::open`]; [`Error::Timeout`] and [`Error::Exchange`], after which the
    /// server may have done what it was asked.
    pub async fn send(&self, call: Call) -> Result<Reply, Error> {
        let path = call.path.split('?').next().unwrap_or_default();
        let what = format!("the answer to {} {path}", call.method);
        let limit = call.limit;
        let request = self.request(call)?;
        tokio::time::timeout(limit, self.exchange(request))
            .await
            .unwrap_or_else(|_| {
                Err(Error::Timeout {
                    what,
                    seconds: limit.as_secs(),
                })
            })
    }

    async fn exchange(&self, mut request: Request<Outgoing>) -> Result<Reply, Error> {
        // A kept connection may have been closed meanwhile. Then the request comes back unsent and
        // goes out on the next one.
        while let Some(mut sender) = self.take_idle().await {
            match sender.try_send_request(request).await {
                Ok(response) => return self.finish(sender, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(&error.into_error())),
                },
            }
        }
        let mut sender = connect(self.stream().await?).await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        self.finish(sender, response).await
    }

    async fn take_idle(&self) -> Option<SendRequest<Outgoing>> {
        loop {
            let mut sender = self.idle().pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SendRequest<Outgoing>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn finish(
        &self,
        sender: SendRequest<Outgoing>,
        response: Response<Incoming>,
    ) -> Result<Reply, Error> {
        let reply = read(response).await?;
        if !sender.is_closed() {
            self.idle().push(sender);
        }
        Ok(reply)
    }

    fn request(&self, call: Call) -> Result<Request<Outgoing>, Error> {
        let mut builder = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header(header::HOST, self.endpoint.authority())
            .header(header::USER_AGENT, "strata");
        for (name, value) in self.headers() {
            builder = builder.header(name, value);
        }
        for (name, value) in call.headers {
            builder = builder.header(name, value);
        }
        builder
            .body(call.body.outgoing())
            .map_err(|error| Error::Exchange(error.to_string()))
    }
}

async fn connect(stream: Stream) -> Result<SendRequest<Outgoing>, Error> {
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // It ends by itself when the sender is dropped; its error also comes out of the sender.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

async fn read(response: Response<Incoming>) -> Result<Reply, Error> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map_err(|error| Error::Exchange(error.to_string()))?
        .to_bytes();
    let reason = match head.extensions.get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => head
            .status
            .canonical_reason()
            .unwrap_or_default()
            .to_owned(),
    };
    Ok(Reply {
        status: head.status.as_u16(),
        reason,
        headers: head.headers,
        body,
    })
}

fn broken(error: &hyper::Error) -> Error {
    Error::Exchange(match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
