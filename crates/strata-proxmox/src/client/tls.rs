//! Whom we trust: a CA, one certificate by its fingerprint, or on request anybody.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{Error, RootCertStore};
use strata_http::tls::{self, crypto, fingerprint, system_roots, verifier};

use super::error::ClientError;

/// Whom we trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The authorities that this system trusts.
    System,
    /// The authorities in a file, such as `/etc/pve/pve-root-ca.pem` of the cluster.
    File(PathBuf),
    /// The one certificate with this SHA-256 fingerprint, as the web interface shows it.
    Fingerprint(String),
    /// Anybody: the user said `insecure`.
    Anybody,
}

/// Makes the settings of all TLS connections; `min_tls13` refuses older versions.
pub(crate) fn config(
    trust: &Trust,
    min_tls13: bool,
) -> Result<Arc<rustls::ClientConfig>, ClientError> {
    let setup = |error: Error| ClientError::Setup(error.to_string());
    let versions: &[_] = match min_tls13 {
        true => &[&rustls::version::TLS13],
        false => rustls::ALL_VERSIONS,
    };
    let builder = rustls::ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(versions)
        .map_err(setup)?;
    let config = match trust {
        Trust::System => builder.with_root_certificates(system_roots()),
        Trust::File(path) => builder.with_root_certificates(roots(path)?),
        Trust::Fingerprint(print) => {
            let print = plain(print)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier(move |shown| {
                    fingerprint(shown) == print
                }))
        }
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier(|_| true)),
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

fn roots(path: &Path) -> Result<RootCertStore, ClientError> {
    tls::roots(path).map_err(|reason| {
        ClientError::Setup(format!(
            "the CA file `{}` cannot be used: {reason}",
            path.display()
        ))
    })
}

/// A fingerprint without colons, in lower case.
fn plain(print: &str) -> Result<String, ClientError> {
    let hex: String = print.chars().filter(|c| *c != ':').collect();
    let hex = hex.to_lowercase();
    if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(hex)
    } else {
        Err(ClientError::Setup(format!(
            "`{print}` is not a SHA-256 fingerprint"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let hex = "AB".repeat(32);
        let colons: Vec<_> = (0..32).map(|_| "AB").collect();
        assert_eq!(plain(&hex).unwrap(), plain(&colons.join(":")).unwrap());
        assert!(plain("AB:CD").is_err());
    }

    #[test]
    fn a_ca_file_that_holds_none_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = config(&Trust::File(file.path().to_owned()), true).unwrap_err();
        assert!(
            error.to_string().contains("it holds no certificate"),
            "{error}"
        );
    }
}
