//! `dns_a_record_set`: the IPv4 addresses of a host.

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup;
use crate::Settings;

/// The IPv4 addresses of a host.
#[derive(Default, Schema)]
pub(crate) struct ARecordSet {
    /// The host.
    host: String,
    /// The addresses, sorted.
    #[schema(computed)]
    addrs: Vec<String>,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

impl DataSourceType for ARecordSet {
    const NAME: &'static str = "dns_a_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let addresses = lookup::addresses(&self.host).await?;
        let addresses = addresses.iter().filter(|address| address.is_ipv4());
        self.addrs = addresses.map(ToString::to_string).collect();
        self.addrs.sort();
        self.id = self.host.clone();
        Ok(())
    }
}
