//! `tls_cert_request`: asks for a certificate.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{
    key::PrivateKey,
    pem,
    subject::{AlternativeNames, Subject},
    x509,
};
use crate::{Settings, digests::sha1};

/// A request for a certificate (PKCS #10).
#[derive(Default, Schema)]
pub(crate) struct TlsCertRequest {
    /// The private key in PEM that the certificate will belong to.
    #[schema(replace, sensitive)]
    private_key_pem: String,
    #[schema(flatten)]
    names: AlternativeNames,
    #[schema(block(list, max = 1), replace)]
    subject: Vec<Subject>,
    /// The algorithm of the key; another one is refused.
    #[schema(
        optional_computed,
        stable,
        replace,
        deprecated = "the key tells its algorithm"
    )]
    key_algorithm: String,
    /// The request in PEM.
    #[schema(computed, stable)]
    cert_request_pem: String,
    /// The SHA-1 of the request in hexadecimal.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for TlsCertRequest {
    const NAME: &'static str = "tls_cert_request";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let key = PrivateKey::parse(&self.private_key_pem)?;
        let names = self.names.extension();
        let subject = self.subject.first().cloned().unwrap_or_default();
        let request = x509::request(subject.name(), names, &key)?;
        self.cert_request_pem = pem::encode("CERTIFICATE REQUEST", &request);
        key.settle_algorithm("key_algorithm", &mut self.key_algorithm)?;
        self.id = sha1(&request);
        Ok(())
    }
}
