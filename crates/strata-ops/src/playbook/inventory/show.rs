//! An inventory as `ansible-inventory` prints it.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_jinja::yaml::{DumpStyle, Flow, dump};
use strata_playbook::{Inventory, inventory::Group, variables::InventoryVariables};

/// The priority of a group of which nothing is said.
const USUAL_PRIORITY: i64 = 1;

/// An inventory, and which of its hosts are shown.
pub(super) struct Shown<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) variables: &'a InventoryVariables,
    pub(super) limit: Option<HashSet<String>>,
    /// Whether facts are variables of their own; else there is always an `ansible_local`, as in Ansible.
    pub(super) injects_facts: bool,
}

/// JSON as Python prints it: sorted, indented by four.
pub(super) fn json(value: &Json) -> String {
    let mut text = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, format);
    serde::Serialize::serialize(&sorted(value), &mut serializer).expect("values can be written");
    String::from_utf8(text).expect("JSON is UTF-8") + "\n"
}

pub(super) fn yaml(value: &Json) -> String {
    let style = DumpStyle {
        indent: 2,
        width: 80,
        sort_keys: true,
        flow: Flow::Never,
        unicode: true,
        explicit_start: false,
        blocks: false,
    };
    dump(&sorted(value), &style)
}

/// The same value with its mappings sorted by key.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Object(map) => {
            let mut entries: Vec<_> = map
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

impl Shown<'_> {
    fn has(&self, host: &str) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.contains(host))
    }

    /// The variables of a host: all of them, or only its own.
    fn vars(&self, host: &str, own: bool) -> Map<String, Json> {
        if own {
            return self.variables.of_host(host);
        }
        let mut vars = (*self.variables.of(host)).clone();
        if !self.injects_facts {
            vars.insert("ansible_local".to_owned(), json!({}));
        }
        vars
    }

    /// The variables of a group alone.
    fn group_vars(&self, group: &Group) -> Map<String, Json> {
        let mut vars = self.variables.of_group(&group.name);
        if group.priority != USUAL_PRIORITY {
            vars.insert("ansible_group_priority".to_owned(), group.priority.into());
        }
        vars
    }

    pub(super) fn host(&self, name: &str) -> Result<Json, Diagnostics> {
        if self.inventory.host(name).is_none() {
            let message = format!("There is no host `{name}` in the inventory");
            return Err(Diagnostic::error("unknown-host", message).into());
        }
        Ok(Json::Object(self.vars(name, false)))
    }

    /// `ungrouped` first among the children of `all`, then the others in their order.
    fn children(&self, group: &Group) -> Vec<String> {
        let mut children = group.children.clone();
        if group.name == "all" {
            children.retain(|child| child != "ungrouped");
            children.insert(0, "ungrouped".to_owned());
        }
        children
    }

    fn hosts(&self, group: &Group) -> Vec<String> {
        let hosts = group.hosts.iter().filter(|host| self.has(host));
        hosts.cloned().collect()
    }

    pub(super) fn list(&self, export: bool) -> Json {
        let mut list = Map::new();
        for group in self.inventory.groups() {
            let mut entry = Map::new();
            let hosts = if group.name == "all" {
                Vec::new()
            } else {
                self.hosts(group)
            };
            let children = self.children(group);
            if !hosts.is_empty() {
                entry.insert("hosts".to_owned(), hosts.into());
            }
            if !children.is_empty() {
                entry.insert("children".to_owned(), children.into());
            }
            let vars = self.group_vars(group);
            if export && !vars.is_empty() {
                entry.insert("vars".to_owned(), Json::Object(vars));
            }
            if !entry.is_empty() {
                list.insert(group.name.clone(), Json::Object(entry));
            }
        }
        let hosts = self
            .inventory
            .hosts()
            .iter()
            .filter(|host| self.has(&host.name));
        let hostvars: Map<String, Json> = hosts
            .map(|host| (host.name.clone(), self.vars(&host.name, export)))
            .filter(|(_, vars)| !vars.is_empty())
            .map(|(name, vars)| (name, Json::Object(vars)))
            .collect();
        let meta = json!({ "hostvars": hostvars, "profile": "inventory_legacy" });
        list.insert("_meta".to_owned(), meta);
        Json::Object(list)
    }

    /// The groups inside of one another, as `--yaml` prints them; empty ones are left out.
    pub(super) fn tree(&self, export: bool) -> Json {
        let mut seen = HashSet::new();
        let all = self.inventory.group("all");
        let inside = all.map(|all| self.subtree(all, export, &mut seen));
        json!({ "all": inside.unwrap_or_default() })
    }

    fn subtree(
        &self,
        group: &Group,
        export: bool,
        seen: &mut HashSet<String>,
    ) -> Map<String, Json> {
        let mut map = Map::new();
        let mut children = Map::new();
        for child in self.children(group) {
            if let Some(child) = self.inventory.group(&child) {
                let inside = self.subtree(child, export, seen);
                if !inside.is_empty() {
                    children.insert(child.name.clone(), Json::Object(inside));
                }
            }
        }
        if !children.is_empty() {
            map.insert("children".to_owned(), Json::Object(children));
        }
        let mut hosts = Map::new();
        for host in self.hosts(group).iter().filter(|_| group.name != "all") {
            // Variables stand where a host is named first.
            let vars = match seen.insert(host.clone()) {
                true => self.vars(host, export),
                false => Map::new(),
            };
            hosts.insert(host.clone(), Json::Object(vars));
        }
        if !hosts.is_empty() {
            map.insert("hosts".to_owned(), Json::Object(hosts));
        }
        let vars = self.group_vars(group);
        if export && !vars.is_empty() {
            map.insert("vars".to_owned(), Json::Object(vars));
        }
        map
    }

    pub(super) fn graph(&self, group: &str, vars: bool) -> Result<String, Diagnostics> {
        let Some(group) = self.inventory.group(group) else {
            let message = "Pattern must be valid group name when using --graph";
            return Err(Diagnostic::error("unknown-group", message).into());
        };
        let mut lines = Vec::new();
        self.branch(group, 0, vars, &mut lines);
        Ok(lines.join("\n") + "\n")
    }

    fn branch(&self, group: &Group, depth: usize, vars: bool, lines: &mut Vec<String>) {
        lines.push(twig(&format!("@{}:", group.name), depth));
        for child in self.children(group) {
            if let Some(child) = self.inventory.group(&child) {
                self.branch(child, depth + 1, vars, lines);
            }
        }
        if group.name != "all" {
            // A limit does not count here, as in Ansible.
            for host in &group.hosts {
                lines.push(twig(host, depth + 1));
                if vars {
                    add_vars(&self.vars(host, false), depth + 2, lines);
                }
            }
        }
        if vars {
            add_vars(&self.group_vars(group), depth + 1, lines);
        }
    }
}

fn add_vars(vars: &Map<String, Json>, depth: usize, lines: &mut Vec<String>) {
    let mut names: Vec<&String> = vars.keys().collect();
    names.sort();
    for name in names {
        let value = strata_jinja::as_python(&vars[name]);
        lines.push(twig(&format!("{{{name} = {value}}}"), depth));
    }
}

fn twig(text: &str, depth: usize) -> String {
    if depth == 0 {
        return text.to_owned();
    }
    format!("{}--{text}", "  |".repeat(depth))
}
