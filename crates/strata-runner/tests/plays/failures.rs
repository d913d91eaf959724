//! What goes wrong is said once, with host, task, place and reason; the others go on.

use expect_test::{Expect, expect};
use strata_core::{Diagnostic, Diagnostics, Event};

use crate::world::{World, transcript};

const INVENTORY: &str = "a\nb\nc\n[all:vars]\nansible_connection=local\n";

fn described(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.labels.first().map(|label| {
        let start = label.span.start;
        format!(" at {}:{}:{}", label.span.file, start.line, start.column)
    });
    let mut text = format!(
        "{:?} {}{}: {}\n",
        diagnostic.severity,
        diagnostic.code,
        place.unwrap_or_default(),
        diagnostic.summary
    );
    for line in diagnostic.detail.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    for hint in &diagnostic.hints {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    text
}

fn check(playbook: &str, expected: Expect) {
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    let ran = world.run();
    let mut text = String::new();
    match &ran.recap {
        Ok(recap) => {
            text.push_str(&transcript(&ran.events));
            text.push_str(&format!("EXIT {}\n", recap.exit_code()));
        }
        Err(diags) => text.push_str(&all(diags)),
    }
    for event in &ran.events {
        if let Event::Diagnostic { diagnostic } = event {
            text.push_str(&described(diagnostic));
        }
    }
    expected.assert_eq(&text);
}

fn all(diags: &Diagnostics) -> String {
    diags.iter().map(described).collect()
}

#[test]
fn a_task_that_fails_on_one_host_of_three_leaves_the_others_going_on() {
    check(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: Read
      slurp:
        src: \"/etc/{{ 'nothing' if inventory_hostname == 'b' else 'hosts' }}\"
    - name: Go on
      ping:
",
        expect![[r#"
            PLAY [all]
            TASK [Read]
              ok: [a]
              fatal: [b]: FAILED!
                File not found: /etc/nothing
              ok: [c]
            TASK [Go on]
              ok: [a]
              ok: [c]
            PLAY RECAP
              a: ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
              b: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
              c: ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
            EXIT 2
            Error task-failed at playbook.yml:4:7: task `Read` failed on `b`
              File not found: /etc/nothing
        "#]],
    );
}

#[test]
fn a_variable_that_is_not_defined_is_named_with_its_argument() {
    check(
        "- hosts: a
  gather_facts: false
  tasks:
    - name: Write
      copy:
        content: \"{{ missing_variable }}\"
        dest: /tmp/x
",
        expect![[r#"
            PLAY [a]
            TASK [Write]
              fatal: [a]: FAILED!
                the argument `content` cannot be rendered: `missing_variable` is undefined
            PLAY RECAP
              a: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
            EXIT 2
            Error task-failed at playbook.yml:4:7: task `Write` failed on `a`
              the argument `content` cannot be rendered: `missing_variable` is undefined
              hint: Define the variable in the inventory, `group_vars`, the play's `vars` or with `-e`, or give it a `default`.
        "#]],
    );
}

#[test]
fn modules_that_are_not_supported_are_all_named_before_anything_runs() {
    check(
        "- hosts: a
  gather_facts: false
  tasks:
    - ping:
    - community.general.nothing:
        rule: allow
    - block:
        - nothing_like_it:
    - maybe_not:
      when: false
",
        expect![[r#"
            Error unsupported-module at playbook.yml:5:7: the module `community.general.nothing` is not supported by Strata
              hint: Use a module that Strata has, or leave the task out with `--skip-tags`. A module's own file is run if it is in `library/` or in a collection that is installed.
            Error unsupported-module at playbook.yml:8:11: the module `nothing_like_it` is not supported by Strata
              hint: Use a module that Strata has, or leave the task out with `--skip-tags`. A module's own file is run if it is in `library/` or in a collection that is installed.
            Warning unsupported-module at playbook.yml:9:7: the module `maybe_not` is not supported by Strata
              The task fails if its condition holds when it is reached.
              hint: Use a module that Strata has, or leave the task out with `--skip-tags`. A module's own file is run if it is in `library/` or in a collection that is installed.
        "#]],
    );
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_places_that_were_searched() {
    check(
        "- hosts: a
  gather_facts: false
  tasks:
    - template: src=missing.j2 dest=/tmp/x
",
        expect![[r#"
            PLAY [a]
            TASK [template]
              fatal: [a]: FAILED!
                `missing.j2` was not found on this machine; looked for `templates/missing.j2`, `missing.j2`
            PLAY RECAP
              a: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
            EXIT 2
            Error task-failed at playbook.yml:4:7: task `template` failed on `a`
              `missing.j2` was not found on this machine; looked for `templates/missing.j2`, `missing.j2`
              hint: Put the file into one of the folders that were searched, or give its whole path.
        "#]],
    );
}

#[test]
fn a_handler_that_nobody_has_ends_the_run() {
    check(
        "- hosts: a
  gather_facts: false
  tasks:
    - copy: content=x dest=/tmp/x
      notify: nobody
",
        expect![[r#"
            PLAY [a]
            TASK [copy]
            EXIT 1
            Error missing-handler at playbook.yml:4:7: The requested handler 'nobody' was not found in either the main handlers list nor in the listening handlers list
              The task was done; the run ends here, for all hosts.
              hint: Name a handler of this play or of its roles, or a topic that one listens to.
        "#]],
    );
}

#[test]
fn an_included_file_that_is_not_there_fails_the_host() {
    check(
        "- hosts: a
  gather_facts: false
  tasks:
    - include_tasks: missing.yml
    - ping:
",
        expect![[r#"
            PLAY [a]
            TASK [include_tasks]
              fatal: [a]: FAILED!
                there is no file `missing.yml`
            PLAY RECAP
              a: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
            EXIT 2
            Error missing-file at playbook.yml:4:7: there is no file `missing.yml`
              Looked at `missing.yml`, `tasks/missing.yml`.
            Error task-failed at playbook.yml:4:7: task `include_tasks` failed on `a`
              there is no file `missing.yml`
        "#]],
    );
}

#[test]
fn what_a_task_hides_is_in_no_event() {
    let world = World::new([
        ("inventory.ini", INVENTORY),
        (
            "playbook.yml",
            "- hosts: a
  gather_facts: false
  tasks:
    - name: Hidden
      copy:
        content: hunter2
        dest: /root/secret
      no_log: true
    - name: Hidden in a loop
      debug:
        msg: \"{{ item }}\"
      loop: [hunter2]
      no_log: true
    - name: Hidden failure
      fail:
        msg: hunter2
      no_log: true
",
        ),
    ]);
    let ran = world.run();
    assert_eq!(ran.recap.unwrap().exit_code(), 2);
    assert_eq!(
        world.model("a").paths()[std::path::Path::new("/root/secret")],
        "hunter2"
    );
    for event in &ran.events {
        let text = format!("{event:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
