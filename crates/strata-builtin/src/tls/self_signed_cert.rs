//! `tls_self_signed_cert`: a certificate that vouches for itself.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    issue::{self, Issued, Wanted},
    key::PrivateKey,
    renewed::renewed,
    subject::{Subject, alternative_names, are_addresses, are_ascii, name_constraints},
    x509,
};
use crate::Settings;

/// A certificate that is signed with its own key: an authority's, or one for tests.
#[derive(Default, Schema)]
pub(crate) struct TlsSelfSignedCert {
    /// The private key in PEM that the certificate belongs to.
    #[schema(replace, sensitive)]
    private_key_pem: String,
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
    /// Whether it says the id of the key that signs it, which is its own.
    #[schema(default = false, replace)]
    set_authority_key_id: bool,
    /// Host names.
    #[schema(replace, check = are_ascii)]
    dns_names: Option<Vec<String>>,
    /// Addresses.
    #[schema(replace, check = are_addresses)]
    ip_addresses: Option<Vec<String>>,
    /// URIs.
    #[schema(replace, check = are_ascii)]
    uris: Option<Vec<String>>,
    /// The only domains that certificates below it may be for.
    #[schema(replace, check = are_ascii)]
    name_constraint_permitted_dns_names: Option<Vec<String>>,
    /// Domains that certificates below it must not be for.
    #[schema(replace, check = are_ascii)]
    name_constraint_excluded_dns_names: Option<Vec<String>>,
    /// Whether programs that do not know these constraints must refuse the certificate.
    #[schema(replace)]
    name_constraint_permitted_dns_names_critical: Option<bool>,
    #[schema(block(list, max = 1), replace)]
    subject: Vec<Subject>,
    /// The algorithm of the key.
    #[schema(computed, stable)]
    key_algorithm: String,
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

impl TlsSelfSignedCert {
    fn issue(&mut self, settings: &Settings) -> Result<Issued, Diagnostics> {
        let key = PrivateKey::parse(&self.private_key_pem)?;
        self.key_algorithm = key.algorithm().to_owned();
        let subject = self.subject.first().cloned().unwrap_or_default().name();
        let public_key = key.public().info();
        let authority_key_id = self.set_authority_key_id.then(|| x509::key_id(&public_key));
        let wanted = Wanted {
            subject: subject.clone(),
            public_key,
            issuer: subject,
            issuer_key: &key,
            authority_key_id,
            hours: self.validity_period_hours,
            uses: &self.allowed_uses,
            is_authority: self.is_ca_certificate,
            max_path_length: issue::path_length(self.max_path_length),
            set_subject_key_id: self.set_subject_key_id,
            names: alternative_names(
                self.dns_names.as_deref().unwrap_or_default(),
                self.ip_addresses.as_deref().unwrap_or_default(),
                self.uris.as_deref().unwrap_or_default(),
            ),
            further: self.constraints().into_iter().collect(),
        };
        issue::issue(wanted, settings.clock.now())
    }

    fn constraints(&self) -> Option<Vec<u8>> {
        let permitted = self
            .name_constraint_permitted_dns_names
            .as_deref()
            .unwrap_or_default();
        let excluded = self
            .name_constraint_excluded_dns_names
            .as_deref()
            .unwrap_or_default();
        let critical = self
            .name_constraint_permitted_dns_names_critical
            .unwrap_or(false);
        let content = name_constraints(permitted, excluded)?;
        Some(x509::extension(
            x509::Extension::NameConstraints,
            critical,
            &content,
        ))
    }
}

renewed!(TlsSelfSignedCert, "tls_self_signed_cert");
