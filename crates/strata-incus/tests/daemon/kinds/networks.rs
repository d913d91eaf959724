//! Networks and what belongs to them.

use serde_json::json;
use strata_core::{Type, Value};

use super::{Here, Kind, object, others::rules, rows, text, texts_of};
use crate::testbed::texts;

pub(super) fn kinds(here: &Here) -> Vec<Kind> {
    let mut kinds = vec![
        network(here),
        acl(here),
        forward(here),
        zone(here),
        record(here),
    ];
    if here.is_twin() {
        kinds.extend([
            address_set(here),
            integration(here),
            load_balancer(here),
            peer(here),
        ]);
    }
    kinds
}

fn network(here: &Here) -> Kind {
    let name = here.name("n");
    let path = format!("/1.0/networks/{name}");
    let named = vec![("name", text(&name))];
    if here.is_twin() {
        // In a cluster of models only OVN is made at once.
        let minimal = [
            named,
            vec![
                ("type", text("ovn")),
                ("config", texts(&[("network", "incusbr0")])),
            ],
        ];
        let config = [("network", "incusbr0"), ("ipv4.address", "10.8.0.1/24")];
        return Kind::new("incus_network", path, minimal.concat())
            .described()
            .replaces("name", here.name("m").as_str())
            .would_replace("type", "macvlan")
            .replaces("project", here.name("room").as_str())
            .would_replace("target", "n2")
            .changes("config", texts(&config))
            .untold(&["config"])
            .id(name)
            .elsewhere(&[(
                "target",
                "objects::a_network_of_a_cluster_is_announced_on_each_member_first",
            )]);
    }
    let config = [
        ("ipv4.address", "10.93.243.1/24"),
        ("ipv6.address", "none"),
        ("ipv4.nat", "true"),
    ];
    let minimal = vec![
        ("name", text(&name)),
        (
            "config",
            texts(&[("ipv4.address", "10.93.243.1/24"), ("ipv6.address", "none")]),
        ),
    ];
    Kind::new("incus_network", path, minimal)
        .described()
        .replaces("name", here.name("m").as_str())
        .replaces("project", here.name("room").as_str())
        .would_replace("type", "macvlan")
        .changes("config", texts(&config))
        .untold(&["config"])
        .id(name)
}

fn acl(here: &Here) -> Kind {
    let name = here.name("acl");
    Kind::new(
        "incus_network_acl",
        format!("/1.0/network-acls/{name}"),
        vec![("name", text(&name))],
    )
    .described()
    .replaces("name", here.name("acm").as_str())
    .replaces("project", here.name("room").as_str())
    .changes("config", texts(&[("user.a", "b")]))
    .changes("egress", rules())
    .changes("ingress", rules())
    .id(name)
}

fn forward(here: &Here) -> Kind {
    let network = here.name("br1");
    let path = format!("/1.0/networks/{network}/forwards/192.0.2.71");
    let inside = if here.is_twin() {
        "10.9.1.7"
    } else {
        "10.93.241.7"
    };
    let port = object(&[
        ("description", "why"),
        ("protocol", "udp"),
        ("listen_port", "80,90-92"),
        ("target_port", "8080,9090-9092"),
        ("target_address", inside),
    ]);
    let address = if here.is_twin() {
        "10.9.1.8"
    } else {
        "10.93.241.8"
    };
    let minimal = vec![
        ("network", text(&network)),
        ("listen_address", text("192.0.2.71")),
    ];
    Kind::new("incus_network_forward", path, minimal)
        .described()
        .replaces("network", here.name("br2").as_str())
        .replaces("listen_address", "192.0.2.72")
        .replaces("project", here.name("room").as_str())
        .changes("config", texts(&[("target_address", address)]))
        .changes("ports", rows([port]))
        .id(format!("{network}/192.0.2.71"))
}

fn zone(here: &Here) -> Kind {
    let name = format!("{}.example", here.name("z"));
    Kind::new(
        "incus_network_zone",
        format!("/1.0/network-zones/{name}"),
        vec![("name", text(&name))],
    )
    .described()
    .replaces("name", format!("{}.example", here.name("y")).as_str())
    .replaces("project", here.name("room").as_str())
    .changes(
        "config",
        texts(&[("dns.nameservers", "ns1.example"), ("network.nat", "false")]),
    )
    .id(name)
}

fn record(here: &Here) -> Kind {
    let zone = format!("{}.example", here.name("zone"));
    let path = format!("/1.0/network-zones/{zone}/records/www");
    let entry = |kind: &str, value: &str, ttl: i64| {
        Value::object([
            ("type", text(kind)),
            ("value", text(value)),
            ("ttl", Value::from(ttl)),
        ])
    };
    let entries = rows([entry("A", "192.0.2.1", 60), entry("TXT", "a b", 3600)]);
    Kind::new(
        "incus_network_zone_record",
        path,
        vec![("name", text("www")), ("zone", text(&zone))],
    )
    .described()
    .replaces("name", "ftp")
    .would_replace("zone", "other.example")
    .replaces("project", here.name("room").as_str())
    .changes("config", texts(&[("user.a", "b")]))
    .changes("entry", entries)
    .id(format!("{zone}/www"))
}

fn address_set(here: &Here) -> Kind {
    let name = here.name("set");
    let path = format!("/1.0/network-address-sets/{name}");
    let minimal = vec![
        ("name", text(&name)),
        ("addresses", texts_of(&["10.0.0.2", "10.0.0.1"])),
    ];
    Kind::new("incus_network_address_set", path, minimal)
        .described()
        .changes("name", here.name("renamed").as_str())
        .changes("addresses", texts_of(&["10.0.0.3", "fd00::/8"]))
        .replaces("project", here.name("room").as_str())
        .changes("config", texts(&[("user.a", "b")]))
        .id(name)
        .drifts(json!({ "addresses": ["10.0.0.9"] }))
}

fn integration(here: &Here) -> Kind {
    let name = here.name("link2");
    let path = format!("/1.0/network-integrations/{name}");
    Kind::new(
        "incus_network_integration",
        path,
        vec![("name", text(&name)), ("type", text("ovn"))],
    )
    .described()
    .replaces("name", here.name("link3").as_str())
    .replaces("project", here.name("room").as_str())
    .changes("config", texts(&[("user.a", "b")]))
    .id(name)
}

fn load_balancer(here: &Here) -> Kind {
    let network = here.name("br1");
    let path = format!("/1.0/networks/{network}/load-balancers/192.0.2.1");
    let backend = object(&[
        ("name", "a"),
        ("description", "why"),
        ("target_address", "10.9.1.2"),
        ("target_port", "8080"),
    ]);
    let port = Value::object([
        ("description", text("why")),
        ("protocol", text("udp")),
        ("listen_port", text("80")),
        ("target_backend", Value::set(Type::String, [text("a")])),
    ]);
    let minimal = vec![
        ("network", text(&network)),
        ("listen_address", text("192.0.2.1")),
    ];
    Kind::new("incus_network_lb", path, minimal)
        .described()
        .replaces("network", here.name("br2").as_str())
        .replaces("listen_address", "192.0.2.2")
        .replaces("project", here.name("room").as_str())
        .changes("config", texts(&[("healthcheck", "true")]))
        .changes("backend", rows([backend.clone()]))
        .changes("port", rows([port]))
        .with(vec![("backend", rows([backend]))])
        .id(format!("{network}/192.0.2.1"))
}

fn peer(here: &Here) -> Kind {
    let network = here.name("br1");
    let path = format!("/1.0/networks/{network}/peers/p");
    let minimal = vec![
        ("name", text("p")),
        ("network", text(&network)),
        ("target_network", text(here.name("br2"))),
    ];
    let link = here.name("link");
    Kind::new("incus_network_peer", path, minimal)
        .described()
        .replaces("name", "q")
        .replaces("network", here.name("br3").as_str())
        .replaces("target_network", here.name("br3").as_str())
        .replaces("target_project", here.name("room").as_str())
        .replaces("project", here.name("room").as_str())
        .replaces("type", "remote")
        .with(vec![
            ("target_integration", text(&link)),
            ("target_network", Value::Null(Type::String)),
        ])
        .replaces("target_integration", link.as_str())
        .with(vec![
            ("type", text("remote")),
            ("target_network", Value::Null(Type::String)),
        ])
        .changes("config", texts(&[("user.a", "b")]))
        .id(format!("{network}/p"))
}
