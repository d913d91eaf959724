//! The networks that a container is in.

use serde_json::{Map, Value, json};

use super::super::{Differences, Work, encode};
use super::DockerContainer;
use crate::arguments::text;
use crate::host::Host;
use crate::module::ModuleError;

/// A network with the container's place in it.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) name: String,
    /// As the engine takes it.
    pub(super) endpoint: Value,
}

pub(super) fn read(given: Option<&Value>) -> Result<Option<Vec<Network>>, ModuleError> {
    let Some(given) = given.and_then(Value::as_array) else {
        return Ok(None);
    };
    given
        .iter()
        .map(network)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn network(given: &Value) -> Result<Network, ModuleError> {
    let given = given.as_object().cloned().unwrap_or_default();
    let name = given.get("name").and_then(text);
    let Some(name) = name else {
        return Err(ModuleError::new(
            "missing required arguments: name found in networks",
        ));
    };
    let mut endpoint = Map::new();
    let mut addresses = Map::new();
    for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let put = |map: &mut Map<String, Value>, name: &str| {
            map.insert(name.to_owned(), value.clone());
        };
        match key.as_str() {
            "name" => {}
            "ipv4_address" => put(&mut addresses, "IPv4Address"),
            "ipv6_address" => put(&mut addresses, "IPv6Address"),
            "aliases" => put(&mut endpoint, "Aliases"),
            "links" => put(&mut endpoint, "Links"),
            "mac_address" => put(&mut endpoint, "MacAddress"),
            "driver_opts" => put(&mut endpoint, "DriverOpts"),
            "gw_priority" => put(&mut endpoint, "GwPriority"),
            key => {
                return Err(ModuleError::new(format!(
                    "Unsupported parameters for (community.docker.docker_container) module: \
                     networks.{key}. Supported parameters include: aliases, driver_opts, \
                     gw_priority, ipv4_address, ipv6_address, links, mac_address, name."
                )));
            }
        }
    }
    if !addresses.is_empty() {
        endpoint.insert("IPAMConfig".to_owned(), Value::Object(addresses));
    }
    Ok(Network {
        name,
        endpoint: Value::Object(endpoint),
    })
}

impl DockerContainer {
    /// Connects where the container is not yet, or not as it shall; leaves the rest where networks
    /// are compared strictly. A container that is just made is in the network of its mode.
    pub(super) fn connect(
        &self,
        host: &dyn Host,
        container: Option<&Value>,
        work: &mut Work,
        differences: &mut Differences,
    ) -> Result<(), ModuleError> {
        let Some(networks) = &self.networks else {
            return Ok(());
        };
        let mode = self.comparisons.mode("networks");
        let there = container.map(|found| &found["NetworkSettings"]["Networks"]);
        let by_mode = self.arguments.bool("networks_cli_compatible")
            && self.arguments.string("network_mode").is_none();
        for (at, network) in networks.iter().enumerate() {
            let path = format!("/networks/{}", encode(&network.name));
            if self.engine.get(host, &path)?.is_none() {
                return Err(ModuleError::new(format!(
                    "Parameter error: network named {} could not be found. Does it exist?",
                    network.name
                )));
            }
            let active = match there {
                None if by_mode && at == 0 => continue,
                Some(_) if mode == Some("ignore") => continue,
                there => there.and_then(|there| there.get(&network.name)),
            };
            if active.is_some_and(|active| fits(active, &network.endpoint)) {
                continue;
            }
            if active.is_some() {
                let leave = self.leave(host, &network.name)?;
                work.act(json!({"removed_from_network": network.name}), leave);
            }
            let body = json!({"Container": self.name, "EndpointConfig": network.endpoint});
            let join = self
                .engine
                .call(host, "POST", &format!("{path}/connect"), Some(&body))?;
            let action = json!({
                "added_to_network": network.name, "network_parameters": network.endpoint,
            });
            work.act(action, join);
            let active = active.cloned().unwrap_or_default();
            let name = format!("network.{}", network.name);
            differences.add(name, active, network.endpoint.clone());
        }
        let surplus = there.and_then(Value::as_object).into_iter().flatten();
        let surplus = surplus
            .filter(|_| mode == Some("strict"))
            .map(|(name, _)| name);
        for name in surplus.filter(|name| !networks.iter().any(|wanted| wanted.name == **name)) {
            let leave = self.leave(host, name)?;
            work.act(json!({"removed_from_network": name}), leave);
            differences.add(format!("network.{name}"), json!(true), json!(false));
        }
        Ok(())
    }

    fn leave(&self, host: &dyn Host, network: &str) -> Result<crate::change::Change, ModuleError> {
        let path = format!("/networks/{}/disconnect", encode(network));
        let body = json!({"Container": self.name});
        self.engine.call(host, "POST", &path, Some(&body))
    }
}

/// Whether a container's place in a network is as it shall be; more aliases and links may be there.
fn fits(active: &Value, wanted: &Value) -> bool {
    let mut wanted = wanted.as_object().into_iter().flatten();
    wanted.all(|(key, wanted)| match (wanted, &active[key]) {
        (Value::Array(wanted), Value::Array(active)) => {
            wanted.iter().all(|one| active.contains(one))
        }
        (Value::Array(wanted), _) => wanted.is_empty(),
        (Value::Object(wanted), active) => {
            wanted.iter().all(|(key, wanted)| active[key] == *wanted)
        }
        (wanted, active) => wanted == active,
    })
}
