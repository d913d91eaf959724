//! Which variable counts: plays in, what each task sees out. The answers are Ansible's for the same files.

use std::{path::Path, sync::Arc};

use expect_test::{Expect, expect};
use serde_json::json;
use strata_core::{Diagnostics, files::MemoryFiles};
use strata_jinja::{Engine, NoSurroundings, Templar};

use super::*;
use crate::{load, play::Node};

fn map(value: serde_json::Value) -> Arc<JsonMap> {
    Arc::new(value.as_object().unwrap().clone())
}

/// Renders the message of every `debug` of the first play, with these variables of the host.
fn check(files: &[(&str, &str)], host: &HostVariables, expected: Expect) {
    let files = MemoryFiles::new(files.iter().copied());
    let mut diags = Diagnostics::new();
    let options = load::Options {
        roles_path: Vec::new(),
        collections_path: Vec::new(),
        merge_hashes: false,
        private_role_vars: false,
        extra_vars: Arc::default(),
    };
    let playbook = load(&files, Path::new("site.yml"), &options, &mut diags);
    let play = playbook.unwrap_or_else(|| panic!("{diags:?}")).plays[0].clone();
    let mut host = host.clone();
    host.play_vars.push(play.vars.clone());
    let mut shown = String::new();
    show(&play, &play.role_tasks, &host, &mut shown);
    show(&play, &play.tasks, &host, &mut shown);
    expected.assert_eq(&shown);
}

fn show(play: &Play, nodes: &[Node], host: &HostVariables, shown: &mut String) {
    for node in nodes {
        match node {
            Node::Block(block) => show(play, &block.block, host, shown),
            Node::RoleDone(_) => {}
            Node::Task(task) => {
                let crate::play::Action::Module { arguments, .. } = &task.action else {
                    continue;
                };
                let variables = Arc::new(host.for_task(play, task));
                let templar = Templar::new(
                    &Engine::new(),
                    variables,
                    Arc::new(NoSurroundings::default()),
                );
                let rendered = templar.render(&arguments.value["msg"]).unwrap();
                shown.push_str(&format!("{}\n", rendered.as_str().unwrap()));
            }
        }
    }
}

const SITE: &str = "\
- hosts: all
  vars: {p: play, q: play}
  roles:
    - role: r
      vars: {a: entryvars, b: entryvars, c: entryvars}
      d: param
      p: param
  tasks:
    - debug: msg=\"tasks a={{ a }} b={{ b }} c={{ c|d('-') }} d={{ d }} p={{ p }} e={{ e }} f={{ f }}\"
    - block:
       - debug: msg=\"block e={{ e }} q={{ q }}\"
      vars: {e: blockv, q: blockv}
";

#[test]
fn roles_give_variables_to_tasks_as_in_ansible() {
    check(
        &[
            ("site.yml", SITE),
            ("roles/r/vars/main.yml", "a: rolevars\nd: rolevars\n"),
            ("roles/r/defaults/main.yml", "b: default\ne: rdefault\n"),
            ("roles/r/meta/main.yml", "dependencies: [dep]\n"),
            (
                "roles/r/tasks/main.yml",
                "- debug: msg=\"role a={{ a }} b={{ b }} c={{ c }} d={{ d }} p={{ p }} e={{ e }} f={{ f }}\"\n- debug: msg=\"role a={{ a }}\"\n  vars: {a: taskv, d: taskv}\n",
            ),
            ("roles/dep/vars/main.yml", "e: depvars\nf: depvars\n"),
            (
                "roles/dep/tasks/main.yml",
                "- debug: msg=\"dep a={{ a }} e={{ e }} d={{ d }} p={{ p }}\"\n",
            ),
        ],
        &HostVariables::default(),
        expect![[r#"
            dep a=rolevars e=depvars d=param p=param
            role a=entryvars b=entryvars c=entryvars d=param p=param e=depvars f=depvars
            role a=taskv
            tasks a=rolevars b=default c=- d=rolevars p=play e=depvars f=depvars
            block e=blockv q=blockv
        "#]],
    );
}

#[test]
fn levels_win_in_ansibles_order() {
    let level = |value: &str, names: &str| -> Arc<JsonMap> {
        map(names
            .chars()
            .map(|name| (name.to_string(), json!(value)))
            .collect())
    };
    let host = HostVariables {
        role_defaults: vec![level("role defaults", "abcdefghijk")],
        inventory: level("inventory", "bcdefghijk"),
        facts: level("facts", "cdefghijk"),
        vars_files: vec![
            level("vars_files 1", "efghijk"),
            level("vars_files 2", "fghijk"),
        ],
        role_vars: vec![level("role vars", "ghijk")],
        include_vars: level("include_vars", "hijk"),
        set_facts: level("set_fact", "ijk"),
        include_parameters: vec![level("include parameters", "jk")],
        extra_vars: level("extra", "k"),
        ..HostVariables::default()
    };
    let names = "abcdefghijk"
        .chars()
        .map(|name| format!("{name}: {{{{ {name} }}}}"))
        .collect::<Vec<_>>();
    let site = format!(
        "- hosts: all\n  vars: {{d: play, e: play, f: play}}\n  tasks:\n    - debug: {{msg: \"{}\"}}\n",
        names.join(", ")
    );
    check(
        &[("site.yml", &site)],
        &host,
        expect![[r#"
            a: role defaults, b: inventory, c: facts, d: play, e: vars_files 1, f: vars_files 2, g: role vars, h: include_vars, i: set_fact, j: include parameters, k: extra
        "#]],
    );
}

#[test]
fn mappings_of_all_levels_are_merged_where_that_is_asked_for() {
    let mut host = HostVariables {
        role_defaults: vec![map(json!({"m": {"a": 1, "b": {"x": "{{ 1 + 1 }}"}}}))],
        inventory: map(json!({"m": {"b": {"y": 3}}})),
        set_facts: map(json!({"f": {"a": "{{ 1 }}"}})),
        ..HostVariables::default()
    };
    let site = "- hosts: all\n  vars: {m: {c: 4}, f: {b: 1}}\n  tasks:\n    - debug: {msg: \"{{ m }} {{ f }}\"}\n";
    let files = [("site.yml", site)];
    check(
        &files,
        &host,
        expect![[r#"
        {'c': 4} {'a': '{{ 1 }}'}
    "#]],
    );
    host.merge_hashes = true;
    check(
        &files,
        &host,
        expect![[r#"
        {'a': 1, 'b': {'x': 2, 'y': 3}, 'c': 4} {'b': 1, 'a': '{{ 1 }}'}
    "#]],
    );
}

#[test]
fn facts_and_registered_values_are_never_templates() {
    let host = HostVariables {
        set_facts: map(json!({"a": "{{ 1 + 1 }}"})),
        inventory: map(json!({"b": "{{ 1 + 1 }}"})),
        ..HostVariables::default()
    };
    check(
        &[(
            "site.yml",
            "- hosts: all\n  tasks:\n    - debug: {msg: \"{{ a }} {{ b }}\"}\n",
        )],
        &host,
        expect![[r#"
            {{ 1 + 1 }} 2
        "#]],
    );
}
