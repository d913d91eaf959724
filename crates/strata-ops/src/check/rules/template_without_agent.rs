//! `template-without-agent`.

use strata_core::{Severity, Value};
use strata_hcl::{Block, Body};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, expand::Values, hcl},
};

pub(super) static RULE: Rule = Rule {
    name: "template-without-agent",
    severity: Severity::Warning,
    summary: "A template without a cloud-init drive or without the guest agent",
    reason: "Clones of it cannot be told their name, address and keys, or cannot tell theirs: whoever waits for their address waits until the time is up.",
    fix: "Give the template a cloud-init drive (`initialization {}`; in Packer `cloud_init = true`) and the agent (`agent { enabled = true }`), and install `qemu-guest-agent` in it.",
    scope: "VMs of the Proxmox provider with `template = true`, and Proxmox sources of Packer, but for Windows.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "template" {
  node_name = "pve"
  template  = true
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "template" {
  node_name = "pve"
  template  = true
  agent {
    enabled = true
  }
  initialization {
    datastore_id = "local-lvm"
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for resource in view.roots.iter().flat_map(|root| &root.resources) {
        let vm = &*resource.kind == "proxmox_virtual_environment_vm";
        if !vm || !is_true(resource.values.get("template").map(|(value, _)| value)) {
            continue;
        }
        // The template takes over what the VM that it is cloned from has.
        if resource.values.blocks("clone").next().is_some() {
            continue;
        }
        let missing = missing(&resource.values);
        if !missing.is_empty() {
            let address = &resource.address;
            let summary = format!(
                "The template `{address}` has no {}",
                missing.join(" and no ")
            );
            findings.on(resource, &resource.values.span, summary);
        }
    }
    for body in &view.packer {
        packer(body, findings);
    }
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

fn missing(values: &Values) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if values.blocks("initialization").next().is_none() {
        missing.push("cloud-init drive");
    }
    let enabled = values.blocks("agent").next().is_some_and(|agent| {
        let enabled = agent.get("enabled").map(|(value, _)| value);
        enabled.is_some_and(|value| value.as_bool() != Some(false))
    });
    if !enabled {
        missing.push("guest agent");
    }
    missing
}

fn packer(body: &Body, findings: &mut Findings<'_>) {
    for block in body.blocks_of("source") {
        if !block.label(0).unwrap_or_default().starts_with("proxmox-") {
            continue;
        }
        let mut missing = Vec::new();
        if is_windows(block) {
            continue;
        }
        if is(block, "cloud_init") != Some(true) && block.body.attribute("cloud_init").is_none() {
            missing.push("cloud-init drive");
        }
        // The agent is on unless it is turned off.
        if is(block, "qemu_agent") == Some(false) {
            missing.push("guest agent");
        }
        if !missing.is_empty() {
            let name = block.label(1).unwrap_or_default();
            let summary = format!("The template `{name}` has no {}", missing.join(" and no "));
            findings.at(&block.header_span(), summary);
        }
    }
}

/// Windows is set up by other means than cloud-init.
fn is_windows(block: &Block) -> bool {
    let says = |name: &str, wanted: &[&str]| {
        let text = block
            .body
            .attribute(name)
            .and_then(|value| hcl::text(&value.expression));
        text.is_some_and(|text| wanted.iter().any(|begin| text.starts_with(begin)))
    };
    says("communicator", &["winrm"]) || says("os", &["w"])
}

fn is(block: &Block, name: &str) -> Option<bool> {
    block
        .body
        .attribute(name)?
        .expression
        .as_literal()?
        .as_bool()
}
