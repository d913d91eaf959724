//! `port-conflict`.

use std::{collections::BTreeMap, path::Path};

use strata_core::{Severity, Span, StageKind, Value};
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    stages::Stage,
    view::{
        View,
        ansible::FileKind,
        expand::{Resource, Root},
        mask,
        task::Task,
    },
};

pub(super) static RULE: Rule = Rule {
    name: "port-conflict",
    severity: Severity::Error,
    summary: "One port used twice on a host",
    reason: "Only one of them can listen: the other does not start, or starts after the next reboot and takes the place of the first.",
    fix: "Give each its own port.",
    scope: "`listen` of Incus proxy devices in one root module, published ports of containers in one list of tasks or one compose file, and `…_port` variables that two instances of a `configure` stage set to the same number.",
    bad: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "web" {
  for_each = toset(["blog", "shop"])
  name     = each.key
  image    = "debian/12"
  profiles = ["base"]
  device {
    name = "http"
    type = "proxy"
    properties = {
      listen  = "tcp:0.0.0.0:80"
      connect = "tcp:127.0.0.1:80"
    }
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "incus" {}

locals {
  sites = { blog = 8081, shop = 8082 }
}

resource "incus_instance" "web" {
  for_each = local.sites
  name     = each.key
  image    = "debian/12"
  profiles = ["base"]
  device {
    name = "http"
    type = "proxy"
    properties = {
      listen  = "tcp:0.0.0.0:${each.value}"
      connect = "tcp:127.0.0.1:80"
    }
  }
}
"#,
    )],
    find,
};

fn find(view: &View, findings: &mut Findings<'_>) {
    view.used_roots().for_each(|root| proxies(root, findings));
    containers(view, findings);
    for file in view.yaml_of(FileKind::Compose) {
        compose(&file.root, findings);
    }
    for stage in &view.stages {
        if stage.kind == StageKind::Configure && stage.instances.len() > 1 {
            instances(view, stage, findings);
        }
    }
}

/// A port somebody listens on: host or remote, address, protocol, number.
type Port = (String, String, String, String);

fn proxies(root: &Root, findings: &mut Findings<'_>) {
    let mut known: BTreeMap<Port, (&Resource, Span)> = BTreeMap::new();
    let instances = root
        .resources
        .iter()
        .filter(|resource| matches!(&*resource.kind, "incus_instance" | "lxd_instance"));
    for resource in instances.filter(|resource| resource.counted) {
        for (port, span) in listens(resource) {
            let Some((first, place)) = known.get(&port) else {
                known.insert(port, (resource, span));
                continue;
            };
            let (a, b) = (&first.address, &resource.address);
            let listen = format!("{}:{}:{}", port.2, port.1, port.3);
            let mut diagnostic = findings
                .draft(format!(
                    "`{a}` and `{b}` both listen on {listen} of the host"
                ))
                .at(span.clone());
            if *place != span {
                diagnostic = diagnostic.label(place.clone(), "first here");
            }
            findings.push(diagnostic);
        }
    }
}

/// The ports of the host that an instance's proxy devices listen on.
fn listens(resource: &Resource) -> Vec<(Port, Span)> {
    let argument = |name: &str| {
        let value = resource.values.get(name).map(|(value, _)| value);
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    // A `target` that is not known may be any member of the cluster.
    let placed = resource
        .values
        .get("target")
        .is_none_or(|(target, _)| target.is_known());
    let host = format!("{} {}", argument("remote"), argument("target"));
    let mut ports = Vec::new();
    for device in resource.values.blocks("device").filter(|_| placed) {
        let (Some((properties, _)), Some(span)) = (
            device.get("properties"),
            device.entry("properties", "listen"),
        ) else {
            continue;
        };
        let of_guest = properties.get("bind").and_then(Value::as_str);
        let listen = properties.get("listen").and_then(Value::as_str);
        if of_guest.is_some_and(|bind| bind != "host") {
            continue;
        }
        let Some((protocol, rest)) = listen.and_then(|listen| listen.split_once(':')) else {
            continue;
        };
        if let Some((address, port)) = rest.rsplit_once(':') {
            let port = (
                host.clone(),
                address.to_owned(),
                protocol.to_owned(),
                port.to_owned(),
            );
            ports.push((port, span));
        }
    }
    ports
}

/// Containers that one list of tasks runs, one beside the other.
fn containers(view: &View, findings: &mut Findings<'_>) {
    let mut by_file: BTreeMap<&Path, Vec<&Task>> = BTreeMap::new();
    for task in &view.tasks {
        let runs = matches!(
            task.module.as_str(),
            "docker_container" | "podman_container"
        );
        let state = task.text("state").unwrap_or("started");
        if runs && state == "started" && task.conditions.is_empty() {
            by_file.entry(&task.file).or_default().push(task);
        }
    }
    for tasks in by_file.values() {
        let mut known = BTreeMap::new();
        for task in tasks {
            let name = task.text("name").unwrap_or_default();
            let ports = ["published_ports", "ports", "publish"]
                .iter()
                .find_map(|argument| task.argument(argument)?.items());
            published(name, ports.unwrap_or_default(), &mut known, findings);
        }
    }
}

fn compose(root: &Node, findings: &mut Findings<'_>) {
    let mut known = BTreeMap::new();
    for entry in root
        .get("services")
        .and_then(Node::entries)
        .unwrap_or_default()
    {
        // A profile runs only if somebody asks for it.
        if entry.value.get("profiles").is_some() {
            continue;
        }
        let ports = entry.value.get("ports").and_then(Node::items);
        let name = entry.key.text().unwrap_or_default();
        published(name, ports.unwrap_or_default(), &mut known, findings);
    }
}

fn published(
    container: &str,
    ports: &[Node],
    known: &mut BTreeMap<String, (String, Span)>,
    findings: &mut Findings<'_>,
) {
    for node in ports {
        let Some(port) = node.text().and_then(host_port) else {
            continue;
        };
        match known.get(&port) {
            Some((first, place)) if first != container => {
                let summary = format!("`{first}` and `{container}` both publish the port {port}");
                let diagnostic = findings.draft(summary).at(node.span.clone());
                findings.push(diagnostic.label(place.clone(), "first here"));
            }
            Some(_) => {}
            None => {
                known.insert(port, (container.to_owned(), node.span.clone()));
            }
        }
    }
}

/// The port of the host in `8080:80` or `127.0.0.1:8080:80/udp`, with its address and protocol.
fn host_port(text: &str) -> Option<String> {
    if mask::is_dynamic(text) {
        return None;
    }
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (host, _) = text.rsplit_once(':')?;
    Some(format!("{host}/{protocol}"))
}

/// Names of ports on which somebody else listens.
const REMOTE: [&str; 14] = [
    "db",
    "database",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "redis",
    "smtp",
    "ssh",
    "remote",
    "upstream",
    "ldap",
    "mqtt",
    "client",
];

/// Instances of one application on the same hosts with the same port.
fn instances(view: &View, stage: &Stage, findings: &mut Findings<'_>) {
    let mut known: BTreeMap<(String, String), (String, Span)> = BTreeMap::new();
    let in_files = stage.instances.iter().flat_map(|instance| {
        let ports = ports(view, stage, instance).into_iter();
        ports.filter_map(move |(name, node)| {
            let port = node.text()?.to_owned();
            Some((instance.clone(), name.to_owned(), port, node.span.clone()))
        })
    });
    for (instance, name, port, span) in in_files.chain(in_stage(stage)) {
        // A name of the environment is one number for all that refer to it.
        let is_known = port.parse::<u16>().is_ok() || port.starts_with("env.");
        if !is_known || !listens_itself(&name) {
            continue;
        }
        match known.get(&(name.clone(), port.clone())) {
            Some((first, place)) if *first != instance => {
                let summary = format!(
                    "The instances `{first}` and `{instance}` have the port {port} in `{name}`"
                );
                let diagnostic = findings.draft(summary).at(span);
                findings.push(diagnostic.label(place.clone(), "first here"));
            }
            Some(_) => {}
            None => {
                known.insert((name, port), (instance, span));
            }
        }
    }
}

/// True for variables that name a port on which the application listens.
fn listens_itself(name: &str) -> bool {
    let port = name == "port" || name.ends_with("_port");
    port && !name.split('_').any(|word| REMOTE.contains(&word))
}

/// Ports that stand in the stage itself: instance, variable, number and place.
fn in_stage(stage: &Stage) -> Vec<(String, String, String, Span)> {
    let attribute = stage.body.attribute("instances");
    let instances = attribute.and_then(|instances| instances.expression.as_map());
    let mut ports = Vec::new();
    for (instance, variables) in instances.unwrap_or_default() {
        for (name, value) in variables.as_map().unwrap_or_default() {
            let text = |written: &str| written.trim_matches('"').to_owned();
            let (instance, name) = (text(instance.text()), text(name.text()));
            ports.push((instance, name, text(value.text()), value.span()));
        }
    }
    ports
}

/// What the variables of an instance's group say.
fn ports<'a>(view: &'a View, stage: &Stage, instance: &str) -> Vec<(&'a str, &'a Node)> {
    view.yaml
        .iter()
        .filter(|file| is_of_group(&file.path, stage, instance))
        .filter_map(|file| file.root.entries())
        .flatten()
        .filter_map(|entry| Some((entry.key.text()?, &entry.value)))
        .collect()
}

/// True for `group_vars/NAME.yml` and files in `group_vars/NAME`, beside what the stage names.
fn is_of_group(path: &Path, stage: &Stage, group: &str) -> bool {
    path.ancestors().any(|part| {
        let folder = part
            .parent()
            .filter(|parent| parent.ends_with("group_vars"));
        let near = folder
            .and_then(Path::parent)
            .is_some_and(|folder| stage.starts().any(|start| start.starts_with(folder)));
        near && part.file_stem() == Some(group.as_ref())
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn instances_of_an_application_need_ports_of_their_own() {
        check(
            "port-conflict",
            &[
                (
                    "strata.hcl",
                    "project \"p\" {}\nenvironment \"e\" {\n  configure \"c\" {\n    playbook = \"a/site.yml\"\n    instances = [\"dev\", \"prod\"]\n  }\n}\n",
                ),
                ("a/site.yml", "- hosts: all\n  tasks: []\n"),
                ("a/group_vars/dev.yml", "app_port: 80\napp_db_port: 5432\n"),
                (
                    "a/group_vars/prod/main.yml",
                    "app_port: 80\napp_db_port: 5432\n",
                ),
            ],
            &expect![[r#"
                a/group_vars/prod/main.yml:1:11: The instances `dev` and `prod` have the port 80 in `app_port`
            "#]],
        );
    }

    #[test]
    fn instances_that_are_a_map_are_compared_where_they_stand() {
        check(
            "port-conflict",
            &[
                (
                    "strata.hcl",
                    "project \"p\" {}\nenvironment \"e\" {\n  configure \"c\" {\n    playbook = \"site.yml\"\n    instances = {\n      dev  = { port = 2113 }\n      prod = { port = 2113 }\n      new  = { port = env.PORT }\n      old  = { port = env.PORT }\n    }\n  }\n}\n",
                ),
                ("site.yml", "- hosts: all\n  tasks: []\n"),
            ],
            &expect![[r#"
                strata.hcl:7:23: The instances `dev` and `prod` have the port 2113 in `port`
                strata.hcl:9:23: The instances `new` and `old` have the port env.PORT in `port`
            "#]],
        );
    }

    #[test]
    fn published_ports_are_compared_with_address_and_protocol() {
        check(
            "port-conflict",
            &[(
                "docker-compose.yml",
                "services:\n  a:\n    image: a:1\n    ports: [\"80:80\", \"127.0.0.1:81:81\", \"53:53/udp\"]\n  b:\n    image: b:1\n    ports: [\"80:8080\", \"81:81\", \"53:53/tcp\", \"${P}:1\"]\n",
            )],
            &expect![[r#"
                docker-compose.yml:7:13: `a` and `b` both publish the port 80/tcp
            "#]],
        );
    }
}
