//! `privileged-container`.

use strata_core::{Severity, Span, Value};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, expand::Resource, task::Task},
};

pub(super) static RULE: Rule = Rule {
    name: "privileged-container",
    severity: Severity::Warning,
    summary: "A container whose root is the host's root",
    reason: "Without a user namespace of its own, whoever breaks out of the container owns the host and every other guest.",
    fix: "Make it unprivileged (`unprivileged = true` on Proxmox, no `security.privileged` on Incus); what needs more gets the one device, mount or id map that it needs, or a VM.",
    scope: "Containers and profiles of the Incus and LXD providers, containers of both Proxmox providers (where a container is privileged unless it says otherwise), and the modules `proxmox`, `lxd_container`.",
    bad: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "docker" {
  name     = "docker"
  image    = "debian/12"
  profiles = ["base"]
  config = {
    "security.privileged" = "true"
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "docker" {
  name     = "docker"
  image    = "debian/12"
  profiles = ["base"]
  config = {
    "security.nesting" = "true"
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    for resource in view.roots.iter().flat_map(|root| &root.resources) {
        let found = match &*resource.kind {
            "incus_instance" | "incus_profile" | "lxd_instance" | "lxd_profile" => incus(resource),
            "proxmox_virtual_environment_container" | "proxmox_lxc" => proxmox(resource),
            _ => None,
        };
        if let Some((span, how)) = found {
            let address = &resource.address;
            findings.on(resource, &span, format!("`{address}` is privileged{how}"));
        }
    }
    for task in &view.tasks {
        if let Some(span) = in_task(task) {
            findings.at(span, "The container is privileged");
        }
    }
}

fn incus(resource: &Resource) -> Option<(Span, &'static str)> {
    let (config, _) = resource.values.get("config")?;
    let place = resource.values.entry("config", "security.privileged")?;
    is(config.get("security.privileged")?, true).then_some((place, ""))
}

fn proxmox(resource: &Resource) -> Option<(Span, &'static str)> {
    let values = &resource.values;
    // A clone is what its template is.
    let cloned = values.blocks("clone").next().is_some() || values.get("clone").is_some();
    match values.get("unprivileged") {
        Some((value, span)) => is(value, false).then(|| (span.clone(), "")),
        None if cloned => None,
        None => Some((values.span.clone(), ": it does not say `unprivileged`")),
    }
}

fn is(value: &Value, wanted: bool) -> bool {
    let value = value.convert(&strata_core::Type::Bool);
    value.is_ok_and(|value| value.as_bool() == Some(wanted))
}

fn in_task(task: &Task) -> Option<&Span> {
    let says = |node: &strata_jinja::yaml::Node, wanted: [&str; 3]| {
        node.text().is_some_and(|text| wanted.contains(&text))
    };
    match task.module.as_str() {
        "proxmox" => task
            .argument("unprivileged")
            .filter(|node| says(node, ["false", "no", "False"]))
            .map(|node| &node.span),
        "lxd_container" => task
            .argument("config")?
            .get("security.privileged")
            .filter(|node| says(node, ["true", "yes", "True"]))
            .map(|node| &node.span),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn a_proxmox_container_is_privileged_unless_it_says_otherwise() {
        check(
            "privileged-container",
            &[(
                "main.tf",
                "provider \"proxmox\" {}\nvariable \"u\" { default = false }\nvariable \"asked\" {}\nresource \"proxmox_virtual_environment_container\" \"a\" {\n}\nresource \"proxmox_virtual_environment_container\" \"b\" {\n  unprivileged = var.u\n}\nresource \"proxmox_virtual_environment_container\" \"c\" {\n  unprivileged = var.asked\n}\nresource \"proxmox_virtual_environment_container\" \"d\" {\n  clone {\n    vm_id = var.asked\n  }\n}\n",
            )],
            &expect![[r#"
                main.tf:4:1: `proxmox_virtual_environment_container.a` is privileged: it does not say `unprivileged`
                main.tf:7:3: `proxmox_virtual_environment_container.b` is privileged
            "#]],
        );
    }
}
