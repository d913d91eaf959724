//! Accepts exactly one server certificate, whatever its name and dates; its signatures are checked as ever.

use std::sync::{Arc, Mutex, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::fingerprint;

/// Which certificate is accepted.
#[derive(Debug)]
pub(crate) enum Pin {
    /// The one with this fingerprint.
    Fingerprint(String),
    /// The first that is seen, and from then on only this one.
    Any,
    /// None: nothing is known of the server.
    None,
}

#[derive(Debug)]
pub(crate) struct Verifier {
    pin: Pin,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

/// The cryptography that all connections use.
pub(crate) fn crypto() -> Arc<CryptoProvider> {
    static CRYPTO: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    CRYPTO
        .get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .clone()
}

impl Verifier {
    pub(crate) fn new(pin: Pin) -> Self {
        Self {
            pin,
            seen: Mutex::new(None),
        }
    }

    /// The certificate that the server showed first.
    pub(crate) fn seen(&self) -> Option<CertificateDer<'static>> {
        self.seen.lock().expect("no panic holds this").clone()
    }

    /// True if a certificate came and there was nothing to compare it with.
    pub(crate) fn refused_unknown(&self) -> bool {
        matches!(self.pin, Pin::None) && self.seen().is_some()
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
        let mut seen = self.seen.lock().expect("no panic holds this");
        let first = seen.get_or_insert_with(|| end_entity.clone().into_owned());
        let accepted = match &self.pin {
            Pin::Fingerprint(expected) => fingerprint(end_entity) == *expected,
            Pin::Any => first.as_ref() == end_entity.as_ref(),
            Pin::None => false,
        };
        if accepted {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
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
