//! A connection as `nmcli` shows it, and how it is compared.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::settings::{is_mtu, route_text, text_of};

/// What is shown of a connection, by the names of the settings.
pub(super) struct Profile(BTreeMap<String, String>);

/// A setting as it is and as it shall be.
pub(super) struct Side {
    pub(super) key: String,
    pub(super) is: Value,
    pub(super) wanted: Value,
    pub(super) is_same: bool,
}

/// Settings that are lists.
const LISTS: &[&str] = &[
    "ipv4.addresses",
    "ipv4.dns",
    "ipv4.dns-search",
    "ipv4.dns-options",
    "ipv4.routes",
    "ipv4.routing-rules",
    "ipv6.addresses",
    "ipv6.dns",
    "ipv6.dns-search",
    "ipv6.dns-options",
    "ipv6.routes",
];

/// Lists of which the first one counts more than the second.
const ORDERED: &[&str] = &[
    "ipv4.addresses",
    "ipv4.dns",
    "ipv4.dns-search",
    "ipv6.addresses",
    "ipv6.dns",
    "ipv6.dns-search",
];

impl Profile {
    pub(super) fn read(shown: &str) -> Profile {
        let mut settings = BTreeMap::new();
        for line in shown.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            let value = if value == "--" { "" } else { value };
            settings.insert(key.to_owned(), value.to_owned());
            if key == "bond.options" {
                let options = value.split(',').filter_map(|option| option.split_once('='));
                settings.extend(options.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
        }
        Profile(settings)
    }

    /// The type, as the module calls it.
    pub(super) fn kind(&self) -> Option<String> {
        let kind = self.0.get("connection.type")?;
        Some(match kind.as_str() {
            "802-11-wireless" => "wifi".to_owned(),
            kind => kind.to_owned(),
        })
    }

    /// Whether a setting is shown at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Compares what is asked for; what is not keeps.
    pub(super) fn compare(&self, options: &[(String, Value)]) -> Vec<Side> {
        let asked = options.iter().filter(|(_, value)| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
        asked.map(|(key, value)| self.side(key, value)).collect()
    }

    fn side(&self, key: &str, value: &Value) -> Side {
        let shown = self.0.get(shown_as(key)).map_or("", String::as_str);
        let (is, wanted) = match LISTS.contains(&key) {
            true => (list(key, shown), value.clone()),
            false => (json!(plain(key, shown)), json!(asked(key, value))),
        };
        let is_same = match ORDERED.contains(&key) {
            true => is == wanted,
            false => sorted(&is) == sorted(&wanted),
        };
        Side {
            key: key.to_owned(),
            is,
            wanted,
            is_same,
        }
    }
}

/// Where `nmcli` shows what is said by this name.
fn shown_as(key: &str) -> &str {
    match key {
        "arp-interval" => "arp_interval",
        "arp-ip-target" => "arp_ip_target",
        "table" => "vrf.table",
        "vlan.ingress" => "vlan.ingress-priority-map",
        "vlan.egress" => "vlan.egress-priority-map",
        key => key,
    }
}

fn list(key: &str, shown: &str) -> Value {
    if key.ends_with(".routes") {
        let routes = shown.split(';').map(str::trim);
        return routes.filter(|one| !one.is_empty()).map(route).collect();
    }
    let items = shown.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}

/// `{ ip = 10.1.0.0/16, nh = 10.0.0.3, mt = 5 table=4 }` as it would be written.
fn route(shown: &str) -> String {
    let spaced = shown.replace(['{', '}', ','], " ").replace('=', " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut route = Map::new();
    for pair in words.chunks(2) {
        if let [name, value] = pair {
            let name = match *name {
                "nh" => "next_hop",
                "mt" => "metric",
                name => name,
            };
            route.insert(name.to_owned(), Value::from(*value));
        }
    }
    route_text(&route)
}

/// What is shown, without the name behind a number.
fn plain(key: &str, shown: &str) -> String {
    let number = shown.split_once(" (").map(|(number, _)| number);
    let number = number.filter(|number| number.parse::<i64>().is_ok());
    let is_name = |rest: &str| rest.chars().all(|c| c.is_alphanumeric() || c == '_');
    let short = shown
        .split_once(" (")
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .is_some_and(is_name);
    match (key, number) {
        ("ipv6.ip6-privacy", Some(number)) => number.to_owned(),
        (_, Some(number)) if short => number.to_owned(),
        (key, _) if is_mtu(key) => match shown {
            "" => "auto".to_owned(),
            shown => shown.to_owned(),
        },
        ("gsm.apn", _) => shown.trim_matches('"').to_owned(),
        ("vpn.data", _) => data(shown),
        ("arp-ip-target", _) => shown.replace(' ', ","),
        (key, _) if key.ends_with("mac-address") => shown.to_uppercase(),
        _ => shown.to_owned(),
    }
}

/// What is asked for, as it would be shown.
fn asked(key: &str, value: &Value) -> String {
    let text = text_of(value);
    match key {
        "ipv6.ip6-privacy" => match text.as_str() {
            "disabled" => "0",
            "prefer-public-addr" => "1",
            "prefer-temp-addr" => "2",
            _ => "-1",
        }
        .to_owned(),
        key if is_mtu(key) && text == "0" => "auto".to_owned(),
        "vpn.data" => data(&text),
        key if key.ends_with("mac-address") => text.to_uppercase(),
        _ => text,
    }
}

/// Names and values of a VPN, in order.
fn data(text: &str) -> String {
    let one = |part: &str| match part.split_once('=') {
        Some((name, value)) => format!("{}={}", name.trim(), value.trim()),
        None => part.trim().to_owned(),
    };
    let mut parts: Vec<String> = text.split(',').map(one).collect();
    parts.sort();
    parts.join(", ")
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut texts: Vec<String> = items.iter().map(text_of).collect();
            texts.sort();
            json!(texts)
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "\
connection.type:                        802-3-ethernet
connection.autoconnect-retries:         -1 (default)
802-3-ethernet.cloned-mac-address:      --
ipv4.addresses:                         10.0.0.2/24, 10.0.0.3/24
ipv4.routes:                            { ip = 10.1.0.0/16, nh = 10.0.0.3, mt = 5 table=4 }; { ip = 10.2.0.0/16 }
ipv6.ip6-privacy:                       2 (enabled, prefer temporary IP)
bond.options:                           mode=active-backup,arp_ip_target=1.1.1.1 2.2.2.2
";

    #[test]
    fn a_setting_is_found_again_however_it_is_shown() {
        let profile = Profile::read(SHOWN);
        let is_same = |key: &str, value: Value| {
            let sides = profile.compare(&[(key.to_owned(), value)]);
            sides.iter().all(|side| side.is_same)
        };
        assert_eq!(profile.kind().as_deref(), Some("802-3-ethernet"));
        assert!(is_same("connection.autoconnect-retries", json!(-1)));
        assert!(is_same(
            "ipv4.addresses",
            json!(["10.0.0.2/24", "10.0.0.3/24"])
        ));
        assert!(!is_same(
            "ipv4.addresses",
            json!(["10.0.0.3/24", "10.0.0.2/24"])
        ));
        let routes = json!(["10.2.0.0/16", "10.1.0.0/16 10.0.0.3 5 table=4"]);
        assert!(is_same("ipv4.routes", routes));
        assert!(is_same("ipv6.ip6-privacy", json!("prefer-temp-addr")));
        assert!(is_same("arp-ip-target", json!("1.1.1.1,2.2.2.2")));
        assert!(is_same("mode", json!("active-backup")));
        assert!(is_same("802-3-ethernet.mtu", json!(0)));
        assert!(!is_same("802-3-ethernet.mtu", json!(1400)));
        assert!(!is_same(
            "802-3-ethernet.cloned-mac-address",
            json!("aa:bb")
        ));
        assert!(is_same("connection.zone", Value::Null));
    }
}
