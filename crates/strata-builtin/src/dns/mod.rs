//! `dns`: what the domain name system says, as the data sources of hashicorp/dns 3.4 have it.
//!
//! [`lookup`] asks the name servers of `/etc/resolv.conf`, over UDP and, where an answer is cut off, TCP.
//! Changing records (`update` in the provider block, the resources) is not supported.

mod a;
mod aaaa;
mod cname;
mod lookup;
mod mx;
mod ns;
mod ptr;
mod srv;
mod txt;

use std::sync::Arc;

use strata_core::provider::Provider;
use strata_provider::provider_without_configuration;

use crate::Settings;

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    provider_without_configuration(
        "dns",
        "registry.terraform.io/hashicorp/dns",
        settings.clone(),
    )
    .data_source::<a::ARecordSet>()
    .data_source::<aaaa::AaaaRecordSet>()
    .data_source::<cname::CnameRecordSet>()
    .data_source::<mx::MxRecordSet>()
    .data_source::<ns::NsRecordSet>()
    .data_source::<ptr::PtrRecordSet>()
    .data_source::<srv::SrvRecordSet>()
    .data_source::<txt::TxtRecordSet>()
    .build()
}
