//! `tls_certificate`: reads certificates, out of PEM or off a server.

use std::{
    fs, io,
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use super::{
    pem,
    read::{self, CertificateFacts},
};
use crate::{Settings, digests::sha1, failure::failed};

/// Certificates: those in a text, or those that a server shows.
#[derive(Default, Schema)]
#[schema(exactly_one_of("content", "url"), conflicts("content", "verify_chain"))]
pub(crate) struct TlsCertificate {
    /// Certificates in PEM.
    content: Option<String>,
    /// A server: `https://HOST:PORT` or `tls://HOST:PORT`.
    #[schema(check = is_url)]
    url: Option<String>,
    /// Whether the server's certificates must be trusted by this machine; they must if not set.
    verify_chain: Option<bool>,
    /// The certificates; of a server, the last of the chain first.
    #[schema(computed, nested)]
    certificates: Vec<CertificateFacts>,
    /// A checksum of the certificates.
    #[schema(computed)]
    id: String,
}

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

fn is_url(value: &Value) -> Result<(), String> {
    match value.as_str().map(server) {
        Some(None) => Err(
            "must have the form `https://HOST`, `https://HOST:PORT` or `tls://HOST:PORT`"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// The host and port of a URL.
fn server(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let default = match scheme {
        "https" => Some(443),
        "tls" => None,
        _ => return None,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some((host.to_owned(), port?))
}

/// The chain that a server shows, its own certificate first.
fn chain(host: &str, port: u16, verify: bool) -> Result<Vec<CertificateDer<'static>>, String> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match verify {
        true => {
            let roots = Arc::new(trusted());
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            config.with_webpki_verifier(verifier.map_err(|error| error.to_string())?)
        }
        false => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anything(provider))),
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let mut connection = ClientConnection::new(Arc::new(config.with_no_client_auth()), name)
        .map_err(|error| error.to_string())?;
    let mut stream = connect(host, port).map_err(|error| error.to_string())?;
    while connection.is_handshaking() {
        connection
            .complete_io(&mut stream)
            .map_err(|error| error.to_string())?;
    }
    let shown = connection.peer_certificates().unwrap_or_default();
    Ok(shown
        .iter()
        .map(|certificate| certificate.clone().into_owned())
        .collect())
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What this machine trusts.
fn trusted() -> RootCertStore {
    let bundle = BUNDLES
        .iter()
        .map(Path::new)
        .find_map(|path| fs::read(path).ok());
    let bundle = bundle.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok));
    roots
}

/// Trusts any certificate, since it is only looked at; that the server has its key is checked.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl TlsCertificate {
    async fn shown(&self) -> Result<Vec<Vec<u8>>, Diagnostics> {
        let url = self.url.as_deref().unwrap_or_default();
        let wrong = |reason: String| {
            failed(
                "Failed to fetch certificates",
                format!("The server of `{url}` shows none that can be used: {reason}."),
            )
        };
        let (host, port) = server(url).ok_or_else(|| wrong("it names no server".to_owned()))?;
        let verify = self.verify_chain.unwrap_or(true);
        let shown = tokio::task::spawn_blocking(move || chain(&host, port, verify)).await;
        let shown = shown
            .unwrap_or_else(|_| Err("the connection was cut off".to_owned()))
            .map_err(wrong)?;
        Ok(shown
            .iter()
            .rev()
            .map(|certificate| certificate.to_vec())
            .collect())
    }
}

impl DataSourceType for TlsCertificate {
    const NAME: &'static str = "tls_certificate";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let ders = match &self.content {
            Some(content) => {
                let blocks = pem::decode(content).into_iter();
                blocks
                    .filter(|(label, _)| label == "CERTIFICATE")
                    .map(|(_, der)| der)
                    .collect()
            }
            None => self.shown().await?,
        };
        let facts = ders
            .iter()
            .map(|der| read::facts(der))
            .collect::<Option<Vec<_>>>();
        let facts = facts.filter(|facts| !facts.is_empty());
        self.certificates = facts.ok_or_else(|| {
            failed(
                "Failed to parse certificates",
                "There is no certificate in PEM, or one that cannot be read.",
            )
        })?;
        self.id = sha1(&ders.concat());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        let read = |url| server(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(
            read("https://a.example/x").as_deref(),
            Some("a.example 443")
        );
        assert_eq!(read("tls://[::1]:99").as_deref(), Some("::1 99"));
        assert_eq!(read("https://[::1]").as_deref(), Some("::1 443"));
        for wrong in ["tls://a", "http://a", "a", "https://", "https://a:x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
