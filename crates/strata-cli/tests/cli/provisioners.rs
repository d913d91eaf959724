//! Provisioners of resources, on this machine.

use std::fs;

use crate::strata::Folder;

const MAIN: &str = r#"
variable "secret" {
  default   = "hunter2"
  sensitive = true
}
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = "echo made ${self.input} >> log"
  }
  provisioner "local-exec" {
    environment = { SECRET = var.secret }
    command     = "echo $SECRET"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo gone ${self.output} >> log"
  }
}
"#;

const PROJECT: &str = r#"
project "p" {}
environment "e" {
  provision "x" {
    directory = "."
  }
}
"#;

fn log(folder: &Folder) -> String {
    fs::read_to_string(folder.path().join("log")).unwrap_or_default()
}

#[test]
fn they_run_when_an_object_is_made_and_before_it_is_deleted() {
    let folder = Folder::new(&[("main.tf", MAIN)]);
    let applied = folder.run(&["apply", "-auto-approve"]).succeeded();
    assert_eq!(log(&folder), "made x\n");
    for said in [
        "terraform_data.a: Provisioning with 'local-exec'...",
        "terraform_data.a (local-exec): Executing: [\"/bin/sh\" \"-c\" \"echo made x >> log\"]",
        "(output suppressed due to sensitive value in config)",
    ] {
        assert!(applied.stdout.contains(said), "{said}\n{}", applied.stdout);
    }
    assert!(!applied.stdout.contains("hunter2"), "{}", applied.stdout);
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
    folder.run(&["destroy", "-auto-approve"]).succeeded();
    assert_eq!(log(&folder), "made x\ngone x\n");
}

#[test]
fn a_rehearsal_runs_none_as_its_machines_are_models() {
    let main = r#"
resource "terraform_data" "a" {
  connection {
    host = "192.0.2.1"
  }
  provisioner "local-exec" {
    command = "echo made >> log"
  }
  provisioner "remote-exec" {
    inline = ["echo made"]
  }
}
"#;
    let folder = Folder::new(&[("main.tf", main), ("strata.hcl", PROJECT)]);
    let up = ["up", "e", "--twin", "--auto-approve"];
    folder.run(&up).succeeded();
    assert_eq!(log(&folder), "");
}

#[test]
fn a_failure_taints_what_was_made_unless_it_may_go_on() {
    let text = |continues: &str| {
        format!(
            "resource \"terraform_data\" \"a\" {{\n  provisioner \"local-exec\" {{\n    command = \"echo no; exit 3\"\n    {continues}\n  }}\n}}\n"
        )
    };
    let folder = Folder::new(&[("main.tf", &text(""))]);
    let failed = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(failed.code, Some(1));
    for said in ["local-exec provisioner error", "exit status 3. Output: no"] {
        assert!(failed.stderr.contains(said), "{said}\n{}", failed.stderr);
    }
    assert!(
        failed
            .stdout
            .contains("terraform_data.a: local-exec provisioner error"),
        "{}",
        failed.stdout
    );
    let plan = folder.run(&["plan"]).succeeded().stdout;
    assert!(
        plan.contains("terraform_data.a is tainted, so must be replaced"),
        "{plan}"
    );
    folder.write("main.tf", &text("on_failure = continue"));
    let passed = folder.run(&["apply", "-auto-approve"]).succeeded();
    assert!(
        passed.stderr.contains("local-exec provisioner error"),
        "{}",
        passed.stderr
    );
    folder.run(&["plan", "-detailed-exitcode"]).succeeded();
}

#[test]
fn what_fails_before_a_delete_keeps_the_object() {
    let folder = Folder::new(&[(
        "main.tf",
        "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    when = destroy\n    command = \"test -e may-go\"\n  }\n}\n",
    )]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    assert_eq!(folder.run(&["destroy", "-auto-approve"]).code, Some(1));
    assert_eq!(
        folder.run(&["state", "list"]).succeeded().stdout,
        "terraform_data.a\n"
    );
    folder.write("may-go", "");
    folder.run(&["destroy", "-auto-approve"]).succeeded();
}

#[test]
fn a_connection_that_is_not_supported_is_refused_by_name() {
    let folder = Folder::new(&[(
        "main.tf",
        "resource \"terraform_data\" \"a\" {\n  connection {\n    type = \"winrm\"\n    host = \"127.0.0.1\"\n  }\n  provisioner \"remote-exec\" {\n    inline = [\"true\"]\n  }\n}\n",
    )]);
    let refused = folder.run(&["apply", "-auto-approve"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("`winrm`"), "{}", refused.stderr);
}

#[test]
fn what_a_connection_logs_in_with_is_in_no_plan_state_or_log() {
    // Nobody listens on port 1; what is looked for is what was said about it.
    let folder = Folder::new(&[(
        "main.tf",
        r#"
        resource "terraform_data" "a" {
          connection {
            host        = "127.0.0.1"
            port        = 1
            timeout     = "1s"
            private_key = "hunter-outside"
          }
          provisioner "remote-exec" {
            inline = ["true"]
            connection {
              private_key = "hunter-inside"
            }
          }
        }
        "#,
    )]);
    let planned = folder.run(&["plan", "-out=saved"]).succeeded();
    let shown = folder.run(&["show", "-json", "saved"]).succeeded();
    let applied = folder.run(&["apply", "saved"]);
    assert_eq!(applied.code, Some(1));
    let stream = folder.run(&["apply", "-auto-approve", "-json"]);
    let state = fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    for ran in [planned, shown, applied, stream] {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("hunter-"), "{said}");
    }
    assert!(!state.contains("hunter-"), "{state}");
}
