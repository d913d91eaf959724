//! `sops_file` as a data source: a file that SOPS has encrypted.

use std::{collections::BTreeMap, path::Path};

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::program::{Format, Sops};
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

impl SopsFile {
    fn format(&self) -> Result<Format, Diagnostics> {
        if let Some(name) = self.input_type.as_deref().filter(|name| !name.is_empty()) {
            return Format::named(name);
        }
        let ending = Path::new(&self.source_file).extension();
        let ending = ending
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        Format::of_ending(ending).ok_or_else(|| {
            failed(
                "The type of a SOPS file is not known",
                format!(
                    "`{}` ends neither in `.yaml`, `.json`, `.env` nor `.ini`: say with `input_type` what it is.",
                    self.source_file
                ),
            )
        })
    }
}

impl DataSourceType for SopsFile {
    const NAME: &'static str = "sops_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let format = self.format()?;
        let path = context.client.path(&self.source_file);
        let found = Sops::usual().decrypt(&path, format).await?;
        (self.raw, self.data) = (found.raw, found.data);
        self.id = "-".to_owned();
        Ok(())
    }
}
