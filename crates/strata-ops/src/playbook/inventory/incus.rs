//! `community.general.incus`: the instances of Incus remotes as hosts.

use regex::RegexBuilder;
use serde_json::{Map, Value as Json, json};

use super::plugins::Given;
use crate::{playbook::apart, registry::Platforms};

const KNOWN: &[&str] = &[
    "default_groups",
    "filters",
    "host_domain",
    "host_fqdn",
    "remotes",
];

/// What is told of each instance.
const PROPERTIES: &[&str] = &[
    "architecture",
    "config",
    "description",
    "devices",
    "ephemeral",
    "expanded_config",
    "expanded_devices",
    "location",
    "profiles",
    "status",
    "type",
];

/// Lists the instances of all remotes.
pub(super) fn list(given: &Given<'_>, platforms: &Platforms) -> Result<Json, String> {
    given.only(KNOWN)?;
    let mut found = Found {
        filters: given.list("filters")?,
        domain: given
            .text("host_domain", "")?
            .filter(|domain| !domain.is_empty()),
        full_names: given.flag("host_fqdn", true)?,
        groups: given.flag("default_groups", true)?.then(Map::new),
        hostvars: Map::new(),
    };
    let mut remotes = given.list("remotes")?;
    if remotes.is_empty() {
        remotes.push("local".to_owned());
    }
    for remote in remotes {
        let (name, project) = match remote.split_once(':') {
            Some((name, project)) => (name.to_owned(), Some(project.to_owned())),
            None => (remote, None),
        };
        let (incus, asked) = (platforms.incus().clone(), name.clone());
        let project = project.filter(|project| !project.is_empty());
        let instances = apart(async move { incus.instances(&asked, project.as_deref()).await })?;
        for (project, instances) in &instances {
            found.project(&name, project, instances)?;
        }
    }
    Ok(found.told())
}

struct Found {
    filters: Vec<String>,
    domain: Option<String>,
    full_names: bool,
    /// Groups by their names, if there are to be any.
    groups: Option<Map<String, Json>>,
    hostvars: Map<String, Json>,
}

impl Found {
    fn project(&mut self, remote: &str, project: &str, instances: &[Json]) -> Result<(), String> {
        let mut hosts = Vec::new();
        for instance in instances {
            let mut passing = self.filters.iter().map(|filter| passes(filter, instance));
            if passing.try_fold(true, |all, one| one.map(|one| all && one))? {
                hosts.extend(self.host(remote, project, instance));
            }
        }
        let Some(groups) = &mut self.groups else {
            return Ok(());
        };
        let of_remote = format!("incus_{remote}");
        let of_project = format!("{of_remote}_{project}");
        add(groups, "incus", "children", &of_remote);
        add(groups, &of_remote, "children", &of_project);
        groups
            .entry(of_project.clone())
            .or_insert_with(|| json!({}));
        for host in hosts {
            add(groups, &of_project, "hosts", &host);
        }
        Ok(())
    }

    /// Adds a host; gives its name.
    fn host(&mut self, remote: &str, project: &str, instance: &Json) -> Option<String> {
        let own = instance.get("name")?.as_str()?;
        let name = match (self.full_names, &self.domain) {
            (false, _) => own.to_owned(),
            (true, None) => format!("{own}.{project}.{remote}"),
            (true, Some(domain)) => format!("{own}.{project}.{remote}.{domain}"),
        };
        let told = PROPERTIES.iter().map(|property| {
            let value = instance.get(*property).cloned().unwrap_or(Json::Null);
            (format!("ansible_incus_{property}"), value)
        });
        let mut vars: Map<String, Json> = told.collect();
        vars.insert("ansible_incus_remote".to_owned(), remote.into());
        vars.insert("ansible_incus_project".to_owned(), project.into());
        self.hostvars.insert(name.clone(), Json::Object(vars));
        Some(name)
    }

    fn told(self) -> Json {
        let names: Vec<String> = self.hostvars.keys().cloned().collect();
        let mut all = self.groups.unwrap_or_default();
        all.entry("ungrouped".to_owned())
            .or_insert_with(|| json!({ "hosts": [] }));
        all.insert(
            "_meta".to_owned(),
            json!({"hostvars": self.hostvars, "constructed": names}),
        );
        Json::Object(all)
    }
}

/// Adds a name to a list of a group.
pub(super) fn add(groups: &mut Map<String, Json>, group: &str, list: &str, name: &str) {
    let group = groups.entry(group.to_owned()).or_insert_with(|| json!({}));
    let Json::Object(group) = group else { return };
    let list = group.entry(list.to_owned()).or_insert_with(|| json!([]));
    let Json::Array(list) = list else { return };
    if !list.iter().any(|known| known == name) {
        list.push(name.into());
    }
}

/// A filter as `incus list` has them: the beginning of a name, a pattern for it, or `KEY=VALUE`.
fn passes(filter: &str, instance: &Json) -> Result<bool, String> {
    let text = |key: &str| match instance.get(key) {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let Some((key, value)) = filter.split_once('=') else {
        return matches(&format!("^(?:{filter})"), &text("name"));
    };
    let whole = format!("^(?:{value})$");
    match key {
        "name" | "status" | "type" | "architecture" | "location" | "description" | "ephemeral" => {
            matches(&whole, &text(key))
        }
        key if key.contains('.') => {
            let key = match key.strip_prefix("u.") {
                Some(own) => format!("user.{own}"),
                None => key.to_owned(),
            };
            let config = &instance["expanded_config"][&key];
            config
                .as_str()
                .map_or(Ok(false), |said| matches(&whole, said))
        }
        other => Err(format!(
            "the filter `{filter}` is not supported by Strata: `{other}` is no key of a configuration, nor one of \
             name, status, type, architecture, location, description and ephemeral"
        )),
    }
}

fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    let pattern = RegexBuilder::new(pattern).case_insensitive(true).build();
    let pattern = pattern.map_err(|error| format!("a filter cannot be used: {error}"))?;
    Ok(pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Json {
        json!({"name": "web-1", "status": "Running", "type": "container", "expanded_config": {"user.role": "web"}})
    }

    #[test]
    fn filters_are_those_of_incus_list() {
        let check = |filter: &str| passes(filter, &instance());
        for filter in [
            "web",
            "w.*1$",
            "status=running",
            "type=container",
            "user.role=web",
            "u.role=w.b",
        ] {
            assert_eq!(check(filter), Ok(true), "{filter}");
        }
        for filter in ["eb", "status=stopped", "user.role=db", "user.none=x"] {
            assert_eq!(check(filter), Ok(false), "{filter}");
        }
        assert!(check("ipv4=10.0.0.1").unwrap_err().contains("ipv4"));
        assert!(check("(").is_err());
    }

    #[test]
    fn hosts_are_named_by_project_and_remote_and_grouped_by_them() {
        let mut found = Found {
            filters: vec!["status=running".to_owned()],
            domain: Some("lan".to_owned()),
            full_names: true,
            groups: Some(Map::new()),
            hostvars: Map::new(),
        };
        let stopped = json!({"name": "old", "status": "Stopped"});
        found
            .project("local", "lab", &[instance(), stopped])
            .unwrap();
        let told = found.told();
        assert_eq!(told["_meta"]["constructed"], json!(["web-1.lab.local.lan"]));
        assert_eq!(told["incus"], json!({"children": ["incus_local"]}));
        assert_eq!(
            told["incus_local_lab"],
            json!({"hosts": ["web-1.lab.local.lan"]})
        );
        let vars = &told["_meta"]["hostvars"]["web-1.lab.local.lan"];
        assert_eq!(vars["ansible_incus_project"], "lab");
        assert_eq!(vars["ansible_incus_type"], "container");
    }
}
