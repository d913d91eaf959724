//! What a disk, another user or another run can do to a state: it is refused with the reason, and the file stays.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Output},
};

use crate::{
    gate::{self, Waiting},
    strata::Folder,
};

const MANY: &str = r#"
variable "number" {
  default = 1
}
resource "terraform_data" "each" {
  count = var.number
  input = "something to keep, number ${count.index}"
}
"#;

fn applied() -> (Folder, Vec<u8>) {
    let folder = Folder::new(&[("main.tf", MANY)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    let state = state(&folder);
    (folder, state)
}

fn state(folder: &Folder) -> Vec<u8> {
    fs::read(folder.path().join("terraform.tfstate")).unwrap()
}

/// Runs a line of shell with the program as `$STRATA`.
fn shell(folder: &Folder, line: &str, as_nobody: bool) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(folder.path())
        .env("STRATA", env!("CARGO_BIN_EXE_strata"))
        .env("HOME", folder.path())
        .env("NO_COLOR", "1");
    if as_nobody && rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    command.output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_disk_leaves_the_old_state_and_the_next_run_goes_on() {
    let (folder, before) = applied();
    // No file may grow beyond some blocks, as on a disk without room.
    let line = "trap '' XFSZ; ulimit -f 16; exec $STRATA apply -auto-approve -var=number=100";
    let full = shell(&folder, line, false);
    assert_eq!(full.status.code(), Some(1));
    let said = complaint(&full);
    assert!(
        said.contains("the journal cannot be written, so nothing more is begun"),
        "{said}"
    );
    assert!(said.contains("File too large"), "{said}");
    assert_eq!(state(&folder), before);

    folder
        .run(&["apply", "-auto-approve", "-var=number=100"])
        .succeeded();
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list.lines().count(), 100);
    let again = folder.run(&["plan", "-detailed-exitcode", "-var=number=100"]);
    assert_eq!(again.code, Some(0), "{}", again.stdout);
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_anything_is_done() {
    let (folder, before) = applied();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    for entry in fs::read_dir(folder.path()).unwrap() {
        mode(&entry.unwrap().path(), 0o644).unwrap();
    }
    mode(folder.path(), 0o555).unwrap();
    let line = "exec $STRATA apply -auto-approve -var=number=2";
    let refused = shell(&folder, line, true);
    mode(folder.path(), 0o755).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = complaint(&refused);
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(state(&folder), before);
}

#[test]
fn of_two_applies_one_proceeds_and_the_other_says_who_has_the_lock() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    let second = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(second.code, Some(1), "{}", second.stdout);
    let who = format!("process {}", first.child.id());
    for text in ["The state is locked", "OperationTypeApply by ", &who] {
        assert!(second.stderr.contains(text), "{text} in {}", second.stderr);
    }
    gate::open(&folder);
    let (said, code) = first.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Resources: 2 added"), "{said}");
}

#[test]
fn the_lock_of_a_dead_process_is_named_and_taken_over() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    let pid = first.child.id();
    first.signal("KILL");
    gate::open(&folder);
    first.end();
    folder.write("main.tf", "resource \"terraform_data\" \"second\" {}\n");
    let next = folder.run(&["apply", "-auto-approve"]).succeeded();
    let warned = "An earlier run ended without giving its lock back";
    assert!(next.stderr.contains(warned), "{}", next.stderr);
    assert!(
        next.stderr.contains(&format!("process {pid}")),
        "{}",
        next.stderr
    );
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list, "terraform_data.second\n");
}

#[test]
fn a_state_edited_by_hand_is_refused_where_it_does_not_fit_its_type() {
    let (folder, before) = applied();
    let text = String::from_utf8(before).unwrap();
    let edited = text.replacen("\"id\": \"", "\"id\": [], \"idd\": \"", 1);
    assert_ne!(edited, text);
    folder.write("terraform.tfstate", &edited);
    let refused = folder.run(&["apply", "-auto-approve", "-var=number=2"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("terraform_data.each[0]"),
        "{}",
        refused.stderr
    );
    assert_eq!(String::from_utf8(state(&folder)).unwrap(), edited);
}
