//! `dhcp-address`.

use strata_core::Severity;
use strata_hcl::{Attribute, Block};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{
        View,
        hcl::{self, Folder},
    },
};

pub(super) static RULE: Rule = Rule {
    name: "dhcp-address",
    severity: Severity::Warning,
    summary: "An address from DHCP for a host that others address",
    reason: "The lease runs out or the machine is made anew, and what was written down elsewhere (a DNS record, an inventory, another machine's configuration) leads to nobody, or to somebody else.",
    fix: "Give it a static address, or a fixed `mac_address` with a reservation on the DHCP server.",
    scope: "Proxmox machines whose address another resource, a module call or an output `*_instances` uses. A machine with a fixed `mac_address` is left alone, and so is one that nobody addresses.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "db" {
  node_name = "pve"
  initialization {
    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }
}

resource "dns_a_record_set" "db" {
  zone      = "example.com."
  addresses = proxmox_virtual_environment_vm.db.ipv4_addresses[1]
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "db" {
  node_name = "pve"
  initialization {
    ip_config {
      ipv4 {
        address = "10.0.0.12/24"
        gateway = "10.0.0.1"
      }
    }
  }
}

resource "dns_a_record_set" "db" {
  zone      = "example.com."
  addresses = ["10.0.0.12"]
}
"#,
    )],
    find,
};

/// Attributes that tell an address.
const ADDRESSES: [&str; 4] = ["ipv4_addresses", "default_ipv4_address", "ssh_host", "ipv4"];

fn find(view: &View, findings: &mut Findings<'_>) {
    for folder in &view.folders {
        for block in folder.blocks("resource") {
            let Some(attribute) = dhcp(block) else {
                continue;
            };
            if has_fixed_mac(block) {
                continue;
            }
            if let Some((user, place)) = user(folder, block) {
                let name = format!("{}.{}", label(block, 0), label(block, 1));
                let summary = format!("`{name}` has its address from DHCP, and {user} uses it");
                let diagnostic = findings.draft(summary).at(attribute.span());
                findings.push(diagnostic.label(place, "used here"));
            }
        }
    }
}

fn label(block: &Block, at: usize) -> &str {
    block.label(at).unwrap_or_default()
}

/// The argument that asks for DHCP.
fn dhcp(block: &Block) -> Option<&Attribute> {
    let literal = |attribute: &Attribute| hcl::text(&attribute.expression);
    match label(block, 0) {
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => block
            .body
            .blocks_of("initialization")
            .flat_map(|block| block.body.blocks_of("ip_config"))
            .flat_map(|block| block.body.blocks_of("ipv4"))
            .filter_map(|block| block.body.attribute("address"))
            .find(|address| literal(address).is_some_and(|text| &*text == "dhcp")),
        "proxmox_vm_qemu" => block
            .body
            .attribute("ipconfig0")
            .filter(|config| literal(config).is_some_and(|text| text.contains("ip=dhcp"))),
        _ => None,
    }
}

fn has_fixed_mac(block: &Block) -> bool {
    ["network_device", "network_interface", "network"]
        .iter()
        .flat_map(|kind| block.body.blocks_of(kind))
        .any(|network| {
            ["mac_address", "macaddr"]
                .iter()
                .any(|name| network.body.attribute(name).is_some())
        })
}

/// Who uses the address, and where.
fn user(folder: &Folder, block: &Block) -> Option<(String, strata_core::Span)> {
    let others = folder
        .resources()
        .filter(|other| other.range != block.range || label(other, 1) != label(block, 1))
        .chain(folder.blocks("module"));
    for other in others {
        if let Some(place) = reference(&other.body, block) {
            let words: Vec<_> = other.labels.iter().map(|label| &*label.text).collect();
            return Some((format!("`{}`", words.join(".")), place));
        }
    }
    let inventories = folder
        .blocks("output")
        .filter(|output| label(output, 0).ends_with("_instances"));
    inventories
        .filter_map(|output| Some((output, reference(&output.body, block)?)))
        .map(|(output, place)| (format!("the inventory in `{}`", label(output, 0)), place))
        .next()
}

fn reference(body: &strata_hcl::Body, block: &Block) -> Option<strata_core::Span> {
    let mut place = None;
    hcl::attributes(body, &mut |attribute| {
        for reference in attribute.expression.references() {
            let same = *reference.root == *label(block, 0)
                && reference.attribute(0) == Some(label(block, 1));
            let address = (1..reference.steps.len())
                .filter_map(|at| reference.attribute(at))
                .any(|step| ADDRESSES.contains(&step));
            if same && address && place.is_none() {
                place = Some(reference.span());
            }
        }
    });
    place
}
