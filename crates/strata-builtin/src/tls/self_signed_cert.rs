//! `tls_self_signed_cert`: a certificate that vouches for itself.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    issue::{self, Issued, Terms, Wanted},
    key::PrivateKey,
    renewed::renewed,
    subject::{AlternativeNames, Subject, are_ascii, name_constraints},
    x509,
};
use crate::Settings;

/// A certificate that is signed with its own key: an authority's, or one for tests.
#[derive(Default, Schema)]
pub(crate) struct TlsSelfSignedCert {
    /// The private key in PEM that the certificate belongs to.
    #[schema(replace, sensitive)]
    private_key_pem: String,
    #[schema(flatten)]
    terms: Terms,
    /// Whether it says the id of the key that signs it, which is its own.
    #[schema(default = false, replace)]
    set_authority_key_id: bool,
    #[schema(flatten)]
    names: AlternativeNames,
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
    /// The algorithm of the key; another one is refused.
    #[schema(
        optional_computed,
        stable,
        replace,
        deprecated = "the key tells its algorithm"
    )]
    key_algorithm: String,
    #[schema(flatten)]
    certificate: Issued,
}

impl TlsSelfSignedCert {
    fn issue(&mut self, settings: &Settings) -> Result<Issued, Diagnostics> {
        let key = PrivateKey::parse(&self.private_key_pem)?;
        key.settle_algorithm("key_algorithm", &mut self.key_algorithm)?;
        let subject = self.subject.first().cloned().unwrap_or_default().name();
        let public_key = key.public().info();
        let authority_key_id = self.set_authority_key_id.then(|| x509::key_id(&public_key));
        let wanted = Wanted {
            subject: subject.clone(),
            public_key,
            issuer: subject,
            issuer_key: &key,
            authority_key_id,
            terms: &self.terms,
            names: self.names.extension(),
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
