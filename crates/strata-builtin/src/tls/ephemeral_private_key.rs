//! `ephemeral.tls_private_key`: a private key for one run, which no state has.

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use super::private_key::{TlsPrivateKey, is_size, without_p224};
use crate::Settings;

/// A private key that is kept nowhere: each run has another.
#[derive(Default, Schema)]
pub(crate) struct EphemeralPrivateKey {
    /// The algorithm.
    #[schema(one_of("RSA", "ECDSA", "ED25519"))]
    algorithm: String,
    /// How many bits an RSA key has: 2048, 3072, 4096 or 8192.
    #[schema(default = 2048, check = is_size)]
    rsa_bits: i64,
    /// The curve of an ECDSA key: `P256`, `P384` or `P521`. Not set means `P224`, which is not supported.
    #[schema(default = "P224", one_of("P224", "P256", "P384", "P521"))]
    ecdsa_curve: String,
    /// The key in PEM, in the form that is usual for its algorithm.
    #[schema(computed, sensitive)]
    private_key_pem: String,
    /// The key in OpenSSH's form.
    #[schema(computed, sensitive)]
    private_key_openssh: String,
    /// The key in PEM, in PKCS #8.
    #[schema(computed, sensitive)]
    private_key_pem_pkcs8: String,
    /// The public key in PEM.
    #[schema(computed)]
    public_key_pem: String,
    /// The public key as a line of `authorized_keys`.
    #[schema(computed)]
    public_key_openssh: String,
    /// The MD5 fingerprint of the public key.
    #[schema(computed)]
    public_key_fingerprint_md5: String,
    /// The SHA-256 fingerprint of the public key.
    #[schema(computed)]
    public_key_fingerprint_sha256: String,
}

impl DataSourceType for EphemeralPrivateKey {
    const NAME: &'static str = "tls_private_key";
    type Client = Settings;

    fn validate(config: &Value, diags: &mut Diagnostics) {
        without_p224(config, diags);
    }

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let curve = self.ecdsa_curve.clone();
        let mut made = TlsPrivateKey::asked(self.algorithm.clone(), self.rsa_bits, curve);
        made.fill().await?;
        self.private_key_pem = made.private_key_pem;
        self.private_key_openssh = made.private_key_openssh;
        self.private_key_pem_pkcs8 = made.private_key_pem_pkcs8;
        self.public_key_pem = made.public_key_pem;
        self.public_key_openssh = made.public_key_openssh;
        self.public_key_fingerprint_md5 = made.public_key_fingerprint_md5;
        self.public_key_fingerprint_sha256 = made.public_key_fingerprint_sha256;
        Ok(())
    }
}
