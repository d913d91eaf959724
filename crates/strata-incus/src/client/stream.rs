//! The byte stream to a daemon, whichever way it goes.

use std::{io::ErrorKind, path::Path, sync::Arc, time::Duration};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use super::error::ClientError;

/// A byte stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream, encrypted or not.
pub(crate) type Stream = Box<dyn Duplex>;

/// Where a daemon listens, and how to speak to it.
#[derive(Clone)]
pub(crate) enum Endpoint {
    /// A unix socket; who may use it is a matter of file permissions.
    Unix(Arc<Path>),
    /// HTTPS with a client certificate.
    Https {
        /// Host name or address, without brackets.
        host: Arc<str>,
        /// Port.
        port: u16,
        /// Our certificate and the check of theirs.
        tls: Arc<rustls::ClientConfig>,
    },
}

impl Endpoint {
    /// The endpoint as messages name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Endpoint::Unix(path) => path.display().to_string(),
            Endpoint::Https { host, port, .. } => url(host, *port),
        }
    }

    /// Opens a new stream.
    pub(crate) async fn open(&self, limit: Duration) -> Result<Stream, ClientError> {
        let opening = async {
            match self {
                Endpoint::Unix(path) => open_unix(path).await,
                Endpoint::Https { host, port, tls } => open_tls(host, *port, tls.clone()).await,
            }
        };
        tokio::time::timeout(limit, opening)
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::NoDaemon {
                    endpoint: self.name(),
                    reason: format!("no connection within {} s", limit.as_secs()),
                })
            })
    }
}

/// The address of an HTTPS daemon as a URL.
pub(crate) fn url(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("https://[{host}]:{port}")
    } else {
        format!("https://{host}:{port}")
    }
}

async fn open_unix(path: &Path) -> Result<Stream, ClientError> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|error| unix_error(path, &error))?;
    Ok(Box::new(stream))
}

fn unix_error(path: &Path, error: &std::io::Error) -> ClientError {
    let endpoint = path.display().to_string();
    let (denied, reason) = match error.kind() {
        ErrorKind::PermissionDenied => (true, "no permission to use the socket".to_owned()),
        ErrorKind::NotFound => (false, "there is no such socket".to_owned()),
        ErrorKind::ConnectionRefused => (false, "nobody listens on the socket".to_owned()),
        _ => (false, error.to_string()),
    };
    if denied {
        ClientError::Denied { endpoint, reason }
    } else {
        ClientError::NoDaemon { endpoint, reason }
    }
}

async fn open_tls(
    host: &str,
    port: u16,
    config: Arc<rustls::ClientConfig>,
) -> Result<Stream, ClientError> {
    let endpoint = url(host, port);
    let tcp = TcpStream::connect((host, port))
        .await
        .map_err(|error| ClientError::NoDaemon {
            endpoint: endpoint.clone(),
            reason: error.to_string(),
        })?;
    // Small requests and answers follow each other: waiting to fill a packet only costs time.
    tcp.set_nodelay(true)
        .map_err(|error| ClientError::Exchange(error.to_string()))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| ClientError::Setup(format!("`{host}` is not a host name or address")))?;
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(|error| ClientError::Tls {
            endpoint,
            reason: error.to_string(),
        })?;
    Ok(Box::new(stream))
}
