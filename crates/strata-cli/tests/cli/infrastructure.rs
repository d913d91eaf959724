//! The infrastructure commands by themselves, on resources that need no platform.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::strata::Folder;

const MAIN: &str = r#"
variable "names" {
  type    = set(string)
  default = ["a", "b"]
}

variable "token" {
  type      = string
  default   = "hunter2-secret"
  sensitive = true
}

resource "terraform_data" "one" {
  for_each = var.names
  input    = "name ${each.key}"
}

resource "terraform_data" "secret" {
  input            = var.token
  triggers_replace = [for name, one in terraform_data.one : one.id]
}

output "names" {
  value = { for key, one in terraform_data.one : key => one.output }
}

output "token" {
  value     = terraform_data.secret.output
  sensitive = true
}
"#;

fn applied() -> Folder {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder
}

/// The types of the lines of a machine-readable stream, each once.
fn kinds(stream: &str) -> Vec<String> {
    let mut kinds: Vec<String> = stream
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line))
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_plan_says_by_its_exit_code_whether_there_is_something_to_do() {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    let first = folder.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(first.code, Some(2), "{}", first.stderr);
    assert!(
        first
            .stdout
            .contains("Plan: 3 to add, 0 to change, 0 to destroy."),
        "{}",
        first.stdout
    );
    folder.run(&["apply", "-auto-approve"]).succeeded();
    let second = folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    assert!(second.stdout.contains("No changes."), "{}", second.stdout);
}

#[test]
fn a_changed_value_changes_what_it_reaches_and_nothing_else() {
    let folder = applied();
    let plan = folder
        .run(&["plan", "-var", "names=[\"a\",\"c\"]"])
        .succeeded();
    assert!(
        plan.stdout
            .contains("terraform_data.one[\"b\"] will be destroyed"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.stdout
            .contains("terraform_data.one[\"c\"] will be created"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.stdout
            .contains("terraform_data.secret must be replaced"),
        "{}",
        plan.stdout
    );
    assert!(
        !plan.stdout.contains("terraform_data.one[\"a\"] will"),
        "{}",
        plan.stdout
    );
}

#[test]
fn the_stream_for_machines_has_terraforms_line_types() {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    let stream = folder
        .run(&["apply", "-auto-approve", "-json", "-parallelism=1"])
        .succeeded()
        .stdout;
    let kinds = kinds(&stream);
    assert_eq!(kinds.first().map(String::as_str), Some("version"));
    for kind in [
        "planned_change",
        "change_summary",
        "apply_start",
        "apply_complete",
    ] {
        assert!(
            kinds.iter().any(|found| found == kind),
            "{kind} is not in {kinds:?}"
        );
    }
}

#[test]
fn outputs_are_shown_whole_by_name_and_as_json() {
    let folder = applied();
    let all = folder.run(&["output"]).succeeded().stdout;
    assert_eq!(
        all,
        "names = {\n  \"a\" = \"name a\"\n  \"b\" = \"name b\"\n}\ntoken = <sensitive>\n"
    );
    assert_eq!(
        folder.run(&["output", "-raw", "token"]).succeeded().stdout,
        "hunter2-secret"
    );
    let json: Value =
        serde_json::from_str(&folder.run(&["output", "-json"]).succeeded().stdout).unwrap();
    assert_eq!(json["names"]["value"]["a"], "name a");
    assert_eq!(json["token"]["sensitive"], true);
    let missing = folder.run(&["output", "nothing"]);
    assert_eq!(missing.code, Some(1));
    let said = "Output \"nothing\" not found";
    assert!(missing.stderr.contains(said), "{}", missing.stderr);
}

#[test]
fn the_state_can_be_listed_and_shown() {
    let folder = applied();
    let list = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(
        list,
        "terraform_data.one[\"a\"]\nterraform_data.one[\"b\"]\nterraform_data.secret\n"
    );
    let shown = folder
        .run(&["state", "show", "terraform_data.one[\"a\"]"])
        .succeeded()
        .stdout;
    assert!(shown.contains("input  = \"name a\""), "{shown}");
    let json: Value =
        serde_json::from_str(&folder.run(&["show", "-json"]).succeeded().stdout).unwrap();
    assert_eq!(
        json["values"]["root_module"]["resources"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_sensitive_value_is_shown_nowhere_and_kept_from_other_users() {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    let apply = folder.run(&["apply", "-auto-approve"]).succeeded();
    let stream = folder
        .run(&["plan", "-json", "-replace=terraform_data.secret"])
        .succeeded();
    // `output` of a `terraform_data` is made by the provider, which knows no marks: as in Terraform.
    let show = folder
        .run(&["state", "show", "terraform_data.secret"])
        .succeeded();
    assert!(
        show.stdout.contains("input            = (sensitive value)"),
        "{}",
        show.stdout
    );
    for said in [apply.stdout, apply.stderr, stream.stdout, stream.stderr] {
        assert!(!said.contains("hunter2"), "{said}");
    }
    let state = folder.path().join("terraform.tfstate");
    assert_eq!(
        state.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn terraform_reads_our_state_and_finds_nothing_to_do() {
    let is_there = Command::new("terraform")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !is_there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: terraform is not on this machine");
        return;
    }
    let folder = applied();
    let terraform = |arguments: &[&str]| {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null());
        command
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .output()
            .unwrap()
    };
    assert!(terraform(&["init", "-input=false"]).status.success());
    let plan = terraform(&["plan", "-detailed-exitcode", "-input=false", "-no-color"]);
    assert_eq!(
        plan.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&plan.stdout)
    );
    // And back: what terraform wrote opens here.
    assert!(
        terraform(&[
            "apply",
            "-auto-approve",
            "-input=false",
            "-var",
            "names=[\"a\"]"
        ])
        .status
        .success()
    );
    let back = folder
        .run(&["plan", "-detailed-exitcode", "-var", "names=[\"a\"]"])
        .succeeded();
    assert!(back.stdout.contains("No changes."), "{}", back.stdout);
}

#[test]
fn destroy_leaves_an_empty_state() {
    let folder = applied();
    let refused = folder.run(&["destroy"]);
    assert_eq!(
        refused.code,
        Some(1),
        "nobody was asked, so nothing may be destroyed"
    );
    assert_eq!(
        folder
            .run(&["state", "list"])
            .succeeded()
            .stdout
            .lines()
            .count(),
        3
    );
    let destroy = folder.run(&["destroy", "-auto-approve"]).succeeded();
    assert!(
        destroy
            .stdout
            .contains("Destroy complete! Resources: 3 destroyed."),
        "{}",
        destroy.stdout
    );
    assert_eq!(folder.run(&["state", "list"]).succeeded().stdout, "");
}

#[test]
fn a_folder_whose_configuration_is_gone_can_be_checked_set_up_and_destroyed() {
    let folder = applied();
    std::fs::remove_file(folder.path().join("main.tf")).unwrap();
    folder.run(&["validate"]).succeeded();
    let set_up = folder.run(&["init"]).succeeded();
    assert!(
        set_up.stdout.contains("in an empty directory"),
        "{}",
        set_up.stdout
    );
    let plan = folder.run(&["plan"]);
    assert_eq!(plan.code, Some(1));
    assert!(
        plan.stderr.contains("No configuration files"),
        "{}",
        plan.stderr
    );
    let gone = folder.run(&["destroy", "-auto-approve"]).succeeded();
    assert!(gone.stdout.contains("3 destroyed"), "{}", gone.stdout);
    assert_eq!(folder.run(&["state", "list"]).succeeded().stdout, "");
}

#[test]
fn conditions_of_what_stays_are_looked_at_when_what_they_speak_of_has_changed() {
    let main = r#"
variable "size" {
  default = 1
}
resource "terraform_data" "changes" {
  input = var.size
}
resource "terraform_data" "stays" {
  input = 1
  lifecycle {
    precondition {
      condition     = terraform_data.changes.output < 5
      error_message = "It is too big."
    }
  }
}
"#;
    let folder = Folder::new(&[("main.tf", main)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    let ran = folder.run(&["apply", "-auto-approve", "-var=size=9"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("It is too big."), "{}", ran.stderr);
    let state = folder.run(&["state", "pull"]).succeeded().stdout;
    assert!(state.contains("\"status\": \"fail\""), "{state}");
}

#[test]
fn a_plan_that_is_saved_to_a_device_leaves_it_one() {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let reader = Command::new("cat")
        .arg(folder.path().join("pipe"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    folder.run(&["plan", "-out", "pipe"]).succeeded();
    let read = reader.wait_with_output().unwrap().stdout;
    assert!(!read.is_empty());
    let kind = std::fs::symlink_metadata(folder.path().join("pipe"))
        .unwrap()
        .file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind));
}

#[test]
fn a_full_disk_behind_the_output_is_an_error_and_stops_nothing() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let folder = Folder::new(&[
        ("main.tf", MAIN),
        (
            "site.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - copy: {content: x, dest: \"{{ playbook_dir }}/made\"}\n",
        ),
    ]);
    let run = |arguments: &[&str]| {
        let ran = folder.command(arguments).stdout(full()).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        (ran.status.code(), said)
    };
    run(&["apply", "-auto-approve"]);
    assert_eq!(
        folder
            .run(&["state", "list"])
            .succeeded()
            .stdout
            .lines()
            .count(),
        3
    );
    let (code, said) = run(&["show", "-json"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("No space left on device"), "{said}");
    run(&["playbook", "site.yml"]);
    assert!(folder.path().join("made").exists());
}

#[test]
fn validate_says_what_providers_have_against_the_configuration() {
    let main = r#"
variable "length" {}
resource "random_password" "a" {
  length = 0
}
resource "random_password" "b" {
  length = var.length
}
module "m" {
  source = "./m"
}
"#;
    let inner = "resource \"time_sleep\" \"t\" {\n  create_duration = \"x\"\n}\n";
    let folder = Folder::new(&[("main.tf", main), ("m/main.tf", inner)]);
    let found = folder.run(&["validate", "-json"]);
    assert_eq!(found.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let place = |found: &serde_json::Value| {
        let range = &found["range"];
        format!(
            "{}:{}",
            range["filename"].as_str().unwrap(),
            range["start"]["line"]
        )
    };
    let places = found["diagnostics"].as_array().unwrap().iter().map(place);
    let places: Vec<String> = places.collect();
    assert_eq!(places, ["main.tf:4", "m/main.tf:2"], "{found}");
}
