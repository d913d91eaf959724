//! Commands beside an apply that is under way, and what became of things meanwhile.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use crate::{
    gate::{self, Waiting},
    strata::Folder,
};

#[test]
fn beside_an_apply_others_read_and_who_would_write_is_told_who_has_the_lock() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    let who = "OperationTypeApply by ";
    let process = format!("process {}", first.child.id());
    for command in [
        &["plan"][..],
        &["plan", "-destroy"],
        &["refresh"],
        &["destroy", "-auto-approve"],
        &[
            "state",
            "mv",
            "terraform_data.first",
            "terraform_data.other",
        ],
        &["state", "rm", "terraform_data.first"],
        &["taint", "terraform_data.first"],
    ] {
        let refused = folder.run(command);
        assert_eq!(refused.code, Some(1), "{command:?}: {}", refused.stdout);
        for text in ["The state is locked", who, &process] {
            let said = &refused.stderr;
            assert!(said.contains(text), "{command:?}: {text} in {said}");
        }
    }
    let unlocked = folder.run(&["apply", "-auto-approve", "-lock=false"]);
    assert_eq!(unlocked.code, Some(1), "{}", unlocked.stdout);
    let why = "Another run is at work on this state";
    assert!(unlocked.stderr.contains(why), "{}", unlocked.stderr);
    for command in [
        &["state", "list"][..],
        &["output", "-json"],
        &["show"],
        &["validate"],
        &["plan", "-lock=false"],
    ] {
        folder.run(command).succeeded();
    }
    gate::open(&folder);
    let (said, code) = first.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Resources: 2 added"), "{said}");
    let plan = folder.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stdout);
}

#[test]
fn one_waits_for_the_lock_as_long_as_it_was_told() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    let second = Waiting::run(&folder, &["apply", "-auto-approve", "-lock-timeout=60s"]);
    gate::open(&folder);
    let (said, code) = first.end();
    assert_eq!(code, Some(0), "{said}");
    let (said, code) = second.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 added, 0 changed, 0 destroyed"), "{said}");
}

#[test]
fn two_workspaces_are_worked_on_at_once() {
    let folder = gate::folder();
    folder.write(
        "main.tf",
        r#"
resource "terraform_data" "one" {
  input = terraform.workspace
  provisioner "local-exec" {
    command = "echo begun; test ${terraform.workspace} = fast || cat gate"
  }
}
output "of" { value = terraform_data.one.output }
"#,
    );
    folder.run(&["workspace", "new", "slow"]).succeeded();
    let slow = Waiting::start(&folder);
    folder.run(&["workspace", "new", "fast"]).succeeded();
    folder.run(&["apply", "-auto-approve"]).succeeded();
    let of = |folder: &Folder| folder.run(&["output", "-raw", "of"]).succeeded().stdout;
    assert_eq!(of(&folder), "fast");
    gate::open(&folder);
    let (said, code) = slow.end();
    assert_eq!(code, Some(0), "{said}");
    // The one that was begun first has gone on in its own.
    assert_eq!(of(&folder), "fast");
    folder.run(&["workspace", "select", "slow"]).succeeded();
    assert_eq!(of(&folder), "slow");
}

#[test]
fn a_plan_is_applied_once() {
    let folder = Folder::new(&[("main.tf", "resource \"terraform_data\" \"a\" {}\n")]);
    folder.run(&["plan", "-out=plan"]).succeeded();
    folder.run(&["apply", "plan"]).succeeded();
    let state = fs::read(folder.path().join("terraform.tfstate")).unwrap();
    let again = folder.run(&["apply", "plan"]);
    assert_eq!(again.code, Some(1), "{}", again.stdout);
    assert!(
        again.stderr.contains("Saved plan is stale"),
        "{}",
        again.stderr
    );
    let after = fs::read(folder.path().join("terraform.tfstate")).unwrap();
    assert_eq!(after, state);
}

/// A clock that was set back leaves files that come from the future.
#[test]
fn what_a_dead_run_left_is_settled_though_it_comes_from_the_future() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    first.signal("KILL");
    gate::open(&folder);
    first.end();
    let later = SystemTime::now() + Duration::from_secs(10 * 365 * 24 * 3600);
    let mut left = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("tfstate") {
            continue;
        }
        // The years of times inside, too.
        let text = fs::read_to_string(&path).unwrap();
        let ahead = text.replace("\"Created\":\"20", "\"Created\":\"21");
        if name.ends_with("lock.info") {
            assert_ne!(ahead, text);
        }
        fs::write(&path, ahead).unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(later).unwrap();
        left.push(name);
    }
    assert!(
        left.iter().any(|name| name.ends_with(".journal")),
        "{left:?}"
    );
    folder.write("main.tf", &gate::TWO.replace("cat gate", "true"));
    let next = folder.run(&["apply", "-auto-approve"]).succeeded();
    let warned = "An earlier run ended without giving its lock back";
    assert!(next.stderr.contains(warned), "{}", next.stderr);
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list, "terraform_data.first\nterraform_data.second\n");
    let plan = folder.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stdout);
    assert!(!folder.path().join("terraform.tfstate.journal").exists());
}
