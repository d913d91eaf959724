//! `local_file` as a data source: reads a file.

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::{content, digested::digested};
use crate::Settings;

/// Reads a file on this machine.
#[derive(Default, Schema)]
pub(crate) struct DataLocalFile {
    /// The path of the file.
    filename: String,
    /// The content; what is not UTF-8 is replaced.
    #[schema(computed)]
    content: String,
    /// The content in base64.
    #[schema(computed)]
    content_base64: String,
    /// The MD5 of the content in hexadecimal.
    #[schema(computed)]
    content_md5: String,
    /// The SHA-1 of the content in hexadecimal.
    #[schema(computed)]
    content_sha1: String,
    /// The SHA-256 of the content in hexadecimal.
    #[schema(computed)]
    content_sha256: String,
    /// The SHA-256 of the content in base64.
    #[schema(computed)]
    content_base64sha256: String,
    /// The SHA-512 of the content in hexadecimal.
    #[schema(computed)]
    content_sha512: String,
    /// The SHA-512 of the content in base64.
    #[schema(computed)]
    content_base64sha512: String,
    /// The SHA-1 of the content in hexadecimal.
    #[schema(computed)]
    id: String,
}

digested!(DataLocalFile);

impl DataSourceType for DataLocalFile {
    const NAME: &'static str = "local_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let content = content::read(context.client, &self.filename)?;
        self.fill(&content);
        self.content_base64 = STANDARD.encode(&content);
        self.content = String::from_utf8_lossy(&content).into_owned();
        Ok(())
    }
}
