//! `podman_network`: a network of containers is there as asked, or is not, or is described for systemd.
//!
//! As `containers.podman.podman_network` 1.18, for Podman 4 and later; of what cannot be asked for (ranges of addresses, most
//! options) a change is not seen.

use serde_json::{Map, Value, json};

use super::kept::{Current, Found, Kept};
use super::{COMPARED, Differences, SHARED, Thing, flags, is_of_four};
use crate::arguments::{Arguments, Field, FieldKind, Spec, boolean, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct PodmanNetwork {
    kept: Kept,
    wish: Wish,
    /// The words of `podman network create` behind the name.
    words: Vec<String>,
    force: bool,
}

/// What can be compared.
struct Wish {
    disable_dns: Option<bool>,
    dns: Vec<String>,
    gateway: Option<String>,
    internal: bool,
    ipam_driver: Option<String>,
    ipv6: Option<bool>,
    nets: Vec<Net>,
    options: Map<String, Value>,
    routes: Vec<String>,
    subnet: Option<String>,
}

/// A subnet of several.
struct Net {
    subnet: String,
    gateway: String,
    range: Option<String>,
}

/// The names that `opt` may have.
const OPTIONS: &[&str] = &[
    "isolate",
    "mtu",
    "metric",
    "mode",
    "parent",
    "vlan",
    "bclim",
    "no_default_route",
    "vrf",
    "bridge_name",
    "driver_mtu",
];

impl Module for PodmanNetwork {
    const SPEC: Spec = Spec::new(
        "containers.podman.podman_network",
        &[
            Field::str("state")
                .choices(&["present", "absent", "quadlet"])
                .default("present"),
            Field::str("name").required(),
            Field::maybe("disable_dns"),
            Field::list("dns"),
            Field::str("driver"),
            Field::bool("force", false),
            Field::str("gateway"),
            Field::str("interface_name"),
            Field::maybe("internal"),
            Field::str("ip_range"),
            Field::str("ipam_driver").choices(&["host-local", "dhcp", "none"]),
            Field::maybe("ipv6"),
            Field::str("subnet"),
            Field::str("macvlan"),
            Field::new("opt", FieldKind::Dict),
            Field::list("route"),
            Field::new("net_config", FieldKind::Raw),
        ],
    )
    .with(SHARED)
    .and(COMPARED)
    .exclusive(&[&["subnet", "net_config"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<PodmanNetwork, ModuleError> {
        for name in ["ip_range", "gateway"] {
            if arguments.string(name).is_some() && arguments.string("subnet").is_none() {
                return Err(ModuleError::new(format!(
                    "missing parameter(s) required by '{name}': subnet"
                )));
            }
        }
        let thing = Thing::read("network", arguments);
        let wish = Wish::read(arguments)?;
        let lines = lines(arguments, &thing, &wish);
        Ok(PodmanNetwork {
            words: words(arguments, &wish),
            kept: Kept::read(thing, "Network", lines, arguments, task)?,
            wish,
            force: arguments.bool("force"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        self.kept
            .observe(host, |current| self.decide_steps(current))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        self.kept.decide(found)
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        self.kept.report(host, found, outcome)
    }
}

impl PodmanNetwork {
    fn decide_steps(&self, current: &mut Current) -> Result<(), ModuleError> {
        let version = &current.version;
        if !is_of_four(version) {
            return Err(ModuleError::new(format!(
                "the networks of Podman {version} are not supported by Strata, only those of Podman 4 and later"
            )));
        }
        let name = &self.kept.thing.name;
        let mut remove = vec!["rm".to_owned(), name.clone()];
        remove.extend(self.force.then(|| "--force".to_owned()));
        if self.kept.state == "absent" {
            let delete = || self.kept.step("delete", "deleted", remove);
            current.steps.extend(current.info.is_some().then(delete));
            return Ok(());
        }
        let start = ["create".to_owned(), name.clone()].into_iter();
        let create = start.chain(self.words.clone()).collect();
        let differences = |info: &Value| self.wish.differences(info);
        self.kept.settle(current, differences, remove, create);
        Ok(())
    }
}

impl Wish {
    fn read(arguments: &Arguments) -> Result<Wish, ModuleError> {
        let options = arguments.raw("opt").and_then(Value::as_object);
        let mut options = options.cloned().unwrap_or_default();
        options.retain(|_, value| !value.is_null());
        let unknown = options
            .keys()
            .find(|name| !OPTIONS.contains(&name.as_str()));
        if let Some(name) = unknown {
            let known = OPTIONS.join(", ");
            return Err(ModuleError::new(format!(
                "Unsupported parameters for (containers.podman.podman_network) module: opt.{name}. Supported parameters include: {known}."
            )));
        }
        Ok(Wish {
            disable_dns: arguments.maybe("disable_dns"),
            dns: arguments.list("dns").unwrap_or_default(),
            gateway: arguments.string("gateway"),
            internal: arguments.bool("internal"),
            ipam_driver: arguments.filled("ipam_driver"),
            ipv6: arguments.maybe("ipv6"),
            nets: nets(arguments.raw("net_config"))?,
            options,
            routes: arguments.list("route").unwrap_or_default(),
            subnet: arguments.string("subnet"),
        })
    }

    /// An option by its name, as Podman tells it.
    fn option(&self, name: &str) -> Value {
        let value = self.options.get(name).and_then(text);
        value.map_or(Value::Null, Value::from)
    }

    fn differences(&self, info: &Value) -> Differences {
        let mut found = Differences::default();
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            json!(texts)
        };
        if let Some(disabled) = self.disable_dns {
            let is = !info["dns_enabled"].as_bool().unwrap_or(true);
            found.compare("disable_dns", json!(is), json!(disabled));
        }
        let dns = texts(&info["network_dns_servers"]);
        found.compare("dns", sorted(dns), sorted(self.dns.clone()));
        let subnets = info["subnets"].as_array().cloned().unwrap_or_default();
        let all = |name: &str| -> Value {
            let values: Vec<&str> = subnets
                .iter()
                .filter_map(|net| net[name].as_str())
                .collect();
            match values[..] {
                [] => Value::Null,
                _ => json!(values.join(",")),
            }
        };
        if let Some(gateway) = &self.gateway {
            found.compare("gateway", all("gateway"), json!(gateway));
        }
        let is_internal = info["internal"].as_bool().unwrap_or(false);
        found.compare("internal", json!(is_internal), json!(self.internal));
        if let Some(driver) = &self.ipam_driver {
            let is = info["ipam_options"]["driver"].as_str().unwrap_or_default();
            found.compare("ipam_driver", json!(is), json!(driver));
        }
        if !self.nets.is_empty() {
            let is = subnets.iter().map(|net| {
                let part = |name: &str| net[name].as_str().unwrap_or_default().to_owned();
                format!("{},{}", part("subnet"), part("gateway"))
            });
            let wanted = self
                .nets
                .iter()
                .map(|net| format!("{},{}", net.subnet, net.gateway));
            found.compare("net_config", sorted(is.collect()), sorted(wanted.collect()));
        }
        for (name, shown) in [("vlan", "opt.vlan"), ("mtu", "opt.mtu")] {
            let is = info["options"].get(name).and_then(text);
            let is = is.map_or(Value::Null, Value::from);
            found.compare(shown, is, self.option(name));
        }
        let routes = info["routes"].as_array().cloned().unwrap_or_default();
        let routes = routes.iter().map(|route| {
            let parts = ["destination", "gateway", "metric"].map(|name| text(&route[name]));
            parts.into_iter().flatten().collect::<Vec<_>>().join(",")
        });
        found.compare(
            "route",
            sorted(routes.collect()),
            sorted(self.routes.clone()),
        );
        // With a second family the other subnet is Podman's own choice.
        if let (Some(subnet), None) = (&self.subnet, self.ipv6) {
            found.compare("subnet", all("subnet"), json!(subnet));
        }
        found
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(text).collect()
}

fn nets(given: Option<&Value>) -> Result<Vec<Net>, ModuleError> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    let Value::Array(all) = given else {
        return Err(ModuleError::new("`net_config` must be a list of mappings"));
    };
    let read = |net: &Value| -> Result<Net, ModuleError> {
        let part = |name: &str| net.get(name).and_then(text);
        let needed = |name: &str| {
            part(name).ok_or_else(|| {
                ModuleError::new(format!(
                    "missing required arguments: {name} found in net_config"
                ))
            })
        };
        Ok(Net {
            subnet: needed("subnet")?,
            gateway: needed("gateway")?,
            range: part("ip_range").filter(|range| !range.is_empty()),
        })
    };
    all.iter().map(read).collect()
}

/// A truth as Python writes it, which Podman understands too.
fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// The words of `podman network create` behind the name.
fn words(arguments: &Arguments, wish: &Wish) -> Vec<String> {
    let mut words = Vec::new();
    let mut pair = |flag: &str, name: &str| {
        let given: Vec<String> = arguments.string(name).into_iter().collect();
        words.extend(flags(flag, &given));
    };
    pair("--driver", "driver");
    pair("--gateway", "gateway");
    pair("--interface-name", "interface_name");
    pair("--ip-range", "ip_range");
    pair("--subnet", "subnet");
    pair("--macvlan", "macvlan");
    for (flag, value) in [
        ("disable-dns", wish.disable_dns),
        ("internal", arguments.maybe("internal")),
        ("ipv6", wish.ipv6),
    ] {
        words.extend(value.map(|value| format!("--{flag}={}", truth(value))));
    }
    let driver = arguments.string("ipam_driver");
    words.extend(driver.map(|driver| format!("--ipam-driver={driver}")));
    words.extend(flags("--dns", &wish.dns));
    for net in &wish.nets {
        words.push(format!("--subnet={}", net.subnet));
        words.push(format!("--gateway={}", net.gateway));
        words.extend(net.range.iter().map(|range| format!("--ip-range={range}")));
    }
    let options = wish.options.iter().filter_map(|(name, value)| {
        let name = match name.as_str() {
            "bridge_name" => "com.docker.network.bridge.name",
            "driver_mtu" => "com.docker.network.driver.mtu",
            name => name,
        };
        Some(format!("{name}={}", shown(name, value)?))
    });
    words.extend(flags("--opt", &options.collect::<Vec<_>>()));
    words.extend(flags("--route", &wish.routes));
    words
}

/// The value of an option; what is read as a truth is one.
fn shown(name: &str, value: &Value) -> Option<String> {
    match (name, boolean(value)) {
        ("isolate", Some(value)) => Some(truth(value).to_owned()),
        _ => text(value),
    }
}

/// The lines of a file of Quadlet.
fn lines(arguments: &Arguments, thing: &Thing, wish: &Wish) -> Vec<(&'static str, Vec<String>)> {
    let one = |name: &str| arguments.string(name).into_iter().collect::<Vec<_>>();
    let flag = |value: Option<bool>| value.map(|value| value.to_string()).into_iter().collect();
    let options = wish.options.iter();
    let options =
        options.filter_map(|(name, value)| Some(format!("{name}={}", shown(name, value)?)));
    let debug = thing.is_verbose.then(|| "--log-level debug".to_owned());
    let nets = |part: fn(&Net) -> Option<&String>| wish.nets.iter().filter_map(part).cloned();
    // What has no line of its own is said to Podman itself.
    let more = [
        ("--interface-name", one("interface_name")),
        ("--macvlan", one("macvlan")),
        ("--route", wish.routes.clone()),
    ];
    let more = more
        .iter()
        .flat_map(|(flag, values)| values.iter().map(move |value| format!("{flag} {value}")));
    vec![
        ("NetworkName", vec![thing.name.clone()]),
        ("Internal", flag(arguments.maybe("internal"))),
        ("Driver", one("driver")),
        ("Gateway", one("gateway")),
        ("DisableDNS", flag(wish.disable_dns)),
        ("Subnet", one("subnet")),
        ("IPRange", one("ip_range")),
        ("Subnet", nets(|net| Some(&net.subnet)).collect()),
        ("Gateway", nets(|net| Some(&net.gateway)).collect()),
        ("IPRange", nets(|net| net.range.as_ref()).collect()),
        ("IPv6", flag(wish.ipv6)),
        ("Options", options.collect()),
        ("DNS", wish.dns.clone()),
        ("IPAMDriver", one("ipam_driver")),
        ("GlobalArgs", debug.into_iter().collect()),
        ("PodmanArgs", more.collect()),
    ]
}
