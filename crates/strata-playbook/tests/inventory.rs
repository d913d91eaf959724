//! Inventories as Ansible reads them: `inventory/NAME/` holds the files, `inventory/NAME.json` what it said of them.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use strata_core::{Diagnostics, files::MemoryFiles};
use strata_playbook::{
    Inventory,
    inventory::Fetch,
    variables::{InventoryVariables, Reading},
};

fn check(files: &[(&str, &str)], source: &str, recorded: &str) {
    let recorded: Json = serde_json::from_str(recorded).unwrap();
    let files = MemoryFiles::new(files.iter().copied());
    let mut diags = Diagnostics::new();
    let inventory = Inventory::load(&files, &[PathBuf::from(source)], &mut diags);
    let folder = Path::new(source).parent().unwrap().to_owned();
    let variables = InventoryVariables::load(
        &files,
        &inventory,
        &[folder],
        None,
        Reading::default(),
        &mut diags,
    );
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

/// A program that says what a test wants.
struct Says(Json);

impl Fetch for Says {
    fn program(&self, path: &Path) -> Option<Result<Json, String>> {
        (path.extension()? == "py").then(|| Ok(self.0.clone()))
    }

    fn plugin(&self, _: &str, _: &Json, _: &Path) -> Option<Result<Json, String>> {
        None
    }

    fn state(&self, _: &str, _: &Path) -> Option<Result<Json, String>> {
        None
    }
}

#[test]
fn programs_and_rules_in_a_folder_add_up_in_the_order_of_their_names() {
    let rules = "plugin: ansible.builtin.constructed\ncompose:\n  fqdn: inventory_hostname ~ '.lan'\ngroups:\n  big: size | int > 4\nkeyed_groups:\n  - {key: os, prefix: os}\n  - {key: missing, prefix: x}\n";
    let files = MemoryFiles::new([("inv/10.py", "#!/bin/sh"), ("inv/20.yml", rules)]);
    let said = serde_json::json!({
        "web": {"hosts": ["a", "b"], "vars": {"os": "debian"}},
        "db": ["c"],
        "_meta": {"hostvars": {"a": {"size": 8}, "b": {"size": 1}}},
    });
    let mut diags = Diagnostics::new();
    let inventory = Inventory::load_with(&files, &["inv".into()], &Says(said), &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    assert_eq!(inventory.hosts_in("big"), ["a"]);
    assert_eq!(inventory.hosts_in("os_debian"), ["a", "b"]);
    assert_eq!(inventory.host("c").unwrap().vars["fqdn"], "c.lan");
}

#[test]
fn rubbish_out_of_a_program_is_a_mistake_with_its_name() {
    let files = MemoryFiles::new([("inv.py", "#!/bin/sh")]);
    for rubbish in [
        serde_json::json!([1]),
        serde_json::json!({"web": 3}),
        serde_json::json!({"web": {"hosts": "a"}}),
    ] {
        let mut diags = Diagnostics::new();
        Inventory::load_with(
            &files,
            &["inv.py".into()],
            &Says(rubbish.clone()),
            &mut diags,
        );
        let said: Vec<_> = diags.iter().map(|one| one.summary.clone()).collect();
        assert_eq!(said, ["the inventory `inv.py` cannot be used"], "{rubbish}");
    }
}

#[test]
fn children_stand_in_the_order_in_which_their_sections_begin() {
    // What `ansible-inventory --list` of 2.19 tells of the same file.
    let text = "[servers:children]\nqnaps\nlinodes\ndells\nelsewhere\n\n[qnaps]\nq\n\n[dells]\nd\n\n[linodes]\nl\n\n\
                [late:children]\ndells\nqnaps\n";
    let files = MemoryFiles::new([("hosts", text), ("more", "[elsewhere]\ne\n")]);
    let mut diags = Diagnostics::new();
    let sources = ["hosts".into(), "more".into()];
    let inventory = Inventory::load(&files, &sources, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    let children = |name: &str| inventory.group(name).unwrap().children.clone();
    assert_eq!(
        children("servers"),
        ["qnaps", "dells", "linodes", "elsewhere"]
    );
    assert_eq!(children("late"), ["dells", "qnaps"]);
    assert_eq!(inventory.hosts_in("servers"), ["q", "d", "l", "e"]);
}

#[test]
fn a_program_that_is_not_executable_is_left_out_of_a_folder_and_refused_by_name() {
    let files = MemoryFiles::new([
        ("inv/hosts", "[web]\na\n"),
        ("inv/cloud.py", "#!/usr/bin/env python3\n"),
    ]);
    let mut diags = Diagnostics::new();
    let inventory = Inventory::load(&files, &["inv".into()], &mut diags);
    assert!(!diags.has_errors(), "{diags:?}");
    assert_eq!(diags.iter().count(), 1);
    assert_eq!(inventory.hosts_in("web"), ["a"]);
    let mut diags = Diagnostics::new();
    Inventory::load(&files, &["inv/cloud.py".into()], &mut diags);
    assert!(diags.has_errors());
}

#[test]
fn a_source_with_mistakes_is_left_out_while_another_one_can_be_read() {
    let check = |sources: &[&str]| {
        let files = MemoryFiles::new([
            ("good", "[web]\na v=1\n"),
            ("bad", "lost\n[web]\nlost\n[web:kids]\n"),
            ("worse.yml", "all: [1\n"),
        ]);
        let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
        let mut diags = Diagnostics::new();
        let nobody = strata_playbook::inventory::NoFetch;
        let inventory = Inventory::load_what_is_right(&files, &sources, &nobody, false, &mut diags);
        let names: Vec<String> = inventory
            .hosts()
            .iter()
            .map(|host| host.name.clone())
            .collect();
        (names.join(" "), diags.has_errors(), diags.len())
    };
    assert_eq!(
        check(&["bad", "good", "worse.yml"]),
        ("a".to_owned(), false, 2)
    );
    assert_eq!(check(&["good", "bad"]), ("a".to_owned(), false, 1));
    assert_eq!(check(&["bad", "worse.yml"]), (String::new(), true, 2));
}

#[test]
fn groups_that_no_source_has_are_told() {
    let check = |sources: &[&str]| {
        let files = MemoryFiles::new([
            ("one", "[site:children]\nweb\nwbe\n\n[web]\na\n"),
            ("two", "[wbe]\nb\n"),
        ]);
        let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
        let mut diags = Diagnostics::new();
        let nobody = strata_playbook::inventory::NoFetch;
        let inventory = Inventory::load_what_is_right(&files, &sources, &nobody, false, &mut diags);
        let said: Vec<String> = diags.into_iter().map(|said| said.summary).collect();
        (inventory.hosts_in("site").join(" "), said)
    };
    let wrong = "section [site:children] includes undefined group `wbe`";
    assert_eq!(check(&["one"]), ("a".to_owned(), vec![wrong.to_owned()]));
    assert_eq!(check(&["one", "two"]), ("a b".to_owned(), Vec::new()));
}
