//! `dns_srv_record_set`: who offers a service.

use simple_dns::{TYPE, rdata::RData};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup::{self, absolute};
use crate::Settings;

/// Who offers a service.
#[derive(Default, Schema)]
pub(crate) struct SrvRecordSet {
    /// The service, such as `_sip._tls.example.com.`.
    service: String,
    /// Who offers it, by priority and weight.
    #[schema(computed)]
    srv: Vec<Offer>,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

/// A host that offers a service.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Offer {
    /// The lower, the sooner it is asked.
    priority: u16,
    /// How often it is chosen among those of its priority.
    weight: u16,
    /// Its port.
    port: u16,
    /// Its name, with a dot at its end.
    target: String,
}

impl DataSourceType for SrvRecordSet {
    const NAME: &'static str = "dns_srv_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.srv = lookup::records(&self.service, TYPE::SRV, |data| match data {
            RData::SRV(srv) => Some(Offer {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: absolute(&srv.target),
            }),
            _ => None,
        })
        .await?;
        self.srv.sort();
        self.id = self.service.clone();
        Ok(())
    }
}
