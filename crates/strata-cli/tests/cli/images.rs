//! The stage `image`: built once, built again when what it is made of changes, gone on with after a failure.

use crate::strata::{Folder, Ran};

const PROJECT: &str = r#"project "images" {}

environment "lab" {
  image "web" {
    directory = "machine"
    playbook  = "site.yml"
    alias     = "web-1.0"
    variables = { base = "debian/12" }
  }

  provision "machines" {
    directory = "machines"
    variables = { image = image.web.alias }
  }
}
"#;

const MACHINE: &str = r#"terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

variable "base" {
  type = string
}

resource "incus_instance" "builder" {
  name     = "web-builder"
  image    = var.base
  profiles = []

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}
"#;

const MACHINES: &str = r#"terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

variable "image" {
  type = string
}

resource "incus_instance" "web" {
  name     = "web"
  image    = var.image
  profiles = []

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}
"#;

const ROLE: &str = "roles/web/tasks/main.yml";

fn folder() -> Folder {
    Folder::new(&[
        ("strata.hcl", PROJECT),
        ("machine/main.tf", MACHINE),
        ("machines/main.tf", MACHINES),
        ("site.yml", "- hosts: all\n  roles:\n    - web\n"),
        (ROLE, &task("one")),
    ])
}

fn task(content: &str) -> String {
    format!(
        "- name: Write a file\n  ansible.builtin.copy:\n    content: {content}\n    dest: /etc/web\n    mode: \"0644\"\n"
    )
}

fn up(folder: &Folder) -> Ran {
    folder.run(&["up", "lab", "--twin", "-json", "-auto-approve"])
}

#[test]
fn an_image_is_built_once_and_again_when_its_role_changes() {
    let folder = folder();
    let first = up(&folder).succeeded();
    let expected = [
        "create incus_instance.builder",
        "update incus_instance.builder",
        "create incus_image.strata",
        "delete incus_instance.builder",
        "create incus_instance.web",
    ];
    assert_eq!(first.applied(), expected);
    assert_eq!(first.changed_tasks(), ["web-builder: web : Write a file"]);

    let plan = folder.run(&["plan", "lab", "--twin", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
    let again = up(&folder).succeeded();
    assert_eq!(again.outcomes(), ["web unchanged", "machines unchanged"]);
    assert_eq!((again.applied(), again.changed_tasks()), (vec![], vec![]));
    let status = folder.run(&["status", "lab", "--twin"]).succeeded().stdout;
    assert!(status.contains("published"), "{status}");

    folder.write(ROLE, &task("two"));
    let status = folder.run(&["status", "lab", "--twin"]).succeeded().stdout;
    assert!(
        status.contains("what it is made of has changed"),
        "{status}"
    );
    let plan = folder.run(&["plan", "lab", "--twin"]).succeeded().stdout;
    assert!(plan.contains("web-builder: web : Write a file"), "{plan}");
    let third = up(&folder).succeeded();
    assert_eq!(third.outcomes(), ["web changed", "machines unchanged"]);
    assert!(
        third
            .applied()
            .iter()
            .any(|change| change.ends_with("incus_image.strata")),
        "{:?}",
        third.applied()
    );

    let down = folder.run(&["down", "lab", "--twin", "-auto-approve", "-json"]);
    let gone = down.succeeded().applied();
    let expected = ["delete incus_instance.web", "delete incus_image.strata"];
    assert_eq!(gone, expected);
}

#[test]
fn a_playbook_that_fails_leaves_the_machine_for_the_next_run() {
    let folder = folder();
    let broken = "- name: Fail\n  ansible.builtin.fail:\n    msg: \"{{ 'no' if lookup('env', 'BROKEN') else 'yes' }}\"\n  when: lookup('env', 'BROKEN') != ''\n";
    folder.write(ROLE, &format!("{}\n{broken}", task("one")));
    let arguments = ["up", "lab", "--twin", "-json", "-auto-approve"];
    let failed = folder.run_with(&arguments, &[("BROKEN", "1")]);
    assert_eq!(failed.code, Some(1), "{}", failed.stdout);
    assert_eq!(failed.outcomes(), ["web failed", "machines skipped"]);
    let status = folder.run(&["status", "lab", "--twin"]).succeeded().stdout;
    assert!(status.contains("it is not finished"), "{status}");

    // The machine is there and half configured: only the rest is done.
    let ended = up(&folder).succeeded();
    assert_eq!(ended.changed_tasks(), [""; 0]);
    assert!(
        !ended
            .applied()
            .contains(&"create incus_instance.builder".to_owned()),
        "{:?}",
        ended.applied()
    );
    assert_eq!(ended.outcomes(), ["web changed", "machines changed"]);
}

#[test]
fn what_cannot_become_an_image_is_refused_by_name() {
    let folder = folder();
    let refused = |replaced: (&str, &str, &str), summary: &str| {
        let (path, from, to) = replaced;
        folder.replace(path, from, to);
        let ran = up(&folder);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(summary), "{said}");
        folder.replace(path, to, from);
    };
    refused(
        (
            "strata.hcl",
            "    alias     = \"web-1.0\"\n",
            "    # without an alias\n",
        ),
        "has no output `alias`",
    );
    refused(
        (
            "machine/main.tf",
            "  profiles = []\n",
            "  profiles    = []\n  description = \"mine\"\n",
        ),
        "cannot have `description`",
    );
    refused(
        (
            "machine/main.tf",
            "  profiles = []\n",
            "  profiles = []\n  count    = 2\n",
        ),
        "cannot have `count`",
    );
    refused(
        ("strata.hcl", "playbook  =", "playbooks ="),
        "has no argument `playbooks`",
    );
}
