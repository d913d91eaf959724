//! `sops_external`: a text that SOPS has encrypted, as a data source and for one run.

use std::io::Write;

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};
use tempfile::NamedTempFile;

use super::program::{Decrypted, Format, Sops};
use crate::{Settings, failure::failed};

/// Decrypts a text that comes from elsewhere, such as another data source.
#[derive(Default, Schema)]
pub(crate) struct SopsExternal {
    #[schema(flatten)]
    text: EphemeralExternal,
    /// Always `-`.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for SopsExternal {
    const NAME: &'static str = "sops_external";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.id = "-".to_owned();
        self.text.read(context).await
    }
}

/// Decrypts a text that comes from elsewhere, for one run: no state has what it holds.
#[derive(Default, Schema)]
pub(crate) struct EphemeralExternal {
    /// The encrypted text.
    source: String,
    /// What it is: `yaml`, `json`, `dotenv`, `ini` or `raw`. It must be said.
    input_type: Option<String>,
    #[schema(flatten)]
    decrypted: Decrypted,
}

impl DataSourceType for EphemeralExternal {
    const NAME: &'static str = "sops_external";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.decrypted = decrypt(&self.source, self.input_type.as_deref()).await?;
        Ok(())
    }
}

async fn decrypt(source: &str, input_type: Option<&str>) -> Result<Decrypted, Diagnostics> {
    let format = Format::named(input_type.unwrap_or_default())?;
    let kept = NamedTempFile::new().and_then(|mut file| {
        file.write_all(source.as_bytes())?;
        Ok(file)
    });
    let kept = kept.map_err(|error| {
        let why = format!("It cannot be written to a file: {error}.");
        failed("The encrypted text cannot be handed to `sops`", why)
    })?;
    Sops::usual().decrypt(kept.path(), format).await
}
