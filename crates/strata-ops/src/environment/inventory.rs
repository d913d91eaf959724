//! The inventory of a `configure` stage: out of outputs and of the hosts that providers made.
//!
//! An output `NAME_instances` gives group NAME and its hosts, an output `NAME_ansible_vars` the
//! group's variables. A host that a provider made brings the variables that say how to reach it.

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Span, Value, inventory::InventoryHost};
use strata_playbook::InventoryInput;
use strata_state::json::plain;

use super::Made;

const INSTANCES: &str = "_instances";
const VARIABLES: &str = "_ansible_vars";
/// Groups have 1 unless their variables say otherwise.
const INSTANCE_PRIORITY: u32 = 100;

/// Makes an inventory by the convention of output names.
pub(super) fn from_outputs(made: &Made) -> InventoryInput {
    let mut input = InventoryInput::default();
    // Those of an image are of the machine that it was made of.
    let own = made.outputs.iter();
    let own = own.filter(|(stage, _)| !stage.contains('.'));
    for (name, value) in own
        .filter_map(|(_, outputs)| outputs.as_entries())
        .flatten()
    {
        if let Some(group) = name.strip_suffix(INSTANCES) {
            add_hosts(&mut input, group, value, made);
        } else if let Some(group) = name.strip_suffix(VARIABLES)
            && let Json::Object(variables) = plain(&unmarked(value))
        {
            input
                .groups
                .entry(group.to_owned())
                .or_default()
                .vars
                .extend(variables);
        }
    }
    add_connections(&mut input, &made.hosts);
    add_connections(&mut input, &made.planned);
    input
}

/// Makes an inventory from a map of groups, as `hosts = { GROUP = ... }` gives it.
pub(super) fn from_groups(
    groups: &Value,
    made: &Made,
    span: Span,
) -> Result<InventoryInput, Diagnostics> {
    let Some(entries) = groups.as_entries() else {
        let diagnostic = Diagnostic::error(
            "invalid-hosts",
            "`hosts` must be a map from groups to hosts",
        )
        .at(span);
        return Err(diagnostic
            .hint("Write `hosts = { web = [\"a\", \"b\"] }`.")
            .into());
    };
    let mut input = InventoryInput::default();
    for (group, value) in entries {
        add_hosts(&mut input, group, value, made);
    }
    add_connections(&mut input, &made.hosts);
    add_connections(&mut input, &made.planned);
    input.hosts.retain(|host, _| {
        input
            .groups
            .values()
            .any(|group| group.hosts.contains(host))
    });
    Ok(input)
}

/// Adds the hosts and groups of another inventory.
pub(super) fn add(all: &mut InventoryInput, other: InventoryInput) {
    for (name, variables) in other.hosts {
        all.hosts.entry(name).or_default().extend(variables);
    }
    for (name, group) in other.groups {
        let known = all.groups.entry(name).or_default();
        let new = group
            .hosts
            .into_iter()
            .filter(|host| !known.hosts.contains(host));
        let new: Vec<String> = new.collect();
        known.hosts.extend(new);
        known.vars.extend(group.vars);
    }
}

/// Puts all hosts into the group of an instance, whose variables win over those of other groups.
pub(super) fn add_instance(input: &mut InventoryInput, name: &str) {
    let hosts = input.hosts.keys().cloned().collect();
    let group = input.groups.entry(name.to_owned()).or_default();
    group.hosts = hosts;
    let variables = [
        ("ansible_group_priority", Json::from(INSTANCE_PRIORITY)),
        ("strata_instance", Json::from(name)),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    group.vars.extend(variables);
}

/// Hosts of a group: a map by name, a list of names, a list of objects with a `name`, or one name. In a map a text is
/// the host's address, where no provider says how the host is reached.
fn add_hosts(input: &mut InventoryInput, group: &str, value: &Value, made: &Made) {
    let hosts: Vec<(String, Json)> = match unmarked(value) {
        Value::Map(_, entries) | Value::Object(entries) => entries
            .iter()
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect(),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().filter_map(listed).collect()
        }
        Value::String(name) => vec![(name.to_string(), Json::Null)],
        _ => Vec::new(),
    };
    let members = &mut input.groups.entry(group.to_owned()).or_default().hosts;
    for (name, variables) in hosts {
        if !members.contains(&name) {
            members.push(name.clone());
        }
        let mut told = made.hosts.iter().chain(&made.planned);
        let is_told = variables.is_string()
            && told.any(|host| *host.name == *name && host.variables.contains_key("ansible_host"));
        let known = input.hosts.entry(name).or_default();
        match variables {
            Json::Object(variables) => known.extend(variables),
            Json::String(address) if !is_told => {
                known.insert("ansible_host".to_owned(), address.into());
            }
            _ => {}
        }
    }
}

fn listed(item: &Value) -> Option<(String, Json)> {
    match item {
        Value::String(name) => Some((name.to_string(), Json::Null)),
        other => Some((other.get("name")?.as_str()?.to_owned(), plain(other))),
    }
}

/// Adds how to reach the hosts that providers made; what an output says counts more.
fn add_connections(input: &mut InventoryInput, hosts: &[InventoryHost]) {
    for host in hosts {
        let known = input.hosts.entry(host.name.to_string()).or_default();
        let variables: Map<String, Json> = host
            .variables
            .iter()
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect();
        for (name, value) in variables {
            known.entry(name).or_insert(value);
        }
    }
}

/// The value without marks: a playbook has none. Its tasks hide secrets with `no_log`.
pub(super) fn unmarked(value: &Value) -> Value {
    value.unmark_deep(&mut strata_core::Marks::default())
}

/// All sensitive texts among the outputs, so that they can be hidden wherever they turn up.
pub(super) fn secrets(made: &Made) -> Vec<String> {
    let mut secrets = Vec::new();
    for value in made.outputs.values() {
        collect(value, false, &mut secrets);
    }
    secrets
}

fn collect(value: &Value, sensitive: bool, secrets: &mut Vec<String>) {
    let sensitive = sensitive || value.marks().contains(strata_core::Marks::SENSITIVE);
    if let Some(text) = value.as_str().filter(|_| sensitive) {
        secrets.push(text.to_owned());
    }
    for (_, child) in value.unmarked().children() {
        collect(child, sensitive, secrets);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use strata_core::Type;

    use super::*;

    fn made(outputs: Value) -> Made {
        let variables = BTreeMap::from([("ansible_connection".into(), Value::from("incus"))]);
        let host = InventoryHost {
            name: "web-1".into(),
            variables,
        };
        Made {
            outputs: [("vm".into(), outputs)].into(),
            hosts: vec![host],
            planned: Vec::new(),
        }
    }

    #[test]
    fn hosts_that_a_plan_makes_are_there_without_an_output_that_names_them() {
        let mut made = made(Value::object::<&str>([]));
        made.planned = std::mem::take(&mut made.hosts);
        let input = from_outputs(&made);
        assert_eq!(input.hosts["web-1"]["ansible_connection"], "incus");
        assert!(input.groups.is_empty());
    }

    #[test]
    fn an_instance_is_a_group_of_all_hosts_that_wins() {
        let mut input = from_outputs(&made(Value::object([(
            "web_instances",
            Value::list(Type::String, vec!["web-1".into()]),
        )])));
        add_instance(&mut input, "dev");
        assert_eq!(input.groups["dev"].hosts, ["web-1"]);
        assert_eq!(input.groups["dev"].vars["strata_instance"], "dev");
        assert_eq!(input.groups["dev"].vars["ansible_group_priority"], 100);
    }

    #[test]
    fn outputs_give_groups_hosts_and_variables() {
        let instance = Value::object([("port", Value::from(80))]);
        let outputs = Value::object([
            ("web_instances", Value::object([("web-1", instance)])),
            (
                "web_ansible_vars",
                Value::object([("greeting", Value::from("hi").sensitive())]),
            ),
            (
                "db_instances",
                Value::list(Type::String, vec!["db-1".into()]),
            ),
            (
                "mail_instances",
                Value::object([("mail-1", Value::from("10.0.0.7"))]),
            ),
            ("address", Value::from("10.0.0.1")),
        ]);
        let mut made = made(outputs);
        let input = from_outputs(&made);
        assert_eq!(input.groups["web"].hosts, ["web-1"]);
        assert_eq!(input.groups["web"].vars["greeting"], "hi");
        assert_eq!(input.groups["db"].hosts, ["db-1"]);
        assert_eq!(
            serde_json::to_string(&input.hosts["web-1"]).unwrap(),
            r#"{"port":80,"ansible_connection":"incus"}"#
        );
        assert_eq!(secrets(&made), ["hi"]);

        // A text beside a name is its address, unless a provider tells another.
        assert_eq!(input.hosts["mail-1"]["ansible_host"], "10.0.0.7");
        let address = ("ansible_host".into(), Value::from("10.0.0.8"));
        made.hosts.push(InventoryHost {
            name: "mail-1".into(),
            variables: [address].into(),
        });
        let hosts = from_outputs(&made).hosts;
        assert_eq!(hosts["mail-1"]["ansible_host"], "10.0.0.8");
    }
}
