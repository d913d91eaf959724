//! An instance as the server describes it, with what its guest shows.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An instance with its state (`recursion=1`).
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct FullInstance {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) ephemeral: bool,
    #[serde(default)]
    pub(crate) profiles: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) config: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) devices: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) expanded_config: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) expanded_devices: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) state: Option<GuestState>,
}

/// What a guest shows.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct GuestState {
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) processes: i64,
    #[serde(default)]
    pub(crate) network: Option<BTreeMap<String, Interface>>,
}

/// A network interface inside a guest.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Interface {
    #[serde(default)]
    pub(crate) addresses: Vec<Address>,
    #[serde(default)]
    pub(crate) hwaddr: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
}

/// An address of an interface.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Address {
    #[serde(default)]
    pub(crate) family: String,
    #[serde(default)]
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) scope: String,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// As the API names it.
    fn name(self) -> &'static str {
        match self {
            Family::V4 => "inet",
            Family::V6 => "inet6",
        }
    }
}

impl FullInstance {
    /// True if it runs and is not frozen.
    pub(crate) fn is_running(&self) -> bool {
        is_running(&self.status)
    }

    /// True if it has a network device, and so will have an address.
    pub(crate) fn has_nic(&self) -> bool {
        let mut devices = self.expanded_devices.values();
        devices.any(|device| device.get("type").is_some_and(|kind| kind == "nic"))
    }

    /// The name of the network device that an interface belongs to, told by its hardware address.
    pub(crate) fn device_of(&self, interface: &Interface) -> Option<&str> {
        let nics = self
            .expanded_devices
            .iter()
            .filter(|(_, device)| device.get("type").is_some_and(|kind| kind == "nic"));
        nics.map(|(name, device)| {
            let volatile = self.config.get(&format!("volatile.{name}.hwaddr"));
            (name, device.get("hwaddr").or(volatile))
        })
        .find(|(_, hwaddr)| {
            hwaddr.is_some_and(|hwaddr| hwaddr.eq_ignore_ascii_case(&interface.hwaddr))
        })
        .map(|(name, _)| name.as_str())
    }

    /// The interface whose addresses stand for the instance: the one that `user.access_interface` names, else
    /// the first that has an address, those of network devices before others (bridges of container engines, say).
    pub(crate) fn main_interface(&self) -> Option<&Interface> {
        let interfaces = self.state.as_ref()?.network.as_ref()?;
        if let Some(name) = self.expanded_config.get("user.access_interface") {
            return interfaces.get(name);
        }
        let mut candidates: Vec<&Interface> = interfaces
            .values()
            .filter(|interface| interface.kind != "loopback")
            .filter(|interface| interface.has_global())
            .collect();
        // A stable sort: names decide among equals.
        candidates.sort_by_key(|interface| {
            (
                self.device_of(interface).is_none(),
                interface.global(Family::V4).is_none(),
            )
        });
        candidates.first().copied()
    }
}

impl GuestState {
    /// True if it runs and is not frozen.
    pub(crate) fn is_running(&self) -> bool {
        is_running(&self.status)
    }

    /// True if an interface, or the named one, has an address that others can reach.
    pub(crate) fn has_address(&self, family: Option<Family>, interface: Option<&str>) -> bool {
        let interfaces = self.network.iter().flatten();
        interfaces
            .filter(|(name, found)| match interface {
                Some(wanted) => wanted == name.as_str(),
                None => found.kind != "loopback",
            })
            .any(|(_, interface)| match family {
                Some(family) => interface.global(family).is_some(),
                None => interface.has_global(),
            })
    }
}

impl Interface {
    fn has_global(&self) -> bool {
        self.global(Family::V4)
            .or(self.global(Family::V6))
            .is_some()
    }

    /// Its first address of a family that others can reach.
    pub(crate) fn global(&self, family: Family) -> Option<&str> {
        let mut addresses = self.addresses.iter();
        let address = addresses
            .find(|address| address.family == family.name() && address.scope == "global")?;
        Some(&address.address)
    }
}

fn is_running(status: &str) -> bool {
    status == "Running" || status == "Ready"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(access: &str) -> FullInstance {
        let json = format!(
            r#"{{"name":"a","status":"Running","type":"container","config":{{"volatile.lan.hwaddr":"AA:BB"}},
              "expanded_config":{{{access}}},
              "expanded_devices":{{"lan":{{"type":"nic"}},"root":{{"type":"disk"}}}},
              "state":{{"status":"Running","processes":5,"network":{{
                "docker0":{{"hwaddr":"cc","type":"broadcast","state":"up","addresses":[{{"family":"inet","address":"172.17.0.1","scope":"global"}}]}},
                "eth0":{{"hwaddr":"aa:bb","type":"broadcast","state":"up","addresses":[
                  {{"family":"inet6","address":"fe80::1","scope":"link"}},{{"family":"inet","address":"10.0.0.5","scope":"global"}}]}},
                "lo":{{"hwaddr":"","type":"loopback","state":"up","addresses":[{{"family":"inet","address":"127.0.0.1","scope":"local"}}]}}}}}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn the_address_is_that_of_a_network_device_before_any_other() {
        let instance = instance("");
        let interface = instance.main_interface().unwrap();
        assert_eq!(interface.global(Family::V4), Some("10.0.0.5"));
        assert_eq!(interface.global(Family::V6), None);
        assert_eq!(instance.device_of(interface), Some("lan"));
    }

    #[test]
    fn a_user_can_say_which_interface_it_is() {
        let instance = instance(r#""user.access_interface":"docker0""#);
        let interface = instance.main_interface().unwrap();
        assert_eq!(interface.global(Family::V4), Some("172.17.0.1"));
    }

    #[test]
    fn an_address_of_the_link_alone_is_none() {
        let state = instance("").state.unwrap();
        assert!(state.has_address(Some(Family::V4), None));
        assert!(!state.has_address(Some(Family::V6), None));
        assert!(!state.has_address(None, Some("eth1")));
    }
}
