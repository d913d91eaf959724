//! `local_file`: a file on this machine.

use strata_core::Diagnostics;
use strata_provider::{Context, Leftover, Observed, ResourceType, Schema};

use super::{
    content::{Content, is_base64, is_mode},
    write,
};
use crate::{Settings, digests::Digests};

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

    fn fill(&mut self, content: &[u8]) {
        let digests = Digests::of(content);
        self.content_md5 = digests.md5;
        self.content_sha1 = digests.sha1.clone();
        self.content_sha256 = digests.sha256;
        self.content_base64sha256 = digests.base64_sha256;
        self.content_sha512 = digests.sha512;
        self.content_base64sha512 = digests.base64_sha512;
        self.id = digests.sha1;
    }
}

impl ResourceType for LocalFile {
    const NAME: &'static str = "local_file";
    type Client = Settings;

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let content = self.bytes(context.client)?;
        let modes = (
            self.file_permission.as_str(),
            self.directory_permission.as_str(),
        );
        write::write(context.client, &self.filename, &content, modes)?;
        self.fill(&content);
        Ok(())
    }

    /// A file that is missing or has another content is made anew.
    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<Observed, Diagnostics> {
        match write::is_there(context.client, &self.filename, &self.id)? {
            true => Ok(Observed::Present),
            false => Ok(Observed::Gone),
        }
    }

    async fn delete(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        write::delete(context.client, &self.filename)
    }

    /// Files are written whole: either ours is there, or nothing of it, and a create writes it again.
    async fn find(
        mut self,
        context: &mut Context<'_, Settings>,
    ) -> Result<Leftover<Self>, Diagnostics> {
        let content = self.bytes(context.client)?;
        self.fill(&content);
        match write::is_there(context.client, &self.filename, &self.id)? {
            true => Ok(Leftover::Complete(self)),
            false => Ok(Leftover::Nothing),
        }
    }
}
