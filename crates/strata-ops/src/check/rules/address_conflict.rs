//! `address-conflict`.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use strata_core::{Severity, Span, Value};
use strata_jinja::yaml::{Node, NodeKind};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{
        View,
        ansible::FileKind,
        expand::{Resource, Values},
        mask,
    },
    walk::TextFile,
};

pub(super) static RULE: Rule = Rule {
    name: "address-conflict",
    severity: Severity::Error,
    summary: "Two hosts with one address",
    reason: "Whichever answers first gets the connection: tasks meant for one host run on the other, and which one that is changes from day to day.",
    fix: "Give each host an address of its own.",
    scope: "Static addresses of the machines that one root module makes, and `ansible_host` within one inventory file. Hosts of an inventory that differ in port, user or connection are taken for ways to one machine.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

locals {
  servers = { web = "10.0.0.11/24", db = "10.0.0.11/24" }
}

resource "proxmox_virtual_environment_vm" "server" {
  for_each  = local.servers
  name      = each.key
  node_name = "pve"
  initialization {
    ip_config {
      ipv4 {
        address = each.value
        gateway = "10.0.0.1"
      }
    }
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

locals {
  servers = { web = "10.0.0.11/24", db = "10.0.0.12/24" }
}

resource "proxmox_virtual_environment_vm" "server" {
  for_each  = local.servers
  name      = each.key
  node_name = "pve"
  initialization {
    ip_config {
      ipv4 {
        address = each.value
        gateway = "10.0.0.1"
      }
    }
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for root in view.used_roots() {
        let mut known: BTreeMap<String, (&Resource, &Span)> = BTreeMap::new();
        for resource in root.resources.iter().filter(|resource| resource.counted) {
            for (address, span) in addresses(resource) {
                let Some((first, place)) = known.get(&address).copied() else {
                    known.insert(address, (resource, span));
                    continue;
                };
                let (a, b) = (&first.address, &resource.address);
                if a == b {
                    continue;
                }
                let summary = format!("`{a}` and `{b}` have the address {address}");
                let mut diagnostic = findings.draft(summary).at(span.clone());
                if place != span {
                    diagnostic = diagnostic.label(place.clone(), "first here");
                }
                findings.push(diagnostic);
            }
        }
    }
    for file in view.yaml_of(FileKind::Inventory) {
        let mut hosts = Vec::new();
        collect(&file.root, &mut hosts);
        compare(hosts, findings);
    }
    for text in view.files.iter().filter(|text| is_ini(text)) {
        compare(ini(text), findings);
    }
}

/// The static addresses of a machine.
fn addresses(resource: &Resource) -> Vec<(String, &Span)> {
    let values = &resource.values;
    match &*resource.kind {
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => {
            if is_template(values) {
                return Vec::new();
            }
            bpg(values)
                .filter_map(|(value, span)| Some((host(value.as_str()?)?, span)))
                .collect()
        }
        "proxmox_vm_qemu" => (0..4)
            .filter_map(|at| values.get(&format!("ipconfig{at}")))
            .filter_map(|(value, span)| Some((ipconfig(value.as_str()?)?, span)))
            .collect(),
        "proxmox_lxc" => values
            .blocks("network")
            .filter_map(|network| network.get("ip"))
            .filter_map(|(value, span)| Some((host(value.as_str()?)?, span)))
            .collect(),
        "incus_instance" | "lxd_instance" => values
            .blocks("device")
            .filter_map(|device| device.get("properties"))
            .filter_map(|(value, span)| Some((host(value.get("ipv4.address")?.as_str()?)?, span)))
            .collect(),
        _ => Vec::new(),
    }
}

fn is_template(values: &Values) -> bool {
    let template = values
        .get("template")
        .and_then(|(value, _)| value.as_bool());
    template == Some(true)
}

fn bpg(values: &Values) -> impl Iterator<Item = (&Value, &Span)> {
    values
        .blocks("initialization")
        .flat_map(|block| block.blocks("ip_config"))
        .flat_map(|block| block.blocks("ipv4"))
        .filter_map(|block| block.get("address"))
}

/// The address without the length of its network; none for `dhcp` and its kin.
fn host(text: &str) -> Option<String> {
    let address = text.split('/').next().unwrap_or(text).trim();
    address.parse::<std::net::IpAddr>().ok()?;
    Some(address.to_owned())
}

fn ipconfig(text: &str) -> Option<String> {
    host(
        text.split(',')
            .find_map(|part| part.trim().strip_prefix("ip="))?,
    )
}

/// A host of an inventory: its name, its address, and whatever else says how it is reached.
type InventoryHost = (String, String, String, Span);

fn compare(hosts: Vec<InventoryHost>, findings: &mut Findings<'_>) {
    let mut known: BTreeMap<(String, String), (String, Span)> = BTreeMap::new();
    for (name, address, way, span) in hosts {
        match known.get(&(address.clone(), way.clone())) {
            Some((first, place)) if *first != name => {
                let summary =
                    format!("The hosts `{first}` and `{name}` have the address {address}");
                let diagnostic = findings.draft(summary).at(span);
                findings.push(diagnostic.label(place.clone(), "first here"));
            }
            Some(_) => {}
            None => {
                known.insert((address, way), (name, span));
            }
        }
    }
}

/// Variables that make one machine several hosts.
const WAYS: [&str; 8] = [
    "ansible_port",
    "ansible_user",
    "ansible_connection",
    "proxmox_vmid",
    "ansible_ssh_port",
    "ansible_incus_host",
    "ansible_docker_extra_args",
    "ansible_become_user",
];

fn collect(node: &Node, found: &mut Vec<InventoryHost>) {
    let NodeKind::Mapping(entries) = &node.kind else {
        return;
    };
    for entry in entries {
        if entry.key.text() == Some("hosts") {
            let hosts = entry.value.entries().unwrap_or_default();
            found.extend(
                hosts
                    .iter()
                    .filter_map(|host| yaml_host(&host.key, &host.value)),
            );
        } else {
            collect(&entry.value, found);
        }
    }
}

fn yaml_host(name: &Node, variables: &Node) -> Option<InventoryHost> {
    let node = variables.get("ansible_host")?;
    let address = node.text().filter(|text| !is_anywhere(text))?;
    let way: Vec<_> = WAYS
        .iter()
        .map(|way| variables.get(way).and_then(Node::text).unwrap_or_default())
        .collect();
    Some((
        name.text()?.to_owned(),
        address.to_owned(),
        way.join(" "),
        node.span.clone(),
    ))
}

/// True for what does not name one host on the network.
fn is_anywhere(address: &str) -> bool {
    mask::is_dynamic(address)
        || address == "localhost"
        || address.starts_with("127.")
        || address == "::1"
}

fn is_ini(text: &TextFile) -> bool {
    let name = text.name();
    let plain = !name.contains('.') || name.ends_with(".ini") || name.ends_with(".cfg");
    plain && text.source.text.contains("ansible_host=")
}

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(\w+)=("[^"]*"|'[^']*'|\S+)"#).expect("the pattern is a constant and valid")
});

fn ini(text: &TextFile) -> Vec<InventoryHost> {
    let mut hosts = Vec::new();
    let mut start = 0;
    for line in text.source.text.split_inclusive('\n') {
        let variables: BTreeMap<&str, &str> = WORD
            .captures_iter(line)
            .filter_map(|word| Some((word.get(1)?.as_str(), word.get(2)?.as_str())))
            .collect();
        let name = line.split_whitespace().next().unwrap_or_default();
        let outside = name.starts_with(['#', ';', '[']) || name.contains('=');
        let address = variables.get("ansible_host").copied();
        if let Some(address) = address.filter(|address| !outside && !is_anywhere(address)) {
            let way: Vec<_> = WAYS
                .iter()
                .map(|way| variables.get(way).copied().unwrap_or_default())
                .collect();
            let span = text.source.span(start..start + line.trim_end().len());
            hosts.push((name.to_owned(), address.to_owned(), way.join(" "), span));
        }
        start += line.len();
    }
    hosts
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn inventories_are_looked_at_one_by_one() {
        check(
            "address-conflict",
            &[
                (
                    "inventories/prod/hosts.yml",
                    "all:\n  hosts:\n    a:\n      ansible_host: 10.0.0.1\n    b:\n      ansible_host: 10.0.0.1\n    c:\n      ansible_host: 10.0.0.1\n      ansible_port: 2222\n",
                ),
                (
                    "inventories/dev/hosts",
                    "[web]\nx ansible_host=10.0.0.1\ny ansible_host=10.0.0.1\nx ansible_host=10.0.0.1\n",
                ),
            ],
            &expect![[r#"
                inventories/dev/hosts:3:1: The hosts `x` and `y` have the address 10.0.0.1
                inventories/prod/hosts.yml:6:21: The hosts `a` and `b` have the address 10.0.0.1
            "#]],
        );
    }
}
