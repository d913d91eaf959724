//! Playbooks in, plays and mistakes out.

use std::{fmt::Write as _, path::Path, sync::Arc};

use expect_test::{Expect, expect};
use strata_core::{Diagnostics, Source, files::MemoryFiles};

use super::*;
use crate::play::{Action, Node, Play};

fn options() -> Options {
    Options {
        roles_path: vec!["shared".into()],
        collections_path: vec!["/usr/share/collections".into()],
        merge_hashes: false,
        private_role_vars: false,
        extra_vars: Arc::default(),
    }
}

/// Loads `site.yml` and shows its plays, or what is wrong with it.
fn check(files: &[(&str, &str)], expected: Expect) {
    let files = MemoryFiles::new(files.iter().copied());
    let mut diags = Diagnostics::new();
    let playbook = load(&files, Path::new("site.yml"), &options(), &mut diags);
    let mut out = String::new();
    for diagnostic in diags.iter() {
        let place = diagnostic.labels.first().map(|label| {
            format!(
                "{}:{}:{} ",
                label.span.file, label.span.start.line, label.span.start.column
            )
        });
        writeln!(out, "{}{}", place.unwrap_or_default(), diagnostic.summary).unwrap();
        for hint in &diagnostic.hints {
            writeln!(out, "  {hint}").unwrap();
        }
    }
    for play in playbook.iter().flat_map(|playbook| &playbook.plays) {
        show_play(play, &mut out);
    }
    expected.assert_eq(&out);
}

fn show_play(play: &Play, out: &mut String) {
    writeln!(out, "play {} on {}", play.name.value, play.hosts.value).unwrap();
    for (name, nodes) in [
        ("pre", &play.pre_tasks),
        ("roles", &play.role_tasks),
        ("tasks", &play.tasks),
        ("post", &play.post_tasks),
    ] {
        if !nodes.is_empty() {
            writeln!(out, " {name}").unwrap();
            show_nodes(nodes, 2, out);
        }
    }
    for handler in &play.handlers {
        let name = handler
            .task
            .name
            .as_ref()
            .map(|name| name.value.to_string());
        writeln!(out, " handler {}", name.unwrap_or_default()).unwrap();
    }
}

fn show_nodes(nodes: &[Node], indent: usize, out: &mut String) {
    let blank = " ".repeat(indent);
    for node in nodes {
        match node {
            Node::RoleDone(role) => writeln!(out, "{blank}done {}", role.name).unwrap(),
            Node::Block(block) => {
                for (name, nodes) in [
                    ("block", &block.block),
                    ("rescue", &block.rescue),
                    ("always", &block.always),
                ] {
                    if !nodes.is_empty() {
                        writeln!(out, "{blank}{name}").unwrap();
                        show_nodes(nodes, indent + 2, out);
                    }
                }
            }
            Node::Task(task) => {
                let (name, arguments) = match &task.action {
                    Action::Module { name, arguments } => {
                        (name.value.clone(), arguments.value.to_string())
                    }
                    Action::IncludeTasks { file, .. } => {
                        ("include_tasks".to_owned(), file.value.to_string())
                    }
                    Action::IncludeRole { name, .. } => {
                        ("include_role".to_owned(), name.value.to_string())
                    }
                    Action::Meta(name) => ("meta".to_owned(), name.value.clone()),
                };
                let texts = |values: &[crate::Spanned<serde_json::Value>]| {
                    values
                        .iter()
                        .map(|value| value.value.to_string())
                        .collect::<Vec<_>>()
                        .join(",")
                };
                let mut line = format!("{blank}{name} {arguments}");
                if !task.keywords.when.is_empty() {
                    line += &format!(" when {}", texts(&task.keywords.when));
                }
                if !task.keywords.tags.is_empty() {
                    line += &format!(" tags {}", texts(&task.keywords.tags));
                }
                writeln!(out, "{line}").unwrap();
            }
        }
    }
}

#[test]
fn defaults_of_a_group_go_to_the_modules_that_its_collection_names() {
    let site = "- hosts: all
  module_defaults:
    group/k8s: {host: here}
    group/our.own.all: {x: 1}
    group/nobody.knows.this: {y: 2}
  tasks: []
";
    let files = MemoryFiles::new([
        ("site.yml", site),
        (
            "/usr/share/collections/ansible_collections/kubernetes/core/meta/runtime.yml",
            "action_groups: {k8s: [k8s, k8s_info, {metadata: {extend_group: [our.own.all]}}]}",
        ),
        (
            "collections/ansible_collections/our/own/meta/runtime.yml",
            "action_groups: {all: [thing, {metadata: {extend_group: [our.own.all, not.installed.x]}}]}",
        ),
    ]);
    let mut diags = Diagnostics::new();
    let playbook = load(&files, Path::new("site.yml"), &options(), &mut diags);
    assert!(playbook.is_none());
    let summaries: Vec<&str> = diags.iter().map(|one| one.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["the module group `nobody.knows.this` is not supported by Strata"]
    );
    let mut diags = Diagnostics::new();
    let options = options();
    let mut reader = reader::Reader::new(&files, &options, &mut diags);
    let place = Source::new("site.yml", site).span(0..1);
    let mut of = |name: &str| reader.defaulted(name, &place).join(" ");
    assert_eq!(of("ansible.builtin.copy"), "copy");
    assert_eq!(
        of("group/k8s"),
        "kubernetes.core.k8s kubernetes.core.k8s_info our.own.thing"
    );
    assert_eq!(
        of("group/community.docker.docker_compose"),
        "community.docker.docker_compose_v2"
    );
}

#[test]
fn plays_hand_down_what_they_say() {
    check(
        &[(
            "site.yml",
            "\
- name: Web
  hosts: web
  tags: [a]
  tasks:
    - name: Copy
      ansible.builtin.copy: src=x dest='/etc/x y' mode=0644
      tags: b,c
    - when: one
      block:
        - command: echo hi creates=/x
          when: [two, three]
      rescue:
        - debug: msg={{ x }}
      always:
        - meta: flush_handlers
  handlers:
    - name: restart
      service: {name: x, state: restarted}
",
        )],
        expect![[r#"
            play "Web" on "web"
             tasks
              copy {"src":"x","dest":"/etc/x y","mode":"0644"} tags "a","b","c"
              block
                command {"creates":"/x","_raw_params":"echo hi"} when "one","two","three" tags "a"
              rescue
                debug {"msg":"{{ x }}"} when "one" tags "a"
              always
                meta flush_handlers when "one" tags "a"
             handler "restart"
        "#]],
    );
}

#[test]
fn roles_and_imports_are_expanded() {
    check(
        &[
            (
                "site.yml",
                "- hosts: all\n  roles:\n    - {role: web, tags: w, port: 80}\n    - base\n  tasks:\n    - import_tasks: more.yml\n      when: x\n- import_playbook: other.yml\n",
            ),
            ("more.yml", "- debug: {msg: more}\n"),
            ("other.yml", "- hosts: b\n  tasks: [{ping: }]\n"),
            ("roles/web/meta/main.yml", "dependencies: [base]\n"),
            (
                "roles/web/tasks/main.yml",
                "- include_tasks: sub.yml\n- import_tasks: sub.yml\n",
            ),
            ("roles/web/tasks/sub.yml", "- template: {src: a, dest: b}\n"),
            (
                "roles/web/handlers/main.yaml",
                "- name: reload\n  command: reload\n",
            ),
            ("shared/base/tasks/main.yml", "- setup:\n"),
        ],
        expect![[r#"
            play "all" on "all"
             roles
              setup {} tags "w"
              done base
              include_tasks "sub.yml" tags "w"
              template {"src":"a","dest":"b"} tags "w"
              done web
              setup {}
              done base
             tasks
              debug {"msg":"more"} when "x"
             handler "reload"
            play "b" on "b"
             tasks
              ping {}
        "#]],
    );
}

#[test]
fn a_role_may_be_a_path_from_the_working_directory() {
    check(
        &[
            (
                "kinds/web/tests/test.yml",
                "- hosts: all\n  roles: [kinds/web]\n",
            ),
            ("kinds/web/tasks/main.yml", "- ping:\n"),
            ("site.yml", "- import_playbook: kinds/web/tests/test.yml\n"),
        ],
        expect![[r#"
            play "all" on "all"
             roles
              ping {}
              done web
        "#]],
    );
}

#[test]
fn all_mistakes_of_a_run_are_reported() {
    check(
        &[(
            "site.yml",
            "\
- hosts: a
  gather_fact: no
  tasks:
    - debug: msg=x
      whne: y
    - name: nothing
    - copy: {}
      file: {}
    - command: x
      become: [1]
      with_nothing: y
    - import_tasks: gone.yml
  roles: [gone]
- tasks: []
",
        )],
        expect![[r#"
            site.yml:2:3 `gather_fact` is not a keyword of a play
              did you mean `gather_facts`?
            site.yml:13:11 the role `gone` was not found
              roles live in `roles/` beside the playbook, or in a folder of `roles_path`
            site.yml:5:7 `whne` is not a keyword of a task
              did you mean `when`?
            site.yml:6:7 a task must name a module
            site.yml:7:7 a task names more than one module: `copy` and `file`
              one of them may be a misspelled keyword, or an argument with too few blanks before it
            site.yml:10:15 `become` must be a boolean, this is a list
            site.yml:11:7 `with_nothing` is not supported by Strata
            site.yml:12:21 there is no file `gone.yml`
            site.yml:14:3 a play must have `hosts`
        "#]],
    );
}

#[test]
fn keywords_of_old_playbooks_are_told_what_stands_in_their_place() {
    check(
        &[(
            "site.yml",
            "\
- hosts: a
  sudo: true
  tasks:
    - local_action: wait_for port=22
      sudo: false
    - command: x
      sudo_user: b
      always_run: true
- include: other.yml
",
        )],
        expect![[r#"
            site.yml:2:3 `sudo` is not a keyword of a play
              Ansible does not have it any more: write `become: true`
            site.yml:5:7 `sudo` is not a keyword of a task
              Ansible does not have it any more: write `become: true`
            site.yml:7:7 `sudo_user` is not a keyword of a task
              Ansible does not have it any more: write `become_user`
            site.yml:8:7 `always_run` is not a keyword of a task
              Ansible does not have it any more: write `check_mode: false`
            site.yml:9:3 `include` is not a keyword of a play
              Ansible does not have it any more: write `import_playbook`
            site.yml:9:3 a play must have `hosts`
        "#]],
    );
}

#[test]
fn a_playbook_of_a_collection_sees_its_roles_by_their_short_names() {
    let inside = |path: &str| format!("collections/ansible_collections/our/own/{path}");
    let files = [
        ("site.yml".into(), "- import_playbook: our.own.first\n"),
        (
            inside("playbooks/first.yml"),
            "- hosts: all\n  roles: [base]\n  tasks:\n    - import_role: {name: last}\n",
        ),
        (
            inside("roles/base/meta/main.yml"),
            "collections: [their.things]\ndependencies: [theirs]\n",
        ),
        (inside("roles/base/tasks/main.yml"), "- command: a\n"),
        (inside("roles/last/tasks/main.yml"), "- command: b\n"),
        (
            "collections/ansible_collections/their/things/roles/theirs/tasks/main.yml".into(),
            "- command: c\n",
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&path[..], *text))
        .collect();
    check(
        &files,
        expect![[r#"
        play "all" on "all"
         roles
          command {"_raw_params":"c"}
          done their.things.theirs
          command {"_raw_params":"a"}
          done our.own.base
         tasks
          command {"_raw_params":"b"}
          done our.own.last
    "#]],
    );
}

#[test]
fn roles_that_are_not_fetched_yet_are_told_by_their_list() {
    check(
        &[
            (
                "site.yml",
                "- hosts: all\n  roles: [ann.web, theirs.things.store, gone]\n",
            ),
            ("requirements.yml", "- src: ann.webhook\n"),
            (
                "roles/requirements.yml",
                "- src: ann.web\n  version: 1.0.0\n",
            ),
            (
                "collections/requirements.yml",
                "collections:\n  - name: theirs.things\n",
            ),
        ],
        expect![[r#"
            site.yml:2:11 the role `ann.web` was not found
              `roles/requirements.yml` has it: `strata galaxy install -r roles/requirements.yml` fetches what that lists
            site.yml:2:20 the role `theirs.things.store` was not found
              `collections/requirements.yml` has it: `strata galaxy install -r collections/requirements.yml` fetches what that lists
            site.yml:2:41 the role `gone` was not found
              roles live in `roles/` beside the playbook, or in a folder of `roles_path`
        "#]],
    );
}

#[test]
fn a_role_does_not_inherit_the_collections_of_its_play() {
    check(
        &[
            (
                "site.yml",
                "- hosts: all\n  collections: [their.things]\n  roles: [ours, theirs]\n",
            ),
            (
                "roles/ours/tasks/main.yml",
                "- import_role: {name: theirs}\n",
            ),
            (
                "collections/ansible_collections/their/things/roles/theirs/tasks/main.yml",
                "- command: c\n",
            ),
        ],
        expect![[r#"
            roles/ours/tasks/main.yml:1:23 the role `theirs` was not found
              roles live in `roles/` beside the playbook, or in a folder of `roles_path`
        "#]],
    );
}
