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
    check(&world, expect![[""]]);
}

#[test]
fn this_machine_is_not_shut_down() {
    let playbook = "- hosts: b
  gather_facts: false
  tasks:
    - community.general.shutdown:
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    check(&world, expect![[""]]);
}

#[test]
fn a_patch_of_ours_is_looked_for_here() {
    let playbook = "- hosts: a
  gather_facts: false
  tasks:
    - ansible.posix.patch: {src: none.patch, dest: /etc/hosts}
";
    let world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    check(&world, expect![[""]]);
}
