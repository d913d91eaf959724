//! `sops_file`: a file that SOPS has encrypted, as a data source and for one run.

use std::path::Path;

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::program::{Decrypted, Format, Sops};
use crate::{Settings, failure::failed};

/// Decrypts a file with the `sops` of this machine, which finds its keys as ever.
#[derive(Default, Schema)]
pub(crate) struct SopsFile {
    #[schema(flatten)]
    file: EphemeralFile,
    /// Always `-`.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for SopsFile {
    const NAME: &'static str = "sops_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.id = "-".to_owned();
        self.file.read(context).await
    }
}

/// Decrypts a file with the `sops` of this machine, for one run: no state has what it holds.
#[derive(Default, Schema)]
pub(crate) struct EphemeralFile {
    /// The encrypted file.
    source_file: String,
    /// What it is, `yaml`, `json`, `dotenv`, `ini` or `raw`, where its name does not say so.
    input_type: Option<String>,
    #[schema(flatten)]
    decrypted: Decrypted,
}

impl DataSourceType for EphemeralFile {
    const NAME: &'static str = "sops_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let format = format(&self.source_file, self.input_type.as_deref())?;
        let path = context.client.path(&self.source_file);
        self.decrypted = Sops::usual().decrypt(&path, format).await?;
        Ok(())
    }
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
