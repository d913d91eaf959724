//! `--resume` after the endings that a run can have.

use crate::strata::{Folder, Ran};

const HOSTS: &str = "[all]\na\nb\nc\n[all:vars]\nansible_connection=local\n";

/// Each command needs a file of its own to be there.
const SITE: &str = "\
- hosts: all
  gather_facts: false
  serial: [2, 1]
  tasks:
    - {name: First, command: echo, register: first, notify: Handled}
    - name: Block
      when: inventory_hostname == 'a'
      block:
        - {name: In the block, command: test -e block}
      rescue:
        - {name: In the rescue, command: test -e rescue}
    - name: Loop
      command: test {{ item }} = x -o -e loop
      loop: [x, y]
      when: inventory_hostname == 'a'
    - {name: Last, debug: {msg: '{{ first.rc }}'}}
  handlers:
    - {name: Handled, command: test -e handler}
";

fn resumed(project: &Folder) -> Ran {
    project.run(&["playbook", "-i", "hosts", "site.yml", "--resume"])
}

/// The tasks that were begun, in their order.
fn tasks(ran: &Ran) -> Vec<&str> {
    let banners = ran.stdout.lines().filter(|line| line.ends_with("***"));
    banners
        .filter_map(|line| line.split_once('[')?.1.split(']').next())
        .collect()
}

#[test]
fn a_run_goes_on_in_a_rescue_a_loop_a_handler_and_the_next_batch() {
    let project = Folder::new(&[("hosts", HOSTS), ("site.yml", SITE)]);
    let ran = project.run(&["playbook", "-i", "hosts", "site.yml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(!ran.stdout.contains("[c]"), "{}", ran.stdout);

    project.write("rescue", "");
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let begun = ["all", "In the block", "In the rescue", "Loop", "Handled"];
    assert_eq!(tasks(&ran), begun, "{}", ran.stdout);

    project.write("loop", "");
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(tasks(&ran), ["all", "Loop", "Last", "Handled"]);

    project.write("handler", "");
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(tasks(&ran)[..4], ["all", "Handled", "all", "First"]);
    assert!(ran.stdout.contains("changed: [c]"), "{}", ran.stdout);
    assert_eq!(resumed(&project).code, Some(4), "all is done");
}

#[test]
fn hosts_that_could_not_be_reached_make_up_for_what_they_missed() {
    let lost = "a ansible_connection=local\nz ansible_host=127.0.0.1 ansible_port=1\n";
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: One, command: echo}\n    - {name: Two, command: echo}\n";
    let project = Folder::new(&[("hosts", lost), ("site.yml", site)]);
    let ran = project.run(&["playbook", "-i", "hosts", "site.yml"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    project.write(
        "hosts",
        &lost.replace(
            "ansible_host=127.0.0.1 ansible_port=1",
            "ansible_connection=local",
        ),
    );
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(tasks(&ran), ["all", "One", "Two"]);
    assert!(!ran.stdout.contains("[a]"), "{}", ran.stdout);
}

#[test]
fn a_playbook_may_change_below_where_its_run_stopped_and_not_above() {
    let site = "- hosts: a\n  gather_facts: false\n  tasks:\n    - {name: One, command: echo}\n    - {name: Two, command: test -e two}\n    - {name: Three, command: echo}\n";
    let project = Folder::new(&[("hosts", HOSTS), ("site.yml", site)]);
    let run = ["playbook", "-i", "hosts", "site.yml"];
    assert_eq!(project.run(&run).code, Some(2));
    project.write("site.yml", &site.replace("name: One", "name: New"));
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(4), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("error[resume-changed]"),
        "{}",
        ran.stderr
    );
    project.write("site.yml", &site.replace("name: Three", "name: Changed"));
    project.write("two", "");
    let ran = resumed(&project);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(tasks(&ran), ["a", "Two", "Changed"]);
}
