//! Actions that live in collections, on hosts that are models.

use expect_test::{Expect, expect};
use strata_agent::system::Output;

use crate::world::{World, transcript};

const INVENTORY: &str = "a\nb ansible_connection=local\n";

fn check(world: &World, expected: Expect) {
    let ran = world.run();
    ran.recap.unwrap();
    expected.assert_eq(&transcript(&ran.events));
}

#[test]
fn a_host_is_shut_down_by_what_it_has() {
    let playbook = "- hosts: a
  tasks:
    - community.general.shutdown: {delay: 130, msg: 'back at \"5\"', search_paths: [/opt, /usr/local/sbin]}
      register: told
    - debug: {var: told}
    - community.general.shutdown: {search_paths: /none}
      ignore_errors: true
    - community.general.shutdown: {delay: soon}
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    let model = world.model("a");
    model.file("/usr/local/sbin/shutdown", "");
    let line = "/usr/local/sbin/shutdown -h 2 \"back at \\\"5\\\"\"";
    model.answer(&["/bin/sh", "-c", line], Output::success(""));
    check(
        &world,
        expect![[r#"
        PLAY [a]
        TASK [Gathering Facts]
          ok: [a]
        TASK [community.general.shutdown]
          changed: [a]
        TASK [debug]
          ok: [a]
            told: {"changed":true,"shutdown":true,"shutdown_command":"/usr/local/sbin/shutdown -h 2 \"back at \\\"5\\\"\"","failed":false}
        TASK [community.general.shutdown]
          fatal: [a]: FAILED!
            Could not find command "shutdown" in search paths: /none or systemctl command in search paths: /bin, /usr/bin, unable to shutdown.
          ...ignoring
        TASK [community.general.shutdown]
          fatal: [a]: FAILED!
            the argument `delay` needs a number of seconds, not `soon`
        PLAY RECAP
          a: ok=4 changed=1 unreachable=0 failed=1 skipped=0 rescued=0 ignored=1
    "#]],
    );
}

#[test]
fn this_machine_is_not_shut_down() {
    let playbook = "- hosts: b
  gather_facts: false
  tasks:
    - community.general.shutdown:
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    check(
        &world,
        expect![[r#"
        PLAY [b]
        TASK [community.general.shutdown]
          fatal: [b]: FAILED!
            Running community.general.shutdown with local connection would shutdown the control node.
        PLAY RECAP
          b: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
    "#]],
    );
}

#[test]
fn a_patch_of_ours_is_looked_for_here() {
    let playbook = "- hosts: a
  gather_facts: false
  tasks:
    - ansible.posix.patch: {src: none.patch, dest: /etc/hosts}
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    check(
        &world,
        expect![[r#"
        PLAY [a]
        TASK [ansible.posix.patch]
          fatal: [a]: FAILED!
            `none.patch` was not found on this machine; looked for `files/none.patch`, `none.patch`
        PLAY RECAP
          a: ok=0 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0
    "#]],
    );
}
