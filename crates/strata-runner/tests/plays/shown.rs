//! What the options of a run change, and what the user sees of it.

use std::path::Path;

use expect_test::{Expect, expect};
use strata_core::connection::ConnectionError;
use strata_core::{Diagnostic, Event};
use strata_runner::{HostLink, Target, stop_handle};
use strata_transport::AgentSession;

use crate::world::{World, transcript};

const INVENTORY: &str = "a\nb\n[all:vars]\nansible_connection=local\n";

fn world(playbook: &str) -> World {
    World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)])
}

fn check(world: &World, expected: Expect) {
    let ran = world.run();
    ran.recap.unwrap();
    expected.assert_eq(&transcript(&ran.events));
}

const THREE: &str = "- hosts: all
  gather_facts: false
  tasks:
    - name: one
      ping:
    - name: two
      ping:
    - name: three
      ping:
";

#[test]
fn a_run_may_start_at_a_task() {
    let mut world = world(THREE);
    world.options.start_at_task = Some("three".to_owned());
    check(
        &world,
        expect![[r#"
        PLAY [all]
        TASK [three]
          ok: [a]
          ok: [b]
        PLAY RECAP
          a: ok=1 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
          b: ok=1 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn a_limit_leaves_hosts_out() {
    let mut world = world(THREE);
    world.options.limit = Some("b".to_owned());
    check(
        &world,
        expect![[r#"
        PLAY [all]
        TASK [one]
          ok: [b]
        TASK [two]
          ok: [b]
        TASK [three]
          ok: [b]
        PLAY RECAP
          b: ok=3 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn facts_are_gathered_first_and_seen_by_tasks() {
    let world = world(
        "- hosts: a
  tasks:
    - debug: msg=\"{{ ansible_facts.distribution }} {{ ansible_distribution }} {{ ansible_hostname }}\"
",
    );
    check(
        &world,
        expect![[r#"
        PLAY [a]
        TASK [Gathering Facts]
          ok: [a]
        TASK [debug]
          ok: [a]
            Debian Debian a
        PLAY RECAP
          a: ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn check_mode_shows_changes_and_makes_none() {
    let mut world = world(
        "- hosts: a
  gather_facts: false
  tasks:
    - copy: content=new dest=/etc/new
",
    );
    world.options.check = true;
    world.options.diff = true;
    check(
        &world,
        expect![[r#"
        PLAY [a]
        TASK [copy]
          |+new
          changed: [a]
        PLAY RECAP
          a: ok=1 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]],
    );
    assert!(!world.model("a").paths().contains_key(Path::new("/etc/new")));
}

#[test]
fn a_folder_of_ours_is_copied_whole() {
    let world = World::new([
        ("inventory.ini", INVENTORY),
        (
            "playbook.yml",
            "- hosts: a
  gather_facts: false
  tasks:
    - copy: src=tree dest=/srv
    - copy: src=tree/ dest=/opt/tree
    - copy: src=tree dest=/srv
",
        ),
        ("files/tree/one", "1"),
        ("files/tree/in/two", "2"),
    ]);
    check(
        &world,
        expect![[r#"
        PLAY [a]
        TASK [copy]
          changed: [a]
        TASK [copy]
          changed: [a]
        TASK [copy]
          ok: [a]
        PLAY RECAP
          a: ok=3 changed=2 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]],
    );
    let paths = world.model("a").paths();
    assert_eq!(paths[Path::new("/srv/tree/in/two")], "2");
    assert_eq!(paths[Path::new("/opt/tree/one")], "1");
}

#[test]
fn a_host_that_cannot_be_reached_drops_out_and_the_code_says_so() {
    let world = world(THREE);
    let ran = world.run_with(&|target: &Target| {
        if &*target.host == "a" {
            let reason = ConnectionError::Unreachable("no route to a".to_owned());
            return Err(Box::new(Diagnostic::error(
                "no-connection",
                reason.to_string(),
            )));
        }
        Ok(HostLink::session(AgentSession::for_model(
            world.model(&target.host),
        )))
    });
    let recap = ran.recap.unwrap();
    assert_eq!(recap.exit_code(), 4);
    expect![[r#"
        PLAY [all]
        TASK [one]
          fatal: [a]: UNREACHABLE!
            no route to a
          ok: [b]
        TASK [two]
          ok: [b]
        TASK [three]
          ok: [b]
        PLAY RECAP
          a: ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0
          b: ok=3 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]]
    .assert_eq(&transcript(&ran.events));
}

#[test]
fn a_soft_stop_finishes_the_task_and_starts_no_other() {
    let mut world = world(THREE);
    let (handle, signal) = stop_handle();
    world.options.stop = signal;
    let connect = |target: &Target| {
        Ok(HostLink::session(AgentSession::for_model(
            world.model(&target.host),
        )))
    };
    let ran = world.run_seeing(&connect, move |event| {
        if matches!(event, Event::TaskFinished { task, .. } if &**task == "two") {
            handle.soft();
        }
    });
    let recap = ran.recap.unwrap();
    assert!(recap.stopped);
    expect![[r#"
        PLAY [all]
        TASK [one]
          ok: [a]
          ok: [b]
        TASK [two]
          ok: [a]
          ok: [b]
        PLAY RECAP
          a: ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
          b: ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
    "#]]
    .assert_eq(&transcript(&ran.events));
}

#[test]
fn keywords_say_how_a_host_is_reached_unless_variables_do() {
    let world = World::new([
        (
            "inventory.ini",
            "a ansible_host=10.0.0.1 secret=\"{{ nothing }}\"\n",
        ),
        (
            "playbook.yml",
            "- hosts: a
  gather_facts: false
  remote_user: admin
  vars:
    ansible_port: \"{{ 20 + 2 }}\"
  tasks:
    - ping:
    - ping:
      delegate_to: localhost
",
        ),
    ]);
    let seen = std::sync::Mutex::new(Vec::new());
    let ran = world.run_with(&|target: &Target| {
        let variables = serde_json::Value::Object(target.variables.clone());
        seen.lock()
            .unwrap()
            .push(format!("{} {variables}", target.host));
        Ok(HostLink::session(AgentSession::for_model(
            world.model(&target.host),
        )))
    });
    ran.recap.unwrap();
    expect![[r#"
        a {"ansible_host":"10.0.0.1","ansible_port":22,"ansible_user":"admin"}
        localhost {"ansible_connection":"local","ansible_port":22,"ansible_user":"admin"}"#]]
    .assert_eq(&seen.lock().unwrap().join("\n"));
}

#[test]
fn a_run_may_be_moved_to_another_thread() {
    fn sent<T: Send>(_: T) {}
    fn never(
        playbook: &strata_playbook::Playbook,
        inventory: &strata_playbook::Inventory,
        connect: &strata_runner::Connect<'_>,
        options: &strata_runner::Options,
        events: &strata_core::Events,
    ) {
        sent(strata_runner::run(
            playbook, inventory, connect, options, events,
        ));
    }
    // That this compiles is the test.
    let _ = never;
}
