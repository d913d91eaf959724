//! What a restricted project allows by lists: groups and image servers, networks to go out by, zones and addresses,
//! folders of the host, and its user and group ids. A list that is not there allows all, but for ids.

use std::{net::IpAddr, path::Path};

use serde_json::Value as Json;

use super::{Planned, network::Subnet, restricted::Rules};
use crate::{
    client::{Answer, ApiPath},
    provider::attributes::Attributes,
    remote::Address,
};

/// A cluster member must be in one of the groups, and a group be one of them.
pub(super) async fn target(
    rules: &Rules<'_>,
    object: &Planned<'_>,
    target: &str,
    forbid: &mut impl FnMut(&str, &str),
) {
    let Some(groups) = rules.list("cluster.groups") else {
        return;
    };
    let allowed = match target.strip_prefix('@') {
        Some(group) => groups.contains(&group),
        None => {
            let path = ApiPath::new(&["cluster", "members", target]);
            // A member that is not there is told by the server.
            let Ok(Some(member)) = object.client.find(&path).await else {
                return;
            };
            let member: Answer<Json> = member;
            let its = member.value["groups"].as_array().into_iter().flatten();
            its.filter_map(Json::as_str)
                .any(|group| groups.contains(&group))
        }
    };
    if !allowed {
        forbid(&format!("target `{target}`"), "restricted.cluster.groups");
    }
}

/// An image of another server must come from one of those.
pub(super) fn image(rules: &Rules<'_>, object: &Planned<'_>, forbid: &mut impl FnMut(&str, &str)) {
    let Some(servers) = rules.list("images.servers") else {
        return;
    };
    let image = object.attributes().some_text("image").unwrap_or_default();
    let Some(host) = object.session.image_server(object.client, image) else {
        return;
    };
    if !servers.contains(&host.as_str()) {
        forbid(&format!("images of `{host}`"), "restricted.images.servers");
    }
}

/// The host of the server that a remote is, where it is one that others reach.
pub(crate) fn host(address: &Address) -> Option<String> {
    match address {
        Address::Unix(_) => None,
        Address::Https { host, .. } => Some(host.clone()),
        Address::Images { url, .. } => {
            let (_, rest) = url.split_once("://")?;
            let end = rest.find(['/', ':']).unwrap_or(rest.len());
            Some(rest[..end].to_owned())
        }
    }
}

/// A network must go out by one of the networks, have its names in the zones, and its own addresses in the subnets.
pub(super) fn network(
    rules: &Rules<'_>,
    network: Attributes<'_>,
    forbid: &mut impl FnMut(&str, &str),
) {
    let config = network.map("config");
    let is_ovn = network.text("type") == Some("ovn");
    let uplink = config
        .get("network")
        .filter(|uplink| is_ovn && *uplink != "none");
    if let (Some(uplinks), Some(uplink)) = (rules.list("networks.uplinks"), uplink)
        && !uplinks.contains(&uplink.as_str())
    {
        forbid(&format!("uplink `{uplink}`"), "restricted.networks.uplinks");
    }
    for key in [
        "dns.zone.forward",
        "dns.zone.reverse.ipv4",
        "dns.zone.reverse.ipv6",
    ] {
        let zones = config.get(key).map(String::as_str).unwrap_or_default();
        for zone in zones
            .split(',')
            .map(str::trim)
            .filter(|zone| !zone.is_empty())
        {
            in_zone(rules, zone, forbid);
        }
    }
    for family in ["ipv4", "ipv6"] {
        let is_hidden = config
            .get(&format!("{family}.nat"))
            .is_some_and(|nat| nat == "true");
        let own = config.get(&format!("{family}.address"));
        let own = own.and_then(|address| Subnet::parse(address));
        if let (Some(own), true, false) = (own, is_ovn, is_hidden) {
            in_subnets(rules, uplink.map(String::as_str), own.address(), forbid);
        }
    }
}

/// A zone must be one of those, or lie in one of them.
pub(super) fn zone(rules: &Rules<'_>, zone: Attributes<'_>, forbid: &mut impl FnMut(&str, &str)) {
    in_zone(rules, zone.text("name").unwrap_or_default(), forbid);
}

fn in_zone(rules: &Rules<'_>, zone: &str, forbid: &mut impl FnMut(&str, &str)) {
    let Some(zones) = rules.list("networks.zones") else {
        return;
    };
    let within = |all: &&str| zone == *all || zone.ends_with(&format!(".{all}"));
    if !zones.iter().any(within) {
        forbid(&format!("zone `{zone}`"), "restricted.networks.zones");
    }
}

/// What listens for a network must do so in the subnets.
pub(super) fn listener(
    rules: &Rules<'_>,
    listener: Attributes<'_>,
    forbid: &mut impl FnMut(&str, &str),
) {
    let address = listener.text("listen_address").unwrap_or_default();
    if let Ok(address) = address.parse() {
        in_subnets(rules, None, address, forbid);
    }
}

/// Each item is a network to go out by and a subnet of it; without a network any of them may be meant.
fn in_subnets(
    rules: &Rules<'_>,
    uplink: Option<&str>,
    address: IpAddr,
    forbid: &mut impl FnMut(&str, &str),
) {
    let Some(subnets) = rules.list("networks.subnets") else {
        return;
    };
    let mut subnets = subnets.iter().filter_map(|item| item.split_once(':'));
    let is_allowed = |(network, subnet): (&str, &str)| {
        uplink.is_none_or(|uplink| uplink == network)
            && Subnet::parse(subnet).is_some_and(|subnet| subnet.contains(address))
    };
    if !subnets.any(is_allowed) {
        forbid(
            &format!("address `{address}`"),
            "restricted.networks.subnets",
        );
    }
}

/// A folder of the host must be one of those, or lie in one of them.
pub(super) fn path(rules: &Rules<'_>, source: &str, forbid: &mut impl FnMut(&str, &str)) {
    let Some(folders) = rules.list("devices.disk.paths") else {
        return;
    };
    let steps_up = source.split('/').any(|part| part == "..");
    let within = |folder: &&str| Path::new(source).starts_with(folder);
    if steps_up || !folders.iter().any(within) {
        forbid(
            &format!("folder `{source}`"),
            "restricted.devices.disk.paths",
        );
    }
}

/// Ids of the host that a guest's are to be must be in the lists; without a list none may be, unless low-level keys may.
pub(super) fn ids(rules: &Rules<'_>, kind: &str, map: &str, forbid: &mut impl FnMut(&str, &str)) {
    if rules.allows(&format!("{kind}.lowlevel"), "block") {
        return;
    }
    for line in map.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (which, host) = (words.next().unwrap_or_default(), words.next());
        // What is no map is told by the server.
        let Some(host) = host.and_then(range) else {
            return;
        };
        for id in ["uid", "gid"] {
            let covered = || {
                let listed = rules.list(&format!("idmap.{id}")).unwrap_or_default();
                let mut listed = listed.into_iter().filter_map(range);
                listed.any(|(first, last)| first <= host.0 && host.1 <= last)
            };
            if [id, "both"].contains(&which) && !covered() {
                let rule = format!("restricted.idmap.{id}");
                forbid(&format!("`{line}` in `raw.idmap`"), &rule);
            }
        }
    }
}

/// A number, or two with a hyphen between them.
fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strata_core::{Type, Value};

    use super::*;

    fn told(
        rules: &Json,
        check: impl FnOnce(&Rules<'_>, &mut dyn FnMut(&str, &str)),
    ) -> Vec<String> {
        let mut told = Vec::new();
        check(&Rules(rules), &mut |what, key| {
            told.push(format!("{what} {key}"))
        });
        told
    }

    fn keys(entries: &[(&str, &str)]) -> Value {
        let entries = entries
            .iter()
            .map(|(key, value)| (*key, Value::from(*value)));
        Value::map(Type::String, entries)
    }

    #[test]
    fn folders_of_the_host_lie_in_those_that_are_listed() {
        let check = |source: &str| {
            let rules = json!({ "restricted.devices.disk.paths": "/srv, /home/web/" });
            told(&rules, |rules, mut forbid| path(rules, source, &mut forbid))
        };
        assert_eq!(check("/srv/data"), [""; 0]);
        assert_eq!(check("/home/web"), [""; 0]);
        let forbidden = ["folder `/srvx` restricted.devices.disk.paths"];
        assert_eq!(check("/srvx"), forbidden);
        assert_eq!(check("/srv/../etc").len(), 1);
        assert_eq!(
            told(&json!({}), |rules, mut forbid| path(
                rules,
                "/etc",
                &mut forbid
            )),
            [""; 0]
        );
    }

    #[test]
    fn ids_of_the_host_must_be_listed_unless_low_level_keys_are_allowed() {
        let check = |rules: Json, map: &str| {
            told(&rules, |rules, mut forbid| {
                ids(rules, "containers", map, &mut forbid)
            })
        };
        let listed =
            || json!({ "restricted.idmap.uid": "1000,2000-2010", "restricted.idmap.gid": "1000" });
        assert_eq!(check(listed(), "both 1000 0\nuid 2001-2003 1"), [""; 0]);
        assert_eq!(
            check(listed(), "both 2000 0"),
            ["`both 2000 0` in `raw.idmap` restricted.idmap.gid"]
        );
        assert_eq!(check(json!({}), "uid 1000 0").len(), 1);
        let open = json!({ "restricted.containers.lowlevel": "allow" });
        assert_eq!(check(open, "uid 1000 0"), [""; 0]);
        assert_eq!(check(listed(), "what is this"), [""; 0]);
    }

    #[test]
    fn networks_go_out_and_are_named_as_listed() {
        let rules = json!({
            "restricted.networks.uplinks": "up", "restricted.networks.zones": "lab.example",
            "restricted.networks.subnets": "up:192.0.2.0/24,other:198.51.100.0/24",
        });
        let check = |config: &[(&str, &str)]| {
            let object = Value::object([("type", Value::from("ovn")), ("config", keys(config))]);
            told(&rules, |rules, mut forbid| {
                network(rules, Attributes(&object), &mut forbid);
            })
        };
        let fine = [
            ("network", "up"),
            ("dns.zone.forward", "lab.example,web.lab.example"),
            ("ipv4.address", "192.0.2.1/28"),
        ];
        assert_eq!(check(&fine), [""; 0]);
        let hidden = [
            ("network", "up"),
            ("ipv4.address", "10.0.0.1/24"),
            ("ipv4.nat", "true"),
        ];
        assert_eq!(check(&hidden), [""; 0]);
        let wrong = [
            ("network", "x"),
            ("dns.zone.forward", "xlab.example"),
            ("ipv4.address", "198.51.100.1/28"),
        ];
        assert_eq!(
            check(&wrong),
            [
                "uplink `x` restricted.networks.uplinks",
                "zone `xlab.example` restricted.networks.zones",
                "address `198.51.100.1` restricted.networks.subnets",
            ]
        );
    }

    #[test]
    fn listeners_have_addresses_of_the_listed_subnets() {
        let rules = json!({ "restricted.networks.subnets": "up:192.0.2.0/24" });
        let check = |address: &str| {
            let object = Value::object([("listen_address", Value::from(address))]);
            told(&rules, |rules, mut forbid| {
                listener(rules, Attributes(&object), &mut forbid);
            })
        };
        assert_eq!(check("192.0.2.9"), [""; 0]);
        assert_eq!(
            check("198.51.100.9"),
            ["address `198.51.100.9` restricted.networks.subnets"]
        );
    }

    #[test]
    fn the_host_of_an_image_server_is_in_its_url() {
        let images = |url: &str| {
            let (url, protocol) = (url.to_owned(), "oci".to_owned());
            host(&Address::Images { url, protocol })
        };
        assert_eq!(images("https://docker.io").as_deref(), Some("docker.io"));
        assert_eq!(
            images("https://a.example:8443/x").as_deref(),
            Some("a.example")
        );
        assert_eq!(images("a.example"), None);
    }
}
