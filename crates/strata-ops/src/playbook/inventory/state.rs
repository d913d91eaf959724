//! The state of an infrastructure as an inventory.

use serde_json::{Map, Value as Json, json};

/// The hosts of a state: resources `ansible_host` and `ansible_group`, Incus instances, and outputs
/// `NAME_instances` and `NAME_ansible_vars`.
pub(super) fn hosts_of(text: &str) -> Option<Json> {
    let state: Json = serde_json::from_str(text).ok()?;
    if state.get("version")?.as_u64()? != 4 {
        return None;
    }
    let mut hosts = Hosts::default();
    for resource in state
        .get("resources")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let kind = resource
            .get("type")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let instances = resource.get("instances").and_then(Json::as_array);
        for instance in instances.into_iter().flatten() {
            if let Some(attributes) = instance.get("attributes") {
                hosts.resource(kind, attributes);
            }
        }
    }
    for (name, output) in state
        .get("outputs")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(value) = output.get("value") {
            hosts.output(name, value);
        }
    }
    hosts
        .groups
        .insert("_meta".to_owned(), json!({ "hostvars": hosts.vars }));
    Some(Json::Object(hosts.groups))
}

#[derive(Default)]
struct Hosts {
    groups: Map<String, Json>,
    vars: Map<String, Json>,
}

impl Hosts {
    fn group(&mut self, name: &str) -> &mut Map<String, Json> {
        let group = self
            .groups
            .entry(name)
            .or_insert_with(|| json!({"hosts": [], "children": [], "vars": {}}));
        group.as_object_mut().expect("groups are mappings")
    }

    fn add(&mut self, group: &str, list: &str, name: &str) {
        if let Some(Json::Array(items)) = self.group(group).get_mut(list) {
            items.push(name.into());
        }
    }

    fn host(&mut self, name: &str, vars: Map<String, Json>) {
        let known = self.vars.entry(name).or_insert_with(|| json!({}));
        known
            .as_object_mut()
            .expect("variables are mappings")
            .extend(vars);
    }

    fn resource(&mut self, kind: &str, attributes: &Json) {
        let text = |name: &str| attributes.get(name).and_then(Json::as_str);
        let list = |name: &str| -> Vec<String> {
            let items = attributes.get(name).and_then(Json::as_array);
            items
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect()
        };
        let vars = attributes
            .get("variables")
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default();
        let Some(name) = text("name") else { return };
        match kind {
            "ansible_host" => {
                let groups = list("groups");
                if groups.is_empty() {
                    self.add("ungrouped", "hosts", name);
                }
                groups
                    .iter()
                    .for_each(|group| self.add(group, "hosts", name));
                self.host(name, vars);
            }
            "ansible_group" => {
                list("children")
                    .iter()
                    .for_each(|child| self.add(name, "children", child));
                if let Some(Json::Object(own)) = self.group(name).get_mut("vars") {
                    own.extend(vars);
                }
            }
            "incus_instance" => {
                let mut vars = Map::new();
                vars.insert(
                    "ansible_connection".to_owned(),
                    "community.general.incus".into(),
                );
                for (attribute, variable) in [
                    ("project", "ansible_incus_project"),
                    ("remote", "ansible_incus_remote"),
                ] {
                    if let Some(value) = text(attribute).filter(|value| !value.is_empty()) {
                        vars.insert(variable.to_owned(), value.into());
                    }
                }
                self.host(name, vars);
            }
            _ => {}
        }
    }

    fn output(&mut self, name: &str, value: &Json) {
        if let Some(group) = name.strip_suffix("_ansible_vars") {
            if let (Some(Json::Object(own)), Json::Object(vars)) =
                (self.group(group).get_mut("vars"), value)
            {
                own.extend(vars.clone());
            }
            return;
        }
        let Some(group) = name.strip_suffix("_instances") else {
            return;
        };
        let named: Vec<(String, Map<String, Json>)> = match value {
            Json::Object(map) => map
                .iter()
                .map(|(host, vars)| (host.clone(), object(vars)))
                .collect(),
            Json::Array(items) => items.iter().filter_map(listed).collect(),
            Json::String(host) => vec![(host.clone(), Map::new())],
            _ => Vec::new(),
        };
        for (host, vars) in named {
            self.add(group, "hosts", &host);
            self.host(&host, vars);
        }
    }
}

fn object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}

/// A host in a list: its name, or an object with one.
fn listed(item: &Json) -> Option<(String, Map<String, Json>)> {
    match item {
        Json::String(host) => Some((host.clone(), Map::new())),
        Json::Object(map) => Some((map.get("name")?.as_str()?.to_owned(), map.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_gives_hosts_of_resources_and_outputs() {
        let state = json!({
            "version": 4,
            "terraform_version": "1.11.4",
            "outputs": {"web_instances": {"value": ["a"]}, "web_ansible_vars": {"value": {"port": 80}}},
            "resources": [
                {"type": "ansible_host", "instances": [{"attributes": {"name": "h", "groups": ["g"], "variables": {"x": "1"}}}]},
                {"type": "incus_instance", "instances": [{"attributes": {"name": "a", "project": "p"}}]},
            ],
        });
        let said = hosts_of(&state.to_string()).unwrap();
        assert_eq!(said["g"]["hosts"], json!(["h"]));
        assert_eq!(said["web"]["vars"], json!({"port": 80}));
        assert_eq!(said["_meta"]["hostvars"]["a"]["ansible_incus_project"], "p");
    }
}
