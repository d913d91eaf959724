//! HTTP/1.1 requests over connections that are kept and used again.

use std::{io, path::PathBuf, sync::Mutex, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request,
    body::Frame,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;

use super::{
    error::ClientError,
    path::ApiPath,
    stream::{Endpoint, Stream},
};

/// Answers larger than this are refused: nothing that we ask for comes near it.
const BODY_LIMIT: usize = 256 << 20;

/// How long to wait for a connection.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How much of a file is read at once.
const PIECE: usize = 1 << 18;

/// A body as it goes over a connection.
type Outgoing = UnsyncBoxBody<Bytes, io::Error>;

/// The body of a request: files of any size are read while they are sent.
pub(crate) enum Body {
    /// All at hand.
    Bytes(Bytes),
    /// One after the other.
    Parts(Vec<Part>),
}

/// A piece of a body.
pub(crate) enum Part {
    /// At hand.
    Bytes(Bytes),
    /// To be read from here.
    File(PathBuf),
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Body {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    fn outgoing(self) -> Outgoing {
        match self {
            Self::Bytes(bytes) => Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync(),
            Self::Parts(parts) => {
                let pieces = stream::iter(parts)
                    .map(|part| io::Result::Ok(pieces(part)))
                    .try_flatten();
                StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
            }
        }
    }
}

/// What a part holds, piece by piece.
fn pieces(part: Part) -> stream::BoxStream<'static, io::Result<Bytes>> {
    match part {
        Part::Bytes(bytes) => stream::once(async { Ok(bytes) }).boxed(),
        Part::File(path) => {
            let open = async move { tokio::fs::File::open(path).await };
            let read = |mut file: tokio::fs::File| async move {
                let mut piece = bytes::BytesMut::with_capacity(PIECE);
                let length = file.read_buf(&mut piece).await?;
                Ok((length > 0).then(|| (piece.freeze(), file)))
            };
            stream::once(open)
                .map_ok(move |file| stream::try_unfold(file, read))
                .try_flatten()
                .boxed()
        }
    }
}

/// A request before it is bound to a connection.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: ApiPath,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// How long the answer may take.
    pub(crate) limit: Duration,
}

/// An answer with its whole body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

/// Connections to one endpoint.
pub(crate) struct Pool {
    endpoint: Endpoint,
    /// What proves who we are in every request, where that is not a certificate.
    bearer: Option<String>,
    idle: Mutex<Vec<SendRequest<Outgoing>>>,
}

impl Pool {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            bearer: None,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a token with every request.
    pub(crate) fn with_bearer(mut self, token: &str) -> Self {
        self.bearer = Some(format!("Bearer {token}"));
        self
    }

    /// Headers that prove who we are.
    pub(crate) fn proof(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let bearer = self.bearer.iter();
        bearer.flat_map(|bearer| [("authorization", bearer.as_str()), ("x-incus-oidc", "true")])
    }

    /// Opens a stream beside the pool, for a WebSocket.
    pub(crate) async fn stream(&self) -> Result<Stream, ClientError> {
        self.endpoint.open(CONNECT_LIMIT).await
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Reply, ClientError> {
        let what = format!("{} {}", call.method, call.path.as_str());
        let limit = call.limit;
        tokio::time::timeout(limit, self.exchange(call.request(self.proof())?))
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::Timeout {
                    what: format!("the answer to {what}"),
                    seconds: limit.as_secs(),
                })
            })
    }

    async fn exchange(&self, mut request: Request<Outgoing>) -> Result<Reply, ClientError> {
        // A kept connection may have been closed meanwhile. Then the request comes back unsent and
        // goes out on the next one.
        while let Some(mut sender) = self.take_idle().await {
            match sender.try_send_request(request).await {
                Ok(response) => return self.finish(sender, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(exchange(&error.into_error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| exchange(&error))?;
        self.finish(sender, response).await
    }

    async fn take_idle(&self) -> Option<SendRequest<Outgoing>> {
        loop {
            let mut sender = self.idle.lock().expect("no panic holds this").pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Outgoing>, ClientError> {
        let stream = self.stream().await?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| exchange(&error))?;
        // It ends by itself when the sender is dropped; its error also comes out of the sender.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    async fn finish(
        &self,
        sender: SendRequest<Outgoing>,
        response: hyper::Response<hyper::body::Incoming>,
    ) -> Result<Reply, ClientError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| ClientError::Exchange(error.to_string()))?
            .to_bytes();
        if !sender.is_closed() {
            self.idle.lock().expect("no panic holds this").push(sender);
        }
        let etag = head.headers.get(header::ETAG);
        Ok(Reply {
            status: head.status.as_u16(),
            etag: etag.and_then(|tag| Some(tag.to_str().ok()?.to_owned())),
            body,
        })
    }
}

impl Call {
    fn request<'a>(
        self,
        proof: impl Iterator<Item = (&'static str, &'a str)>,
    ) -> Result<Request<Outgoing>, ClientError> {
        let mut builder = Request::builder()
            .method(self.method)
            .uri(self.path.as_str())
            .header(header::HOST, "incus")
            .header(header::USER_AGENT, "strata");
        for (name, value) in proof {
            builder = builder.header(name, value);
        }
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        builder
            .body(self.body.outgoing())
            .map_err(|error| ClientError::Exchange(error.to_string()))
    }
}

fn exchange(error: &hyper::Error) -> ClientError {
    let source = std::error::Error::source(error);
    ClientError::Exchange(match source {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
