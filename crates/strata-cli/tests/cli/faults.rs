//! What a disk, another user or another run can do to a state: it is refused with the reason, and the file stays.

use std::{
    collections::BTreeSet,
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
fn a_state_that_is_edited_during_an_apply_stays_and_what_was_done_is_kept_beside_it() {
    let (folder, before) = applied();
    let edit = "sed -i 's/\"serial\": 1/\"serial\": 7/' terraform.tfstate";
    let more = format!(
        "resource \"terraform_data\" \"more\" {{\n  input = \"made\"\n  provisioner \"local-exec\" {{\n    \
         command = {}\n  }}\n}}\n",
        serde_json::json!(edit)
    );
    folder.write("more.tf", &more);
    let failed = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stdout);
    for said in ["was changed by somebody else", "state push errored.tfstate"] {
        assert!(failed.stderr.contains(said), "{}", failed.stderr);
    }
    let edited = state(&folder);
    assert_ne!(edited, before);
    assert!(!String::from_utf8_lossy(&edited).contains("made"));
    // Nothing is made twice: until somebody decides, nothing runs on either.
    let refused = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("errored.tfstate"),
        "{}",
        refused.stderr
    );
    assert_eq!(state(&folder), edited);
    folder
        .run(&["state", "push", "errored.tfstate"])
        .succeeded();
    let plan = folder.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
}

#[test]
fn a_full_disk_leaves_the_old_state_and_the_next_run_goes_on() {
    let (folder, before) = applied();
    // No file may grow beyond some blocks, as on a disk without room.
    let line = "trap '' XFSZ; ulimit -f 16; exec $STRATA apply -auto-approve -var=number=100";
    let full = shell(&folder, line, false);
    assert_eq!(full.status.code(), Some(1));
    let said = complaint(&full);
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
fn no_command_changes_anything_where_it_may_not_write_and_each_says_what_to_do() {
    let (folder, before) = applied();
    folder.run(&["workspace", "new", "other"]).succeeded();
    folder.run(&["workspace", "select", "default"]).succeeded();
    let all = || -> BTreeSet<String> {
        let all = Command::new("find").arg(folder.path()).output().unwrap();
        let all = String::from_utf8(all.stdout).unwrap();
        all.lines().map(str::to_owned).collect()
    };
    let mode = |mode: &str| {
        let changed = Command::new("chmod")
            .args(["-R", mode])
            .arg(folder.path())
            .status();
        assert!(changed.unwrap().success());
    };
    let there = all();
    mode("a-w,a+rX");
    for command in [
        "plan",
        "plan -out=p",
        "apply -auto-approve -var=number=2",
        "destroy -auto-approve",
        "refresh",
        "taint terraform_data.each[0]",
        "untaint terraform_data.each[0]",
        "import terraform_data.each[7] id",
        "state mv terraform_data.each terraform_data.more",
        "state rm terraform_data.each",
        "state replace-provider -auto-approve terraform.io/builtin/terraform example.org/a/b",
        "state push -force terraform.tfstate",
        "workspace new more",
        "workspace select other",
        "workspace delete other",
    ] {
        let refused = shell(&folder, &format!("exec $STRATA {command}"), true);
        let said = complaint(&refused);
        assert_eq!(refused.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("Permission denied"), "{command}: {said}");
        assert!(said.contains("a user who may write"), "{command}: {said}");
    }
    for command in [
        "plan -lock=false",
        "show",
        "output",
        "state list",
        "validate",
    ] {
        let went = shell(&folder, &format!("exec $STRATA {command}"), true);
        assert!(went.status.success(), "{command}: {}", complaint(&went));
    }
    mode("u+w");
    assert_eq!(state(&folder), before);
    assert_eq!(all(), there);
}

#[test]
fn a_workspace_that_cannot_be_finished_is_not_there() {
    let (folder, before) = applied();
    let line = "trap '' XFSZ; ulimit -f 0; exec $STRATA workspace new more";
    for option in ["", " -state=terraform.tfstate"] {
        let full = shell(&folder, &format!("{line}{option}"), false);
        let said = complaint(&full);
        assert_eq!(full.status.code(), Some(1), "{said}");
        assert!(said.contains("File too large"), "{said}");
        let list = folder.run(&["workspace", "list"]).succeeded().stdout;
        assert_eq!(list, "* default\n\n");
    }
    folder.run(&["workspace", "new", "more"]).succeeded();
    assert_eq!(state(&folder), before);
}

#[test]
fn a_data_folder_that_is_none_or_belongs_to_somebody_else_is_named_with_a_way_out() {
    let (folder, before) = applied();
    let data = folder.path().join(".terraform");
    for command in ["init", "plan", "apply -auto-approve", "workspace list"] {
        fs::write(&data, "").unwrap();
        let refused = shell(&folder, &format!("exec $STRATA {command}"), false);
        let said = complaint(&refused);
        assert_eq!(refused.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains(".terraform` is to be a folder"), "{said}");
        fs::remove_file(&data).unwrap();

        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).unwrap();
        let refused = shell(&folder, &format!("exec $STRATA {command}"), true);
        let said = complaint(&refused);
        assert_eq!(refused.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("belongs to somebody else"), "{said}");
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        fs::remove_dir(&data).unwrap();
    }
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

#[test]
fn a_state_that_is_cut_off_of_the_future_or_none_at_all_is_refused_and_stays() {
    let (folder, before) = applied();
    let whole = String::from_utf8(before).unwrap();
    let future = whole.replacen("\"version\": 4", "\"version\": 5", 1);
    let half = &whole[..whole.len() / 2];
    for text in [half, &future, "null", "{}", "\u{0}\u{1}", "[1]"] {
        folder.write("terraform.tfstate", text);
        for command in [
            &["plan"][..],
            &["apply", "-auto-approve", "-var=number=2"],
            &["destroy", "-auto-approve"],
            &["state", "rm", "terraform_data.each"],
        ] {
            let refused = folder.run(command);
            assert_eq!(refused.code, Some(1), "{command:?} of {text:?}");
            let why = "Unsupported state file format";
            assert!(refused.stderr.contains(why), "{}", refused.stderr);
            assert_eq!(String::from_utf8(state(&folder)).unwrap(), text);
        }
    }
}

#[test]
fn a_state_that_another_one_took_the_place_of_meanwhile_is_not_written_over() {
    let folder = gate::folder();
    let first = Waiting::start(&folder);
    let other = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"other","outputs":{},"resources":[],"check_results":null}"#;
    folder.write("terraform.tfstate", other);
    gate::open(&folder);
    let (said, code) = first.end();
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(String::from_utf8(state(&folder)).unwrap(), other);
    // What was done is known: the journal is kept, and nobody goes on on the wrong state.
    let next = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(next.code, Some(1), "{}", next.stdout);
    assert!(
        next.stderr.contains("terraform.tfstate.journal"),
        "{}",
        next.stderr
    );
    assert_eq!(String::from_utf8(state(&folder)).unwrap(), other);
}

/// Each waits at the gate when it is made and when it is deleted, unless a file says that all may pass.
const STEPS: &str = r#"
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "echo making; test -e pass || cat gate"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo deleting; test -e pass || cat gate"
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
  provisioner "local-exec" {
    command = "echo making; test -e pass || cat gate"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo deleting; test -e pass || cat gate"
  }
}
"#;

/// Starts a command, lets it pass the gate some times, and kills it when it stands there once more.
fn killed(folder: &Folder, arguments: &[&str], passes: usize, step: &str) {
    let pass = folder.path().join("pass");
    if pass.exists() {
        fs::remove_file(&pass).unwrap();
    }
    let mut run = Waiting::run(folder, arguments);
    for _ in 0..passes {
        run.until(step);
        gate::open(folder);
    }
    run.until(step);
    // The step may be told before its program is started.
    let program = gate::reached(folder);
    run.signal("KILL");
    drop(program);
    run.end();
    folder.write("pass", "");
}

#[test]
fn a_run_killed_at_a_provisioner_is_gone_on_with_and_nothing_is_lost_or_doubled() {
    for passes in [0, 1] {
        let folder = gate::folder();
        folder.write("main.tf", STEPS);
        let (apply, destroy) = (["apply", "-auto-approve"], ["destroy", "-auto-approve"]);
        killed(&folder, &apply, passes, "(local-exec): making");
        folder.run(&apply).succeeded();
        let list = folder.run(&["state", "list"]).succeeded().stdout;
        assert_eq!(list, "terraform_data.a\nterraform_data.b\n");
        let plan = folder.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(plan.code, Some(0), "{}", plan.stdout);

        killed(&folder, &destroy, passes, "(local-exec): deleting");
        folder.run(&destroy).succeeded();
        assert_eq!(folder.run(&["state", "list"]).succeeded().stdout, "");
        assert!(!folder.path().join("terraform.tfstate.journal").exists());
    }
}

#[test]
fn a_plan_that_was_killed_leaves_nothing_in_the_way() {
    let folder = gate::folder();
    let main = "data \"external\" \"x\" {\n  program = [\"sh\", \"-c\", \"test -e pass || cat gate; echo {}\"]\n}\n";
    folder.write("main.tf", main);
    killed(
        &folder,
        &["plan", "-out=p"],
        0,
        "data.external.x: Reading...",
    );
    assert!(!folder.path().join("p").exists());
    folder.run(&["apply", "-auto-approve"]).succeeded();
}

#[test]
fn a_state_behind_a_link_is_written_there_and_the_link_stays() {
    let folder = Folder::new(&[("main.tf", MANY), ("elsewhere/other", "")]);
    let link = folder.path().join("terraform.tfstate");
    std::os::unix::fs::symlink("elsewhere/kept.tfstate", &link).unwrap();
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder
        .run(&["apply", "-auto-approve", "-var=number=2"])
        .succeeded();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let list = folder.run(&["state", "list", "-state=elsewhere/kept.tfstate"]);
    assert_eq!(list.succeeded().stdout.lines().count(), 2);
    fs::remove_file(folder.path().join("elsewhere/kept.tfstate")).unwrap();
    folder
        .run(&["apply", "-auto-approve", "-lock=false"])
        .succeeded();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let list = folder.run(&["state", "list", "-state=elsewhere/kept.tfstate"]);
    assert_eq!(list.succeeded().stdout.lines().count(), 1);
}

#[test]
fn a_variable_file_that_is_a_pipe_is_refused_and_nobody_waits() {
    for name in ["terraform.tfvars", "a.auto.tfvars"] {
        let folder = Folder::new(&[("main.tf", MANY)]);
        assert!(
            shell(&folder, &format!("mkfifo {name}"), false)
                .status
                .success()
        );
        let plan = folder.run(&["plan"]);
        assert_eq!(plan.code, Some(1), "{}", plan.stdout);
        assert!(plan.stderr.contains(name), "{}", plan.stderr);
    }
}

#[test]
fn a_state_that_is_a_pipe_is_refused_and_stays() {
    let folder = Folder::new(&[("main.tf", MANY)]);
    assert!(
        shell(&folder, "mkfifo terraform.tfstate", false)
            .status
            .success()
    );
    for command in [&["plan"][..], &["apply", "-auto-approve"], &["output"]] {
        let refused = folder.run(command);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(
            refused.stderr.contains("it is a pipe"),
            "{}",
            refused.stderr
        );
        assert!(folder.path().join("terraform.tfstate").exists());
    }
}

#[test]
fn a_reader_that_goes_away_ends_no_apply_half_way() {
    let folder = Folder::new(&[("main.tf", MANY)]);
    let line = "$STRATA apply -auto-approve -var=number=300 | head -1";
    assert!(shell(&folder, line, false).status.success());
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list.lines().count(), 300);
    let nobody_hears = shell(&folder, "$STRATA apply -auto-approve <&- >&- 2>&-", false);
    assert!(nobody_hears.status.success());
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list.lines().count(), 1);
}

#[test]
fn a_backend_that_comes_later_leaves_no_state_behind() {
    let (folder, before) = applied();
    let backend =
        format!("terraform {{\n  backend \"local\" {{ path = \"new.tfstate\" }}\n}}\n{MANY}");
    fs::write(folder.path().join("main.tf"), backend).unwrap();
    for command in [
        &["plan"][..],
        &["apply", "-auto-approve"],
        &["state", "list"],
    ] {
        let refused = folder.run(command);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        let why = "Backend initialization required";
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(state(&folder), before);
    folder.run(&["init", "-force-copy"]).succeeded();
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(list.lines().count(), 1);
}

#[test]
fn a_plan_that_is_cut_off_is_called_damaged() {
    let folder = Folder::new(&[("main.tf", MANY)]);
    folder.run(&["plan", "-out=p"]).succeeded();
    let path = folder.path().join("p");
    let whole = fs::read(&path).unwrap();
    for length in [20, 200, whole.len() - 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let refused = folder.run(&["apply", "p"]);
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(
            refused.stderr.contains("It is damaged"),
            "{}",
            refused.stderr
        );
        assert!(!folder.path().join("terraform.tfstate").exists());
    }
}

#[test]
fn a_lock_that_cannot_be_written_leaves_none_behind() {
    let (folder, before) = applied();
    let line = "trap '' XFSZ; ulimit -f 0; exec $STRATA apply -auto-approve -var=number=2";
    let full = shell(&folder, line, false);
    assert!(!full.status.success(), "{}", complaint(&full));
    let lock = folder.path().join(".terraform.tfstate.lock.info");
    assert!(!lock.exists());
    assert!(state(&folder) == before);
    fs::create_dir(folder.path().join("folder")).unwrap();
    let refused = folder.run(&["plan", "-state=folder"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(!folder.path().join(".folder.lock.info").exists());
}

#[test]
fn an_output_that_takes_no_more_is_a_failure() {
    let (folder, _) = applied();
    for command in ["plan", "show", "state list", "apply -auto-approve"] {
        let full = shell(&folder, &format!("$STRATA {command} > /dev/full"), false);
        assert_eq!(full.status.code(), Some(1), "{command}");
        assert!(
            complaint(&full).contains("The output cannot be written"),
            "{command}: {}",
            complaint(&full)
        );
    }
}
