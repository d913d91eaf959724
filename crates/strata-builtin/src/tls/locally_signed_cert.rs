//! `tls_locally_signed_cert`: a certificate that an authority at hand signs.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    issue::{self, Issued, Wanted},
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
    /// How many hours the certificate is valid.
    #[schema(replace, range(0..=87600000))]
    validity_period_hours: i64,
    /// How many hours before its end the certificate is made anew.
    #[schema(default = 0, range(0..))]
    early_renewal_hours: i64,
    /// What the key may be used for, such as `server_auth`, `client_auth`, `digital_signature`, `key_encipherment`
    /// and `cert_signing`.
    #[schema(replace, check = issue::are_uses)]
    allowed_uses: Vec<String>,
    /// Whether it may sign other certificates.
    #[schema(default = false, replace)]
    is_ca_certificate: bool,
    /// How many authorities may stand below it; -1 for any number.
    #[schema(default = -1, replace, range(-1..=1000))]
    max_path_length: i64,
    /// Whether it says the id of its key; that of an authority always does.
    #[schema(default = false, replace)]
    set_subject_key_id: bool,
    /// The algorithm of the authority's key.
    #[schema(computed, stable)]
    ca_key_algorithm: String,
    /// The certificate in PEM.
    #[schema(computed, stable)]
    cert_pem: String,
    /// Whether it has ended, or ends within `early_renewal_hours`.
    #[schema(computed)]
    ready_for_renewal: bool,
    /// When it begins.
    #[schema(computed, stable)]
    validity_start_time: String,
    /// When it ends.
    #[schema(computed, stable)]
    validity_end_time: String,
    /// Its serial number, in decimal.
    #[schema(computed, stable)]
    id: String,
}

impl TlsLocallySignedCert {
    fn issue(&mut self, settings: &Settings) -> Result<Issued, Diagnostics> {
        let key = PrivateKey::parse(&self.ca_private_key_pem)?;
        self.ca_key_algorithm = key.algorithm().to_owned();
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
            hours: self.validity_period_hours,
            uses: &self.allowed_uses,
            is_authority: self.is_ca_certificate,
            max_path_length: issue::path_length(self.max_path_length),
            set_subject_key_id: self.set_subject_key_id,
            further: Vec::new(),
        };
        issue::issue(wanted, settings.clock.now())
    }
}

renewed!(TlsLocallySignedCert, "tls_locally_signed_cert");
