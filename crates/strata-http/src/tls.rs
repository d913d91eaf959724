//! Whom we trust beyond certificate authorities: certificates known by what they are.

use std::{
    fmt::{self, Debug, Formatter, Write},
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use sha2::{Digest, Sha256};

/// The cryptography that all connections use.
#[must_use]
pub fn crypto() -> Arc<CryptoProvider> {
    static CRYPTO: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    CRYPTO
        .get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .clone()
}

/// Where systems keep the certificates of the authorities they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The authorities that this system trusts; none if it keeps them in no usual place.
#[must_use]
pub fn system_roots() -> RootCertStore {
    let found = SYSTEM_ROOTS
        .iter()
        .find_map(|path| roots(Path::new(path)).ok());
    found.unwrap_or_else(RootCertStore::empty)
}

/// The authorities in a PEM file.
///
/// # Errors
///
/// Why the file cannot be used, without its name.
pub fn roots(path: &Path) -> Result<RootCertStore, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
    let (added, _) = store.add_parsable_certificates(certificates);
    match added {
        0 => Err("it holds no certificate".to_owned()),
        _ => Ok(store),
    }
}

/// The SHA-256 fingerprint of a certificate: 64 hexadecimal digits in lower case.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(certificate) {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// Accepts the server's certificates that `accepts` says yes to, whatever their names, dates and
/// authorities; that the server holds the key is checked as ever.
#[must_use]
pub fn verifier(
    accepts: impl Fn(&CertificateDer<'_>) -> bool + Send + Sync + 'static,
) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Verifier(Box::new(accepts)))
}

type Accepts = dyn Fn(&CertificateDer<'_>) -> bool + Send + Sync;

struct Verifier(Box<Accepts>);

impl Debug for Verifier {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Verifier(…)")
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match (self.0)(end_entity) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &crypto().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &crypto().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        crypto()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_lower_case_hex_of_sha_256() {
        assert!(fingerprint(b"").starts_with("e3b0c44298fc1c149afb"));
    }
}
