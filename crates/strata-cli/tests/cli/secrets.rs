//! Secrets of a project: read when needed, seen nowhere.

use crate::strata::Folder;

const PROJECT: &str = r#"
project "p" {}

secret "token" {
  command = ["printf", "%s\n", "${env.PREFIX}-s3cret"]
}

secret "unused" {
  command = ["false"]
}

environment "local" {
  provision "data" {
    directory = "infrastructure"
    variables = { token = secret.token }
  }

  configure "app" {
    playbook  = "site.yml"
    hosts     = { app = { here = { ansible_connection = "local" } } }
    variables = { token = secret.token }
    after     = [provision.data]
  }
}
"#;

const SITE: &str = r#"
- hosts: app
  gather_facts: false
  tasks:
    - name: Use it
      copy:
        content: "{{ token }}"
        dest: "{{ playbook_dir }}/token.txt"
    - debug:
        msg: "it is {{ token }}"
"#;

const INFRASTRUCTURE: &str = r#"
variable "token" {}

resource "terraform_data" "x" {
  input = { token = var.token, other = "seen" }
}
"#;

fn folder(project: &str) -> Folder {
    Folder::new(&[
        ("strata.hcl", project),
        ("site.yml", SITE),
        ("infrastructure/main.tf", INFRASTRUCTURE),
    ])
}

#[test]
fn a_secret_reaches_both_layers_and_is_shown_in_neither() {
    let folder = folder(PROJECT);
    let environment = [("PREFIX", "very")];
    for arguments in [
        &["plan", "local"][..],
        &["up", "local", "--diff", "-v"],
        &["up", "local", "-json"],
        &["status", "local"],
    ] {
        let ran = folder.run_with(arguments, &environment).succeeded();
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shown.contains("s3cret"), "{arguments:?}: {shown}");
    }
    let written = std::fs::read_to_string(folder.path().join("token.txt")).unwrap();
    assert_eq!(written, "very-s3cret");
    assert!(
        !folder
            .path()
            .join("infrastructure/.terraform.tfstate.lock.info")
            .exists()
    );
}

#[test]
fn a_secret_that_cannot_be_read_stops_the_run_before_it_begins() {
    let failing = PROJECT.replace(
        r#"command = ["printf", "%s\n", "${env.PREFIX}-s3cret"]"#,
        r#"command = ["sh", "-c", "echo s3cret; echo the store is locked >&2; exit 1"]"#,
    );
    let folder = folder(&failing);
    let ran = folder.run(&["up", "local"]);
    assert_eq!(ran.code, Some(1));
    let message = ran.stderr;
    assert!(
        message.contains("The secret `token` cannot be read"),
        "{message}"
    );
    assert!(message.contains("the store is locked"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    assert!(
        !folder
            .path()
            .join("infrastructure/terraform.tfstate")
            .exists()
    );
}

#[test]
fn mistakes_in_secrets_are_told_all_at_once() {
    let project = r#"
project "p" {}
secret "none" {}
secret "two" {
  sops    = "a.yml"
  command = ["x"]
}
secret "keyless" {
  sops = "a.yml"
}
environment "e" {
  configure "c" {
    playbook  = "site.yml"
    variables = { a = secret.unknown }
  }
}
"#;
    let ran = folder(project).run(&["up", "e"]);
    assert_eq!(ran.code, Some(1));
    let message = ran.stderr;
    for expected in [
        "strata.hcl:3",
        "strata.hcl:4",
        "This secret needs `key`",
        "There is no secret `unknown`",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
