//! `local_file` as a data source: reads a file.

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::{content, digests::Digests};
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
    #[schema(flatten)]
    digests: Digests,
}

impl DataSourceType for DataLocalFile {
    const NAME: &'static str = "local_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let content = content::read(context.client, &self.filename)?;
        self.digests = Digests::of(&content);
        self.content_base64 = STANDARD.encode(&content);
        self.content = String::from_utf8_lossy(&content).into_owned();
        Ok(())
    }
}
