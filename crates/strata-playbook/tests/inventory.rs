//! Inventories as Ansible reads them: `inventory/NAME/` holds the files, `inventory/NAME.json` what it said of them.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use strata_core::{Diagnostics, files::MemoryFiles};
use strata_playbook::{Inventory, variables::InventoryVariables};

fn check(files: &[(&str, &str)], source: &str, recorded: &str) {
    let recorded: Json = serde_json::from_str(recorded).unwrap();
    let files = MemoryFiles::new(files.iter().copied());
    let mut diags = Diagnostics::new();
    let inventory = Inventory::load(&files, &[PathBuf::from(source)], &mut diags);
    let folder = Path::new(source).parent().unwrap().to_owned();
    let variables = InventoryVariables::load(&files, &inventory, &[folder], None, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    let mut wrong = Vec::new();
    let mut compare = |what: String, ours: Json, recorded: &Json| {
        if ours != *recorded {
            wrong.push(format!("{what}\n  ansible {recorded}\n  ours    {ours}"));
        }
    };
    for (host, vars) in recorded["hostvars"].as_object().unwrap() {
        compare(
            format!("variables of {host}"),
            Json::Object((*variables.of(host)).clone()),
            vars,
        );
    }
    for (group, hosts) in recorded["groups"].as_object().unwrap() {
        compare(
            format!("group {group}"),
            inventory.hosts_in(group).into(),
            hosts,
        );
    }
    for (host, groups) in recorded["group_names"].as_object().unwrap() {
        compare(
            format!("groups of {host}"),
            inventory.group_names(host).into(),
            groups,
        );
    }
    for (pattern, hosts) in recorded["patterns"].as_object().unwrap() {
        compare(
            format!("pattern {pattern}"),
            inventory.matching(pattern).unwrap().into(),
            hosts,
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ini_inventories_with_group_vars() {
    check(
        &[
            ("ini/hosts.ini", include_str!("inventory/ini/hosts.ini")),
            (
                "ini/group_vars/all.yml",
                include_str!("inventory/ini/group_vars/all.yml"),
            ),
            (
                "ini/group_vars/prod",
                include_str!("inventory/ini/group_vars/prod"),
            ),
            (
                "ini/group_vars/web/main.yml",
                include_str!("inventory/ini/group_vars/web/main.yml"),
            ),
            (
                "ini/group_vars/web/second.yaml",
                include_str!("inventory/ini/group_vars/web/second.yaml"),
            ),
            (
                "ini/host_vars/db1.yml",
                include_str!("inventory/ini/host_vars/db1.yml"),
            ),
        ],
        "ini/hosts.ini",
        include_str!("inventory/ini.json"),
    );
}

#[test]
fn yaml_inventories_with_priorities() {
    check(
        &[("yaml/hosts.yml", include_str!("inventory/yaml/hosts.yml"))],
        "yaml/hosts.yml",
        include_str!("inventory/yaml.json"),
    );
}
