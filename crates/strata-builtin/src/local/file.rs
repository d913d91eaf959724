//! `local_file`: a file on this machine.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    content::{Content, is_base64, is_mode},
    digested::digested,
    written::written,
};
use crate::Settings;

/// A file on this machine. A content that is secret belongs into `local_sensitive_file`.
#[derive(Clone, Default, Schema)]
#[schema(exactly_one_of("content", "sensitive_content", "content_base64", "source"))]
pub(crate) struct LocalFile {
    /// The path of the file; folders that are missing are made.
    #[schema(replace)]
    filename: String,
    /// The content.
    #[schema(replace)]
    content: Option<String>,
    /// The content, hidden.
    #[schema(sensitive, replace, deprecated = "use `local_sensitive_file`")]
    sensitive_content: Option<String>,
    /// The content in base64, for what is not text.
    #[schema(replace, check = is_base64)]
    content_base64: Option<String>,
    /// A file to copy.
    #[schema(replace)]
    source: Option<String>,
    /// The mode of the file, before the umask.
    #[schema(default = "0777", replace, check = is_mode)]
    file_permission: String,
    /// The mode of folders that are made, before the umask.
    #[schema(default = "0777", replace, check = is_mode)]
    directory_permission: String,
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
    id: String,
}

impl LocalFile {
    fn bytes(&self, settings: &Settings) -> Result<Vec<u8>, Diagnostics> {
        let content = Content {
            text: self
                .content
                .as_deref()
                .or(self.sensitive_content.as_deref()),
            base64: self.content_base64.as_deref(),
            source: self.source.as_deref(),
        };
        content.bytes(settings)
    }
}

digested!(LocalFile);
written!(LocalFile, "local_file");
