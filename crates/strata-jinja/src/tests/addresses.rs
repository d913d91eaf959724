//! Tests of IP addresses, as `ansible.utils` has them.

use minijinja::{Environment, Value};

use crate::filters::addresses::{Address, is_private, is_public, mac};

pub(super) fn register(environment: &mut Environment<'static>) {
    let mut add = |name: &str, test: fn(&Value) -> bool| {
        environment.add_test(format!("ansible.utils.{name}"), test);
    };
    add("ip", |value| Address::read(value).is_some());
    add("ip_address", |value| plain(value).is_some());
    add("ipv4", |value| {
        Address::read(value).is_some_and(|one| one.ip.is_ipv4())
    });
    add("ipv6", |value| {
        Address::read(value).is_some_and(|one| one.ip.is_ipv6())
    });
    add("ipv4_address", |value| {
        plain(value).is_some_and(|one| one.ip.is_ipv4())
    });
    add("ipv6_address", |value| {
        plain(value).is_some_and(|one| one.ip.is_ipv6())
    });
    add("loopback", |value| {
        Address::read(value).is_some_and(|one| one.ip.is_loopback())
    });
    add("multicast", |value| {
        Address::read(value).is_some_and(|one| one.ip.is_multicast())
    });
    add("private", |value| {
        Address::read(value).is_some_and(|one| is_private(one.ip))
    });
    add("public", |value| {
        Address::read(value).is_some_and(|one| is_public(one.ip))
    });
    add("unspecified", |value| {
        Address::read(value).is_some_and(|one| one.ip.is_unspecified())
    });
    add("mac", |value| {
        value.as_str().is_some_and(|text| mac(text).is_some())
    });
    let within = |inner: &Value, outer: &Value| match (Address::read(inner), Address::read(outer)) {
        (Some(inner), Some(outer)) => outer.net().contains(&inner.net()),
        _ => false,
    };
    environment.add_test("ansible.utils.in_network", within);
    environment.add_test("ansible.utils.subnet_of", within);
    environment.add_test(
        "ansible.utils.supernet_of",
        move |outer: &Value, inner: &Value| within(inner, outer),
    );
    environment.add_test(
        "ansible.utils.in_any_network",
        move |inner: &Value, networks: &Value| {
            networks
                .try_iter()
                .is_ok_and(|mut networks| networks.any(|outer| within(inner, &outer)))
        },
    );
}

/// An address without a prefix.
fn plain(value: &Value) -> Option<Address> {
    let slash = value.as_str().is_some_and(|text| text.contains('/'));
    Address::read(value).filter(|_| !slash)
}
