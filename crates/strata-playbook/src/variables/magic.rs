//! The variables that the engine provides.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json, json};
use strata_jinja::Variable;

use crate::{Inventory, play::Play};

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
    let short = host.split('.').next().unwrap_or(host);
    let source = inventory.host(host).and_then(|host| host.source.clone());
    let folder = source
        .as_ref()
        .and_then(|source| source.parent())
        .map(|folder| folder.display().to_string());
    let names: Vec<_> = play
        .roles
        .iter()
        .filter(|role| role.parents.is_empty())
        .map(|role| role.name.clone())
        .collect();
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
        ("ansible_role_names", json!(names)),
        ("role_names", json!(names)),
        ("play_role_names", json!(names)),
        ("ansible_play_role_names", json!(names)),
    ];
    let own = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Variable::Plain(Arc::new(value))));
    own.chain([("groups".to_owned(), Variable::Plain(groups.clone()))])
        .collect()
}

/// The Python that Ansible would run in. Strata has none; where one is asked for, as for `ansible_python_interpreter` of
/// this machine, it is the system's.
const PYTHON: &str = "/usr/bin/python3";

/// The ansible-core that we run like.
const ANSIBLE: [u32; 3] = [2, 19, 14];

/// `ansible_version`.
fn version() -> Json {
    let [major, minor, revision] = ANSIBLE;
    let full = format!("{major}.{minor}.{revision}");
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
