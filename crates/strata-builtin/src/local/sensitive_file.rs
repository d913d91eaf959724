//! `local_sensitive_file`: a file on this machine whose content is secret.

use strata_core::Diagnostics;
use strata_provider::Schema;

use super::{
    content::{Content, is_base64, is_mode},
    digests::Digests,
    written::written,
};
use crate::Settings;

/// A file on this machine whose content is hidden, and which only its owner may read.
#[derive(Clone, Default, Schema)]
#[schema(exactly_one_of("content", "content_base64", "source"))]
pub(crate) struct LocalSensitiveFile {
    /// The path of the file; folders that are missing are made.
    #[schema(replace)]
    filename: String,
    /// The content.
    #[schema(replace, sensitive)]
    content: Option<String>,
    /// The content in base64, for what is not text.
    #[schema(replace, sensitive, check = is_base64)]
    content_base64: Option<String>,
    /// A file to copy.
    #[schema(replace)]
    source: Option<String>,
    /// The mode of the file, before the umask.
    #[schema(default = "0700", replace, check = is_mode)]
    file_permission: String,
    /// The mode of folders that are made, before the umask.
    #[schema(default = "0700", replace, check = is_mode)]
    directory_permission: String,
    #[schema(flatten)]
    digests: Digests,
}

impl LocalSensitiveFile {
    fn bytes(&self, settings: &Settings) -> Result<Vec<u8>, Diagnostics> {
        let content = Content {
            text: self.content.as_deref(),
            base64: self.content_base64.as_deref(),
            source: self.source.as_deref(),
        };
        content.bytes(settings)
    }
}

written!(LocalSensitiveFile, "local_sensitive_file");
