//! The arguments of `nmcli` as NetworkManager's own settings.

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, text};
use crate::module::ModuleError;

/// The setting that says for which interface a connection is.
pub(super) const INTERFACE: &str = "connection.interface-name";
const MTU: &str = "802-3-ethernet.mtu";
const MTU_INFINIBAND: &str = "infiniband.mtu";

/// What is asked for.
pub(super) struct Settings {
    pub(super) kind: Option<String>,
    arguments: Arguments,
    routes: [Value; 2],
}

/// Settings by their names; null where nothing is asked.
type Options = Vec<(String, Value)>;

/// The types that have addresses.
const WITH_ADDRESSES: &[&str] = &[
    "bond",
    "bridge",
    "dummy",
    "ethernet",
    "802-3-ethernet",
    "generic",
    "gre",
    "infiniband",
    "ipip",
    "sit",
    "team",
    "vlan",
    "gsm",
    "macvlan",
    "wireguard",
    "vpn",
    "loopback",
    "ovs-interface",
    "vrf",
];

/// The types that may belong to another.
const WITH_MASTER: &[&str] = &[
    "ethernet",
    "bridge",
    "bond",
    "vlan",
    "team",
    "bond-slave",
    "bridge-slave",
    "team-slave",
    "infiniband",
    "ovs-port",
    "ovs-interface",
];

const WITH_MTU: &[&str] = &[
    "bond",
    "bond-slave",
    "dummy",
    "ethernet",
    "infiniband",
    "team-slave",
    "vlan",
];

/// Whether a setting is nobody's business. The data of a VPN may hold its shared key.
pub(super) fn is_secret(key: &str) -> bool {
    let names = [
        "wireguard.private-key",
        "gsm.password",
        "gsm.pin",
        "vpn.data",
    ];
    names.contains(&key)
}

/// Whether a setting says how large packets may be.
pub(super) fn is_mtu(key: &str) -> bool {
    [MTU, MTU_INFINIBAND].contains(&key)
}

/// A value as `nmcli` takes it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(text).collect();
            texts.join(",")
        }
        value => text(value).unwrap_or_default(),
    }
}

/// The words for all but secrets.
pub(super) fn words(options: &[(String, Value)]) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in options {
        if value.is_null() || is_secret(key) {
            continue;
        }
        let value = text_of(value);
        match key.as_str() {
            "xmit_hash_policy" | "fail_over_mac" => {
                words.extend(["+bond.options".to_owned(), format!("{key}={value}")]);
            }
            key => words.extend([key.to_owned(), value]),
        }
    }
    words
}

impl Settings {
    pub(super) fn read(arguments: &Arguments) -> Result<Settings, ModuleError> {
        let settings = Settings {
            kind: arguments.filled("type"),
            routes: [
                routes(arguments, "routes4", "routes4_extended")?,
                routes(arguments, "routes6", "routes6_extended")?,
            ],
            arguments: arguments.clone(),
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ModuleError> {
        let given = |name: &str| self.arguments.raw(name).is_some();
        let kind = self.kind.as_deref().unwrap_or_default();
        let of_port = ["bridge-slave", "team-slave", "bond-slave"].contains(&kind);
        let in_team = self.arguments.string("slave_type").as_deref() == Some("team");
        let team = match (kind, in_team) {
            ("team-slave", _) => Some("type is team-slave"),
            (_, true) => Some("slave_type is team"),
            _ => None,
        };
        let missing = ["master", "ifname"].into_iter().filter(|name| !given(name));
        let missing: Vec<&str> = missing.collect();
        if let (Some(team), false) = (team, missing.is_empty()) {
            let missing = missing.join(", ");
            return Err(ModuleError::new(format!(
                "{team} but all of the following are missing: {missing}"
            )));
        }
        let why = match kind {
            "wifi" => {
                "the argument `type: wifi` of the module `community.general.nmcli` is not supported by Strata yet"
            }
            _ if !of_port && given("slave_type") && !given("master") => {
                "'master' option is required when 'slave_type' is specified."
            }
            "macvlan" if !given("macvlan") && self.arguments.text("state") == "present" => {
                "type is macvlan but all of the following are missing: macvlan"
            }
            "team" if given("runner_hwaddr_policy") && self.runner() != "activebackup" => {
                "Runner-hwaddr-policy is only allowed for runner activebackup"
            }
            "team" if given("runner_fast_rate") && self.runner() != "lacp" => {
                "runner-fast-rate is only allowed for runner lacp"
            }
            _ => return Ok(()),
        };
        Err(ModuleError::new(why))
    }

    fn runner(&self) -> String {
        self.arguments.text("runner")
    }

    fn value(&self, name: &str) -> Value {
        self.arguments.raw(name).cloned().unwrap_or_default()
    }

    /// Whether a new connection of this type is brought up at once.
    pub(super) fn comes_up(&self, kind: &str) -> bool {
        let given = |name: &str| self.arguments.raw(name).is_some();
        match kind {
            "bond" | "dummy" | "ethernet" | "infiniband" => {
                given("mtu") || given("dns4") || given("dns6")
            }
            "team" => given("dns4") || given("dns6"),
            _ => false,
        }
    }

    /// All settings for a type of connection.
    pub(super) fn options(
        &self,
        kind: &str,
        warnings: &mut Vec<&'static str>,
    ) -> Result<Options, ModuleError> {
        let mut options = Options::new();
        let interface = self.value("ifname");
        // A VPN needs no interface.
        if kind != "vpn" || !interface.is_null() {
            options.push((INTERFACE.to_owned(), interface));
        }
        self.add(
            &mut options,
            &[
                ("connection.autoconnect", "autoconnect"),
                ("connection.autoconnect-priority", "autoconnect_priority"),
                ("connection.autoconnect-retries", "autoconnect_retries"),
                ("connection.zone", "zone"),
            ],
        );
        let master = self.arguments.filled("master");
        let in_vrf = self.arguments.string("slave_type").as_deref() == Some("vrf");
        let has_addresses = WITH_ADDRESSES.contains(&kind) && (master.is_none() || in_vrf);
        if has_addresses || kind == "ovs-interface" {
            self.addresses(&mut options);
        }
        if self.arguments.filled("mac").is_some() {
            let key = match kind {
                "bridge" => "bridge.mac-address",
                _ => "802-3-ethernet.cloned-mac-address",
            };
            self.add(&mut options, &[(key, "mac")]);
        }
        if WITH_MTU.contains(&kind) {
            let key = if kind == "infiniband" {
                MTU_INFINIBAND
            } else {
                MTU
            };
            self.add(&mut options, &[(key, "mtu")]);
        }
        if WITH_MASTER.contains(&kind) {
            self.add(&mut options, &[("connection.master", "master")]);
            options.push((
                "connection.slave-type".to_owned(),
                self.port_of(kind, warnings)?,
            ));
        }
        self.add(&mut options, of_kind(kind));
        match kind {
            "gre" | "ipip" | "sit" => options.push(("ip-tunnel.mode".to_owned(), json!(kind))),
            "macvlan" | "wireguard" | "gsm" => self.add_all(&mut options, kind, kind),
            "ethernet" => self.add_all(&mut options, "sriov", "sriov"),
            "vpn" => self.vpn(&mut options),
            _ => {}
        }
        Ok(options)
    }

    fn add(&self, options: &mut Options, names: &[(&str, &str)]) {
        let all = names.iter();
        options.extend(all.map(|(key, name)| ((*key).to_owned(), self.value(name))));
    }

    /// Settings that are written as such.
    fn add_all(&self, options: &mut Options, group: &str, name: &str) {
        let given = self.value(name);
        let given = given.as_object().into_iter().flatten();
        options.extend(given.map(|(key, value)| (format!("{group}.{key}"), value.clone())));
    }

    fn addresses(&self, options: &mut Options) {
        let method = |method: &str, addresses: &str| -> Value {
            let given = self.arguments.filled(method);
            let has_addresses = self
                .arguments
                .list(addresses)
                .is_some_and(|all| !all.is_empty());
            let is_bare = ["dummy", "macvlan", "wireguard"];
            match given {
                Some(method) => json!(method),
                None if has_addresses => json!("manual"),
                // Counts where the type is said.
                None if self
                    .kind
                    .as_deref()
                    .is_some_and(|kind| is_bare.contains(&kind)) =>
                {
                    json!("disabled")
                }
                None => Value::Null,
            }
        };
        let with_length = |name: &str, length: &str| match self.arguments.list(name) {
            None => Value::Null,
            Some(all) => all
                .into_iter()
                .map(|one| match one.contains('/') {
                    true => one,
                    false => format!("{one}/{length}"),
                })
                .collect(),
        };
        let [routes4, routes6] = &self.routes;
        let never = self.arguments.bool("never_default4");
        options.push(("ipv4.addresses".to_owned(), with_length("ip4", "32")));
        self.add(
            options,
            &[
                ("ipv4.dhcp-client-id", "dhcp_client_id"),
                ("ipv4.dns", "dns4"),
                ("ipv4.dns-search", "dns4_search"),
                ("ipv4.dns-options", "dns4_options"),
                ("ipv4.ignore-auto-dns", "dns4_ignore_auto"),
                ("ipv4.gateway", "gw4"),
                ("ipv4.ignore-auto-routes", "gw4_ignore_auto"),
                ("ipv4.route-metric", "route_metric4"),
                ("ipv4.routing-rules", "routing_rules4"),
                ("ipv4.may-fail", "may_fail4"),
                ("ipv6.dns", "dns6"),
                ("ipv6.dns-search", "dns6_search"),
                ("ipv6.dns-options", "dns6_options"),
                ("ipv6.ignore-auto-dns", "dns6_ignore_auto"),
                ("ipv6.gateway", "gw6"),
                ("ipv6.ignore-auto-routes", "gw6_ignore_auto"),
                ("ipv6.route-metric", "route_metric6"),
                ("ipv6.ip6-privacy", "ip_privacy6"),
                ("ipv6.addr-gen-mode", "addr_gen_mode6"),
            ],
        );
        options.extend([
            ("ipv4.routes".to_owned(), routes4.clone()),
            ("ipv4.never-default".to_owned(), json!(never)),
            ("ipv4.method".to_owned(), method("method4", "ip4")),
            ("ipv6.addresses".to_owned(), with_length("ip6", "128")),
            ("ipv6.routes".to_owned(), routes6.clone()),
            ("ipv6.method".to_owned(), method("method6", "ip6")),
        ]);
    }

    /// What a connection is part of; those that are a part by their type need not say it.
    fn port_of(&self, kind: &str, warnings: &mut Vec<&'static str>) -> Result<Value, ModuleError> {
        let given = self.arguments.filled("slave_type");
        let Some(of) = kind.strip_suffix("-slave") else {
            return Ok(given.map_or(Value::Null, Value::from));
        };
        match given {
            Some(given) if given != of => Err(ModuleError::new(format!(
                "Connection type '{kind}' cannot be combined with '{given}' slave-type. Allowed slave-type for '{kind}' is '{of}'."
            ))),
            Some(given) => Ok(json!(given)),
            None => {
                warnings.push(match of {
                    "bond" => {
                        "Connection 'slave-type' property automatically set to 'bond' because of using 'bond-slave' connection type."
                    }
                    "bridge" => {
                        "Connection 'slave-type' property automatically set to 'bridge' because of using 'bridge-slave' connection type."
                    }
                    _ => {
                        "Connection 'slave-type' property automatically set to 'team' because of using 'team-slave' connection type."
                    }
                });
                Ok(json!(of))
            }
        }
    }

    fn vpn(&self, options: &mut Options) {
        let given = self.value("vpn");
        let mut data = Vec::new();
        for (name, value) in given.as_object().into_iter().flatten() {
            match name.as_str() {
                "service-type" => options.push(("vpn.service-type".to_owned(), value.clone())),
                "permissions" => options.push(("connection.permissions".to_owned(), value.clone())),
                _ => data.push(format!("{name}={}", text_of(value))),
            }
        }
        if !data.is_empty() {
            options.push(("vpn.data".to_owned(), json!(data.join(", "))));
        }
    }
}

/// Settings of one type of connection, and the arguments for them.
fn of_kind(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "bond" => &[
            ("arp-interval", "arp_interval"),
            ("arp-ip-target", "arp_ip_target"),
            ("downdelay", "downdelay"),
            ("miimon", "miimon"),
            ("mode", "mode"),
            ("primary", "primary"),
            ("updelay", "updelay"),
            ("xmit_hash_policy", "xmit_hash_policy"),
            ("fail_over_mac", "fail_over_mac"),
        ],
        "bridge" => &[
            ("bridge.ageing-time", "ageingtime"),
            ("bridge.forward-delay", "forwarddelay"),
            ("bridge.hello-time", "hellotime"),
            ("bridge.max-age", "maxage"),
            ("bridge.priority", "priority"),
            ("bridge.stp", "stp"),
        ],
        "bridge-slave" => &[
            ("bridge-port.path-cost", "path_cost"),
            ("bridge-port.hairpin-mode", "hairpin"),
            ("bridge-port.priority", "slavepriority"),
        ],
        "team" => &[
            ("team.runner", "runner"),
            ("team.runner-hwaddr-policy", "runner_hwaddr_policy"),
            ("team.runner-fast-rate", "runner_fast_rate"),
        ],
        "gre" => &[
            ("ip-tunnel.local", "ip_tunnel_local"),
            ("ip-tunnel.parent", "ip_tunnel_dev"),
            ("ip-tunnel.remote", "ip_tunnel_remote"),
            ("ip-tunnel.input-key", "ip_tunnel_input_key"),
            ("ip-tunnel.output-key", "ip_tunnel_output_key"),
        ],
        "ipip" | "sit" => &[
            ("ip-tunnel.local", "ip_tunnel_local"),
            ("ip-tunnel.parent", "ip_tunnel_dev"),
            ("ip-tunnel.remote", "ip_tunnel_remote"),
        ],
        "vlan" => &[
            ("vlan.id", "vlanid"),
            ("vlan.parent", "vlandev"),
            ("vlan.flags", "flags"),
            ("vlan.ingress", "ingress"),
            ("vlan.egress", "egress"),
        ],
        "vxlan" => &[
            ("vxlan.id", "vxlan_id"),
            ("vxlan.local", "vxlan_local"),
            ("vxlan.remote", "vxlan_remote"),
        ],
        "infiniband" => &[
            ("infiniband.transport-mode", "transport_mode"),
            ("infiniband.mac-address", "infiniband_mac"),
        ],
        "vrf" => &[("table", "table")],
        _ => &[],
    }
}

/// Routes as texts, whichever way they are written.
fn routes(arguments: &Arguments, plain: &str, extended: &str) -> Result<Value, ModuleError> {
    if let Some(routes) = arguments.list(plain) {
        return Ok(json!(routes));
    }
    let Some(given) = arguments.raw(extended) else {
        return Ok(Value::Null);
    };
    let Some(all) = given.as_array() else {
        return Err(ModuleError::new(format!(
            "`{extended}` must be a list of mappings"
        )));
    };
    let read = |route: &Value| -> Result<String, ModuleError> {
        let empty = Map::new();
        let route = route.as_object().unwrap_or(&empty);
        const KNOWN: &[&str] = &[
            "ip", "next_hop", "metric", "table", "tos", "cwnd", "mtu", "onlink",
        ];
        if let Some(name) = route.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(ModuleError::new(format!(
                "Unsupported parameters for (community.general.nmcli) module: {extended}.{name}. Supported parameters include: {}.",
                KNOWN.join(", ")
            )));
        }
        if route.get("ip").is_none_or(Value::is_null) {
            return Err(ModuleError::new(format!(
                "missing required arguments: ip found in {extended}"
            )));
        }
        Ok(route_text(route))
    };
    let texts: Result<Vec<String>, ModuleError> = all.iter().map(read).collect();
    Ok(json!(texts?))
}

/// A route as `nmcli` takes it: `TARGET HOP METRIC NAME=VALUE…`.
pub(super) fn route_text(route: &Map<String, Value>) -> String {
    let first = ["ip", "next_hop", "metric"];
    let part = |name: &str| route.get(name).and_then(text);
    let mut texts: Vec<String> = first.into_iter().filter_map(part).collect();
    let mut more: Vec<String> = route
        .iter()
        .filter(|(name, _)| !first.contains(&name.as_str()))
        .filter_map(|(name, value)| Some(format!("{name}={}", text(value)?.to_lowercase())))
        .collect();
    more.sort();
    texts.extend(more);
    texts.join(" ")
}
