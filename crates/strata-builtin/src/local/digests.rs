//! The digests of a content, which all types here tell under the same names.

use strata_provider::Schema;

use crate::digests;

/// The digests of a content.
#[derive(Clone, Default, Schema)]
pub(super) struct Digests {
    /// The MD5 of the content in hexadecimal.
    #[schema(computed, stable)]
    content_md5: String,
    /// The SHA-1 of the content in hexadecimal.
    #[schema(computed, stable)]
    content_sha1: String,
    /// The SHA-256 of the content in hexadecimal.
    #[schema(computed, stable)]
    content_sha256: String,
    /// The SHA-256 of the content in base64.
    #[schema(computed, stable)]
    content_base64sha256: String,
    /// The SHA-512 of the content in hexadecimal.
    #[schema(computed, stable)]
    content_sha512: String,
    /// The SHA-512 of the content in base64.
    #[schema(computed, stable)]
    content_base64sha512: String,
    /// The SHA-1 of the content in hexadecimal.
    #[schema(computed, stable)]
    pub(super) id: String,
}

impl Digests {
    /// Works them out.
    pub(super) fn of(content: &[u8]) -> Self {
        let digests = digests::Digests::of(content);
        Self {
            content_md5: digests.md5,
            content_sha1: digests.sha1.clone(),
            content_sha256: digests.sha256,
            content_base64sha256: digests.base64_sha256,
            content_sha512: digests.sha512,
            content_base64sha512: digests.base64_sha512,
            id: digests.sha1,
        }
    }
}
