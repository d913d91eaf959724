//! `community.proxmox.proxmox`: the nodes and guests of a Proxmox VE cluster as hosts.

use serde_json::{Map, Value as Json, json};
use strata_proxmox::{Cluster, Details, Guest, Listing, Node, Secret};

use super::{
    incus::add,
    plugins::{Given, passes},
};
use crate::{playbook::apart, registry::Platforms};

const KNOWN: &[&str] = &[
    "url",
    "user",
    "password",
    "token_id",
    "token_secret",
    "validate_certs",
    "group_prefix",
    "facts_prefix",
    "want_facts",
    "want_post_filter_facts",
    "qemu_extended_statuses",
    "want_proxmox_nodes_ansible_host",
    "exclude_nodes",
    "exclude_vms",
    "filters",
    // How many are asked at a time, and how long, is our own affair.
    "facts_concurrency",
    "api_timeout",
];

/// How a cluster is to be shown.
#[derive(Clone)]
struct Manner {
    group_prefix: String,
    facts_prefix: String,
    facts: bool,
    facts_later: bool,
    extended: bool,
    node_addresses: bool,
    nodes: bool,
    guests: bool,
    filters: Vec<String>,
    strict: bool,
}

/// What the cluster told.
struct Told {
    nodes: Vec<Node>,
    guests: Vec<(Guest, Map<String, Json>)>,
    pools: Vec<(String, Vec<String>)>,
}

/// Lists nodes and guests.
pub(super) fn list(given: &Given<'_>, platforms: &Platforms) -> Result<Json, String> {
    given.only(KNOWN)?;
    let cluster = cluster(given)?;
    let manner = manner(given)?;
    let listing = platforms.proxmox().listing(&cluster)?;
    let asked = manner.clone();
    let told = apart(async move { ask(&listing, &asked).await })?;
    Ok(manner.shown(&told))
}

fn cluster(given: &Given<'_>) -> Result<Cluster, String> {
    let text = |name: &str| {
        let variable = format!("PROXMOX_{}", name.to_ascii_uppercase());
        let found = given.text(name, &variable)?;
        Ok::<_, String>(found.map(|text| text.trim().to_owned()))
    };
    let token = match (text("token_id")?, text("token_secret")?) {
        (Some(id), Some(secret)) => Some(Secret::Token { id, secret }),
        _ => None,
    };
    let password = given.text("password", "PROXMOX_PASSWORD")?;
    let secret = password
        .filter(|password| !password.is_empty())
        .map(Secret::Password);
    let url = text("url")?.unwrap_or_else(|| "http://localhost:8006".to_owned());
    Ok(Cluster {
        url: url.trim_end_matches('/').to_owned(),
        user: text("user")?.ok_or("the option `user` is missing")?,
        secret: secret
            .or(token)
            .ok_or("You must specify either a password or both token_id and token_secret.")?,
        validate_certs: given.flag("validate_certs", true)?,
    })
}

fn manner(given: &Given<'_>) -> Result<Manner, String> {
    let prefix = |name: &str| {
        let said = given.text(name, "")?;
        Ok::<_, String>(said.unwrap_or_else(|| "proxmox_".to_owned()))
    };
    let manner = Manner {
        group_prefix: prefix("group_prefix")?,
        facts_prefix: prefix("facts_prefix")?,
        facts: given.flag("want_facts", false)?,
        facts_later: given.flag("want_post_filter_facts", false)?,
        extended: given.flag("qemu_extended_statuses", false)?,
        node_addresses: given.flag("want_proxmox_nodes_ansible_host", false)?,
        nodes: !given.flag("exclude_nodes", false)?,
        guests: !given.flag("exclude_vms", false)?,
        filters: given.list("filters")?,
        strict: given.flag("strict", false)?,
    };
    match manner.extended && !manner.facts {
        true => Err(
            "You must set want_facts to True if you want to use qemu_extended_statuses.".to_owned(),
        ),
        false => Ok(manner),
    }
}

async fn ask(listing: &Listing, manner: &Manner) -> Result<Told, String> {
    let nodes = listing.nodes().await?;
    let mut told = Told {
        guests: Vec::new(),
        pools: Vec::new(),
        nodes,
    };
    if !manner.guests {
        return Ok(told);
    }
    // As the plugin goes through them: by node, machines before containers.
    let all = listing.guests().await?;
    let mut guests: Vec<Guest> = Vec::new();
    for node in told.nodes.iter().filter(|node| node.online) {
        for kind in ["qemu", "lxc"] {
            let own = |guest: &&Guest| guest.node == node.name && guest.kind == kind;
            guests.extend(all.iter().filter(own).cloned());
        }
    }
    let mut facts: Vec<Map<String, Json>> =
        guests.iter().map(|guest| manner.known(guest)).collect();
    if manner.facts {
        let details = listing.details(&guests).await;
        manner.add_details(&mut facts, details);
    }
    let mut left = Vec::new();
    for (guest, facts) in guests.into_iter().zip(facts) {
        if manner.wants(&guest.name, &facts)? {
            left.push((guest, facts));
        }
    }
    if manner.facts_later && !manner.facts {
        let (guests, mut facts): (Vec<Guest>, Vec<_>) = left.into_iter().unzip();
        let details = listing.details(&guests).await;
        manner.add_details(&mut facts, details);
        left = guests.into_iter().zip(facts).collect();
    }
    told.guests = left;
    told.pools = listing.pools().await?;
    Ok(told)
}

impl Manner {
    fn fact(&self, name: &str) -> String {
        safe(&format!("{}{}", self.facts_prefix, name.to_lowercase()))
    }

    fn group(&self, name: &str) -> String {
        safe(&format!("{}{}", self.group_prefix, name.to_lowercase()))
    }

    /// What the list of guests says of one.
    fn known(&self, guest: &Guest) -> Map<String, Json> {
        let mut facts = Map::new();
        let mut put = |name: &str, value: Json| drop(facts.insert(self.fact(name), value));
        put("node", guest.node.as_str().into());
        put("vmid", guest.id.into());
        put("vmtype", guest.kind.as_str().into());
        put("name", guest.name.as_str().into());
        put("status", guest.status.as_str().into());
        put("template", guest.template.into());
        if let Some(tags) = &guest.tags {
            put("tags", tags.as_str().into());
        }
        facts
    }

    fn add_details(&self, facts: &mut [Map<String, Json>], told: Vec<Result<Details, String>>) {
        for (facts, told) in facts.iter_mut().zip(told) {
            match told {
                Ok(details) => self.add_facts(facts, details),
                Err(reason) => {
                    facts.insert(self.fact("fact_gathering_failed"), true.into());
                    facts.insert(self.fact("fact_gathering_error"), reason.into());
                }
            }
        }
    }

    fn add_facts(&self, facts: &mut Map<String, Json>, details: Details) {
        let is_machine = facts
            .get(&self.fact("vmtype"))
            .is_some_and(|kind| kind == "qemu");
        for name in ["status", "qmpstatus"] {
            if let Some(said) = details.status.get(name) {
                facts.insert(self.fact(name), said.clone());
            }
        }
        for (name, value) in &details.config {
            if let (true, Some(tags)) = (name == "tags", value.as_str()) {
                let parsed: Vec<&str> = tags.trim().split([';', ',']).map(str::trim).collect();
                if !tags.trim().is_empty() {
                    facts.insert(format!("{}_parsed", self.fact(name)), json!(parsed));
                }
            }
            facts.insert(self.fact(name), setting(name, value));
        }
        if !details.interfaces.is_empty() {
            let (name, shown): (_, Vec<Json>) = match is_machine {
                true => (
                    "agent_interfaces",
                    details.interfaces.iter().map(of_agent).collect(),
                ),
                false => (
                    "lxc_interfaces",
                    details.interfaces.iter().map(of_container).collect(),
                ),
            };
            facts.insert(self.fact(name), shown.into());
        }
        facts.insert(self.fact("snapshots"), details.snapshots.into());
    }

    /// Whether all filters hold. One that cannot be evaluated counts as one that does, unless `strict` is set.
    fn wants(&self, name: &str, facts: &Map<String, Json>) -> Result<bool, String> {
        for filter in &self.filters {
            match passes(filter, facts) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(reason) if self.strict => {
                    return Err(format!(
                        "Could not evaluate host filter {filter} for host {name} - {reason}"
                    ));
                }
                Err(_) => {}
            }
        }
        Ok(true)
    }

    /// The hosts in their groups.
    fn shown(&self, told: &Told) -> Json {
        let mut groups = Map::new();
        let (mut hostvars, mut whole) = (Map::new(), Vec::new());
        let extended: &[&str] = if self.extended {
            &["prelaunch", "paused"]
        } else {
            &[]
        };
        for name in ["lxc", "qemu", "running", "stopped", "templates"]
            .iter()
            .chain(extended)
        {
            groups.insert(self.group(&format!("all_{name}")), json!({}));
        }
        let composed = self.show_nodes(told, &mut groups, &mut hostvars);
        for (guest, facts) in &told.guests {
            for group in self.groups_of(guest, facts) {
                add(&mut groups, &self.group(&group), "hosts", &guest.name);
            }
            whole.push(guest.name.clone());
            hostvars.insert(guest.name.clone(), Json::Object(facts.clone()));
        }
        for (pool, members) in &told.pools {
            let group = self.group(&format!("pool_{pool}"));
            groups.entry(group.clone()).or_insert_with(|| json!({}));
            for member in members.iter().filter(|member| whole.contains(member)) {
                add(&mut groups, &group, "hosts", member);
            }
        }
        let meta = json!({"hostvars": hostvars, "constructed": whole, "composed": composed});
        groups.insert("_meta".to_owned(), meta);
        Json::Object(groups)
    }

    /// Adds the nodes, and the groups of their guests; gives those that are up.
    fn show_nodes(
        &self,
        told: &Told,
        groups: &mut Map<String, Json>,
        hostvars: &mut Map<String, Json>,
    ) -> Vec<String> {
        let mut up = Vec::new();
        if self.nodes {
            groups.insert(self.group("nodes"), json!({}));
        }
        for node in &told.nodes {
            if self.nodes {
                add(groups, &self.group("nodes"), "hosts", &node.name);
                let address = node.address.as_ref().filter(|_| self.node_addresses);
                let vars = address.map_or(json!({}), |address| json!({ "ansible_host": address }));
                hostvars.insert(node.name.clone(), vars);
            }
            if !node.online {
                continue;
            }
            up.extend(self.nodes.then(|| node.name.clone()));
            for kind in ["qemu", "lxc"].iter().filter(|_| self.guests) {
                groups.insert(self.group(&format!("{}_{kind}", node.name)), json!({}));
            }
        }
        up
    }

    fn groups_of(&self, guest: &Guest, facts: &Map<String, Json>) -> Vec<String> {
        if guest.template {
            return vec!["all_templates".to_owned()];
        }
        let exact = facts.get(&self.fact("qmpstatus")).and_then(Json::as_str);
        let exact =
            exact.filter(|_| self.extended && guest.kind == "qemu" && guest.status == "running");
        vec![
            format!("all_{}", guest.kind),
            format!("{}_{}", guest.node, guest.kind),
            format!("all_{}", exact.unwrap_or(&guest.status)),
        ]
    }
}

/// A setting; one that is all `KEY=VALUE` is a mapping. The image of a disk has no key of its own.
fn setting(name: &str, value: &Json) -> Json {
    let Some(text) = value.as_str().filter(|_| name != "description") else {
        return match (name, value) {
            ("lxc", Json::Array(pairs)) => pairs
                .iter()
                .filter_map(raw_setting)
                .collect::<Map<_, _>>()
                .into(),
            _ => value.clone(),
        };
    };
    let is_disk = name == "rootfs"
        || ["virtio", "sata", "ide", "scsi"]
            .iter()
            .any(|bus| name.starts_with(bus));
    let text = match is_disk {
        true => format!("disk_image={text}"),
        false => text.to_owned(),
    };
    let parts: Option<Vec<(&str, &str)>> =
        text.split(',').map(|part| part.split_once('=')).collect();
    match parts {
        Some(parts) => parts
            .into_iter()
            .map(|(key, value)| (key.to_owned(), Json::from(value)))
            .collect::<Map<_, _>>()
            .into(),
        None => text.into(),
    }
}

/// One of a container's settings that lxc alone understands.
fn raw_setting(pair: &Json) -> Option<(String, Json)> {
    let name = pair.get(0)?.as_str()?;
    let name = name.strip_prefix("lxc.").unwrap_or(name);
    Some((name.to_owned(), pair.get(1)?.clone()))
}

fn of_agent(interface: &Json) -> Json {
    let addresses = interface["ip-addresses"].as_array().into_iter().flatten();
    let addresses = addresses.filter_map(|address| {
        let ip = address["ip-address"].as_str()?;
        Some(format!("{ip}/{}", address["prefix"]))
    });
    json!({
        "name": interface["name"],
        "mac-address": interface["hardware-address"].as_str().unwrap_or_default(),
        "ip-addresses": addresses.collect::<Vec<_>>(),
    })
}

fn of_container(interface: &Json) -> Json {
    let names = ["name", "hwaddr", "inet", "inet6"];
    let known = names.iter().filter_map(|name| {
        let value = interface.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    known.collect::<Map<_, _>>().into()
}

/// A name with letters, digits and `_` only.
fn safe(name: &str) -> String {
    let kept = name.chars().filter(|one| *one != ' ');
    kept.map(|one| {
        if one.is_ascii_alphanumeric() {
            one
        } else {
            '_'
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manner() -> Manner {
        Manner {
            group_prefix: "proxmox_".to_owned(),
            facts_prefix: "proxmox_".to_owned(),
            facts: true,
            facts_later: false,
            extended: true,
            node_addresses: true,
            nodes: true,
            guests: true,
            filters: Vec::new(),
            strict: false,
        }
    }

    fn guest(name: &str, kind: &str, template: bool) -> Guest {
        Guest {
            node: "pve-1".to_owned(),
            kind: kind.to_owned(),
            id: 100,
            name: name.to_owned(),
            status: "running".to_owned(),
            tags: Some("web;db".to_owned()),
            template,
        }
    }

    fn details(config: Json, interfaces: Json) -> Details {
        Details {
            status: json!({"status": "running", "qmpstatus": "paused"})
                .as_object()
                .unwrap()
                .clone(),
            config: config.as_object().unwrap().clone(),
            snapshots: vec!["before".to_owned()],
            interfaces: interfaces.as_array().unwrap().clone(),
        }
    }

    #[test]
    fn settings_become_facts_as_the_plugin_makes_them() {
        let manner = manner();
        let mut facts = manner.known(&guest("web", "qemu", false));
        let config = json!({
            "tags": "web;db", "net0": "virtio=AA:BB,bridge=vmbr0", "scsi0": "local:disk-0,size=8G",
            "cores": 2, "description": "a=b", "agent": "1", "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1", "boot": "order=scsi0;net0",
        });
        let interfaces = json!([{"name": "eth0", "hardware-address": "aa", "ip-addresses": [{"ip-address": "10.0.0.5", "prefix": 24}]}]);
        manner.add_facts(&mut facts, details(config, interfaces));
        let fact = |name: &str| facts[&format!("proxmox_{name}")].clone();
        assert_eq!(fact("tags_parsed"), json!(["web", "db"]));
        assert_eq!(fact("net0"), json!({"virtio": "AA:BB", "bridge": "vmbr0"}));
        assert_eq!(
            fact("scsi0"),
            json!({"disk_image": "local:disk-0", "size": "8G"})
        );
        assert_eq!(fact("description"), "a=b");
        assert_eq!(fact("ipconfig0")["ip"], "10.0.0.5/24");
        assert_eq!(
            fact("agent_interfaces"),
            json!([{"name": "eth0", "mac-address": "aa", "ip-addresses": ["10.0.0.5/24"]}])
        );
        assert_eq!(fact("snapshots"), json!(["before"]));
        assert_eq!(fact("qmpstatus"), "paused");
    }

    #[test]
    fn guests_are_grouped_by_kind_node_status_and_pool() {
        let manner = manner();
        let with = |name: &str, kind: &str, template: bool| {
            let guest = guest(name, kind, template);
            let facts = manner.known(&guest);
            (guest, facts)
        };
        let (machine, mut facts) = with("web", "qemu", false);
        facts.insert("proxmox_qmpstatus".to_owned(), "paused".into());
        let told = Told {
            nodes: vec![Node {
                name: "pve-1".to_owned(),
                address: Some("10.0.0.2".to_owned()),
                online: true,
            }],
            guests: vec![
                (machine, facts),
                with("box", "lxc", false),
                with("gold", "qemu", true),
            ],
            pools: vec![("lab".to_owned(), vec!["web".to_owned(), "gone".to_owned()])],
        };
        let shown = manner.shown(&told);
        let hosts = |group: &str| shown[group]["hosts"].clone();
        assert_eq!(hosts("proxmox_all_qemu"), json!(["web"]));
        assert_eq!(hosts("proxmox_pve_1_lxc"), json!(["box"]));
        assert_eq!(hosts("proxmox_all_paused"), json!(["web"]));
        assert_eq!(hosts("proxmox_all_running"), json!(["box"]));
        assert_eq!(hosts("proxmox_all_templates"), json!(["gold"]));
        assert_eq!(hosts("proxmox_pool_lab"), json!(["web"]));
        assert_eq!(hosts("proxmox_nodes"), json!(["pve-1"]));
        assert_eq!(
            shown["_meta"]["hostvars"]["pve-1"],
            json!({"ansible_host": "10.0.0.2"})
        );
        assert_eq!(shown["_meta"]["composed"], json!(["pve-1"]));
        assert_eq!(shown["_meta"]["constructed"], json!(["web", "box", "gold"]));
    }

    #[test]
    fn filters_that_fail_count_only_with_strict() {
        let mut manner = manner();
        let facts = manner.known(&guest("web", "qemu", false));
        manner.filters = vec![
            "proxmox_status == 'running'".to_owned(),
            "nothing.x".to_owned(),
        ];
        assert_eq!(manner.wants("web", &facts), Ok(true));
        manner.strict = true;
        assert!(
            manner
                .wants("web", &facts)
                .unwrap_err()
                .contains("nothing.x")
        );
        manner.filters = vec!["proxmox_vmtype == 'lxc'".to_owned()];
        assert_eq!(manner.wants("web", &facts), Ok(false));
    }
}
