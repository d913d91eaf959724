//! A run that stopped is resumed: each host goes on at its own task, with what it knew.

use std::sync::Arc;

use expect_test::{Expect, expect};
use strata_core::Event;

use crate::world::{World, transcript};

const INVENTORY: &str = "a\nb\n[all:vars]\nansible_connection=local\n";

/// Runs a playbook, then resumes it as `later`, and compares what the second run showed.
fn check(first: &str, later: &str, more: &[(&str, &str)], expected: Expect) {
    let world = |playbook| {
        let files = [("inventory.ini", INVENTORY), ("playbook.yml", playbook)];
        World::new(files.into_iter().chain(more.iter().copied()))
    };
    let before = world(first).run();
    let recap = before.recap.unwrap_or_else(|diags| panic!("{diags:#?}"));
    let mut again = world(later);
    again.options.resume = Some(Arc::new(recap.progress));
    let ran = again.run();
    let mut text = transcript(&ran.events);
    for event in &ran.events {
        if let Event::Diagnostic { diagnostic } = event {
            text.push_str(&format!("{}\n", diagnostic.summary));
        }
    }
    if let Err(diags) = &ran.recap {
        diags
            .iter()
            .for_each(|one| text.push_str(&format!("{}\n", one.summary)));
    }
    expected.assert_eq(&text);
}

/// The playbook with and without its mistake.
fn repaired(playbook: &str) -> String {
    playbook.replace("inventory_hostname == 'a'", "false")
}

#[test]
fn each_host_goes_on_at_its_own_task_with_what_it_registered() {
    let playbook = "
- hosts: all
  gather_facts: false
  tasks:
    - name: One
      command: echo first
      register: one
      changed_when: false
    - {name: Two, set_fact: {two: \"{{ inventory_hostname }}\"}}
    - name: Three
      fail: {msg: broken}
      when: inventory_hostname == 'a'
    - {name: Four, debug: {msg: \"{{ two }} {{ one is defined }}\"}}
- hosts: all
  gather_facts: false
  tasks:
    - {name: Five, debug: {msg: \"{{ two }}\"}}
";
    check(
        playbook,
        &repaired(playbook),
        &[],
        expect![[r#"
        PLAY [all]
        TASK [Three]
          skipping: [a]
        TASK [Four]
          ok: [a]
            a True
        PLAY [all]
        TASK [Five]
          ok: [a]
            a
        PLAY RECAP
          a: ok=2 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn handlers_that_were_notified_run_after_all() {
    let playbook = "
- hosts: a
  gather_facts: false
  tasks:
    - {name: Change, debug: {msg: x}, changed_when: true, notify: [restart, again]}
    - {name: Flush, meta: flush_handlers, when: false}
    - {name: Break, fail: {msg: broken}, when: inventory_hostname == 'a'}
  handlers:
    - {name: restart, debug: {msg: restarted}}
    - {name: again, debug: {msg: again}}
";
    check(
        playbook,
        &repaired(playbook),
        &[],
        expect![[r#"
        PLAY [a]
        TASK [Break]
          skipping: [a]
        RUNNING HANDLER [restart]
          ok: [a]
            restarted
        RUNNING HANDLER [again]
          ok: [a]
            again
        PLAY RECAP
          a: ok=2 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn a_handler_that_failed_runs_again_and_those_before_it_do_not() {
    let playbook = "
- hosts: a
  gather_facts: false
  tasks:
    - {name: Change, debug: {msg: x}, changed_when: true, notify: [one, two, three]}
  handlers:
    - {name: one, debug: {msg: one}}
    - {name: two, fail: {msg: broken}, when: inventory_hostname == 'a'}
    - {name: three, debug: {msg: three}}
";
    check(
        playbook,
        &repaired(playbook),
        &[],
        expect![[r#"
        PLAY [a]
        RUNNING HANDLER [two]
          skipping: [a]
        RUNNING HANDLER [three]
          ok: [a]
            three
        PLAY RECAP
          a: ok=1 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn includes_are_walked_into_and_a_failed_rescue_begins_at_the_first_failure() {
    let playbook = "
- hosts: a
  gather_facts: false
  tasks:
    - include_tasks: more.yml
    - name: Guarded
      block:
        - {name: Try, fail: {msg: broken}, when: inventory_hostname == 'a'}
      rescue:
        - {name: Repair, fail: {msg: broken, too}}
";
    let more = [("more.yml", "- {name: Inside, debug: {msg: x}}\n")];
    check(
        playbook,
        &repaired(playbook),
        &more,
        expect![[r#"
        PLAY [a]
        TASK [include_tasks]
          included: more.yml for a
        TASK [Try]
          skipping: [a]
        PLAY RECAP
          a: ok=1 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn a_playbook_that_changed_before_the_task_is_refused() {
    let playbook = "
- hosts: a
  gather_facts: false
  tasks:
    - {name: One, debug: {msg: x}}
    - {name: Break, fail: {msg: broken}, when: inventory_hostname == 'a'}
    - {name: After, debug: {msg: x}}
";
    let changed = repaired(playbook).replace("One", "Uno");
    check(
        playbook,
        &changed,
        &[],
        expect![[r#"
        the playbook has changed, so that run cannot be resumed: where `One` was there is `Uno`
    "#]],
    );
    let later = repaired(playbook).replace("After", "Behind");
    check(
        playbook,
        &later,
        &[],
        expect![[r#"
        PLAY [a]
        TASK [Break]
          skipping: [a]
        TASK [Behind]
          ok: [a]
            x
        PLAY RECAP
          a: ok=1 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn what_no_log_hides_is_not_kept_but_found_out_again() {
    let playbook = "
- hosts: a
  gather_facts: false
  tasks:
    - {name: Token, debug: {msg: hunter2}, register: token, no_log: true}
    - {name: Secret, set_fact: {secret: hunter2}, no_log: true}
    - {name: Break, fail: {msg: broken}, when: inventory_hostname == 'a'}
    - {name: Use, debug: {msg: \"{{ token.msg == secret }}\"}}
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    let progress = world.run().recap.unwrap().progress;
    assert!(!format!("{progress:?}").contains("hunter2"));
    check(
        playbook,
        &repaired(playbook),
        &[],
        expect![[r#"
        PLAY [a]
        TASK [Token]
          ok: [a]
        TASK [Secret]
          ok: [a]
        TASK [Break]
          skipping: [a]
        TASK [Use]
          ok: [a]
            true
        PLAY RECAP
          a: ok=3 changed=0 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn a_run_that_came_to_its_end_leaves_nothing() {
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks: [debug: {msg: x}]\n";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    assert!(world.run().recap.unwrap().progress.is_complete());
}
