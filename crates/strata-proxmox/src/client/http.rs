//! HTTP/1.1 requests over connections that are kept and used again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;

use super::{
    error::ClientError,
    stream::{Address, Stream},
};

/// Answers larger than this are refused: nothing that we ask for comes near it.
const BODY_LIMIT: usize = 256 << 20;

/// How long to wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A request before it is bound to a connection.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// How long the answer may take.
    pub(crate) limit: Duration,
}

/// An answer with its whole body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The text in the status line: PVE says there what is wrong.
    pub(crate) reason: String,
    pub(crate) body: Bytes,
}

/// Connections to one endpoint.
pub(crate) struct Pool {
    address: Address,
    tls: Arc<rustls::ClientConfig>,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Pool {
    pub(crate) fn new(address: Address, tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            address,
            tls,
            idle: Mutex::default(),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Opens a stream beside the pool, for an upload.
    pub(crate) async fn stream(&self) -> Result<Stream, ClientError> {
        self.address.open(&self.tls, CONNECT_LIMIT).await
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Reply, ClientError> {
        let what = format!("{} {}", call.method, without_query(&call.path));
        let limit = call.limit;
        let request = self.request(call)?;
        tokio::time::timeout(limit, self.exchange(request))
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::Timeout {
                    what: format!("the answer to {what}"),
                    seconds: limit.as_secs(),
                })
            })
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Reply, ClientError> {
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
        let mut sender = self.connect().await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        self.finish(sender, response).await
    }

    async fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut sender = self.lock().pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stream = self.stream().await?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        // It ends by itself when the sender is dropped; its error also comes out of the sender.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    async fn finish(
        &self,
        sender: SendRequest<Full<Bytes>>,
        response: hyper::Response<hyper::body::Incoming>,
    ) -> Result<Reply, ClientError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| ClientError::Exchange(error.to_string()))?
            .to_bytes();
        if !sender.is_closed() {
            self.lock().push(sender);
        }
        let phrase = head.extensions.get::<hyper::ext::ReasonPhrase>();
        let reason = match phrase {
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
            body,
        })
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut builder = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header(header::HOST, self.address.host_header())
            .header(header::USER_AGENT, "strata");
        for (name, value) in call.headers {
            builder = builder.header(name, value);
        }
        builder
            .body(Full::new(call.body))
            .map_err(|error| ClientError::Exchange(error.to_string()))
    }
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

fn broken(error: &hyper::Error) -> ClientError {
    ClientError::Exchange(match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
