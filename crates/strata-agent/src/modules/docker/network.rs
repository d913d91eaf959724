//! `docker_network`: a network with its addresses, and the containers that are in it.

use serde_json::{Map, Value, json};

use super::{Differences, ENGINE, Engine, Work, encode, labels, reported, texts};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct DockerNetwork {
    engine: Engine,
    name: String,
    driver: String,
    options: Map<String, Value>,
    labels: Map<String, Value>,
    ipam_driver: Option<String>,
    ipam_options: Option<Map<String, Value>>,
    pools: Vec<Map<String, Value>>,
    config_from: Option<String>,
    scope: Option<String>,
    /// Switches as the engine names them, with our name.
    switches: Vec<(&'static str, &'static str, bool)>,
    connected: Vec<String>,
    appends: bool,
    force: bool,
    present: bool,
}

/// The network as it is, and what is to be done.
pub(in crate::modules) struct Found {
    network: Option<Value>,
    differences: Differences,
    work: Work,
}

const SWITCHES: &[(&str, &str)] = &[
    ("config_only", "ConfigOnly"),
    ("enable_ipv4", "EnableIPv4"),
    ("enable_ipv6", "EnableIPv6"),
    ("internal", "Internal"),
    ("attachable", "Attachable"),
    ("ingress", "Ingress"),
];

/// A pool's keys, as we and as the engine name them.
const POOL: &[(&str, &str)] = &[
    ("subnet", "Subnet"),
    ("iprange", "IPRange"),
    ("gateway", "Gateway"),
    ("aux_addresses", "AuxiliaryAddresses"),
];

impl Module for DockerNetwork {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_network",
        &[
            Field::str("name").alias(&["network_name"]).required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("driver").default("bridge"),
            Field::new("driver_options", FieldKind::Dict),
            Field::new("labels", FieldKind::Dict),
            Field::list("connected").alias(&["containers"]),
            Field::bool("appends", false).alias(&["incremental"]),
            Field::bool("force", false),
            Field::maybe("attachable"),
            Field::str("config_from"),
            Field::maybe("config_only"),
            Field::maybe("enable_ipv4"),
            Field::maybe("enable_ipv6"),
            Field::maybe("ingress"),
            Field::maybe("internal"),
            Field::new("ipam_config", FieldKind::Raw),
            Field::str("ipam_driver"),
            Field::new("ipam_driver_options", FieldKind::Dict),
            Field::str("scope").choices(&["local", "global", "swarm"]),
        ],
    )
    .with(ENGINE);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerNetwork, ModuleError> {
        let switches = SWITCHES.iter().filter_map(|(name, key)| {
            let value = arguments.maybe(name)?;
            Some((*name, *key, value))
        });
        Ok(DockerNetwork {
            engine: Engine::read(arguments, task.check)?,
            name: arguments.text("name"),
            driver: arguments.text("driver"),
            options: texts(arguments.raw("driver_options")).unwrap_or_default(),
            labels: labels(arguments, "labels")?.unwrap_or_default(),
            ipam_driver: arguments.string("ipam_driver"),
            ipam_options: texts(arguments.raw("ipam_driver_options")),
            pools: pools(arguments.raw("ipam_config"))?,
            config_from: arguments.string("config_from"),
            scope: arguments.string("scope"),
            switches: switches.collect(),
            connected: arguments.list("connected").unwrap_or_default(),
            appends: arguments.bool("appends"),
            force: arguments.bool("force"),
            present: arguments.text("state") == "present",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let network = self.network(host)?;
        let mut differences = network.as_ref().map(|network| self.compare(network));
        let mut differences = differences.take().unwrap_or_default();
        let work = self.work(host, network.as_ref(), &mut differences)?;
        Ok(Found {
            network,
            differences,
            work,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.work.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let after = match self.present && outcome.changed && !outcome.check {
            true => self.network(host)?,
            false => found.network.clone(),
        };
        let is_there = found.network.is_some();
        let mut differences = found.differences.clone();
        differences.add("exists", json!(is_there), json!(self.present));
        let shown = self.present.then(|| ("network", after.unwrap_or_default()));
        Ok(reported(
            &self.engine,
            &self.name,
            shown,
            &found.work,
            &differences,
        ))
    }
}

/// The pools of addresses that are asked for.
fn pools(given: Option<&Value>) -> Result<Vec<Map<String, Value>>, ModuleError> {
    let mut pools = Vec::new();
    for pool in given.and_then(Value::as_array).into_iter().flatten() {
        let pool = pool.as_object().cloned().unwrap_or_default();
        let known = |key: &String| POOL.iter().any(|(name, _)| name == key);
        if let Some(key) = pool.keys().find(|key| !known(key)) {
            return Err(ModuleError::new(format!(
                "Unsupported parameters for (community.docker.docker_network) module: \
                 ipam_config.{key}. Supported parameters include: aux_addresses, gateway, \
                 iprange, subnet."
            )));
        }
        let subnet = pool.get("subnet").and_then(Value::as_str).unwrap_or("");
        if !is_network(subnet) {
            return Err(ModuleError::new(format!(
                "\"{subnet}\" is not a valid CIDR"
            )));
        }
        pools.push(
            pool.into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        );
    }
    Ok(pools)
}

fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let is_address = address.parse::<std::net::IpAddr>().is_ok();
    is_address && length.parse::<u8>().is_ok_and(|length| length <= 128)
}

/// The names of the containers in a network.
fn members(network: &Value) -> Vec<String> {
    let containers = network["Containers"].as_object().into_iter().flatten();
    let names = containers.filter_map(|(_, container)| container["Name"].as_str());
    names.map(str::to_owned).collect()
}

impl DockerNetwork {
    fn path(&self) -> String {
        format!("/networks/{}", encode(&self.name))
    }

    /// The network of just this name: the engine also takes the beginning of an id for a name.
    fn network(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let found = self.engine.get(host, &self.path())?;
        Ok(found.filter(|network| network["Name"] == self.name.as_str()))
    }

    fn compare(&self, network: &Value) -> Differences {
        let mut differences = Differences::default();
        let mut texts = vec![("driver", Some(&self.driver), &network["Driver"])];
        texts.push(("scope", self.scope.as_ref(), &network["Scope"]));
        let from = &network["ConfigFrom"]["Network"];
        texts.push(("config_from", self.config_from.as_ref(), from));
        let ipam = &network["IPAM"];
        texts.push(("ipam_driver", self.ipam_driver.as_ref(), &ipam["Driver"]));
        for (name, wanted, active) in texts {
            if let Some(wanted) = wanted.filter(|wanted| active != wanted.as_str()) {
                differences.add(name, active.clone(), json!(wanted));
            }
        }
        for (name, key, wanted) in &self.switches {
            let active = network[*key].as_bool().unwrap_or(false);
            if active != *wanted {
                differences.add(*name, json!(active), json!(wanted));
            }
        }
        let maps = [
            ("driver_options", &self.options, &network["Options"]),
            ("labels", &self.labels, &network["Labels"]),
        ];
        for (name, wanted, active) in maps {
            for (key, value) in wanted {
                if active[key] != *value {
                    differences.add(format!("{name}.{key}"), active[key].clone(), value.clone());
                }
            }
        }
        if let Some(wanted) = &self.ipam_options {
            let active = ipam["Options"].as_object().cloned().unwrap_or_default();
            if active != *wanted {
                differences.add("ipam_driver_options", json!(active), json!(wanted));
            }
        }
        self.compare_pools(&ipam["Config"], &mut differences);
        differences
    }

    fn compare_pools(&self, active: &Value, differences: &mut Differences) {
        let there: Vec<&Value> = active.as_array().into_iter().flatten().collect();
        let same = |pool: &Map<String, Value>, active: &Value| {
            POOL.iter().all(|(name, key)| match pool.get(*name) {
                Some(wanted) => is_same(wanted, &active[*key]),
                None => true,
            })
        };
        for (at, pool) in self.pools.iter().enumerate() {
            if there.iter().any(|active| same(pool, active)) {
                continue;
            }
            for (key, wanted) in pool {
                differences.add(
                    format!("ipam_config[{at}].{key}"),
                    Value::Null,
                    wanted.clone(),
                );
            }
        }
    }

    fn work(
        &self,
        host: &dyn Host,
        network: Option<&Value>,
        differences: &mut Differences,
    ) -> Result<Work, ModuleError> {
        let mut work = Work::default();
        let name = &self.name;
        let anew = self.force || !differences.is_empty();
        let mut inside = network.map(members).unwrap_or_default();
        // Who is not named stays where nobody is named.
        let wanted = match self.connected.is_empty() {
            true => inside.clone(),
            false => self.connected.clone(),
        };
        if network.is_some() && (anew || !self.present) {
            for member in std::mem::take(&mut inside) {
                self.disconnect(host, &member, &mut work, differences)?;
            }
            let remove = self.engine.call(host, "DELETE", &self.path(), None)?;
            work.act(format!("Removed network {name}"), remove);
        }
        if !self.present {
            return Ok(work);
        }
        if anew || network.is_none() {
            let body = self.body();
            let create = self
                .engine
                .call(host, "POST", "/networks/create", Some(&body))?;
            let driver = &self.driver;
            work.act(
                format!("Created network {name} with driver {driver}"),
                create,
            );
        }
        for member in &wanted {
            let path = format!("/containers/{}/json", encode(member));
            if inside.contains(member) || self.engine.get(host, &path)?.is_none() {
                continue;
            }
            let body = json!({"Container": member, "EndpointConfig": null});
            let path = format!("{}/connect", self.path());
            let connect = self.engine.call(host, "POST", &path, Some(&body))?;
            work.act(format!("Connected container {member}"), connect);
            differences.add(format!("connected.{member}"), json!(false), json!(true));
        }
        let surplus = inside.iter().filter(|member| !wanted.contains(member));
        for member in surplus.filter(|_| !self.appends) {
            self.disconnect(host, member, &mut work, differences)?;
        }
        Ok(work)
    }

    fn disconnect(
        &self,
        host: &dyn Host,
        member: &str,
        work: &mut Work,
        differences: &mut Differences,
    ) -> Result<(), ModuleError> {
        let body = json!({"Container": member, "Force": true});
        let path = format!("{}/disconnect", self.path());
        let disconnect = self.engine.call(host, "POST", &path, Some(&body))?;
        work.act(format!("Disconnected container {member}"), disconnect);
        differences.add(format!("connected.{member}"), json!(true), json!(false));
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "Name": self.name, "Driver": self.driver, "Options": self.options,
            "Labels": self.labels,
        });
        for (_, key, value) in &self.switches {
            body[*key] = json!(value);
        }
        if let Some(from) = &self.config_from {
            body["ConfigFrom"] = json!({"Network": from});
        }
        if let Some(scope) = &self.scope {
            body["Scope"] = json!(scope);
        }
        let has_ipam = self.ipam_driver.is_some() || self.ipam_options.is_some();
        if has_ipam || !self.pools.is_empty() {
            let pools = self.pools.iter().map(|pool| {
                let pairs = POOL.iter().filter_map(|(name, key)| {
                    let value = pool.get(*name)?.clone();
                    Some(((*key).to_owned(), value))
                });
                Value::Object(pairs.collect())
            });
            body["IPAM"] = json!({
                "Driver": self.ipam_driver, "Config": pools.collect::<Vec<_>>(),
                "Options": self.ipam_options,
            });
        }
        body
    }
}

/// Two networks or addresses are the same in other spellings, too.
fn is_same(wanted: &Value, active: &Value) -> bool {
    let normal = |value: &Value| {
        let text = value.as_str()?.to_lowercase();
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address.to_owned(), length.to_owned()),
            None => (text, String::new()),
        };
        let address: std::net::IpAddr = address.parse().ok()?;
        Some((address, length))
    };
    wanted == active || normal(wanted).is_some_and(|wanted| Some(wanted) == normal(active))
}
