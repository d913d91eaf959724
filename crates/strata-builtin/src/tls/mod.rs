//! `tls`: keys, requests and certificates, as hashicorp/tls 4.1 has them.
//!
//! [`key`] makes, reads and uses private keys, which [`pem`], [`ssh`] and [`der`] spell; [`x509`] writes
//! certificates and requests out of [`issue`]'s arguments. Arithmetic is aws-lc's. It has no curve P-224, and RSA
//! only of 2048, 3072, 4096 and 8192 bits to be made: what is beyond is refused by name.

mod cert_request;
mod certificate;
mod der;
mod ephemeral_private_key;
mod issue;
mod key;
mod locally_signed_cert;
mod pem;
mod private_key;
mod public_key;
mod read;
mod renewed;
mod self_signed_cert;
mod ssh;
mod subject;
mod x509;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "tls",
        "registry.terraform.io/hashicorp/tls",
        settings.clone(),
    )
    .resource::<cert_request::TlsCertRequest>()
    .resource::<locally_signed_cert::TlsLocallySignedCert>()
    .resource::<private_key::TlsPrivateKey>()
    .resource::<self_signed_cert::TlsSelfSignedCert>()
    .data_source::<certificate::TlsCertificate>()
    .data_source::<public_key::TlsPublicKey>()
    .ephemeral::<ephemeral_private_key::EphemeralPrivateKey>()
    .build()
}
