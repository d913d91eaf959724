//! Bodies of requests: at hand, or read from files while they are sent.

use std::{io, path::PathBuf};

use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use tokio::{fs::File, io::AsyncReadExt};

/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

/// A body as it goes over a connection.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, io::Error>;

/// The body of a request. Files may be larger than memory.
#[derive(Clone, Debug)]
pub enum Body {
    /// All at hand.
    Bytes(Bytes),
    /// One after the other; sent in chunks, unless the call has a `Content-Length`.
    Parts(Vec<Part>),
}

/// A piece of a body.
#[derive(Clone, Debug)]
pub enum Part {
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
    #[must_use]
    pub fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(crate) fn outgoing(self) -> Outgoing {
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

fn pieces(part: Part) -> BoxStream<'static, io::Result<Bytes>> {
    match part {
        Part::Bytes(bytes) => stream::once(async { Ok(bytes) }).boxed(),
        Part::File(path) => stream::once(File::open(path))
            .map_ok(|file| stream::try_unfold(file, read))
            .try_flatten()
            .boxed(),
    }
}

async fn read(mut file: File) -> io::Result<Option<(Bytes, File)>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    let length = file.read_buf(&mut piece).await?;
    Ok((length > 0).then(|| (piece.freeze(), file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_follow_each_other_and_a_missing_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("middle");
        std::fs::write(&path, vec![b'm'; PIECE + 1]).unwrap();
        let parts = |file| {
            vec![
                Part::Bytes("a".into()),
                Part::File(file),
                Part::Bytes("z".into()),
            ]
        };
        let sent = Body::Parts(parts(path)).outgoing().collect().await.unwrap();
        let sent = sent.to_bytes();
        assert_eq!(
            (sent.len(), sent[0], sent[sent.len() - 1]),
            (PIECE + 3, b'a', b'z')
        );
        let missing = Body::Parts(parts(folder.path().join("none"))).outgoing();
        assert!(missing.collect().await.is_err());
    }
}
