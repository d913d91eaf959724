//! `shared-host`.

use std::collections::{BTreeMap, BTreeSet};

use strata_core::{Diagnostics, Severity, StageKind, files::MemoryFiles};
use strata_playbook::Inventory;

use crate::{
    check::{
        finding::Findings,
        rule::Rule,
        stages::Stage,
        view::{
            View,
            expand::{Resource, Root},
        },
    },
    environment::{addresses, written},
};

const PROJECT: (&str, &str) = (
    "strata.hcl",
    r#"project "web" {}

environment "dev" {
  configure "web" {
    playbook  = "site.yml"
    inventory = ["inventories/dev.ini"]
  }
}

environment "prod" {
  configure "web" {
    playbook  = "site.yml"
    inventory = ["inventories/prod.ini"]
  }
}
"#,
);

pub(super) static RULE: Rule = Rule {
    name: "shared-host",
    severity: Severity::Warning,
    summary: "A host in two environments",
    reason: "What one environment configures, the other changes again, and taking a change to the one first tries nothing out.",
    fix: "Give each environment its own host. Copies of an application on one host are `instances` of one environment.",
    scope: "Hosts that `hosts` names in the project file itself, by name and `ansible_host`, those of inventories that are files, and, for a stage whose inventory is made from outputs, the machines of its environment's root modules: containers by name, virtual machines by the address that they are given. An inventory that several environments name is meant for all of them.",
    bad: &[
        PROJECT,
        (
            "inventories/dev.ini",
            "[web]\nweb-1 ansible_host=10.0.0.5\n",
        ),
        ("inventories/prod.ini", "[web]\nweb ansible_host=10.0.0.5\n"),
        ("site.yml", "- hosts: web\n  tasks: []\n"),
    ],
    good: &[
        PROJECT,
        (
            "inventories/dev.ini",
            "[web]\nweb-1 ansible_host=10.0.0.5\n",
        ),
        ("inventories/prod.ini", "[web]\nweb ansible_host=10.0.0.6\n"),
        ("site.yml", "- hosts: web\n  tasks: []\n"),
    ],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    let mut known: BTreeMap<String, &Stage> = BTreeMap::new();
    for stage in &view.stages {
        if stage.kind != StageKind::Configure {
            continue;
        }
        let mut shared: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for host in hosts(view, stage) {
            let first = *known.entry(host.clone()).or_insert(stage);
            if first.environment != stage.environment {
                let names = shared.entry(&first.environment).or_default();
                names.push(format!("`{host}`"));
            }
        }
        let attribute = ["hosts", "inventory", "playbook"];
        let attribute = attribute.iter().find_map(|name| stage.body.attribute(name));
        for (other, hosts) in shared {
            let Some(attribute) = attribute else { continue };
            let summary = format!(
                "The environments `{other}` and `{}` have the same host: {}",
                stage.environment,
                hosts.join(", ")
            );
            findings.at(&attribute.expression.span(), summary);
        }
    }
}

/// Where the hosts are that a stage names.
fn hosts(view: &View, stage: &Stage) -> BTreeSet<String> {
    let is_common = |path: &&std::path::PathBuf| {
        let mut others = view.stages.iter();
        others
            .any(|other| other.environment != stage.environment && other.inventories.contains(path))
    };
    let own: Vec<_> = stage
        .inventories
        .iter()
        .filter(|path| !is_common(path))
        .cloned()
        .collect();
    let texts = view
        .files
        .iter()
        .filter(|text| own.iter().any(|path| text.path.starts_with(path)));
    let texts: Vec<(String, String)> = texts
        .map(|text| {
            (
                text.path.display().to_string(),
                text.source.text.to_string(),
            )
        })
        .collect();
    let texts = texts
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    // What cannot be read is told by who runs it.
    let inventory = Inventory::load(&MemoryFiles::new(texts), &own, &mut Diagnostics::new());
    let mut hosts = addresses(&inventory);
    if let (Some(value), Some(attribute)) =
        (stage.evaluated("hosts"), stage.body.attribute("hosts"))
    {
        hosts.extend(addresses(&written(&value, attribute.expression.span())));
    }
    if stage.is_by_convention() {
        let own = |root: &&Root| root.environment.as_ref() == Some(&stage.environment);
        let resources = view
            .roots
            .iter()
            .filter(own)
            .flat_map(|root| &root.resources);
        hosts.extend(resources.filter_map(machine));
    }
    hosts
}

/// Where a machine is that a root module makes, as far as its arguments say.
fn machine(resource: &Resource) -> Option<String> {
    let values = &resource.values;
    // Another provider configuration may be another server.
    if values.provider().is_some() {
        return None;
    }
    match &*resource.kind {
        "incus_instance" | "lxd_instance" => {
            let elsewhere = ["project", "remote"];
            let elsewhere = elsewhere.iter().any(|name| values.get(name).is_some());
            let name = values.get("name")?.0.as_str()?;
            (!elsewhere).then(|| name.to_owned())
        }
        "proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container" => {
            let addresses = values
                .blocks("initialization")
                .flat_map(|block| block.blocks("ip_config"))
                .flat_map(|block| block.blocks("ipv4"));
            let mut addresses = addresses.filter_map(|block| block.get("address")?.0.as_str());
            let address = addresses.next()?.split('/').next()?;
            (address != "dhcp").then(|| address.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    /// Two environments whose inventories are made from the outputs of one root module.
    fn by_outputs(name: &str) -> [(&'static str, String); 3] {
        let project = r#"project "p" {}
environment "dev" "prod" {
  provision "m" {
    directory = "infrastructure"
    variables = { stage = environment.name }
  }
  configure "c" {
    playbook = "site.yml"
    after    = [provision.m]
  }
}
"#;
        let module = format!(
            r#"variable "stage" {{ type = string }}
resource "incus_instance" "web" {{
  for_each = toset(["a"])
  name     = {name}
  image    = "debian/12"
}}
output "web_instances" {{
  value = {{ for name, web in incus_instance.web : web.name => {{}} }}
}}
"#
        );
        [
            ("strata.hcl", project.to_owned()),
            ("infrastructure/main.tf", module),
            ("site.yml", "- hosts: web\n  tasks: []\n".to_owned()),
        ]
    }

    #[test]
    fn machines_behind_outputs_are_compared_by_name() {
        let files = by_outputs("each.key");
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let expected = expect![[r#"
            strata.hcl:8:16: The environments `dev` and `prod` have the same host: `a`
        "#]];
        check("shared-host", &files, &expected);
        let files = by_outputs("\"${var.stage}-${each.key}\"");
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        check("shared-host", &files, &expect![[""]]);
    }

    #[test]
    fn hosts_of_the_project_file_are_compared_by_address() {
        check(
            "shared-host",
            &[
                (
                    "strata.hcl",
                    r#"project "p" {}
environment "dev" {
  configure "c" {
    playbook = "site.yml"
    hosts    = { web = ["a", "b"], local = { localhost = { ansible_connection = "local" } } }
  }
}
environment "prod" {
  configure "c" {
    playbook = "site.yml"
    hosts    = { web = { c = { ansible_host = "a" }, d = { ansible_host = env.D } } }
  }
  configure "d" {
    playbook = "site.yml"
    hosts    = { web = ["c"], local = { localhost = { ansible_connection = "local" } } }
  }
}
"#,
                ),
                ("site.yml", "- hosts: all\n  tasks: []\n"),
            ],
            &expect![[r#"
                strata.hcl:11:16: The environments `dev` and `prod` have the same host: `a`
            "#]],
        );
    }
}
