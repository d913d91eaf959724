//! Groups of modules in `module_defaults`: `group/docker`, `group/kubernetes.core.k8s`, ...
//!
//! A collection says in its `meta/runtime.yml` (`action_groups`) which modules belong together. A group whose modules
//! are ours need not have its collection installed: [`OURS`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use strata_core::{Diagnostic, Span};

use super::{keywords::short_name, reader::Reader};
use crate::yaml::Node;

/// How many groups may be part of one.
const MOST_GROUPS: usize = 100;

impl Reader<'_> {
    /// The modules that a name in `module_defaults` means: one, or those of a `group/NAME`.
    pub(super) fn defaulted(&mut self, name: &str, span: &Span) -> Vec<String> {
        let Some(group) = name.strip_prefix("group/") else {
            return vec![short_name(name).to_owned()];
        };
        let mut modules = BTreeSet::new();
        let mut waiting = vec![full_name(group)];
        let mut seen = BTreeSet::new();
        while let Some(group) = waiting.pop() {
            if seen.len() >= MOST_GROUPS || !seen.insert(group.clone()) {
                continue;
            }
            let (members, more) = self.members(&group, span);
            modules.extend(members);
            waiting.extend(more);
        }
        if modules.is_empty() {
            self.diags.push(unknown(group, span));
        }
        modules.into_iter().collect()
    }

    /// A group's own modules, and the groups that it has as well.
    fn members(&mut self, group: &str, span: &Span) -> (Vec<String>, Vec<String>) {
        let Some((collection, short)) = group.rsplit_once('.') else {
            return (Vec::new(), Vec::new());
        };
        let file = self.runtime_file(collection, Path::new(&*span.file));
        let node = file.and_then(|file| self.yaml(&file, None));
        let entries = node
            .as_ref()
            .and_then(|node| node.get("action_groups")?.get(short)?.items());
        let (mut modules, groups) = divided(entries.unwrap_or_default(), collection);
        for (_, ours) in OURS.iter().filter(|(name, _)| *name == group) {
            modules.extend(ours.iter().map(|name| format!("{collection}.{name}")));
        }
        (modules, groups)
    }

    /// The file in which an installed collection says what it consists of. `collections/` may stand beside the
    /// playbook, above the file that names the group.
    fn runtime_file(&self, collection: &str, named_in: &Path) -> Option<PathBuf> {
        let (namespace, name) = collection.split_once('.')?;
        let beside = named_in.ancestors().skip(1);
        let beside = beside.map(|folder| folder.join("collections"));
        let roots = beside.chain(self.options.collections_path.iter().cloned());
        let inside = Path::new("ansible_collections").join(namespace).join(name);
        let files: Vec<_> = roots
            .map(|root| root.join(&inside).join("meta/runtime.yml"))
            .collect();
        self.first_file(&files)
    }
}

/// Modules by their full names, and the groups that `metadata` adds.
fn divided(entries: &[Node], collection: &str) -> (Vec<String>, Vec<String>) {
    let full = |name: &str| match name.contains('.') {
        true => name.to_owned(),
        false => format!("{collection}.{name}"),
    };
    let modules = entries.iter().filter_map(Node::text).map(full);
    // The only entry that is no name.
    let extended = entries
        .iter()
        .filter_map(|entry| entry.get("metadata")?.get("extend_group")?.items());
    let groups = extended.flatten().filter_map(Node::text).map(full);
    (modules.collect(), groups.collect())
}

fn unknown(group: &str, span: &Span) -> Diagnostic {
    let summary = format!("the module group `{group}` is not supported by Strata");
    let hint = "A group is known if its collection is installed: `strata galaxy install` fetches what `requirements.yml` names.";
    Diagnostic::error("unsupported", summary)
        .at(span.clone())
        .hint(hint)
}

/// A group's name with its collection: that of ansible-core's short names, or it is said.
fn full_name(group: &str) -> String {
    let known = SHORT.iter().find(|(short, _)| *short == group);
    known.map_or(group, |(_, full)| full).to_owned()
}

/// The groups that have a name without a collection, and what that means (`ansible_builtin_runtime.yml`).
const SHORT: &[(&str, &str)] = &[
    ("acme", "community.crypto.acme"),
    ("aws", "amazon.aws.aws"),
    ("azure", "azure.azcollection.azure"),
    ("docker", "community.docker.docker"),
    ("docker_compose", "community.docker.docker_compose"),
    ("gcp", "google.cloud.gcp"),
    ("k8s", "kubernetes.core.k8s"),
    ("os", "openstack.cloud.os"),
    ("vmware", "community.vmware.vmware"),
];

/// Groups of modules that we have, by name.
const OURS: &[(&str, &[&str])] = &[
    ("community.docker.docker", DOCKER),
    ("community.docker.docker_compose", &["docker_compose_v2"]),
    (
        "community.mysql.all",
        &["mysql_db", "mysql_user", "mysql_variables"],
    ),
    ("community.postgresql.all", POSTGRESQL),
    ("community.proxmox.proxmox", PROXMOX),
    ("community.general.proxmox", PROXMOX),
];

const DOCKER: &[&str] = &[
    "docker_compose_v2",
    "docker_compose_v2_pull",
    "docker_container",
    "docker_container_exec",
    "docker_container_info",
    "docker_host_info",
    "docker_image",
    "docker_image_info",
    "docker_login",
    "docker_network",
    "docker_network_info",
    "docker_prune",
    "docker_volume",
    "docker_volume_info",
];

const POSTGRESQL: &[&str] = &[
    "postgresql_db",
    "postgresql_ext",
    "postgresql_privs",
    "postgresql_query",
    "postgresql_user",
];

const PROXMOX: &[&str] = &["proxmox_access_acl", "proxmox_group"];
