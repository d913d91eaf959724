//! Where an API server listens: TLS, or plain to a twin on this machine.

use std::{path::PathBuf, sync::Arc};

use strata_http::Endpoint;

use super::error::ClientError;

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

    /// How to speak to it.
    pub(crate) fn endpoint(&self, tls: &Arc<rustls::ClientConfig>) -> Endpoint {
        match self {
            Self::Unix(path) => Endpoint::Unix(path.as_path().into()),
            Self::Http { host, port } => Endpoint::Http {
                host: host.as_str().into(),
                port: *port,
            },
            Self::Https { host, port } => Endpoint::Https {
                host: host.as_str().into(),
                port: *port,
                tls: tls.clone(),
            },
        }
    }
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

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tls::{Trust, config};

    fn check(text: &str) -> String {
        match Address::parse(text) {
            Ok(address) => {
                let tls = config(&Trust::Anybody, true).unwrap();
                address.endpoint(&tls).name()
            }
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
