//! `sops_file`: a file that SOPS has encrypted, as a data source and for one run.

use std::{collections::BTreeMap, path::Path};

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::program::{Decrypted, Format, Sops};
use crate::{Settings, failure::failed};

/// Decrypts a file with the `sops` of this machine, which finds its keys as ever.
#[derive(Default, Schema)]
pub(crate) struct SopsFile {
    /// The encrypted file.
    source_file: String,
    /// What it is, `yaml`, `json`, `dotenv`, `ini` or `raw`, where its name does not say so.
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

impl DataSourceType for SopsFile {
    const NAME: &'static str = "sops_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let found = decrypt(
            context.client,
            &self.source_file,
            self.input_type.as_deref(),
        )
        .await?;
        (self.raw, self.data) = (found.raw, found.data);
        self.id = "-".to_owned();
        Ok(())
    }
}

/// Decrypts a file with the `sops` of this machine, for one run: no state has what it holds.
#[derive(Default, Schema)]
pub(crate) struct EphemeralFile {
    /// The encrypted file.
    source_file: String,
    /// What it is, `yaml`, `json`, `dotenv`, `ini` or `raw`, where its name does not say so.
    input_type: Option<String>,
    /// Its values as texts, those further in under names such as `a.b` and `list.0`; empty if it is `raw`.
    #[schema(computed, sensitive)]
    data: BTreeMap<String, String>,
    /// All of it, decrypted.
    #[schema(computed, sensitive)]
    raw: String,
}

impl DataSourceType for EphemeralFile {
    const NAME: &'static str = "sops_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let found = decrypt(
            context.client,
            &self.source_file,
            self.input_type.as_deref(),
        )
        .await?;
        (self.raw, self.data) = (found.raw, found.data);
        Ok(())
    }
}

async fn decrypt(
    settings: &Settings,
    file: &str,
    input_type: Option<&str>,
) -> Result<Decrypted, Diagnostics> {
    let format = format(file, input_type)?;
    Sops::usual().decrypt(&settings.path(file), format).await
}

fn format(file: &str, input_type: Option<&str>) -> Result<Format, Diagnostics> {
    if let Some(name) = input_type.filter(|name| !name.is_empty()) {
        return Format::named(name);
    }
    let ending = Path::new(file).extension();
    let ending = ending
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    Format::of_ending(ending).ok_or_else(|| {
        failed(
            "The type of a SOPS file is not known",
            format!(
                "`{file}` ends neither in `.yaml`, `.json`, `.env` nor `.ini`: say with `input_type` what it is."
            ),
        )
    })
}
