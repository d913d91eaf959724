//! `dns_ns_record_set`: the name servers of a domain.

use simple_dns::{TYPE, rdata::RData};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup::{self, absolute};
use crate::Settings;

/// The name servers of a domain.
#[derive(Default, Schema)]
pub(crate) struct NsRecordSet {
    /// The domain.
    host: String,
    /// The servers' names, sorted, each with a dot at its end.
    #[schema(computed)]
    nameservers: Vec<String>,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for NsRecordSet {
    const NAME: &'static str = "dns_ns_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.nameservers = lookup::records(&self.host, TYPE::NS, |data| match data {
            RData::NS(name) => Some(absolute(&name.0)),
            _ => None,
        })
        .await?;
        self.nameservers.sort();
        self.id = self.host.clone();
        Ok(())
    }
}
