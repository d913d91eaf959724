//! Filters that compute with IP addresses: `ansible.utils.ipaddr` and its kin, also as `ansible.netcommon` has them.
//!
//! A value that is no address gives `false`, as there; lists are filtered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use minijinja::{Environment, Error, Value, value::ValueKind};

use super::refuse;

/// An address, with the prefix of its network if it was given one.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    pub(crate) ip: IpAddr,
    pub(crate) prefix: u8,
}

pub(super) fn register(environment: &mut Environment<'static>) {
    for collection in ["", "ansible.utils.", "ansible.netcommon."] {
        let mut add = |name: &str, filter: fn(&Value, Option<&Value>) -> Result<Value, Error>| {
            environment.add_filter(
                format!("{collection}{name}"),
                move |value: &Value, query: Option<&Value>| filter(value, query),
            );
        };
        add("ipaddr", |value, query| each(value, query, None));
        add("ipv4", |value, query| each(value, query, Some(4)));
        add("ipv6", |value, query| each(value, query, Some(6)));
        add("ipwrap", |value, _| Ok(wrapped(value)));
        add("ipmath", ipmath);
        add("next_nth_usable", |value, offset| {
            nth_usable(value, offset, 1)
        });
        add("previous_nth_usable", |value, offset| {
            nth_usable(value, offset, -1)
        });
        add("network_in_usable", |value, other| {
            inside(value, other, true)
        });
        add("network_in_network", |value, other| {
            inside(value, other, false)
        });
        add("reduce_on_network", reduce);
        add("nthhost", nth_host);
        add("cidr_merge", cidr_merge);
        add("slaac", slaac);
        add("ipv6form", ipv6form);
        add("hwaddr", |value, _| {
            Ok(mac(&crate::python::text(value)).map_or(Value::from(false), Value::from))
        });
        add("macaddr", |value, _| {
            Ok(mac(&crate::python::text(value)).map_or(Value::from(false), Value::from))
        });
        environment.add_filter(
            format!("{collection}ipsubnet"),
            |value: &Value, query: Option<&Value>, index: Option<&Value>| {
                ipsubnet(value, query, index)
            },
        );
    }
}

/// The address that a machine with this hardware address gives itself in a network of IPv6 (RFC 4862).
fn slaac(value: &Value, hardware: Option<&Value>) -> Result<Value, Error> {
    let Some(network) = Address::read(value) else {
        return Ok(Value::from(false));
    };
    let hardware = hardware.map(crate::python::text).unwrap_or_default();
    let digits: String = hardware.chars().filter(char::is_ascii_hexdigit).collect();
    let number = u64::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 12);
    let (Some(mac), IpAddr::V6(_)) = (number, network.ip) else {
        return Ok(Value::from(false));
    };
    // EUI-64: `ff:fe` between the halves, and the bit that says "given out by the maker" turned over.
    let identifier = ((mac >> 24) << 40) | (0xff_fe << 24) | (mac & 0xff_ffff);
    let identifier = identifier ^ (0x02 << 56);
    let prefix = number_of_network(&network) & !u128::from(u64::MAX);
    let address = Ipv6Addr::from(prefix | u128::from(identifier));
    Ok(Value::from(address.to_string()))
}

fn number_of_network(address: &Address) -> u128 {
    number(address.network())
}

/// An address of IPv6 written as asked for: `compress`, `expand` or `x509` (no zeros in front, nothing left out).
fn ipv6form(value: &Value, form: Option<&Value>) -> Result<Value, Error> {
    let form = form.map(crate::python::text).unwrap_or_default();
    let Some(IpAddr::V6(ip)) = Address::read(value).map(|address| address.ip) else {
        return Ok(Value::from(false));
    };
    let parts = |show: fn(&u16) -> String| {
        let parts: Vec<String> = ip.segments().iter().map(show).collect();
        parts.join(":")
    };
    let text = match form.as_str() {
        "compress" => ip.to_string(),
        "expand" => parts(|part| format!("{part:04x}")),
        "x509" => parts(|part| format!("{part:x}")),
        other => {
            return refuse(format!(
                "`ipv6form` knows `compress`, `expand` and `x509`, not `{other}`"
            ));
        }
    };
    Ok(Value::from(text))
}

impl Address {
    /// Reads `IP`, `IP/PREFIX`, `IP/NETMASK`, or a number.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        if value.kind() == ValueKind::Number {
            let number = u128::try_from(value.clone()).ok()?;
            let ip = match u32::try_from(number) {
                Ok(number) => IpAddr::V4(number.into()),
                Err(_) => IpAddr::V6(number.into()),
            };
            return Some(Self::whole(ip));
        }
        Self::parse(value.as_str()?)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some((ip, mask)) = text.split_once('/') else {
            return text.parse().ok().map(Self::whole);
        };
        let ip: IpAddr = ip.parse().ok()?;
        let prefix = match mask.parse::<u8>() {
            Ok(prefix) => prefix,
            Err(_) => ipnet::ip_mask_to_prefix(mask.parse().ok()?).ok()?,
        };
        (prefix <= bits(ip)).then_some(Self { ip, prefix })
    }

    fn whole(ip: IpAddr) -> Self {
        Self {
            ip,
            prefix: bits(ip),
        }
    }

    pub(crate) fn net(&self) -> IpNet {
        IpNet::new(self.ip, self.prefix).expect("the prefix was checked when it was read")
    }

    fn number(&self) -> u128 {
        number(self.ip)
    }

    fn network(&self) -> IpAddr {
        self.net().network()
    }

    /// How many addresses the network has; none for all of IPv6.
    fn size(&self) -> Option<u128> {
        1_u128.checked_shl(u32::from(bits(self.ip) - self.prefix))
    }

    fn is_single(&self) -> bool {
        self.prefix == bits(self.ip)
    }

    fn is_network(&self) -> bool {
        !self.is_single() && self.ip == self.network()
    }

    /// Another address of the same family.
    fn at(&self, number: u128) -> Option<IpAddr> {
        match self.ip {
            IpAddr::V4(_) => Some(IpAddr::V4(Ipv4Addr::from(u32::try_from(number).ok()?))),
            IpAddr::V6(_) => Some(IpAddr::V6(Ipv6Addr::from(number))),
        }
    }

    /// The first and last address for a host.
    fn usable(&self) -> (u128, u128) {
        let first = number(self.network());
        let last = number(self.net().broadcast());
        match (self.size(), self.ip) {
            (Some(..=2), _) => (first, last),
            (_, IpAddr::V4(_)) => (first + 1, last - 1),
            (_, IpAddr::V6(_)) => (first + 1, last),
        }
    }
}

fn bits(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

fn text(value: impl ToString) -> Value {
    Value::from(value.to_string())
}

/// One value, or those of a list that are good.
fn each(value: &Value, query: Option<&Value>, version: Option<u8>) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    if value.kind() != ValueKind::Seq {
        return one(value, query, version);
    }
    let mut good = Vec::new();
    for item in value.try_iter()? {
        let found = one(&item, query, version)?;
        if found.is_true() {
            good.push(found);
        }
    }
    Ok(Value::from(good))
}

fn one(value: &Value, query: Option<&Value>, version: Option<u8>) -> Result<Value, Error> {
    let Some(address) = Address::read(value) else {
        return Ok(Value::from(false));
    };
    let own = if address.ip.is_ipv4() { 4 } else { 6 };
    if version.is_some_and(|version| version != own) {
        return Ok(Value::from(false));
    }
    let value = if value.kind() == ValueKind::Number {
        text(address.ip)
    } else {
        value.clone()
    };
    match query {
        None => Ok(value),
        Some(query) if query.is_none() || query.as_str() == Some("") => Ok(value),
        Some(query) if query.kind() == ValueKind::Number => Ok(nth(&address, query)),
        Some(query) => asked(&value, &address, &crate::python::text(query)),
    }
}

/// The address at an index, from the end for negative ones.
fn nth(address: &Address, index: &Value) -> Value {
    let found = i128::try_from(index.clone()).ok().and_then(|index| {
        let first = number(address.network());
        let last = number(address.net().broadcast());
        let place = if index < 0 {
            (last + 1).checked_sub(index.unsigned_abs())?
        } else {
            first.checked_add(index.unsigned_abs())?
        };
        (first..=last)
            .contains(&place)
            .then(|| address.at(place))
            .flatten()
    });
    match found {
        Some(ip) if address.is_single() => text(ip),
        Some(ip) => Value::from(format!("{ip}/{}", address.prefix)),
        None => Value::from(false),
    }
}

fn asked(value: &Value, address: &Address, query: &str) -> Result<Value, Error> {
    let none = || Value::from(());
    let some = |good: bool, found: Value| if good { found } else { none() };
    let keep = |good: bool| if good { value.clone() } else { none() };
    let net = address.net();
    let (prefix, single) = (address.prefix, address.is_single());
    let slash = |ip: IpAddr| Value::from(format!("{ip}/{prefix}"));
    let mask = || net.netmask();
    Ok(match query {
        "address" | "ip" => some(
            !address.is_network() || prefix + 1 >= bits(address.ip),
            text(address.ip),
        ),
        "bool" => Value::from(true),
        "broadcast" => some(
            address.size().is_none_or(|size| size > 2),
            text(net.broadcast()),
        ),
        "cidr" | "subnet" | "network/prefix" => text(net.trunc()),
        "first_usable" => some(!single, address.at(address.usable().0).map_or(none(), text)),
        "last_usable" => some(!single, address.at(address.usable().1).map_or(none(), text)),
        "host" | "host/prefix" | "address/prefix" | "ip/prefix" | "gateway" | "gw" | "hostnet"
        | "router" => {
            let one_of_two = prefix + 1 == bits(address.ip);
            if single && query == "host" {
                slash(address.ip)
            } else {
                some(
                    !single && (!address.is_network() || one_of_two),
                    slash(address.ip),
                )
            }
        }
        "hostmask" | "wildcard" => text(net.hostmask()),
        "int" if single => text(address.number())
            .as_str()
            .and_then(|digits| digits.parse::<u64>().ok())
            .map_or(text(address.number()), Value::from),
        "int" => Value::from(format!("{}/{prefix}", address.number())),
        "ip_netmask" => some(!single, Value::from(format!("{} {}", address.ip, mask()))),
        "ip_wildcard" => some(
            !single,
            Value::from(format!("{} {}", address.ip, net.hostmask())),
        ),
        "ipv4" => keep(address.ip.is_ipv4()),
        "ipv6" => keep(address.ip.is_ipv6()),
        "link-local" => keep(is_link_local(address.ip)),
        "lo" | "loopback" => keep(address.ip.is_loopback()),
        "multicast" => keep(address.ip.is_multicast()),
        "net" => some(address.is_network(), slash(address.ip)),
        "netmask" => text(mask()),
        "network" | "network_id" => some(!single, text(net.network())),
        "network_netmask" => some(
            !single,
            Value::from(format!("{} {}", net.network(), mask())),
        ),
        "network_wildcard" => some(
            !single,
            Value::from(format!("{} {}", net.network(), net.hostmask())),
        ),
        "next_usable" => neighbour(address, 1),
        "previous_usable" => neighbour(address, -1),
        "peer" => peer(address)?,
        "prefix" => Value::from(prefix),
        "private" => keep(is_private(address.ip)),
        "public" => keep(is_public(address.ip)),
        "range_usable" => {
            let (first, last) = address.usable();
            match (address.at(first), address.at(last)) {
                (Some(first), Some(last)) if !single => Value::from(format!("{first}-{last}")),
                _ => none(),
            }
        }
        "revdns" => Value::from(reverse(address.ip)),
        "size" => address.size().map_or(none(), number_value),
        "size_usable" => {
            let (first, last) = address.usable();
            number_value(if single { 1 } else { last - first + 1 })
        }
        "type" => Value::from(if address.is_network() {
            "network"
        } else {
            "address"
        }),
        "unicast" => keep(!address.ip.is_multicast()),
        "version" => Value::from(if address.ip.is_ipv4() { 4 } else { 6 }),
        "wrap" => wrapped(value),
        index if index.parse::<i64>().is_ok() => nth(
            address,
            &Value::from(index.parse::<i64>().unwrap_or_default()),
        ),
        other => return within(value, address, other),
    })
}

fn number_value(number: u128) -> Value {
    u64::try_from(number).map_or_else(|_| Value::from(number), Value::from)
}

/// A query that is a network: the value, if it is in there.
fn within(value: &Value, address: &Address, network: &str) -> Result<Value, Error> {
    match Address::parse(network) {
        Some(network) if network.net().contains(&address.net()) => Ok(value.clone()),
        Some(_) => Ok(Value::from(())),
        None => refuse(format!("ipaddr: unknown filter type: {network}")),
    }
}

fn neighbour(address: &Address, step: i128) -> Value {
    let (first, last) = address.usable();
    let place = address.number().checked_add_signed(step);
    let found = place.filter(|place| !address.is_single() && (first..=last).contains(place));
    found
        .and_then(|place| address.at(place))
        .map_or(Value::from(()), text)
}

/// The other end of a link between two.
fn peer(address: &Address) -> Result<Value, Error> {
    let number = address.number();
    let other = match bits(address.ip) - address.prefix {
        1 => Some(number ^ 1),
        2 => match number & 3 {
            1 => Some(number + 1),
            2 => Some(number - 1),
            _ => None,
        },
        _ => return refuse("Not a point-to-point network"),
    };
    match other.and_then(|other| address.at(other)) {
        Some(other) => Ok(text(other)),
        None => refuse("Network address of /30 has no peer"),
    }
}

pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xfe00 == 0xfc00,
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// True for addresses that the whole net can reach.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    let reserved = match ip {
        IpAddr::V4(ip) => {
            let octets = ip.octets();
            ip.is_documentation()
                || ip.is_unspecified()
                || octets[0] >= 240
                || octets[0] == 0
                || octets[0] == 100 && octets[1] & 0xc0 == 64
        }
        IpAddr::V6(ip) => ip.is_unspecified() || ip.segments()[..2] == [0x2001, 0x0db8],
    };
    !reserved && !is_private(ip) && !ip.is_loopback() && !is_link_local(ip) && !ip.is_multicast()
}

fn reverse(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(ip) => {
            let digits = format!("{:032x}", u128::from(ip));
            let parts: Vec<String> = digits
                .chars()
                .rev()
                .map(|digit| digit.to_string())
                .collect();
            format!("{}.ip6.arpa.", parts.join("."))
        }
    }
}

/// IPv6 addresses in brackets; all else as it is.
fn wrapped(value: &Value) -> Value {
    if value.kind() == ValueKind::Seq {
        let items = value.try_iter().into_iter().flatten();
        return Value::from(items.map(|item| wrapped(&item)).collect::<Vec<_>>());
    }
    match (Address::read(value), value.as_str()) {
        (Some(address), Some(text)) if address.ip.is_ipv6() => match text.split_once('/') {
            Some((ip, prefix)) => Value::from(format!("[{ip}]/{prefix}")),
            None => Value::from(format!("[{text}]")),
        },
        _ => value.clone(),
    }
}

fn whole_number(value: Option<&Value>, what: &str) -> Result<i128, Error> {
    let number = value.and_then(|value| match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => i128::try_from(value.clone()).ok(),
    });
    match number {
        Some(number) => Ok(number),
        None => refuse(format!("{what} must be an integer")),
    }
}

fn ipmath(value: &Value, amount: Option<&Value>) -> Result<Value, Error> {
    let Some(address) = Address::read(value) else {
        return refuse(format!(
            "You must pass a valid IP address; {value} is invalid"
        ));
    };
    let amount = whole_number(
        amount,
        "You must pass an integer for arithmetic; the amount",
    )?;
    let moved = address
        .number()
        .checked_add_signed(amount)
        .and_then(|place| address.at(place));
    match moved {
        Some(ip) => Ok(text(ip)),
        None => refuse("the address is beyond the last one"),
    }
}

fn nth_usable(value: &Value, offset: Option<&Value>, sign: i128) -> Result<Value, Error> {
    let Some(address) = Address::read(value) else {
        return Ok(Value::from(false));
    };
    let offset = whole_number(offset, "Must pass in an integer: the offset")? * sign;
    let (first, last) = address.usable();
    let place = address.number().checked_add_signed(offset);
    let found = place.filter(|place| !address.is_single() && (first..=last).contains(place));
    Ok(found
        .and_then(|place| address.at(place))
        .map_or(Value::from(()), text))
}

/// Whether the second network or address is in the first; `usable`: among the addresses for hosts.
fn inside(value: &Value, other: Option<&Value>, usable: bool) -> Result<Value, Error> {
    let (Some(outer), Some(inner)) = (Address::read(value), other.and_then(Address::read)) else {
        return refuse("both must be addresses or networks");
    };
    if outer.ip.is_ipv4() != inner.ip.is_ipv4() {
        return Ok(Value::from(false));
    }
    let (first, last) = if usable {
        outer.usable()
    } else {
        (number(outer.network()), number(outer.net().broadcast()))
    };
    let (begin, end) = if inner.is_single() {
        (inner.number(), inner.number())
    } else if usable {
        inner.usable()
    } else {
        (number(inner.network()), number(inner.net().broadcast()))
    };
    Ok(Value::from(first <= begin && end <= last))
}

fn reduce(value: &Value, network: Option<&Value>) -> Result<Value, Error> {
    let Some(network) = network.and_then(Address::read) else {
        return refuse("`reduce_on_network` needs a network");
    };
    let items = value
        .try_iter()?
        .filter(|item| Address::read(item).is_some_and(|item| network.net().contains(&item.net())));
    Ok(Value::from(items.collect::<Vec<_>>()))
}

fn nth_host(value: &Value, index: Option<&Value>) -> Result<Value, Error> {
    let Some(address) = Address::read(value) else {
        return Ok(Value::from(false));
    };
    let index = whole_number(index, "the index")?;
    let place = number(address.network()).checked_add_signed(index);
    let inside = place.filter(|place| *place <= number(address.net().broadcast()));
    Ok(inside
        .and_then(|place| address.at(place))
        .map_or(Value::from(false), text))
}

fn cidr_merge(value: &Value, action: Option<&Value>) -> Result<Value, Error> {
    let mut nets = Vec::new();
    for item in value.try_iter()? {
        match Address::read(&item) {
            Some(address) => nets.push(address.net().trunc()),
            None => return refuse(format!("cidr_merge: `{item}` is no network")),
        }
    }
    match action
        .map(crate::python::text)
        .as_deref()
        .unwrap_or("merge")
    {
        "merge" => Ok(Value::from(
            IpNet::aggregate(&nets)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        )),
        "span" => Ok(span(&nets).map_or(Value::from(()), text)),
        other => refuse(format!("cidr_merge: invalid action '{other}'")),
    }
}

/// The smallest network with all of these in it.
fn span(nets: &[IpNet]) -> Option<IpNet> {
    let mut net = *nets.first()?;
    while !nets.iter().all(|other| net.contains(other)) {
        net = net.supernet()?;
    }
    Some(net)
}

/// Subnets of a size: how many, which one, or which one a network is of another.
fn ipsubnet(value: &Value, query: Option<&Value>, index: Option<&Value>) -> Result<Value, Error> {
    let Some(address) = Address::read(value) else {
        return Ok(Value::from(false));
    };
    let own = if address.is_single() && value.as_str().is_some_and(|text| !text.contains('/')) {
        text(address.ip)
    } else {
        text(address.net().trunc())
    };
    let Some(query) = query.filter(|query| query.as_str() != Some("")) else {
        return Ok(own);
    };
    let asked = query.as_str().map_or_else(
        || u8::try_from(query.clone()).ok(),
        |text| text.parse().ok(),
    );
    let Some(prefix) = asked else {
        return rank(&address, &crate::python::text(query));
    };
    if prefix > bits(address.ip) {
        return Ok(Value::from(false));
    }
    let index = index
        .map(|index| whole_number(Some(index), "the index"))
        .transpose()?;
    let widened = |prefix: u8| {
        Address {
            ip: address.ip,
            prefix,
        }
        .net()
        .trunc()
    };
    match index {
        None if prefix < address.prefix => Ok(text(widened(prefix))),
        None => Ok(number_value(1_u128 << (prefix - address.prefix).min(127))),
        Some(index) if prefix < address.prefix => {
            // The networks around it, from the widest asked for inwards.
            let around: Vec<u8> = (prefix..address.prefix).collect();
            Ok(pick(&around, index).map_or(Value::from(false), |prefix| text(widened(*prefix))))
        }
        Some(index) => Ok(subnet(&address, prefix, index).map_or(Value::from(false), text)),
    }
}

fn pick<T>(items: &[T], index: i128) -> Option<&T> {
    let index = if index < 0 {
        index + items.len() as i128
    } else {
        index
    };
    items.get(usize::try_from(index).ok()?)
}

fn subnet(address: &Address, prefix: u8, index: i128) -> Option<IpNet> {
    let count = 1_u128.checked_shl(u32::from(prefix - address.prefix))?;
    let place = if index < 0 {
        count.checked_sub(index.unsigned_abs())?
    } else {
        index.unsigned_abs()
    };
    if place >= count {
        return None;
    }
    let step = 1_u128.checked_shl(u32::from(bits(address.ip) - prefix))?;
    let ip = address.at(number(address.network()) + place * step)?;
    IpNet::new(ip, prefix).ok()
}

/// Which subnet of `outer` the address's network is, counted from 1.
fn rank(address: &Address, outer: &str) -> Result<Value, Error> {
    let Some(outer) = Address::parse(outer) else {
        return refuse(format!(
            "You must pass a valid subnet or IP address; {outer} is invalid"
        ));
    };
    if !outer.net().contains(&address.net()) {
        return refuse(format!(
            "{} is not in the subnet {}",
            address.net().trunc(),
            outer.net().trunc()
        ));
    }
    let step = u32::from(bits(address.ip) - address.prefix);
    let distance = number(address.network()) - number(outer.network());
    let before = distance.checked_shr(step).unwrap_or(0);
    Ok(number_value(before.saturating_add(1)))
}

/// A hardware address as `aa:bb:cc:dd:ee:ff`, if it is one.
pub(crate) fn mac(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|one| !matches!(one, ':' | '-' | '.'))
        .collect();
    let good = digits.len() == 12 && digits.chars().all(|one| one.is_ascii_hexdigit());
    good.then(|| {
        let pairs: Vec<&str> = (0..6).map(|at| &digits[at * 2..at * 2 + 2]).collect();
        pairs.join(":").to_lowercase()
    })
}
