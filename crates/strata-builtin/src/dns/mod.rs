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

/// What to do where records are to be changed.
const ELSEWHERE: &str = "Strata looks names up and changes no records: leave these in a root module of their own, for Terraform, or have a playbook change them.";

/// The provider.
pub(crate) fn provider(settings: &Settings) -> Arc<dyn Provider> {
    let provider = provider_without_configuration(
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
    .data_source::<txt::TxtRecordSet>();
    let changed_by = [
        "dns_a_record_set",
        "dns_aaaa_record_set",
        "dns_cname_record",
        "dns_mx_record_set",
        "dns_ns_record_set",
        "dns_ptr_record",
        "dns_srv_record_set",
        "dns_txt_record_set",
    ];
    changed_by
        .into_iter()
        .fold(provider, |provider, name| provider.absent(name, ELSEWHERE))
        .absent("provider.update", ELSEWHERE)
        .build()
}
