//! The byte stream to an API server: TLS, or plain to a twin on this machine.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

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

/// Where an API server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// HTTPS, as every real server has it.
    Https { host: String, port: u16 },
    /// HTTP without encryption: only to this machine.
    Http { host: String, port: u16 },
    /// A unix socket: a twin.
    Unix(PathBuf),
}

impl Address {
    /// Reads an endpoint as users write it: `https://host:8006/`, `host`, `unix:/path`; the API's base path may follow.
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let (plain, rest) = match text.split_once("://") {
            Some(("https", rest)) => (false, rest),
            Some(("http", rest)) => (true, rest),
            None => (false, text),
            Some((scheme, _)) => {
                return Err(ClientError::Setup(format!(
                    "the endpoint's scheme is `{scheme}`: it must be `https`"
                )));
            }
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = authority_parts(authority).ok_or_else(|| {
            ClientError::Setup(format!(
                "`{text}` is not an endpoint such as https://host:8006/"
            ))
        })?;
        match plain {
            false => Ok(Self::Https {
                host,
                port: port.unwrap_or(8006),
            }),
            true if is_loopback(&host) => Ok(Self::Http {
                host,
                port: port.unwrap_or(80),
            }),
            true => Err(ClientError::Setup(format!(
                "the endpoint `{text}` is not encrypted: use https (plain http is only for this machine)"
            ))),
        }
    }

    /// The endpoint as messages name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Https { host, port } => format!("https://{}:{port}", bracketed(host)),
            Self::Http { host, port } => format!("http://{}:{port}", bracketed(host)),
            Self::Unix(path) => path.display().to_string(),
        }
    }

    /// The `Host` header.
    pub(crate) fn host_header(&self) -> String {
        match self {
            Self::Https { host, port } | Self::Http { host, port } => {
                format!("{}:{port}", bracketed(host))
            }
            Self::Unix(_) => "twin".to_owned(),
        }
    }

    /// Opens a new stream.
    pub(crate) async fn open(
        &self,
        tls: &Arc<rustls::ClientConfig>,
        limit: Duration,
    ) -> Result<Stream, ClientError> {
        let opening = async {
            match self {
                Self::Unix(path) => open_unix(path).await,
                Self::Http { host, port } => Ok(Box::new(self.tcp(host, *port).await?) as Stream),
                Self::Https { host, port } => self.open_tls(host, *port, tls.clone()).await,
            }
        };
        tokio::time::timeout(limit, opening)
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::NoServer {
                    endpoint: self.name(),
                    reason: format!("no connection within {} s", limit.as_secs()),
                })
            })
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, ClientError> {
        let tcp =
            TcpStream::connect((host, port))
                .await
                .map_err(|error| ClientError::NoServer {
                    endpoint: self.name(),
                    reason: error.to_string(),
                })?;
        // Small requests and answers follow each other: waiting to fill a packet only costs time.
        tcp.set_nodelay(true)
            .map_err(|error| ClientError::Exchange(error.to_string()))?;
        Ok(tcp)
    }

    async fn open_tls(
        &self,
        host: &str,
        port: u16,
        config: Arc<rustls::ClientConfig>,
    ) -> Result<Stream, ClientError> {
        let tcp = self.tcp(host, port).await?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ClientError::Setup(format!("`{host}` is not a host name or address")))?;
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| ClientError::Tls {
                endpoint: self.name(),
                reason: error.to_string(),
            })?;
        Ok(Box::new(stream))
    }
}

async fn open_unix(path: &Path) -> Result<Stream, ClientError> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|error| ClientError::NoServer {
            endpoint: path.display().to_string(),
            reason: error.to_string(),
        })?;
    Ok(Box::new(stream))
}

fn authority_parts(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    let plain = !host.is_empty() && !host.contains(['@', ' ', '?', '#']);
    plain.then(|| (host.to_owned(), port))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match Address::parse(text) {
            Ok(address) => address.name(),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn endpoints_are_read_as_users_write_them() {
        assert_eq!(check("https://pve.lan:8006/"), "https://pve.lan:8006");
        assert_eq!(
            check("https://10.0.0.2:8006/api2/json"),
            "https://10.0.0.2:8006"
        );
        assert_eq!(check("pve"), "https://pve:8006");
        assert_eq!(check("https://[fd00::1]:8443"), "https://[fd00::1]:8443");
        assert_eq!(check("http://127.0.0.1:80"), "http://127.0.0.1:80");
    }

    #[test]
    fn what_is_no_safe_endpoint_is_refused() {
        assert!(check("http://pve.lan:8006").contains("not encrypted"));
        assert!(check("ftp://pve").contains("must be `https`"));
        assert!(check("https://").contains("is not an endpoint"));
        assert!(check("https://pve:port").contains("is not an endpoint"));
    }
}
