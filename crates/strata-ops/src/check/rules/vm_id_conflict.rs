//! `vm-id-conflict`.

use std::collections::BTreeMap;

use strata_core::Severity;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, expand::Resource},
};

pub(super) static RULE: Rule = Rule {
    name: "vm-id-conflict",
    severity: Severity::Error,
    summary: "Two machines with one VM id",
    reason: "An id belongs to one guest of a cluster, machine or container: the second cannot be made, or takes the place of the first.",
    fix: "Give each its own id, or leave the id out and let Proxmox choose.",
    scope: "Every machine that a root module makes, with modules and `for_each` carried out. Ids that come from variables a user sets are not known.",
    bad: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  vm_id     = 101
}

resource "proxmox_virtual_environment_container" "db" {
  node_name    = "pve"
  vm_id        = 101
  unprivileged = true
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "proxmox" {}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"
  vm_id     = 101
}

resource "proxmox_virtual_environment_container" "db" {
  node_name    = "pve"
  vm_id        = 102
  unprivileged = true
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for root in view.used_roots() {
        let mut known: BTreeMap<(String, i64), &Resource> = BTreeMap::new();
        for resource in root.resources.iter().filter(|resource| resource.counted) {
            let Some((id, span)) = id(resource) else {
                continue;
            };
            let Some(first) = known.get(&(provider(resource), id)) else {
                known.insert((provider(resource), id), resource);
                continue;
            };
            let (a, b) = (&first.address, &resource.address);
            let summary = format!("`{a}` and `{b}` have the VM id {id}");
            let mut diagnostic = findings.draft(summary).label(span.clone(), "again here");
            if let Some((_, place)) = self::id(first).filter(|(_, place)| *place != span) {
                diagnostic = diagnostic.label(place.clone(), "first here");
            }
            findings.push(diagnostic);
        }
    }
}

/// The id that a machine is given.
pub(super) fn id(resource: &Resource) -> Option<(i64, &strata_core::Span)> {
    let argument = match &*resource.kind {
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => "vm_id",
        "proxmox_vm_qemu" | "proxmox_lxc" => "vmid",
        _ => return None,
    };
    let (value, span) = resource.values.get(argument)?;
    let id = value.convert(&strata_core::Type::Number).ok()?;
    // Zero stands for the next free id.
    let id = id.as_number()?.as_i64().filter(|id| *id != 0)?;
    Some((id, span))
}

/// Which cluster it is on, as far as the configuration tells.
fn provider(resource: &Resource) -> String {
    let family = resource.kind.split('_').next().unwrap_or_default();
    let alias = resource.values.provider().unwrap_or_default();
    format!("{family}{alias}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn ids_of_a_module_that_is_called_for_each_machine_are_compared() {
        check(
            "vm-id-conflict",
            &[
                (
                    "main.tf",
                    "provider \"proxmox\" {}\nlocals {\n  vms = { a = { id = 100 }, b = { id = 100 }, c = { id = 101 } }\n}\nmodule \"vm\" {\n  source   = \"./vm\"\n  for_each = local.vms\n  vm_id    = each.value.id\n}\n",
                ),
                (
                    "vm/main.tf",
                    "variable \"vm_id\" { type = number }\nresource \"proxmox_virtual_environment_vm\" \"this\" {\n  vm_id = var.vm_id\n}\n",
                ),
            ],
            &expect![[r#"
                vm/main.tf:3:3: `module.vm["a"].proxmox_virtual_environment_vm.this` and `module.vm["b"].proxmox_virtual_environment_vm.this` have the VM id 100
            "#]],
        );
    }

    #[test]
    fn ids_of_two_providers_and_unknown_ids_are_no_conflict() {
        check(
            "vm-id-conflict",
            &[(
                "main.tf",
                "provider \"proxmox\" {}\nvariable \"id\" {}\nresource \"proxmox_virtual_environment_vm\" \"a\" {\n  provider = proxmox.one\n  vm_id = 1\n}\nresource \"proxmox_virtual_environment_vm\" \"b\" {\n  provider = proxmox.two\n  vm_id = 1\n}\nresource \"proxmox_virtual_environment_vm\" \"c\" {\n  count = 2\n  vm_id = var.id + count.index\n}\n",
            )],
            &expect![""],
        );
    }
}
