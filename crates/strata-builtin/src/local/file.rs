//! `local_file`: a file on this machine.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    content::{Content, is_base64, is_mode},
    digests::Digests,
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
    #[schema(flatten)]
    digests: Digests,
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

written!(LocalFile, "local_file");
