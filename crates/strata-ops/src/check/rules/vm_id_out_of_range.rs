//! `vm-id-out-of-range`.

use strata_core::Severity;

use super::vm_id_conflict::id;
use crate::check::{finding::Findings, rule::Rule, view::View};

pub(super) static RULE: Rule = Rule {
    name: "vm-id-out-of-range",
    severity: Severity::Error,
    summary: "A VM id outside the range that is declared for it",
    reason: "Ranges keep environments that share a cluster apart; an id of another range is another environment's guest sooner or later.",
    fix: "Take an id from the range, or widen the range where it is declared.",
    scope: "A range is a local or a variable `vm_id_range` (or `vmid_range`, `vm_ids`): `[100, 199]` or `{ min = 100, max = 199 }`. It holds for the module it stands in and for those that this one calls. Ids that are unknown are not compared.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

locals {
  vm_id_range = { min = 200, max = 299 }
}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  vm_id     = 310
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

locals {
  vm_id_range = { min = 200, max = 299 }
}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  vm_id     = local.vm_id_range.min + 10
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for root in view.used_roots() {
        for resource in &root.resources {
            let Some((id, span)) = id(resource) else {
                continue;
            };
            // The nearest range around the resource counts.
            let range = root
                .ranges
                .iter()
                .filter(|(module, ..)| inside(&resource.module, module))
                .max_by_key(|(module, ..)| module.len());
            if let Some((_, low, high)) = range
                && !(low..=high).contains(&&id)
            {
                let address = &resource.address;
                let summary = format!("`{address}` has the VM id {id}, outside {low} to {high}");
                findings.at(span, summary);
            }
        }
    }
}

/// True if a module is another one or called by it.
fn inside(module: &str, outer: &str) -> bool {
    outer.is_empty() || module == outer || module.starts_with(&format!("{outer}."))
}
