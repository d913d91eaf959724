//! `tls_private_key`: makes a private key.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{
    key::{Curve, PrivateKey},
    ssh,
};
use crate::{Settings, digests::sha1, failure::failed};

/// A private key, which is kept in state: whoever reads the state has the key.
#[derive(Default, Schema)]
pub(crate) struct TlsPrivateKey {
    /// The algorithm.
    #[schema(replace, one_of("RSA", "ECDSA", "ED25519"))]
    algorithm: String,
    /// How many bits an RSA key has: 2048, 3072, 4096 or 8192.
    #[schema(default = 2048, replace, check = is_size)]
    rsa_bits: i64,
    /// The curve of an ECDSA key: `P256`, `P384` or `P521`. Not set means `P224`, which is not supported.
    #[schema(default = "P224", replace, one_of("P224", "P256", "P384", "P521"))]
    ecdsa_curve: String,
    /// The key in PEM, in the form that is usual for its algorithm.
    #[schema(computed, stable, sensitive)]
    pub(super) private_key_pem: String,
    /// The key in OpenSSH's form.
    #[schema(computed, stable, sensitive)]
    pub(super) private_key_openssh: String,
    /// The key in PEM, in PKCS #8.
    #[schema(computed, stable, sensitive)]
    pub(super) private_key_pem_pkcs8: String,
    /// The public key in PEM.
    #[schema(computed, stable)]
    pub(super) public_key_pem: String,
    /// The public key as a line of `authorized_keys`.
    #[schema(computed, stable)]
    pub(super) public_key_openssh: String,
    /// The MD5 fingerprint of the public key.
    #[schema(computed, stable)]
    pub(super) public_key_fingerprint_md5: String,
    /// The SHA-256 fingerprint of the public key.
    #[schema(computed, stable)]
    pub(super) public_key_fingerprint_sha256: String,
    /// The SHA-1 of the public key in hexadecimal.
    #[schema(computed, stable)]
    id: String,
}

pub(super) fn is_size(value: &strata_core::Value) -> Result<(), String> {
    let bits = value.as_number().and_then(strata_core::Number::as_i64);
    match bits {
        Some(2048 | 3072 | 4096 | 8192) | None => Ok(()),
        _ => Err("must be 2048, 3072, 4096 or 8192: other sizes are not supported".to_owned()),
    }
}

impl TlsPrivateKey {
    /// What is asked for, before it is made.
    pub(super) fn asked(algorithm: String, rsa_bits: i64, ecdsa_curve: String) -> Self {
        Self {
            algorithm,
            rsa_bits,
            ecdsa_curve,
            ..Self::default()
        }
    }

    async fn make(&self) -> Result<PrivateKey, Diagnostics> {
        let bits = self.rsa_bits;
        match (self.algorithm.as_str(), self.ecdsa_curve.as_str()) {
            ("ED25519", _) => PrivateKey::ed25519(),
            ("ECDSA", "P256") => PrivateKey::ecdsa(Curve::P256),
            ("ECDSA", "P384") => PrivateKey::ecdsa(Curve::P384),
            ("ECDSA", "P521") => PrivateKey::ecdsa(Curve::P521),
            ("ECDSA", _) => Err(failed(
                "The curve `P224` is not supported",
                "Set `ecdsa_curve` to `P256`, `P384` or `P521`; the original's default is `P224`.",
            )),
            // Large RSA keys take seconds, in which others must go on.
            _ => tokio::task::spawn_blocking(move || PrivateKey::rsa(bits))
                .await
                .unwrap_or_else(|_| {
                    Err(failed(
                        "Unable to generate Key from configuration",
                        "It was cut off.",
                    ))
                }),
        }
    }

    /// Makes the key, and sets all that follows from it.
    pub(super) async fn fill(&mut self) -> Result<(), Diagnostics> {
        let key = self.make().await?;
        let mut check = [0; 4];
        aws_lc_rs::rand::fill(&mut check).map_err(|_| {
            failed(
                "Unable to generate Key from configuration",
                "The system gave no random bytes.",
            )
        })?;
        let public = key.public();
        self.private_key_pem = key.pem();
        self.private_key_pem_pkcs8 = key.pem_pkcs8();
        self.private_key_openssh = ssh::private_key(&key, u32::from_be_bytes(check));
        self.public_key_pem = public.pem();
        self.public_key_openssh = ssh::authorized_key(&public);
        self.public_key_fingerprint_md5 = ssh::fingerprint_md5(&public);
        self.public_key_fingerprint_sha256 = ssh::fingerprint_sha256(&public);
        self.id = sha1(&public.info());
        Ok(())
    }
}

/// Refuses the original's default curve, which is not supported.
pub(super) fn without_p224(config: &strata_core::Value, diags: &mut Diagnostics) {
    let text = |name: &str| config.get(name).and_then(strata_core::Value::as_str);
    let unset = config
        .get("ecdsa_curve")
        .is_some_and(strata_core::Value::is_null);
    if text("algorithm") == Some("ECDSA") && (unset || text("ecdsa_curve") == Some("P224")) {
        let detail =
            "Set `ecdsa_curve` to `P256`, `P384` or `P521`; the original's default is `P224`.";
        diags.append(failed("The curve `P224` is not supported", detail));
    }
}

impl ResourceType for TlsPrivateKey {
    const NAME: &'static str = "tls_private_key";
    const VERSION: u64 = 1;
    type Client = Settings;

    fn validate(config: &strata_core::Value, diags: &mut Diagnostics) {
        without_p224(config, diags);
    }

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.fill().await
    }
}
