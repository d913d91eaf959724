//! `dns_txt_record_set`: the texts of a name.

use simple_dns::{TYPE, rdata::RData};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup;
use crate::Settings;

/// The texts of a name.
#[derive(Default, Schema)]
pub(crate) struct TxtRecordSet {
    /// The name.
    host: String,
    /// The first text.
    #[schema(computed)]
    record: String,
    /// All texts, sorted.
    #[schema(computed)]
    records: Vec<String>,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for TxtRecordSet {
    const NAME: &'static str = "dns_txt_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.records = lookup::records(&self.host, TYPE::TXT, |data| match data {
            RData::TXT(txt) => String::try_from(txt.clone()).ok(),
            _ => None,
        })
        .await?;
        self.records.sort();
        self.record = self.records.first().cloned().unwrap_or_default();
        self.id = self.host.clone();
        Ok(())
    }
}
