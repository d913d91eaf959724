//! Network addresses: `cidr*`.

use std::net::IpAddr;

use ipnet::IpNet;
use strata_core::{Number, Value};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, strings, text,
    whole,
};

const PREFIX: Parameter = Parameter::new("prefix", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrcontains",
        &[
            Parameter::new("containing_prefix", Kind::String),
            Parameter::new("contained_ip_or_prefix", Kind::String),
        ],
        Returns::Bool,
        "Tells whether a network has an address or another network in it (OpenTofu).",
        cidrcontains,
    ),
    Function::new(
        "cidrhost",
        &[PREFIX, Parameter::new("hostnum", Kind::Number)],
        Returns::String,
        "Gives the address of a host in a network by its number.",
        cidrhost,
    ),
    Function::new(
        "cidrnetmask",
        &[PREFIX],
        Returns::String,
        "Gives the mask of an IPv4 network.",
        cidrnetmask,
    ),
    Function::new(
        "cidrsubnet",
        &[
            PREFIX,
            Parameter::new("newbits", Kind::Number),
            Parameter::new("netnum", Kind::Number),
        ],
        Returns::String,
        "Gives a network inside a network by its number.",
        cidrsubnet,
    ),
    Function::new(
        "cidrsubnets",
        &[PREFIX],
        Returns::ListOfString,
        "Gives networks inside a network, one after another.",
        cidrsubnets,
    )
    .variadic(Parameter::new("newbits", Kind::Number)),
];

/// A network as bits, whichever version it is.
#[derive(Clone, Copy)]
struct Network {
    address: u128,
    prefix: u32,
    /// 32 or 128.
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, FunctionError> {
        let invalid = || {
            FunctionError::argument(
                0,
                format!("invalid CIDR expression: invalid CIDR address: {text}"),
            )
        };
        let net: IpNet = unpadded(text).parse().map_err(|_| invalid())?;
        Ok(match net.trunc() {
            IpNet::V4(net) => Self {
                address: u128::from(u32::from(net.addr())),
                prefix: u32::from(net.prefix_len()),
                bits: 32,
            },
            IpNet::V6(net) => Self {
                address: u128::from(net.addr()),
                prefix: u32::from(net.prefix_len()),
                bits: 128,
            },
        })
    }

    /// An IPv6 network of addresses that stand for IPv4 ones (`::ffff:10.0.0.0/104`), as that: so Go writes it.
    fn mapped(self) -> Option<Self> {
        let is_mapped = self.bits == 128 && self.address >> 32 == 0xffff;
        is_mapped.then(|| Self {
            address: self.address & ones(32),
            prefix: self.prefix.saturating_sub(96),
            bits: 32,
        })
    }

    fn host_bits(self) -> u32 {
        self.bits - self.prefix
    }

    fn address(self) -> IpAddr {
        match u32::try_from(self.address) {
            Ok(address) if self.bits == 32 => IpAddr::V4(address.into()),
            _ => IpAddr::V6(self.address.into()),
        }
    }

    /// A network by its number among those that are smaller, or larger where the number of bits is negative.
    fn subnet(self, added: i64, number: &Number) -> Result<Self, String> {
        let prefix = i64::from(self.prefix).saturating_add(added);
        let prefix = u32::try_from(prefix).ok().filter(|it| *it <= self.bits);
        let Some(prefix) = prefix else {
            return Err(format!(
                "insufficient address space to extend prefix of {} by {added}",
                self.prefix
            ));
        };
        let all = u32::try_from(added).map_or(u128::MAX, ones);
        let full = || {
            format!("prefix extension of {added} does not accommodate a subnet numbered {number}")
        };
        let place = magnitude(number).ok_or_else(full)?;
        let shift = self.bits - prefix;
        let moved = place.checked_shl(shift).unwrap_or(0);
        let is_cut = moved.checked_shr(shift).unwrap_or(0) != place || moved > ones(self.bits);
        if place > all || (is_cut && shift < 128 && place > 0) {
            return Err(full());
        }
        Ok(Self {
            address: with_number(self.address, moved, *number < Number::ZERO),
            prefix,
            bits: self.bits,
        })
    }
}

/// Puts a number into an address. A negative one goes in as in Terraform, as if the address had endless bits of which
/// then the sign is forgotten: what comes out is in another network.
fn with_number(address: u128, moved: u128, is_negative: bool) -> u128 {
    match is_negative && moved > 0 {
        true => ((moved - 1) & !address).saturating_add(1),
        false => address | moved,
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let written = self.mapped().unwrap_or(*self);
        write!(f, "{}/{}", written.address(), written.prefix)
    }
}

/// Takes zeros off before the parts of an IPv4 address, which Terraform reads as decimal.
fn unpadded(text: &str) -> String {
    if text.contains(':') {
        return text.to_owned();
    }
    let part = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    match text.split_once('/') {
        Some((address, prefix)) => {
            let parts: Vec<_> = address.split('.').map(part).collect();
            format!("{}/{prefix}", parts.join("."))
        }
        None => text.to_owned(),
    }
}

/// All ones below a bit.
fn ones(bits: u32) -> u128 {
    1_u128.checked_shl(bits).map_or(u128::MAX, |bit| bit - 1)
}

/// A number of a host or a network, which may be larger than what [`whole`] takes.
fn whole_of_any_size(given: Given<'_>, at: usize) -> Result<Number, FunctionError> {
    let number = given.get(at).and_then(Value::as_number);
    let number = number.cloned().unwrap_or(Number::ZERO);
    match number.is_whole() {
        true => Ok(number),
        false => Err(FunctionError::argument(at, "value must be a whole number")),
    }
}

/// A number without its sign, if an address has room for it.
fn magnitude(number: &Number) -> Option<u128> {
    let text = number.to_string();
    text.trim_start_matches('-').parse().ok()
}

fn cidrcontains(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let outer = Network::parse(text(given, 0))?;
    let inner = text(given, 1);
    let whole = match inner.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => format!("{inner}/32"),
        Ok(IpAddr::V6(_)) => format!("{inner}/128"),
        Err(_) => inner.to_owned(),
    };
    let inner =
        Network::parse(&whole).map_err(|error| FunctionError::argument(1, error.message))?;
    if inner.bits != outer.bits {
        return Err(FunctionError::new(
            "address family mismatch: one is IPv4, the other IPv6",
        ));
    }
    let same = (inner.address ^ outer.address) & !ones(outer.host_bits()) & ones(outer.bits) == 0;
    Ok(Value::Bool(inner.prefix >= outer.prefix && same))
}

fn cidrhost(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let network = Network::parse(text(given, 0))?;
    let number = whole_of_any_size(given, 1)?;
    let none = || {
        FunctionError::new(format!(
            "prefix of {} does not accommodate a host numbered {number}",
            network.prefix
        ))
    };
    let most = ones(network.host_bits());
    let magnitude = magnitude(&number).ok_or_else(none)?;
    let host = if number < Number::ZERO {
        // Negative numbers count from the end.
        most.checked_sub(magnitude - 1).ok_or_else(none)?
    } else if magnitude > most {
        return Err(none());
    } else {
        magnitude
    };
    let address = Network {
        address: network.address | host,
        ..network
    }
    .address();
    Ok(Value::from(address.to_string()))
}

fn cidrnetmask(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let network = Network::parse(text(given, 0))?;
    if network.bits != 32 && network.mapped().is_none() {
        return Err(FunctionError::argument(
            0,
            format!("IPv6 addresses cannot have a netmask: {}", text(given, 0)),
        ));
    }
    let mask = ones(network.bits) ^ ones(network.host_bits());
    Ok(Value::from(
        Network {
            address: mask,
            ..network
        }
        .address()
        .to_string(),
    ))
}

fn cidrsubnet(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let network = Network::parse(text(given, 0))?;
    match network.subnet(whole(given, 1)?, &whole_of_any_size(given, 2)?) {
        Ok(subnet) => Ok(Value::from(subnet.to_string())),
        Err(message) => Err(FunctionError::new(message)),
    }
}

/// By how many bits `cidrsubnets` extends a prefix at most, as in Terraform.
const MOST_NEW_BITS: i64 = 32;

fn cidrsubnets(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let network = Network::parse(text(given, 0))?;
    let mut next = network.address;
    let end = network.address | ones(network.host_bits());
    let mut full = false;
    let mut subnets = Vec::new();
    for at in 1..given.len() {
        let newbits = whole(given, at)?;
        if newbits < 1 {
            return Err(FunctionError::argument(
                at,
                "must extend prefix by at least one bit",
            ));
        }
        if newbits > MOST_NEW_BITS {
            return Err(FunctionError::argument(
                at,
                format!("may not extend prefix by more than {MOST_NEW_BITS} bits"),
            ));
        }
        let size = network
            .subnet(newbits, &Number::ZERO)
            .map_err(|message| FunctionError::argument(at, message))?;
        let mask = ones(size.host_bits());
        // The next network of this size begins at a multiple of it.
        let start = next.checked_add(mask).map(|start| start & !mask);
        let Some(start) = start.filter(|start| !full && (*start | mask) <= end) else {
            return Err(FunctionError::argument(
                at,
                format!(
                    "not enough remaining address space for a subnet with a prefix of {} bits{}",
                    size.prefix,
                    subnets
                        .last()
                        .map(|last| format!(" after {last}"))
                        .unwrap_or_default()
                ),
            ));
        };
        subnets.push(
            Network {
                address: start,
                ..size
            }
            .to_string(),
        );
        match (start | mask).checked_add(1) {
            Some(after) => next = after,
            None => full = true,
        }
    }
    Ok(strings(subnets.into_iter().map(Value::from)))
}
