//! The variables that the engine provides.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
    sync::Arc,
};

use serde_json::{Map, Value as Json, json};
use strata_jinja::Variable;

use crate::{
    Inventory,
    play::{Play, Role},
};

/// The magic variables that need no running: `inventory_hostname`, `group_names`, `groups`, `playbook_dir`,
/// `inventory_dir`, ... The runner adds `hostvars`, `ansible_play_hosts`, `ansible_check_mode` and the like;
/// those of roles come with [`HostVariables::for_task`](super::HostVariables::for_task). `groups` is what [`groups`] says
/// of the inventory, the same for all hosts: made anew for each, it would cost hosts times hosts.
pub fn magic(
    inventory: &Inventory,
    groups: &Arc<Json>,
    host: &str,
    play: &Play,
) -> BTreeMap<String, Variable> {
    let short = match host.parse::<IpAddr>() {
        Ok(_) => host,
        Err(_) => host.split('.').next().unwrap_or(host),
    };
    let source = inventory.host(host).and_then(|host| host.source.clone());
    // A list of hosts on the command line stands in no folder; Ansible says so by this text.
    let folder = source
        .as_ref()
        .and_then(|source| match is_list(source) {
            true => Some(Path::new("None")),
            false => source.parent(),
        })
        .map(|folder| folder.display().to_string());
    let values = [
        ("ansible_version", version()),
        ("ansible_playbook_python", json!(PYTHON)),
        ("inventory_hostname", json!(host)),
        ("inventory_hostname_short", json!(short)),
        ("group_names", json!(inventory.group_names(host))),
        ("playbook_dir", json!(play.folder.display().to_string())),
        (
            "inventory_file",
            json!(source.map(|source| source.display().to_string())),
        ),
        ("inventory_dir", json!(folder)),
        ("ansible_play_name", play.name.value.clone()),
    ];
    // This machine, where no inventory names it, comes from nowhere, and knows nothing of that either.
    let is_named = inventory.host(host).is_some();
    let is_told = |name: &str| is_named || !matches!(name, "inventory_file" | "inventory_dir");
    let own = values
        .into_iter()
        .filter(|(name, _)| is_told(name))
        .map(|(name, value)| (name.to_owned(), Variable::Plain(Arc::new(value))));
    own.chain([("groups".to_owned(), Variable::Plain(groups.clone()))])
        .chain(role_names(play.roles.iter().map(AsRef::as_ref)))
        .collect()
}

/// True for a list of hosts, as `-i a,b,` has it: files are named in full.
fn is_list(source: &Path) -> bool {
    source.is_relative() && source.to_string_lossy().contains(',')
}

/// The names of a play's roles: of those that it names or its tasks bring (`ansible_play_role_names`), of those that these
/// depend on (`ansible_dependent_role_names`), and of all, each once (`ansible_role_names`).
pub fn role_names<'a>(roles: impl Iterator<Item = &'a Role>) -> BTreeMap<String, Variable> {
    let (dependencies, own): (Vec<_>, Vec<_>) = roles.partition(|role| role.is_dependency());
    // A loop may include a role thousands of times: what is listed once is not copied as often.
    let once = |roles: &mut dyn Iterator<Item = &'a Role>| -> Vec<&'a str> {
        let mut seen = BTreeSet::new();
        let names = roles.map(|role| role.name.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    };
    let all = once(&mut own.iter().chain(&dependencies).copied());
    let dependencies = once(&mut dependencies.iter().copied());
    let own: Vec<&str> = own.iter().map(|role| role.name.as_str()).collect();
    let plain = |names: Vec<&str>| Variable::Plain(Arc::new(json!(names)));
    let own = plain(own);
    let lists = [
        ("ansible_role_names", plain(all)),
        ("ansible_dependent_role_names", plain(dependencies)),
        ("role_names", own.clone()),
        ("play_role_names", own.clone()),
        ("ansible_play_role_names", own),
    ];
    lists.map(|(name, names)| (name.to_owned(), names)).into()
}

/// The Python that Ansible would run in. Strata has none; where one is asked for, as for `ansible_python_interpreter` of
/// this machine, it is the system's.
const PYTHON: &str = "/usr/bin/python3";

/// The ansible-core that we run like.
const ANSIBLE: [u32; 3] = [2, 19, 14];

/// The version of the ansible-core that we run like, as `2.19.14`.
pub fn ansible_core() -> String {
    let [major, minor, revision] = ANSIBLE;
    format!("{major}.{minor}.{revision}")
}

/// `ansible_version`.
fn version() -> Json {
    let [major, minor, revision] = ANSIBLE;
    let full = ansible_core();
    json!({ "full": full, "string": full, "major": major, "minor": minor, "revision": revision })
}

/// `groups`: the hosts of each group.
pub fn groups(inventory: &Inventory) -> Json {
    let all = inventory.groups().iter();
    Json::Object(
        all.map(|group| (group.name.clone(), json!(inventory.hosts_in(&group.name))))
            .collect::<Map<_, _>>(),
    )
}
