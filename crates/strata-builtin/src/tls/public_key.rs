//! `tls_public_key`: the public key of a private one.

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::{key::PrivateKey, ssh};
use crate::{Settings, digests::sha1};

/// The public key of a private one.
#[derive(Default, Schema)]
#[schema(exactly_one_of("private_key_pem", "private_key_openssh"))]
pub(crate) struct TlsPublicKey {
    /// The private key in PEM.
    #[schema(sensitive)]
    private_key_pem: Option<String>,
    /// The private key in OpenSSH's form, without a passphrase.
    #[schema(sensitive)]
    private_key_openssh: Option<String>,
    /// The algorithm.
    #[schema(computed)]
    algorithm: String,
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
    /// The SHA-1 of the public key in hexadecimal.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for TlsPublicKey {
    const NAME: &'static str = "tls_public_key";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let given = self
            .private_key_pem
            .as_ref()
            .or(self.private_key_openssh.as_ref());
        let key = PrivateKey::parse(given.map(String::as_str).unwrap_or_default())?;
        let public = key.public();
        self.algorithm = key.algorithm().to_owned();
        self.public_key_pem = public.pem();
        self.public_key_openssh = ssh::authorized_key(&public);
        self.public_key_fingerprint_md5 = ssh::fingerprint_md5(&public);
        self.public_key_fingerprint_sha256 = ssh::fingerprint_sha256(&public);
        self.id = sha1(&public.info());
        Ok(())
    }
}
