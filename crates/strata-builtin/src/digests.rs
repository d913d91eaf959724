//! Digests of content, as the attributes of several types have them.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// All digests of one content, in hexadecimal and base64.
pub(crate) struct Digests {
    pub(crate) md5: String,
    pub(crate) sha1: String,
    pub(crate) sha256: String,
    pub(crate) base64_sha256: String,
    pub(crate) sha512: String,
    pub(crate) base64_sha512: String,
}

impl Digests {
    /// Works them out.
    pub(crate) fn of(content: &[u8]) -> Self {
        let (sha256, sha512) = (Sha256::digest(content), Sha512::digest(content));
        Self {
            md5: hex(&Md5::digest(content)),
            sha1: sha1(content),
            sha256: hex(&sha256),
            base64_sha256: BASE64.encode(sha256),
            sha512: hex(&sha512),
            base64_sha512: BASE64.encode(sha512),
        }
    }
}

/// The SHA-1 of content in hexadecimal.
pub(crate) fn sha1(content: &[u8]) -> String {
    hex(&Sha1::digest(content))
}

/// Bytes in hexadecimal, in small letters.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}
