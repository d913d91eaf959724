//! Addresses that a network device, or a bridge, asks for.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};

use super::{Planned, instance};

/// Fails for fixed addresses outside of their network, and for those that another instance has.
pub(super) async fn check(object: &Planned<'_>, found: &mut Diagnostics) {
    if object.type_name != instance::TYPE {
        return;
    }
    for (device, properties) in object.devices() {
        let Some(network) = properties.get("network") else {
            continue;
        };
        // One that is about to be made, or changed, is not looked at.
        if object.session.declared().has("incus_network", network) {
            among_planned(object, network, &properties, found);
            continue;
        }
        let Some(there) = object.look(&["networks", network]).await else {
            continue;
        };
        for family in ["ipv4.address", "ipv6.address"] {
            let wanted = properties.get(family).and_then(|text| text.parse().ok());
            let Some(wanted) = wanted else { continue };
            let subnet = there["config"][family].as_str().and_then(Subnet::parse);
            if let Some(subnet) = subnet
                && !subnet.contains(wanted)
            {
                found.push(outside(&device, network, wanted, &subnet));
            } else if let Some(holder) =
                planned_holder(object, network, wanted).or(holder(object, network, wanted).await)
            {
                found.push(held(network, wanted, &holder));
            }
        }
    }
}

/// Fails for addresses that another instance of the same plan asks for.
fn among_planned(
    object: &Planned<'_>,
    network: &str,
    properties: &BTreeMap<String, String>,
    found: &mut Diagnostics,
) {
    let wanted = ["ipv4.address", "ipv6.address"];
    let wanted = wanted
        .iter()
        .filter_map(|family| properties.get(*family)?.parse().ok());
    for address in wanted {
        if let Some(holder) = planned_holder(object, network, address) {
            found.push(held(network, address, &holder));
        }
    }
}

/// The other instance of the same plan that asks for an address.
fn planned_holder(object: &Planned<'_>, network: &str, address: IpAddr) -> Option<String> {
    let name = object.attributes().text("name")?;
    object
        .session
        .tally()
        .claim(&object.room(), network, address, name)
}

/// The other instance that has an address.
async fn holder(object: &Planned<'_>, network: &str, address: IpAddr) -> Option<String> {
    let leases = object.look(&["networks", network, "leases"]).await?;
    let ours = object.attributes().text("name");
    let lease = leases.as_array()?.iter().find(|lease| {
        let same = lease["address"].as_str().and_then(|text| text.parse().ok()) == Some(address);
        same && lease["hostname"].as_str() != ours
    })?;
    lease["hostname"].as_str().map(str::to_owned)
}

fn outside(device: &str, network: &str, address: IpAddr, subnet: &Subnet) -> Diagnostic {
    let summary = format!("address `{address}` of device `{device}` is not in network `{network}`");
    let detail = format!("The network is `{}/{}`.", subnet.address, subnet.length);
    Diagnostic::error("incus-address", summary).detail(detail)
}

fn held(network: &str, address: IpAddr, holder: &str) -> Diagnostic {
    let summary = format!("address `{address}` in network `{network}` is taken");
    Diagnostic::error("incus-address", summary).detail(format!("`{holder}` has it."))
}

/// The addresses of a network.
pub(super) struct Subnet {
    address: IpAddr,
    length: u32,
}

impl Subnet {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        Some(Self {
            address: address.parse().ok()?,
            length: length.parse().ok()?,
        })
    }

    /// The address that it is written with.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    pub(super) fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(network), IpAddr::V4(other)) => {
                let rest = 32_u32.saturating_sub(self.length);
                (network.to_bits() ^ other.to_bits())
                    .checked_shr(rest)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(network), IpAddr::V6(other)) => {
                let rest = 128_u32.saturating_sub(self.length);
                (network.to_bits() ^ other.to_bits())
                    .checked_shr(rest)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

/// The number of a text such as `5` that a server tells as text or number.
pub(super) fn number(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_network_or_not() {
        let check = |network: &str, address: &str| {
            Subnet::parse(network)
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(check("10.77.0.1/24", "10.77.0.9"));
        assert!(!check("10.77.0.1/24", "10.77.1.9"));
        assert!(check("10.77.0.1/0", "192.0.2.1"));
        assert!(check("fd42::1/64", "fd42::9"));
        assert!(!check("fd42::1/64", "fd43::9") && !check("fd42::1/64", "10.0.0.1"));
        assert!(Subnet::parse("none").is_none());
    }
}
