//! Pipes, devices and programs that do not end, where a run meets them: it says so, or ends them with itself.

use std::{fs, io::Read, os::unix::fs::PermissionsExt};

use crate::{gate::Waiting, stop::pipe, strata::Folder};

#[test]
fn pipes_and_endless_files_are_no_sources() {
    let site = "- hosts: localhost
  gather_facts: false
  tasks:
    - template: {src: pipe, dest: '{{ playbook_dir }}/out'}
      ignore_errors: true
    - copy: {src: pipe, dest: '{{ playbook_dir }}/out'}
      ignore_errors: true
    - include_vars: /dev/zero
";
    let folder = Folder::new(&[("site.yml", site)]);
    pipe(&folder, "pipe");
    let ran = folder.run(&["playbook", "site.yml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    let refused = "is no regular file, and cannot be copied or rendered";
    assert_eq!(ran.stdout.matches(refused).count(), 2, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("the file has more than the"),
        "{}",
        ran.stdout
    );
    assert!(!folder.path().join("out").exists());
}

#[test]
fn the_second_signal_ends_what_a_lookup_waits_for() {
    let site = "- hosts: localhost
  gather_facts: false
  tasks:
    - debug:
        msg: \"{{ lookup('pipe', 'echo x >> runs; exec 3> begun; echo >&3; exec sleep 1000') }}\"
    - debug: {}
";
    let folder = Folder::new(&[("site.yml", site)]);
    let begun = pipe(&folder, "begun");
    let mut run = Waiting::run(&folder, &["playbook", "site.yml"]);
    let mut held = fs::File::open(begun).unwrap();
    held.read_exact(&mut [0]).unwrap();
    run.signal("TERM");
    run.until("Stopping: what is under way is finished first.");
    run.signal("TERM");
    // The end comes when nobody holds the pipe any more.
    held.read_to_end(&mut Vec::new()).unwrap();
    let (said, code) = run.end();
    assert_eq!(code, Some(99), "{said}");
    let runs = fs::read_to_string(folder.path().join("runs")).unwrap();
    assert_eq!(runs, "x\n", "it was run again to say what failed");
    assert_eq!(said.matches("TASK [debug]").count(), 1, "{said}");
}

#[test]
fn an_inventory_program_that_takes_too_long_is_ended_with_all_that_it_started() {
    let program = "#!/bin/sh\nexec 3> alive\nsleep 1000 &\nwait\n";
    let settings = "[strata]\ninventory_script_timeout = 1\n";
    let folder = Folder::new(&[("ansible.cfg", settings), ("hosts.sh", program)]);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path().join("hosts.sh"), executable).unwrap();
    let alive = pipe(&folder, "alive");
    let mut asked = folder.start(&["inventory", "-i", "hosts.sh", "--list"]);
    fs::read(alive).unwrap();
    assert_eq!(asked.wait().unwrap().code(), Some(1));
}
