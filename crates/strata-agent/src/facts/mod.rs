//! Facts: what a host says about itself, with the names that playbooks use (without `ansible_`).
//!
//! Each file here is one part of them and reads files only; nothing is run, but where a fact is a
//! program's version. What cannot be found out is left out, or null where playbooks ask for it.

use std::path::Path;

use serde_json::{Map, Value};

use crate::host::{Host, HostError};

mod clock;
mod collectors;
mod devices;
mod hardware;
mod identity;
mod network;
mod platform;
mod virtualization;

pub(crate) use platform::OWN_FACTS;

/// The parts that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Names, versions, users, time: what is always gathered.
    pub(crate) minimum: bool,
    /// Memory, processors, mounts.
    pub(crate) hardware: bool,
    /// Interfaces and addresses.
    pub(crate) network: bool,
    /// Virtualization.
    pub(crate) virtualization: bool,
    /// Of the minimum only what these gather, a bit each; all of it where there is none.
    pub(crate) only: u32,
}

const ALL: Parts = Parts {
    minimum: true,
    hardware: true,
    network: true,
    virtualization: true,
    only: 0,
};
const NONE: Parts = Parts {
    minimum: false,
    hardware: false,
    network: false,
    virtualization: false,
    only: 0,
};

/// Ansible's names for parts and for what they are made of.
const NAMES: &[(&str, Parts)] = &[
    ("all", ALL),
    (
        "min",
        Parts {
            minimum: true,
            ..NONE
        },
    ),
    (
        "hardware",
        Parts {
            hardware: true,
            ..NONE
        },
    ),
    (
        "network",
        Parts {
            network: true,
            ..NONE
        },
    ),
    (
        "virtual",
        Parts {
            virtualization: true,
            ..NONE
        },
    ),
    // Facts of other programs, which are not there.
    ("ohai", NONE),
    ("facter", NONE),
];

const OF_HARDWARE: &[&str] = &[
    "devices",
    "mounts",
    "memory",
    "processor",
    "processor_cores",
    "processor_count",
    "loadavg",
];

const OF_NETWORK: &[&str] = &[
    "all_ipv4_addresses",
    "all_ipv6_addresses",
    "default_ipv4",
    "default_ipv6",
    "interfaces",
];

const OF_VIRTUALIZATION: &[&str] = &[
    "virtualization_role",
    "virtualization_tech_guest",
    "virtualization_tech_host",
    "virtualization_type",
];

impl Parts {
    /// Reads `gather_subset`; `Err` names what no part is called.
    pub(crate) fn read(subset: &[String]) -> Result<Parts, String> {
        let (without, with): (Vec<_>, Vec<_>) = subset
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .partition(|name| name.starts_with('!'));
        let mut parts = Parts {
            minimum: true,
            ..NONE
        };
        // Only exclusions means all but these.
        if with.contains(&"all") || with.is_empty() && !without.contains(&"!all") {
            parts = ALL;
        }
        for name in without {
            let name = name.trim_start_matches('!');
            match name {
                // The minimum stays unless it is named itself.
                "all" => {}
                name if is_whole(name) => parts = parts.remove(named(name)?),
                name => {
                    named(name)?;
                }
            }
        }
        // What is named by itself goes before what is left out.
        for name in with
            .into_iter()
            .filter(|name| !["all", "min"].contains(name))
        {
            parts = parts.join(named(name)?);
        }
        Ok(parts)
    }

    fn join(self, other: Parts) -> Parts {
        Parts {
            minimum: self.minimum || other.minimum,
            hardware: self.hardware || other.hardware,
            network: self.network || other.network,
            virtualization: self.virtualization || other.virtualization,
            only: match (
                self.minimum && self.only == 0,
                other.minimum && other.only == 0,
            ) {
                (false, false) => self.only | other.only,
                _ => 0,
            },
        }
    }

    fn remove(self, other: Parts) -> Parts {
        Parts {
            minimum: self.minimum && !other.minimum,
            hardware: self.hardware && !other.hardware,
            network: self.network && !other.network,
            virtualization: self.virtualization && !other.virtualization,
            only: self.only,
        }
    }
}

fn is_whole(name: &str) -> bool {
    NAMES.iter().any(|(known, _)| *known == name)
}

fn named(name: &str) -> Result<Parts, String> {
    if let Some((_, parts)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*parts);
    }
    if let Some(only) = collectors::bit(name) {
        return Ok(Parts {
            minimum: true,
            only,
            ..NONE
        });
    }
    let of = [
        (
            OF_HARDWARE,
            Parts {
                hardware: true,
                ..NONE
            },
        ),
        (
            OF_NETWORK,
            Parts {
                network: true,
                ..NONE
            },
        ),
        (
            OF_VIRTUALIZATION,
            Parts {
                virtualization: true,
                ..NONE
            },
        ),
    ];
    let found = of.iter().find(|(names, _)| names.contains(&name));
    found
        .map(|(_, parts)| *parts)
        .ok_or_else(|| name.to_owned())
}

/// What administrators say themselves in the files of a folder.
pub(crate) fn own(host: &dyn Host, folder: &Path) -> Value {
    platform::local(host, folder)
}

/// Gathers the parts that are asked for.
pub(crate) fn gather(host: &dyn Host, parts: Parts) -> Result<Map<String, Value>, HostError> {
    let mut facts = Map::new();
    if parts.minimum {
        platform::gather(host, &mut facts)?;
        clock::gather(host, &mut facts);
        identity::gather(host, &mut facts);
        if parts.only != 0 {
            facts.retain(|name, _| collectors::gather(parts.only, name));
        }
    }
    if parts.hardware {
        hardware::gather(host, &mut facts);
        devices::gather(host, &mut facts);
    }
    if parts.network {
        network::gather(host, &mut facts);
    }
    if parts.virtualization {
        virtualization::gather(host, &mut facts);
    }
    Ok(facts)
}

/// Adds a fact.
fn put(facts: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    facts.insert(name.to_owned(), value.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subset: &[&str], expected: &str) {
        let subset: Vec<String> = subset.iter().map(|name| (*name).to_owned()).collect();
        let shown = match Parts::read(&subset) {
            Ok(parts) => [
                (parts.minimum, "min"),
                (parts.hardware, "hardware"),
                (parts.network, "network"),
                (parts.virtualization, "virtual"),
            ]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| *name)
            .collect::<Vec<_>>()
            .join(" "),
            Err(name) => format!("bad: {name}"),
        };
        assert_eq!(shown, expected, "{subset:?}");
    }

    #[test]
    fn subsets_mean_what_they_mean_to_ansible() {
        check(&["all"], "min hardware network virtual");
        check(&["!all"], "min");
        check(&["!all", "!min"], "");
        check(&["!hardware"], "min network virtual");
        check(&["network"], "min network");
        check(&["!all", "network"], "min network");
        check(&["default_ipv4"], "min network");
        check(&["!all", "!min", "platform"], "min");
        check(&["!all", "!min", "!network", "network"], "network");
        check(&["all", "!network"], "min hardware virtual");
        check(&["frob"], "bad: frob");
    }
}
