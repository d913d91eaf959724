//! Files sent to a storage, as `multipart/form-data`, in pieces: they may be larger than memory.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::{Method, Request, body::Frame, client::conn::http1::handshake, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    Client,
    error::ClientError,
    http::Reply,
    params::{Params, path},
    parse_data, refusal,
    task::Upid,
};

/// How much is read and sent at once.
const PIECE: usize = 256 << 10;

/// A file to send.
pub(crate) struct Upload<'a> {
    pub(crate) node: &'a str,
    pub(crate) storage: &'a str,
    /// `iso`, `vztmpl` or `import`: the API takes no other.
    pub(crate) content: &'a str,
    pub(crate) file_name: &'a str,
    /// Algorithm and value: the server compares.
    pub(crate) checksum: Option<(&'a str, &'a str)>,
    pub(crate) source: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) size: u64,
}

impl Client {
    /// Sends a file; the task that takes it in is given back.
    pub(crate) async fn upload(
        &self,
        upload: Upload<'_>,
        limit: Duration,
    ) -> Result<Upid, ClientError> {
        let what = format!("the upload of `{}`", upload.file_name);
        tokio::time::timeout(limit, self.send_file(upload))
            .await
            .unwrap_or({
                Err(ClientError::Timeout {
                    what,
                    seconds: limit.as_secs(),
                })
            })
    }

    async fn send_file(&self, upload: Upload<'_>) -> Result<Upid, ClientError> {
        let pool = self.pool();
        let boundary = format!("strata{}", uuid::Uuid::new_v4().simple());
        let (head, tail) = envelope(&upload, &boundary);
        let size = head.len() as u64 + upload.size + tail.len() as u64;
        let target = format!(
            "{}{}",
            super::BASE,
            path(&["nodes", upload.node, "storage", upload.storage, "upload"])
        );
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(header::HOST, pool.address().host_header())
            .header(header::CONTENT_LENGTH, size)
            .header(
                header::CONTENT_TYPE,
                format!("multipart/form-data; boundary={boundary}"),
            );
        for (name, value) in self.login().headers(pool, &Method::POST).await? {
            request = request.header(name, value);
        }
        let body = StreamBody::new(pieces(head, upload.source, upload.size, tail));
        let request = request
            .body(body)
            .map_err(|error| ClientError::Exchange(error.to_string()))?;
        let reply = self.send_streamed(request).await?;
        match reply.status {
            200 => {
                let data = parse_data(&reply.body)?;
                data.as_str().and_then(Upid::parse).ok_or_else(|| {
                    ClientError::Exchange("the upload's answer names no task".to_owned())
                })
            }
            _ => Err(refusal(&pool.address().name(), &reply)),
        }
    }

    /// Sends on a connection of its own.
    async fn send_streamed<B>(&self, request: Request<B>) -> Result<Reply, ClientError>
    where
        B: hyper::body::Body<Data = Bytes, Error = io::Error> + Send + 'static,
    {
        let broken = |error: hyper::Error| ClientError::Exchange(error.to_string());
        let stream = self.pool().stream().await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(async move { connection.await.ok() });
        let (head, body) = sender
            .send_request(request)
            .await
            .map_err(broken)?
            .into_parts();
        let body = Limited::new(body, 1 << 20).collect().await;
        let body = body
            .map_err(|error| ClientError::Exchange(error.to_string()))?
            .to_bytes();
        let phrase = head.extensions.get::<hyper::ext::ReasonPhrase>();
        let reason = phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
        Ok(Reply {
            status: head.status.as_u16(),
            reason: reason.unwrap_or_default(),
            body,
        })
    }
}

/// What stands before and after the file. The algorithm must come before the checksum.
fn envelope(upload: &Upload<'_>, boundary: &str) -> (Bytes, Bytes) {
    let mut fields = Params::new().with("content", upload.content);
    if let Some((algorithm, value)) = upload.checksum {
        fields
            .set("checksum-algorithm", algorithm)
            .set("checksum", value);
    }
    let mut head = String::new();
    for (name, value) in fields.iter() {
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    let name = upload.file_name.replace(['"', '\r', '\n'], "_");
    head.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    ));
    (head.into(), format!("\r\n--{boundary}--\r\n").into())
}

enum Part {
    Head(Bytes),
    File(u64),
    Tail,
    End,
}

type Source = Box<dyn AsyncRead + Send + Unpin>;

fn pieces(
    head: Bytes,
    source: Source,
    size: u64,
    tail: Bytes,
) -> impl futures_util::Stream<Item = io::Result<Frame<Bytes>>> + Send {
    let state = (Part::Head(head), source, size, tail);
    stream::unfold(state, |(part, mut source, size, tail)| async move {
        let (piece, next) = match part {
            Part::Head(head) => (Ok(head), Part::File(size)),
            Part::File(0) => (Ok(tail.clone()), Part::Tail),
            Part::File(left) => match read(&mut source, left).await {
                Ok(piece) => {
                    let left = left - piece.len() as u64;
                    (Ok(piece), Part::File(left))
                }
                Err(error) => (Err(error), Part::End),
            },
            Part::Tail | Part::End => return None,
        };
        Some((piece.map(Frame::data), (next, source, size, tail)))
    })
}

async fn read(source: &mut Source, left: u64) -> io::Result<Bytes> {
    let want = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; want];
    match source.read(&mut piece).await? {
        0 => Err(io::Error::other(
            "the file became shorter while it was sent",
        )),
        count => {
            piece.truncate(count);
            Ok(piece.into())
        }
    }
}
