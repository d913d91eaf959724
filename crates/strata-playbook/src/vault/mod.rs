//! Ansible Vault: files and values that are encrypted with a password.
//!
//! A vaulted text begins with a header ([`envelope`]) that names version, cipher and perhaps the id of its
//! password. Behind it stands, in hexadecimal twice over, a salt, a check sum and the text under AES-256
//! ([`cipher`]). [`Secrets`] holds the passwords, which come in as data: this crate asks nobody for them.
//! [`VaultFiles`] is a tree of files in which the encrypted ones are read as if they were not.
//!
//! Formats 1.1 and 1.2 as `ansible-vault` of ansible-core 2.19 reads and writes them; 1.0 is refused by name.

mod cipher;
mod envelope;
mod files;
mod secrets;

pub use envelope::{Envelope, is_encrypted};
pub use files::VaultFiles;
pub use secrets::{Password, Secrets};

/// The salt of a new text: to be filled with chance by who encrypts.
pub type Salt = [u8; 32];

/// The id of passwords that were given without one.
pub const DEFAULT_ID: &str = "default";

/// Why a text cannot be decrypted or encrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The text has no header.
    #[error("input is not vault encrypted data")]
    NotEncrypted,
    /// It has one already.
    #[error("input is already encrypted")]
    Encrypted,
    /// A version or cipher that is not there.
    #[error("the vault format `{0}` is not supported by Strata, only 1.1 and 1.2 with AES256")]
    Format(String),
    /// What follows the header is no vaulted text.
    #[error("the vault's content is damaged: {0}")]
    Damaged(&'static str),
    /// There is no password at all.
    #[error("Attempting to decrypt but no vault secrets found")]
    NoSecrets,
    /// None of the passwords fits.
    #[error("Decryption failed (no vault secrets were found that could decrypt)")]
    WrongPassword,
}

#[cfg(test)]
mod tests;
