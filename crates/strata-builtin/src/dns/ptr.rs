//! `dns_ptr_record_set`: the name of an address.

use std::net::IpAddr;

use simple_dns::{TYPE, rdata::RData};
use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Schema};

use super::lookup::{self, absolute};
use crate::Settings;

/// The name of an address.
#[derive(Default, Schema)]
pub(crate) struct PtrRecordSet {
    /// The address.
    #[schema(check = is_address)]
    ip_address: String,
    /// The name, with a dot at its end; empty if the address has none.
    #[schema(computed)]
    ptr: String,
    /// What was asked for.
    #[schema(computed)]
    id: String,
}

fn is_address(value: &Value) -> Result<(), String> {
    match value.as_str().map(str::parse::<IpAddr>) {
        Some(Err(_)) => Err("must be an IP address".to_owned()),
        _ => Ok(()),
    }
}

/// The name under which the name of an address stands.
fn reverse(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        Ok(IpAddr::V6(address)) => {
            let nibbles = address
                .octets()
                .into_iter()
                .rev()
                .map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4));
            nibbles.collect::<String>() + "ip6.arpa."
        }
        Err(_) => String::new(),
    }
}

impl DataSourceType for PtrRecordSet {
    const NAME: &'static str = "dns_ptr_record_set";
    type Client = Settings;

    async fn read(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let names = lookup::records(&reverse(&self.ip_address), TYPE::PTR, |data| match data {
            RData::PTR(name) => Some(absolute(&name.0)),
            _ => None,
        })
        .await?;
        self.ptr = names.into_iter().next().unwrap_or_default();
        self.id = self.ip_address.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_backwards() {
        assert_eq!(reverse("192.0.2.1"), "1.2.0.192.in-addr.arpa.");
        assert!(reverse("2001:db8::1").starts_with("1.0.0.0."));
    }
}
