//! Ctrl-C in the middle of an apply.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::Command,
};

use crate::{
    gate::{self, Waiting},
    strata::Folder,
};

#[test]
fn the_first_signal_finishes_what_runs_and_begins_nothing_more() {
    let folder = gate::folder();
    let mut apply = Waiting::start(&folder);
    apply.signal("INT");
    apply.until("Stopping: what is under way is finished first.");
    gate::open(&folder);
    let (said, code) = apply.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("Apply complete!"), "{said}");
    assert!(
        said.contains("terraform_data.first: Creation complete"),
        "{said}"
    );
    assert!(said.contains("Stopped. 1 of 2 changes were made"), "{said}");
    assert!(
        said.contains("apply again: it goes on from here."),
        "{said}"
    );

    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list, "terraform_data.first\n");
    let plan = folder.run(&["plan", "-detailed-exitcode"]);
    assert!(
        plan.stdout
            .contains("Plan: 1 to add, 0 to change, 0 to destroy.")
    );
    assert!(!folder.path().join("terraform.tfstate.journal").exists());
}

#[test]
fn a_playbook_that_is_stopped_says_so_and_ends_as_with_ansible() {
    let folder = gate::folder();
    let begun = pipe(&folder, "begun");
    let site = "- hosts: localhost
  gather_facts: false
  tasks:
    - shell: echo > begun; cat gate
      args: {chdir: \"{{ playbook_dir }}\"}
    - debug: {}
";
    folder.write("site.yml", site);
    let mut run = Waiting::run(&folder, &["playbook", "site.yml"]);
    fs::read(begun).unwrap();
    run.signal("HUP");
    run.until("Stopping: what is under way is finished first.");
    gate::open(&folder);
    let (said, code) = run.end();
    assert_eq!(code, Some(99), "{said}");
    assert!(!said.contains("TASK [debug]"), "{said}");
}

#[test]
fn the_second_signal_ends_what_tasks_of_this_machine_started() {
    let folder = gate::folder();
    let site = "- hosts: a,b
  gather_facts: false
  connection: local
  tasks:
    - shell: exec 3> begun-{{ inventory_hostname }}; echo begun >&3; cat gate; touch done
      args: {chdir: \"{{ playbook_dir }}\"}
";
    folder.write("site.yml", site);
    let begun = ["begun-a", "begun-b"].map(|name| pipe(&folder, name));
    let mut run = Waiting::run(&folder, &["playbook", "-i", "a,b,", "site.yml"]);
    let mut readers = begun.map(|path| BufReader::new(fs::File::open(path).unwrap()));
    for reader in &mut readers {
        reader.read_line(&mut String::new()).unwrap();
    }
    run.signal("INT");
    run.until("Stopping: what is under way is finished first.");
    run.signal("INT");
    let (said, code) = run.end();
    assert_eq!(code, Some(99), "{said}");
    assert!(said.contains("Stopping at once."), "{said}");
    // The pipes are at their end when nobody holds them any more.
    for reader in &mut readers {
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
    assert!(!folder.path().join("done").exists());
}

/// A named pipe in a folder.
pub(crate) fn pipe(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[test]
fn what_stands_in_the_reading_of_a_pipe_is_ended_by_the_second_signal() {
    let folder = gate::folder();
    let site = pipe(&folder, "site.yml");
    let mut run = Waiting::run(&folder, &["playbook", "site.yml"]);
    // Open as soon as it is read from; nothing is ever written.
    let writer = fs::OpenOptions::new().write(true).open(site).unwrap();
    run.signal("TERM");
    run.until("Stopping: what is under way is finished first.");
    run.signal("TERM");
    let (said, code) = run.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Stopping at once."), "{said}");
    drop(writer);
}

#[test]
fn the_second_signal_ends_at_once_and_the_next_run_knows_what_was_under_way() {
    let folder = gate::folder();
    let main = gate::TWO.replace("cat gate", "sleep 20");
    folder.write("main.tf", &main);
    let mut apply = Waiting::start(&folder);
    apply.signal("TERM");
    apply.until("Stopping: what is under way is finished first.");
    apply.signal("INT");
    let (said, code) = apply.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Stopping at once."), "{said}");
    assert!(!said.contains("Apply complete!"), "{said}");

    let plan = folder.run(&["plan"]).succeeded().stdout;
    assert!(
        plan.contains("terraform_data.first is tainted, so must be replaced"),
        "{plan}"
    );
}

/// A data source that never answers.
const HANGS: &str = r#"
data "external" "x" { program = ["sleep", "1000"] }
resource "terraform_data" "a" { input = data.external.x.result }
"#;

#[test]
fn a_plan_that_hangs_is_ended_by_the_second_signal() {
    for arguments in [&["plan"][..], &["apply", "-auto-approve"], &["refresh"]] {
        let folder = Folder::new(&[("main.tf", HANGS)]);
        let mut hanging = Waiting::run(&folder, arguments);
        hanging.until("data.external.x: Reading...");
        hanging.signal("INT");
        hanging.until("Stopping: what is under way is finished first.");
        hanging.signal("INT");
        let (said, code) = hanging.end();
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains("Stopping at once."), "{said}");
        assert!(!folder.path().join(".terraform.tfstate.lock.info").exists());
    }
}
