//! `dns_cname_record_set`: the name that a host really has.

use simple_dns::{TYPE, rdata::RData};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup::{self, absolute};
use crate::Settings;

/// The name that a host really has, at the end of all its CNAME records.
#[derive(Default, Schema)]
pub(crate) struct CnameRecordSet {
    /// The host.
    host: String,
    /// The name, with a dot at its end; that of the host if it has no CNAME record.
    #[schema(computed)]
    cname: String,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for CnameRecordSet {
    const NAME: &'static str = "dns_cname_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let mut targets = lookup::records(&self.host, TYPE::CNAME, |data| match data {
            RData::CNAME(name) => Some(absolute(&name.0)),
            _ => None,
        })
        .await?;
        let own = format!("{}.", self.host.trim_end_matches('.'));
        self.cname = targets.pop().unwrap_or(own);
        self.id = self.host.clone();
        Ok(())
    }
}
