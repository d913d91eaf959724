//! `tls_locally_signed_cert`: a certificate that an authority at hand signs.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    issue::{self, Issued, Terms, Wanted},
    key::PrivateKey,
    read,
    renewed::renewed,
    subject::alternative_names,
};
use crate::{Settings, failure::failed};

/// A certificate for a request, signed with the key of an authority.
#[derive(Default, Schema)]
pub(crate) struct TlsLocallySignedCert {
    /// The request in PEM.
    #[schema(replace)]
    cert_request_pem: String,
    /// The authority's private key in PEM.
    #[schema(replace, sensitive)]
    ca_private_key_pem: String,
    /// The authority's certificate in PEM.
    #[schema(replace)]
    ca_cert_pem: String,
    #[schema(flatten)]
    terms: Terms,
    /// The algorithm of the authority's key; another one is refused.
    #[schema(
        optional_computed,
        stable,
        replace,
        deprecated = "the key tells its algorithm"
    )]
    ca_key_algorithm: String,
    #[schema(flatten)]
    certificate: Issued,
}

impl TlsLocallySignedCert {
    fn issue(&mut self, settings: &Settings) -> Result<Issued, Diagnostics> {
        let key = PrivateKey::parse(&self.ca_private_key_pem)?;
        key.settle_algorithm("ca_key_algorithm", &mut self.ca_key_algorithm)?;
        let request = read::block(
            &self.cert_request_pem,
            &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"],
        );
        let request = request.and_then(|der| read::request(&der)).ok_or_else(|| {
            failed(
                "Failed to parse `cert_request_pem`",
                "It is not a certificate request in PEM whose signature is right.",
            )
        })?;
        let signer =
            read::block(&self.ca_cert_pem, &["CERTIFICATE"]).and_then(|der| read::signer(&der));
        let signer = signer.ok_or_else(|| {
            failed(
                "Failed to parse `ca_cert_pem`",
                "It is not a certificate in PEM.",
            )
        })?;
        if signer.public_key != key.public().info() {
            return Err(failed(
                "Failed to sign the certificate",
                "`ca_private_key_pem` is not the key of `ca_cert_pem`.",
            ));
        }
        let wanted = Wanted {
            names: alternative_names(&request.dns_names, &request.ip_addresses, &request.uris),
            authority_key_id: signer.key_id.filter(|_| signer.subject != request.subject),
            subject: request.subject,
            public_key: request.public_key,
            issuer: signer.subject,
            issuer_key: &key,
            terms: &self.terms,
            further: Vec::new(),
        };
        issue::issue(wanted, settings.clock.now())
    }
}

renewed!(TlsLocallySignedCert, "tls_locally_signed_cert");
