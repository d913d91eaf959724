//! `sops_external`: a text that SOPS has encrypted, as a data source and for one run.

use std::{collections::BTreeMap, io::Write};

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};
use tempfile::NamedTempFile;

use super::program::{Decrypted, Format, Sops};
use crate::{Settings, failure::failed};

/// Decrypts a text that comes from elsewhere, such as another data source.
#[derive(Default, Schema)]
pub(crate) struct SopsExternal {
    /// The encrypted text.
    source: String,
    /// What it is: `yaml`, `json`, `dotenv`, `ini` or `raw`. It must be said.
    input_type: Option<String>,
    /// Its values as texts, those further in under names such as `a.b` and `list.0`; empty if it is `raw`.
    #[schema(computed, sensitive)]
    data: BTreeMap<String, String>,
    /// All of it, decrypted.
    #[schema(computed, sensitive)]
    raw: String,
    /// Always `-`.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for SopsExternal {
    const NAME: &'static str = "sops_external";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let found = decrypt(&self.source, self.input_type.as_deref()).await?;
        (self.raw, self.data) = (found.raw, found.data);
        self.id = "-".to_owned();
        Ok(())
    }
}

/// Decrypts a text that comes from elsewhere, for one run: no state has what it holds.
#[derive(Default, Schema)]
pub(crate) struct EphemeralExternal {
    /// The encrypted text.
    source: String,
    /// What it is: `yaml`, `json`, `dotenv`, `ini` or `raw`. It must be said.
    input_type: Option<String>,
    /// Its values as texts, those further in under names such as `a.b` and `list.0`; empty if it is `raw`.
    #[schema(computed, sensitive)]
    data: BTreeMap<String, String>,
    /// All of it, decrypted.
    #[schema(computed, sensitive)]
    raw: String,
}

impl DataSourceType for EphemeralExternal {
    const NAME: &'static str = "sops_external";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let found = decrypt(&self.source, self.input_type.as_deref()).await?;
        (self.raw, self.data) = (found.raw, found.data);
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
