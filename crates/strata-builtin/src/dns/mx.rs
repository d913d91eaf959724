//! `dns_mx_record_set`: the mail servers of a domain.

use simple_dns::{TYPE, rdata::RData};
use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup::{self, absolute};
use crate::Settings;

/// The mail servers of a domain.
#[derive(Default, Schema)]
pub(crate) struct MxRecordSet {
    /// The domain.
    domain: String,
    /// The servers, by preference.
    #[schema(computed)]
    mx: Vec<MailServer>,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

/// A mail server.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct MailServer {
    /// The lower, the more it is preferred.
    preference: u16,
    /// Its name, with a dot at its end.
    exchange: String,
}

impl DataSourceType for MxRecordSet {
    const NAME: &'static str = "dns_mx_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.mx = lookup::records(&self.domain, TYPE::MX, |data| match data {
            RData::MX(mx) => Some(MailServer {
                preference: mx.preference,
                exchange: absolute(&mx.exchange),
            }),
            _ => None,
        })
        .await?;
        self.mx.sort();
        self.id = self.domain.clone();
        Ok(())
    }
}
