//! The subject of a request or a certificate, and under which other names it goes.

use std::net::IpAddr;

use strata_core::Value;
use strata_provider::Schema;

use super::der::{ascii, context, context_bytes, oid, sequence, set_of_one, text};

/// Who a certificate is about.
#[derive(Clone, Default, Schema)]
pub(crate) struct Subject {
    /// The name, such as that of a host (`CN`).
    common_name: Option<String>,
    /// The organization (`O`).
    organization: Option<String>,
    /// The part of the organization (`OU`).
    organizational_unit: Option<String>,
    /// The lines of the address (`STREET`).
    street_address: Option<Vec<String>>,
    /// The town (`L`).
    locality: Option<String>,
    /// The state or province (`ST`).
    province: Option<String>,
    /// The country (`C`).
    country: Option<String>,
    /// The postal code.
    postal_code: Option<String>,
    /// The serial number of the subject (`SERIALNUMBER`).
    serial_number: Option<String>,
    /// The address for mail.
    email_address: Option<String>,
}

impl Subject {
    /// The distinguished name, in the order that Go gives its parts.
    pub(super) fn name(&self) -> Vec<u8> {
        let one = |part: &Option<String>| part.iter().cloned().collect::<Vec<_>>();
        let parts = [
            (6, one(&self.country)),
            (10, one(&self.organization)),
            (11, one(&self.organizational_unit)),
            (7, one(&self.locality)),
            (8, one(&self.province)),
            (9, self.street_address.clone().unwrap_or_default()),
            (17, one(&self.postal_code)),
            (3, one(&self.common_name)),
            (5, one(&self.serial_number)),
        ];
        let filled = parts
            .iter()
            .filter(|(_, values)| values.iter().any(|value| !value.is_empty()));
        let mut names: Vec<Vec<u8>> = filled
            .map(|(last, values)| relative(*last, values))
            .collect();
        if let Some(email) = &self.email_address {
            let attribute = sequence(&[oid(&[1, 2, 840, 113549, 1, 9, 1]), ascii(email)]);
            names.push(set_of_one(&attribute));
        }
        sequence(&names)
    }
}

/// All values of one part of a name; a set in DER is sorted.
fn relative(last: u64, values: &[String]) -> Vec<u8> {
    let attribute = |value: &String| sequence(&[oid(&[2, 5, 4, last]), text(value)]);
    let mut attributes: Vec<Vec<u8>> = values.iter().map(attribute).collect();
    attributes.sort();
    set_of_one(&attributes.concat())
}

/// The other names of a subject, as the content of an extension; none if there are none.
pub(super) fn alternative_names(
    dns_names: &[String],
    ip_addresses: &[String],
    uris: &[String],
) -> Option<Vec<u8>> {
    let hosts = dns_names
        .iter()
        .map(|name| context_bytes(2, name.as_bytes()));
    let addresses = ip_addresses.iter().filter_map(|text| text.parse().ok());
    let addresses = addresses.map(|address| match address {
        IpAddr::V4(address) => context_bytes(7, &address.octets()),
        IpAddr::V6(address) => context_bytes(7, &address.octets()),
    });
    let uris = uris.iter().map(|uri| context_bytes(6, uri.as_bytes()));
    let names: Vec<Vec<u8>> = hosts.chain(addresses).chain(uris).collect();
    (!names.is_empty()).then(|| sequence(&names))
}

/// The other names as arguments have them.
#[derive(Default, Schema)]
pub(super) struct AlternativeNames {
    /// Host names.
    #[schema(replace, check = are_ascii)]
    dns_names: Option<Vec<String>>,
    /// Addresses.
    #[schema(replace, check = are_addresses)]
    ip_addresses: Option<Vec<String>>,
    /// URIs.
    #[schema(replace, check = are_ascii)]
    uris: Option<Vec<String>>,
}

impl AlternativeNames {
    /// The names, as the content of an extension.
    pub(super) fn extension(&self) -> Option<Vec<u8>> {
        alternative_names(
            self.dns_names.as_deref().unwrap_or_default(),
            self.ip_addresses.as_deref().unwrap_or_default(),
            self.uris.as_deref().unwrap_or_default(),
        )
    }
}

/// Domains that a certificate's issues may be for, or not, as the content of an extension.
pub(super) fn name_constraints(permitted: &[String], excluded: &[String]) -> Option<Vec<u8>> {
    let trees = |number, names: &[String]| match names {
        [] => None,
        names => {
            let names = names
                .iter()
                .map(|name| sequence(&[context_bytes(2, name.as_bytes())]));
            Some(context(number, &names.collect::<Vec<_>>().concat()))
        }
    };
    let parts: Vec<Vec<u8>> = trees(0, permitted)
        .into_iter()
        .chain(trees(1, excluded))
        .collect();
    (!parts.is_empty()).then(|| sequence(&parts))
}

/// Checks that all elements are ASCII, as names in certificates must be.
pub(super) fn are_ascii(value: &Value) -> Result<(), String> {
    let items = value.as_sequence().unwrap_or_default();
    match items
        .iter()
        .filter_map(Value::as_str)
        .all(|name| name.is_ascii() && !name.is_empty())
    {
        true => Ok(()),
        false => Err("must hold names in ASCII; others in their `xn--` form".to_owned()),
    }
}

/// Checks that all elements are addresses.
pub(super) fn are_addresses(value: &Value) -> Result<(), String> {
    let items = value.as_sequence().unwrap_or_default();
    match items
        .iter()
        .filter_map(Value::as_str)
        .all(|text| text.parse::<IpAddr>().is_ok())
    {
        true => Ok(()),
        false => Err("must hold IP addresses".to_owned()),
    }
}
