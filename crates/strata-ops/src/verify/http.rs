//! Does a URL answer as it should?

use std::{fs, path::Path, sync::Arc, time::Duration};

use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{Answer, TRY};

/// Asks once; redirects are followed, the body is not read.
pub(super) async fn ask(url: &str, status: &[u16]) -> Answer {
    let (url, status) = (url.to_owned(), status.to_vec());
    let asked = tokio::task::spawn_blocking(move || ask_blocking(&url, &status)).await;
    asked.unwrap_or_else(|_| Answer {
        passed: false,
        detail: "the check was cut off".to_owned(),
    })
}

fn ask_blocking(url: &str, status: &[u16]) -> Answer {
    match agent(TRY).get(url).call() {
        Ok(response) => {
            let code = response.status();
            let passed = if status.is_empty() {
                code.is_success()
            } else {
                status.contains(&code.as_u16())
            };
            Answer {
                passed,
                detail: code.to_string(),
            }
        }
        Err(error) => Answer {
            passed: false,
            detail: error.to_string(),
        },
    }
}

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Speaks HTTP, and trusts what this machine trusts.
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
