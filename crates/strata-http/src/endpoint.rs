//! The byte stream to a server, whichever way it goes.

use std::{io, io::ErrorKind, path::Path, sync::Arc, time::Duration};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use crate::error::Error;

/// A byte stream in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream, encrypted or not.
pub type Stream = Box<dyn Duplex>;

/// Where a server listens, and how to speak to it.
#[derive(Clone)]
pub enum Endpoint {
    /// A unix socket; who may use it is a matter of file permissions.
    Unix(Arc<Path>),
    /// HTTP without encryption.
    Http {
        /// Host name or address, without brackets.
        host: Arc<str>,
        /// Port.
        port: u16,
    },
    /// HTTPS.
    Https {
        /// Host name or address, without brackets.
        host: Arc<str>,
        /// Port.
        port: u16,
        /// Whom we trust, and who we are.
        tls: Arc<rustls::ClientConfig>,
    },
}

impl Endpoint {
    /// The endpoint as messages name it: a path or a URL.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Unix(path) => path.display().to_string(),
            Self::Http { host, port } => format!("http://{}", authority(host, *port)),
            Self::Https { host, port, .. } => url(host, *port),
        }
    }

    /// Host and port as the `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Http { host, port } | Self::Https { host, port, .. } => authority(host, *port),
        }
    }

    /// Opens a new stream within a time.
    ///
    /// # Errors
    ///
    /// [`Error::NoServer`], [`Error::NoAccess`], [`Error::Tls`] or [`Error::Setup`].
    pub async fn open(&self, limit: Duration) -> Result<Stream, Error> {
        tokio::time::timeout(limit, self.open_whenever())
            .await
            .unwrap_or_else(|_| {
                Err(self.no_server(format!("no connection within {} s", limit.as_secs())))
            })
    }

    async fn open_whenever(&self) -> Result<Stream, Error> {
        match self {
            Self::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(self.socket_error(&error)),
            },
            Self::Http { host, port } => Ok(Box::new(self.tcp(host, *port).await?)),
            Self::Https { host, port, tls } => {
                let tcp = self.tcp(host, *port).await?;
                self.encrypted(host, tcp, tls.clone()).await
            }
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let tcp = TcpStream::connect((host, port))
            .await
            .map_err(|error| self.no_server(error.to_string()))?;
        // Small requests and answers follow each other: waiting to fill a packet only costs time.
        tcp.set_nodelay(true)
            .map_err(|error| Error::Exchange(error.to_string()))?;
        Ok(tcp)
    }

    async fn encrypted(
        &self,
        host: &str,
        tcp: TcpStream,
        config: Arc<rustls::ClientConfig>,
    ) -> Result<Stream, Error> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Setup(format!("`{host}` is not a host name or address")))?;
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| Error::Tls {
                endpoint: self.name(),
                reason: error.to_string(),
            })?;
        Ok(Box::new(stream))
    }

    fn no_server(&self, reason: String) -> Error {
        Error::NoServer {
            endpoint: self.name(),
            reason,
        }
    }

    fn socket_error(&self, error: &io::Error) -> Error {
        match error.kind() {
            ErrorKind::PermissionDenied => Error::NoAccess {
                endpoint: self.name(),
                reason: "no permission to use the socket".to_owned(),
            },
            ErrorKind::NotFound => self.no_server("there is no such socket".to_owned()),
            ErrorKind::ConnectionRefused => {
                self.no_server("nobody listens on the socket".to_owned())
            }
            _ => self.no_server(error.to_string()),
        }
    }
}

/// The address of an HTTPS server as a URL.
#[must_use]
pub fn url(host: &str, port: u16) -> String {
    format!("https://{}", authority(host, port))
}

fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_version_6_stand_in_brackets() {
        let endpoint = Endpoint::Http {
            host: "fd00::1".into(),
            port: 80,
        };
        assert_eq!(endpoint.name(), "http://[fd00::1]:80");
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_told_from_one_that_nobody_serves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let endpoint = Endpoint::Unix(path.as_path().into());
        let why = |error: Option<Error>| error.unwrap().to_string();
        let limit = Duration::from_secs(5);
        assert!(why(endpoint.open(limit).await.err()).ends_with("there is no such socket"));
        drop(tokio::net::UnixListener::bind(&path).unwrap());
        assert!(why(endpoint.open(limit).await.err()).ends_with("nobody listens on the socket"));
    }
}
