//! One request, blocking.

use std::{fs, path::Path, sync::Arc, time::Duration};

use strata_core::Diagnostics;
use ureq::{
    Agent, Body,
    http::{Request, Response},
    tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem},
};

use crate::failure::failed;

/// What is asked, and how.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) insecure: bool,
    pub(super) ca_cert_pem: Option<String>,
    pub(super) client_pem: Option<(String, String)>,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The longest answer that is taken.
const LONGEST: u64 = 256 << 20;

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Asks once; a status that tells of an error is an answer too.
pub(super) fn ask(agent: &Agent, ask: &Ask) -> Result<Answer, String> {
    let mut request = Request::builder().method(ask.method.as_str()).uri(&ask.url);
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    let wrong = |error: ureq::http::Error| error.to_string();
    let response = match &ask.body {
        Some(body) => agent.run(request.body(body.as_str()).map_err(wrong)?),
        None => agent.run(request.body(()).map_err(wrong)?),
    };
    answer(response.map_err(|error| error.to_string())?)
}

fn answer(mut response: Response<Body>) -> Result<Answer, String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect();
    let body = response
        .body_mut()
        .with_config()
        .limit(LONGEST)
        .read_to_vec();
    Ok(Answer {
        status: response.status().as_u16(),
        headers,
        body: body.map_err(|error| error.to_string())?,
    })
}

/// Makes what asks.
pub(super) fn agent(ask: &Ask) -> Result<Agent, Diagnostics> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(roots(ask)?)))
        .disable_verification(ask.insecure);
    if let Some((certificate, key)) = &ask.client_pem {
        tls = tls.client_cert(Some(identity(certificate, key)?));
    }
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(ask.timeout);
    Ok(config.build().new_agent())
}

/// The certificates to trust: those given beside those of this machine.
fn roots(ask: &Ask) -> Result<Vec<Certificate<'static>>, Diagnostics> {
    let bundle = BUNDLES
        .iter()
        .map(Path::new)
        .find_map(|path| fs::read(path).ok());
    let mut trusted = certificates(&bundle.unwrap_or_default());
    if let Some(pem) = &ask.ca_cert_pem {
        let given = certificates(pem.as_bytes());
        if given.is_empty() {
            return Err(failed(
                "Error configuring TLS client",
                "Error tls: Can't add the CA certificate to certificate pool. Only PEM encoded certificates are supported.",
            ));
        }
        trusted.extend(given);
    }
    Ok(trusted)
}

fn identity(certificate: &str, key: &str) -> Result<ClientCert, Diagnostics> {
    let wrong = |what: &str| {
        failed(
            "error creating x509 key pair from provided pem blocks",
            format!("`{what}` is not in PEM."),
        )
    };
    let chain = certificates(certificate.as_bytes());
    if chain.is_empty() {
        return Err(wrong("client_cert_pem"));
    }
    let key = PrivateKey::from_pem(key.as_bytes()).map_err(|_| wrong("client_key_pem"))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    items.collect()
}
