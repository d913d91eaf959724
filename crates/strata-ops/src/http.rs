//! The HTTP client of operations: what it trusts, how long it waits.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The largest answer that is read, in bytes.
const MAX_SIZE: u64 = 256 << 20;

/// A client that trusts what this machine trusts; a status that is none of success is no error.
pub(crate) fn agent(timeout: Duration) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(trusted())))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(timeout));
    config.build().new_agent()
}

/// Gets what is behind a URL; a status that is none of success is an error.
pub(crate) fn get(
    url: &str,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    let mut request = agent(timeout).get(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.call().map_err(|error| error.to_string())?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("`{url}` answers {status}"));
    }
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_SIZE)
        .read_to_vec();
    body.map_err(|error| error.to_string())
}

/// The certificates that this machine trusts; none if it has no bundle, so that no HTTPS URL passes.
fn trusted() -> Vec<Certificate<'static>> {
    let bundle = BUNDLES
        .iter()
        .map(Path::new)
        .find_map(|path| fs::read(path).ok())
        .unwrap_or_default();
    let certificates = parse_pem(&bundle).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    certificates.collect()
}
