//! Looks at a new guest before anything is touched: id, node, template, memory, storages, bridges, addresses.
//!
//! It asks for lists alone, so that a plan of thousands costs as many calls as one of ten. What the
//! same plan will make counts as there ([`super::intended`]), and what only apply can tell is not judged.

use std::{net::IpAddr, ops::RangeInclusive};

use serde_json::Value as Json;
use strata_core::Diagnostic;

use super::{
    guest::{first, id_of, positive, text},
    kind::{Doing, Failure, Outcome, Planned},
    session::{Cluster, Session},
    value,
};

/// The ids that guests may have.
const IDS: RangeInclusive<u32> = 100..=999_999_999;

/// What a guest wants of its node.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// `qemu` or `lxc`.
    pub(crate) kind: &'static str,
    /// Memory in MiB, if it is started.
    pub(crate) memory: Option<i64>,
    /// Storages, what they must take, and GiB.
    pub(crate) storages: Vec<(String, &'static str, i64)>,
    pub(crate) networks: Vec<Network>,
}

/// A network device and its addresses.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) bridge: Option<String>,
    pub(crate) vlan: i64,
    /// Address and gateway, of each family that is said.
    pub(crate) addresses: Vec<(String, Option<String>)>,
}

impl Network {
    /// Takes a device's bridge and VLAN, and the block `ip_config` that belongs to it.
    pub(crate) fn of(device: &Json, config: &Json) -> Self {
        let families = ["ipv4", "ipv6"].map(|name| first(config, name));
        let addresses = families.iter().filter_map(|family| {
            let gateway = text(family, "gateway").map(str::to_owned);
            Some((text(family, "address")?.to_owned(), gateway))
        });
        Self {
            bridge: text(device, "bridge").map(str::to_owned),
            vlan: positive(device, "vlan_id").unwrap_or(0),
            addresses: addresses.collect(),
        }
    }

    /// The word for the network in which an address is one guest's alone.
    fn name(&self) -> Option<String> {
        let bridge = self.bridge.as_deref()?;
        Some(match self.vlan {
            0 => bridge.to_owned(),
            vlan => format!("{bridge}, VLAN {vlan}"),
        })
    }
}

fn refuse<T>(code: &'static str, summary: String, detail: impl Into<String>) -> Outcome<T> {
    Err(Failure::new(
        Diagnostic::error(code, summary).detail(detail.into()),
    ))
}

/// A guest as messages name it; none where only apply can tell its name.
fn who(object: &Json) -> Option<String> {
    let name = text(object, "name").or_else(|| text(first(object, "initialization"), "hostname"));
    name.map(str::to_owned)
}

/// Looks at a guest that will be made.
pub(crate) async fn new_guest(planned: &mut Planned<'_>, wanted: &Wanted) -> Outcome<()> {
    let Some(session) = planned.session else {
        return Ok(());
    };
    let object = planned.planned;
    let cluster = session.cluster().await;
    let cluster = cluster.doing(|| "The cluster cannot be looked at for the plan".to_owned())?;
    check_id(session, &cluster, object)?;
    if session.manner.rehearses {
        // All that the configuration names is there, and has room.
        return addresses(planned, &wanted.networks);
    }
    check_template(session, &cluster, object, wanted.kind)?;
    let Some(node) = text(object, "node_name") else {
        return Ok(());
    };
    let row = check_node(session, &cluster, node)?;
    let name = who(object);
    if let (Some(row), Some(memory)) = (row, wanted.memory) {
        check_memory(planned, session, row, (node, name.as_deref()), memory)?;
    }
    for (storage, content, gigabytes) in &wanted.storages {
        check_storage(session, &cluster, node, storage, content)?;
        let place = (node, storage.as_str());
        check_space(
            planned,
            session,
            &cluster,
            place,
            name.as_deref(),
            *gigabytes,
        )?;
    }
    for network in &wanted.networks {
        check_bridge(session, node, network).await?;
    }
    addresses(planned, &wanted.networks)
}

/// Looks at the addresses of a guest, new or there: each is an address, and one guest's alone.
pub(crate) fn addresses(planned: &mut Planned<'_>, networks: &[Network]) -> Outcome<()> {
    // A template, and what is off, has no address of its own; what is made of it has another.
    let object = planned.planned;
    let runs = object["template"] != true && object["started"] != false;
    let name = who(object).filter(|_| runs);
    for network in networks {
        for (address, gateway) in &network.addresses {
            let Some((own, length)) = check_address(address)? else {
                continue;
            };
            if let Some(gateway) = gateway.as_deref() {
                let gateway = check_gateway(gateway)?;
                if !same_network(own, gateway, length) && length < bits(own) {
                    planned.warnings.push(
                        Diagnostic::warning(
                            "proxmox-gateway",
                            format!("The gateway {gateway} is not in the network {address}"),
                        )
                        .detail("A guest reaches such a gateway only by a route of its own."),
                    );
                }
            }
            if let (Some(session), Some(network), Some(name)) =
                (planned.session, network.name(), name.as_deref())
                && let Some(other) = session.intended().claim(&network, &own.to_string(), name)
            {
                return refuse(
                    "proxmox-address-twice",
                    format!("The address {own} is used twice in this configuration"),
                    format!("`{other}` has it as well, on {network}"),
                );
            }
        }
    }
    Ok(())
}

fn check_id(session: &Session, cluster: &Cluster, object: &Json) -> Outcome<()> {
    let Some(id) = id_of(object) else {
        return Ok(());
    };
    if !IDS.contains(&id) {
        return refuse(
            "proxmox-invalid-id",
            format!("{id} is no id of a guest"),
            format!("they go from {} to {}", IDS.start(), IDS.end()),
        );
    }
    let claimed = who(object).map_or(Ok(()), |who| session.claim(id, &who));
    if let Err(other) = claimed {
        return refuse(
            "proxmox-id-twice",
            format!("The id {id} is used twice in this configuration"),
            format!("`{other}` has it as well"),
        );
    }
    let Some(row) = cluster.guests.get(&id) else {
        return Ok(());
    };
    let other = row["name"].as_str().unwrap_or("a guest without a name");
    let node = row["node"].as_str().unwrap_or_default();
    refuse(
        "proxmox-id-taken",
        format!("The id {id} is taken"),
        format!(
            "`{other}` on node `{node}` has it. It is never touched: choose another `vm_id`, leave it out, or import that guest."
        ),
    )
}

fn check_template(session: &Session, cluster: &Cluster, object: &Json, kind: &str) -> Outcome<()> {
    let Some(template) = value::number(&first(object, "clone")["vm_id"]) else {
        return Ok(());
    };
    let id = u32::try_from(template).unwrap_or(0);
    let there = cluster
        .guests
        .get(&id)
        .is_some_and(|row| row["type"] == kind);
    if there || session.is_rehearsal() || session.intended().has_guest(id, kind) {
        return Ok(());
    }
    refuse(
        "proxmox-no-template",
        format!("There is no guest {template} to clone"),
        "`clone` names a guest that is not in the cluster, and that this configuration does not make before",
    )
}

fn check_node<'a>(
    session: &Session,
    cluster: &'a Cluster,
    node: &str,
) -> Outcome<Option<&'a Json>> {
    let Some(row) = cluster.nodes.get(node) else {
        let known: Vec<&str> = cluster.nodes.keys().map(String::as_str).collect();
        if known.is_empty() || session.is_rehearsal() {
            return Ok(None);
        }
        return refuse(
            "proxmox-no-node",
            format!("There is no node `{node}`"),
            format!("the cluster has {}", known.join(", ")),
        );
    };
    if row["status"] == "offline" {
        return refuse(
            "proxmox-node-offline",
            format!("The node `{node}` is offline"),
            "nothing can be made there",
        );
    }
    Ok(Some(row))
}

fn check_memory(
    planned: &mut Planned<'_>,
    session: &Session,
    row: &Json,
    (node, who): (&str, Option<&str>),
    wanted: i64,
) -> Outcome<()> {
    let Some(total) = row["maxmem"].as_i64().filter(|total| *total > 0) else {
        return Ok(());
    };
    if wanted << 20 > total {
        return refuse(
            "proxmox-memory",
            format!("The node `{node}` has not enough memory"),
            format!("{wanted} MiB are wanted, it has {} MiB in all", total >> 20),
        );
    }
    let free = total - row["mem"].as_i64().unwrap_or(0);
    let before = who.map_or(0, |who| {
        session.intended().memory(node, who, wanted) - wanted
    });
    // Said once: where the plan steps over what is free.
    if (before + wanted) << 20 > free && before << 20 <= free {
        planned.warnings.push(
            Diagnostic::warning("proxmox-memory-free", format!("The node `{node}` has not as much free memory as this plan wants"))
                .detail(format!(
                    "{} MiB are free, {} MiB are wanted with this guest. It can be started all the same while others do not use what they were given.",
                    free >> 20, before + wanted
                )),
        );
    }
    Ok(())
}

/// What a storage takes on a node: as it will be, or as it is; none where nobody can tell.
fn content_of(
    session: &Session,
    cluster: &Cluster,
    node: &str,
    storage: &str,
) -> Outcome<Option<Vec<String>>> {
    if let Some(content) = session.intended().content(node, storage) {
        return Ok(Some(content).filter(|content| !content.is_empty()));
    }
    let Some(row) = cluster.storages.get(&(node.to_owned(), storage.to_owned())) else {
        if cluster.storages.is_empty() || session.is_rehearsal() {
            return Ok(None);
        }
        let known = cluster.storages.keys().filter(|(on, _)| on == node);
        let known: Vec<&str> = known.map(|(_, name)| name.as_str()).collect();
        return refuse(
            "proxmox-no-storage",
            format!("There is no storage `{storage}` on node `{node}`"),
            format!("it has {}", known.join(", ")),
        );
    };
    let status = row["status"].as_str();
    if status.is_some_and(|status| status != "available") {
        return refuse(
            "proxmox-storage-offline",
            format!("The storage `{storage}` on node `{node}` is not available"),
            "it is switched off or cannot be reached",
        );
    }
    let content = row["content"].as_str();
    Ok(content.map(|content| content.split(',').map(str::to_owned).collect()))
}

fn check_storage(
    session: &Session,
    cluster: &Cluster,
    node: &str,
    storage: &str,
    content: &str,
) -> Outcome<()> {
    match content_of(session, cluster, node, storage)? {
        Some(takes) if !takes.iter().any(|item| item == content) => refuse(
            "proxmox-storage-content",
            format!("The storage `{storage}` does not take `{content}`"),
            format!(
                "it takes {}: change its `content`, or choose another storage",
                takes.join(",")
            ),
        ),
        _ => Ok(()),
    }
}

/// Looks at the storage of a file before it is made: it is there, and takes such content.
pub(crate) async fn new_file(planned: &Planned<'_>, content: &str) -> Outcome<()> {
    let object = planned.planned;
    let (Some(session), None, Some(node), Some(storage)) = (
        planned.session,
        planned.prior,
        text(object, "node_name"),
        text(object, "datastore_id"),
    ) else {
        return Ok(());
    };
    let cluster = session.cluster().await;
    let cluster = cluster.doing(|| "The cluster cannot be looked at for the plan".to_owned())?;
    check_node(session, &cluster, node)?;
    match content.is_empty() {
        true => Ok(()),
        false => check_storage(session, &cluster, node, storage, content),
    }
}

/// Storages that give a disk all of its space at once; others only what is written.
const THICK: [&str; 3] = ["lvm", "iscsi", "iscsidirect"];

fn check_space(
    planned: &mut Planned<'_>,
    session: &Session,
    cluster: &Cluster,
    (node, storage): (&str, &str),
    who: Option<&str>,
    gigabytes: i64,
) -> Outcome<()> {
    let row = cluster.storages.get(&(node.to_owned(), storage.to_owned()));
    let known = row.and_then(|row| Some((row, row["maxdisk"].as_i64()?, row["disk"].as_i64()?)));
    let Some((row, total, used)) = known.filter(|(_, total, _)| *total > 0) else {
        return Ok(());
    };
    let free = total - used;
    let thick = row["plugintype"]
        .as_str()
        .is_some_and(|kind| THICK.contains(&kind));
    if gigabytes << 30 > if thick { free } else { total } {
        return refuse(
            "proxmox-storage-full",
            format!("The storage `{storage}` has not enough space"),
            format!(
                "{gigabytes} GiB are wanted, {} GiB of {} GiB are free",
                free >> 30,
                total >> 30
            ),
        );
    }
    let before = who.map_or(0, |who| {
        session.intended().space(node, storage, who, gigabytes) - gigabytes
    });
    if (before + gigabytes) << 30 > free && before << 30 <= free {
        planned.warnings.push(
            Diagnostic::warning("proxmox-storage-space", format!("The storage `{storage}` has not as much free space as this plan wants"))
                .detail(format!(
                    "{} GiB are free on node `{node}`, {} GiB are wanted with this guest. Disks take what is written to them, so it may do.",
                    free >> 30, before + gigabytes
                )),
        );
    }
    Ok(())
}

async fn check_bridge(session: &Session, node: &str, network: &Network) -> Outcome<()> {
    let Some(bridge) = network.bridge.as_deref() else {
        return Ok(());
    };
    if session.is_rehearsal() || session.intended().has_bridge(node, bridge) {
        return Ok(());
    }
    let Some(rows) = session.bridges(node).await else {
        return Ok(());
    };
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["iface"].as_str())
        .collect();
    if !names.is_empty() && !names.contains(&bridge) {
        return refuse(
            "proxmox-no-bridge",
            format!("There is no bridge `{bridge}` on node `{node}`"),
            format!(
                "it has {}, as far as this login may use them (`SDN.Use` on `/sdn/zones/localnetwork/{bridge}`)",
                names.join(", ")
            ),
        );
    }
    let taken = network.addresses.iter().find_map(|(address, _)| {
        let own = address.split('/').next()?;
        rows.iter()
            .find(|row| row["address"] == own || row["address6"] == own)
    });
    match taken {
        Some(row) => refuse(
            "proxmox-address-taken",
            format!(
                "The address {} is the node's own",
                row["address"].as_str().unwrap_or_default()
            ),
            format!(
                "node `{node}` has it on `{}`",
                row["iface"].as_str().unwrap_or_default()
            ),
        ),
        None => Ok(()),
    }
}

/// An address and the length of its network; none if the guest is told one by others.
fn check_address(text: &str) -> Outcome<Option<(IpAddr, u8)>> {
    if matches!(text, "dhcp" | "auto" | "manual") {
        return Ok(None);
    }
    let parts = text.split_once('/');
    let parsed = parts.and_then(|(ip, length)| {
        let ip: IpAddr = ip.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        (length <= bits(ip)).then_some((ip, length))
    });
    match parsed {
        Some(parsed) => Ok(Some(parsed)),
        None => refuse(
            "proxmox-invalid-address",
            format!("`{text}` is no address"),
            "it is `dhcp`, or an address with the length of its network, such as `10.0.0.5/24`",
        ),
    }
}

fn check_gateway(text: &str) -> Outcome<IpAddr> {
    match text.parse() {
        Ok(gateway) => Ok(gateway),
        Err(_) => refuse(
            "proxmox-invalid-address",
            format!("`{text}` is no gateway"),
            "it is an address without a length, such as `10.0.0.1`",
        ),
    }
}

fn bits(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// True if two addresses are in one network; a link-local gateway is in every one.
fn same_network(one: IpAddr, other: IpAddr, length: u8) -> bool {
    let number = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let link_local = matches!(other, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let differ = number(one) ^ number(other);
    one.is_ipv4() == other.is_ipv4()
        && (link_local || length == 0 || differ >> (128 - u32::from(length)) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_length_or_come_from_elsewhere() {
        assert!(check_address("dhcp").unwrap().is_none());
        assert!(check_address("10.0.0.5/24").unwrap().is_some());
        for wrong in ["10.0.0.5", "10.0.0.5/33", "10.0.0.500/24", "x"] {
            assert!(check_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn gateways_are_in_the_network_or_link_local() {
        let same = |one: &str, other: &str, length| {
            same_network(one.parse().unwrap(), other.parse().unwrap(), length)
        };
        assert!(same("10.0.0.5", "10.0.0.1", 24));
        assert!(!same("10.0.0.5", "10.0.1.1", 24));
        assert!(same("fd00::5", "fe80::1", 64));
        assert!(!same("10.0.0.5", "fe80::1", 24));
    }
}
