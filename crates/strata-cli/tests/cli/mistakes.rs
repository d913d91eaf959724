//! What goes wrong is said with place, reason and next step; state, lock and daemon stay as they should be.

use crate::{
    daemon,
    strata::{Folder, Ran},
};

/// Runs a command that must fail without a trace of a panic, and gives all it said.
#[track_caller]
fn fails(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let Ran {
        code,
        stdout,
        stderr,
    } = folder.run_with(arguments, environment);
    let said = format!("{stdout}{stderr}");
    assert!(matches!(code, Some(1..=4)), "exit code {code:?}:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[track_caller]
fn says(said: &str, wanted: &[&str]) {
    for text in wanted {
        assert!(said.contains(text), "`{text}` is not in:\n{said}");
    }
}

/// A root module alone; `validate` must refuse it and nothing may be written.
#[track_caller]
fn refused(main: &str, wanted: &[&str]) {
    let folder = Folder::new(&[("main.tf", main)]);
    says(&fails(&folder, &["validate"], &[]), wanted);
    says(&fails(&folder, &["apply", "-auto-approve"], &[]), wanted);
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        left,
        ["main.tf"],
        "a refused configuration leaves nothing behind"
    );
}

#[test]
fn every_mistake_of_a_malformed_file_is_reported() {
    let main =
        "resource \"terraform_data\" \"a\" {\n  input = = 1\n}\n\nlocals {\n  b = [1, 2\n}\n";
    refused(main, &["main.tf:2:", "main.tf:"]);
}

#[test]
fn a_mistake_on_the_command_line_is_said_as_it_was_typed() {
    let folder = Folder::new(&[]);
    let said = fails(&folder, &["plan", "-parallelsm=1"], &[]);
    says(
        &said,
        &["unexpected argument '-parallelsm'", "'-parallelism'"],
    );
    let said = fails(&folder, &["plan", "--parallelsm=1"], &[]);
    says(&said, &["unexpected argument '--parallelsm'"]);
    for (typed, said) in [
        ("-parallelsm", "'-parallelsm'"),
        ("--parallelsm", "'--parallelsm'"),
    ] {
        let unknown = folder.run(&[typed]);
        assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
        says(&unknown.stderr, &[&format!("unexpected argument {said}")]);
    }
    // Without a subcommand there is no mistake to explain: the help says which there are.
    let said = fails(&folder, &["state"], &[]);
    assert!(said.starts_with("Inspect the state"), "{said}");
}

#[test]
fn a_missing_module_folder_is_named() {
    refused(
        "module \"net\" {\n  source = \"./modules/net\"\n}\n",
        &["modules/net", "main.tf:"],
    );
}

#[test]
fn an_unknown_argument_is_named_with_its_place() {
    refused(
        "resource \"terraform_data\" \"a\" {\n  inptu = 1\n}\n",
        &["inptu", "main.tf:2:3", "input"],
    );
}

#[test]
fn a_wrong_type_is_refused_before_anything_runs() {
    let main = "variable \"port\" {\n  type    = number\n  default = \"eighty\"\n}\n";
    refused(main, &["main.tf:3:", "number"]);
}

#[test]
fn an_undefined_variable_is_named_with_the_one_that_was_meant() {
    let main =
        "variable \"image\" {\n  default = \"a\"\n}\noutput \"x\" {\n  value = var.imgae\n}\n";
    refused(main, &["imgae", "main.tf:5:", "image"]);
}

#[test]
fn a_reference_cycle_is_named_with_its_path() {
    refused(
        "locals {\n  a = local.b\n  b = local.a\n}\noutput \"x\" {\n  value = local.a\n}\n",
        &["local.a", "local.b"],
    );
    let main = "resource \"terraform_data\" \"a\" {\n  input = terraform_data.b.id\n}\nresource \"terraform_data\" \"b\" {\n  input = terraform_data.a.id\n}\n";
    refused(main, &["terraform_data.a", "terraform_data.b"]);
}

#[test]
fn a_missing_value_is_asked_for_by_name() {
    let folder = Folder::new(&[("main.tf", "variable \"token\" {\n  type = string\n}\n")]);
    says(&fails(&folder, &["plan"], &[]), &["token", "main.tf:1:"]);
}

#[test]
fn malformed_yaml_is_named_with_its_place() {
    let folder = Folder::new(&[(
        "site.yml",
        "- hosts: all\n  tasks:\n    - debug: {msg: [1, 2\n",
    )]);
    says(
        &fails(
            &folder,
            &["playbook", "-i", "localhost,", "-c", "local", "site.yml"],
            &[],
        ),
        &["site.yml:"],
    );
}

#[test]
fn malformed_jinja_fails_the_task_with_its_place() {
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Say\n      debug:\n        msg: \"{{ 1 + }}\"\n";
    let folder = Folder::new(&[("site.yml", playbook)]);
    says(
        &fails(
            &folder,
            &["playbook", "-i", "localhost,", "-c", "local", "site.yml"],
            &[],
        ),
        &["site.yml:", "failed=1"],
    );
}

#[test]
fn an_undefined_variable_of_a_playbook_is_named() {
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Say\n      debug:\n        msg: \"{{ greetign }}\"\n";
    let folder = Folder::new(&[("site.yml", playbook)]);
    says(
        &fails(
            &folder,
            &["playbook", "-i", "localhost,", "-c", "local", "site.yml"],
            &[],
        ),
        &["greetign", "failed=1"],
    );
}

#[test]
fn a_task_that_fails_on_one_host_of_three_leaves_the_others_going() {
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Fail on one\n      command: test {{ inventory_hostname }} != b\n      changed_when: false\n    - name: Go on\n      debug:\n        msg: still here\n";
    let folder = Folder::new(&[("site.yml", playbook)]);
    let Ran { code, stdout, .. } =
        folder.run(&["playbook", "-i", "a,b,c,", "-c", "local", "site.yml"]);
    assert_eq!(code, Some(2), "{stdout}");
    for (host, ok, failed) in [("a", 2, 0), ("b", 0, 1), ("c", 2, 0)] {
        let recap = stdout
            .lines()
            .find(|line| line.starts_with(host) && line.contains("ok="))
            .unwrap();
        assert!(
            recap.contains(&format!("ok={ok} ")) && recap.contains(&format!("failed={failed} ")),
            "{recap}"
        );
    }
}

const INSTANCE: &str = r#"
terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_profile" "p" {
  name = "strata-mistake"
  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}

resource "incus_instance" "a" {
  name     = "strata-mistake"
  image    = "IMAGE"
  profiles = [incus_profile.p.name]
  wait_for {
    type = "ipv4"
  }
}
"#;

#[test]
fn a_daemon_that_is_not_there_is_named_by_its_socket() {
    let folder = Folder::new(&[("main.tf", &INSTANCE.replace("IMAGE", "debian/12"))]);
    let said = fails(
        &folder,
        &["apply", "-auto-approve"],
        &[("INCUS_SOCKET", "/nowhere/incus.socket")],
    );
    says(&said, &["/nowhere/incus.socket"]);
    assert!(!folder.path().join(".terraform.tfstate.lock.info").exists());
}

#[test]
fn an_image_that_does_not_exist_is_refused_before_anything_is_made() {
    let Some(_alone) = daemon::alone("a missing image") else {
        return;
    };
    let before = daemon::listing();
    let folder = Folder::new(&[("main.tf", &INSTANCE.replace("IMAGE", "no/such/image"))]);
    says(
        &fails(&folder, &["apply", "-auto-approve"], &[]),
        &["no/such/image"],
    );
    folder.run(&["destroy", "-auto-approve"]).succeeded();
    assert_eq!(daemon::listing(), before);
}

#[test]
fn an_address_that_never_comes_is_told_and_the_instance_can_be_destroyed() {
    let Some(_alone) = daemon::alone("an address that never comes") else {
        return;
    };
    let before = daemon::listing();
    let folder = Folder::new(&[("main.tf", &INSTANCE.replace("IMAGE", "debian/12"))]);
    // The profile has no network device, so no address can come.
    let said = fails(
        &folder,
        &["apply", "-auto-approve"],
        &[("STRATA_INCUS_ADDRESS_TIMEOUT", "3")],
    );
    says(&said, &["strata-mistake", "IPv4"]);
    let listed = folder.run(&["state", "list"]).succeeded().stdout;
    assert_eq!(listed, "incus_instance.a\nincus_profile.p\n");
    folder.run(&["destroy", "-auto-approve"]).succeeded();
    assert_eq!(daemon::listing(), before);
}

#[test]
fn a_project_says_what_is_missing_in_its_files() {
    let project = "project \"p\" {\n  env_file = [\".env\"]\n}\nenvironment \"local\" {\n  provision \"vm\" {\n    directory = \"nowhere\"\n    variables = { a = env.NOT_SET }\n  }\n  configure \"x\" {\n    playbook = \"nothing.yml\"\n    after    = [provision.vmm]\n  }\n}\n";
    let folder = Folder::new(&[
        ("strata.hcl", project),
        (".env", "A=1\n"),
        (".env.example", "A=\nB_MISSING=\n"),
    ]);
    let said = fails(&folder, &["up", "local"], &[]);
    says(
        &said,
        &["NOT_SET", "B_MISSING", "provision.vmm", "strata.hcl:7:"],
    );
    says(&fails(&folder, &["up", "prod"], &[]), &["strata.hcl"]);
}

#[test]
fn a_provider_without_its_source_is_told_with_the_sources_that_there_are() {
    let missing = |name: &str| format!("The provider `registry.terraform.io/hashicorp/{name}`");
    let incus = "There is `lxc/incus`: write `source = \"lxc/incus\"` for it";
    refused(
        "resource \"incus_profile\" \"x\" {}\n",
        &[&missing("incus"), incus],
    );
    refused(
        "resource \"proxmox_vm_qemu\" \"x\" {}\n",
        &[
            &missing("proxmox"),
            "There is `bpg/proxmox` and `telmate/proxmox`",
        ],
    );
    refused(
        "resource \"aws_instance\" \"x\" {}\n",
        &[&missing("aws"), "If the provider is not one of HashiCorp's"],
    );
}

#[test]
fn what_earlier_releases_of_a_provider_had_is_told_with_what_is_written_since() {
    let folder = Folder::new(&[(
        "main.tf",
        r#"terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox" }
  }
}

provider "proxmox" {
  virtual_environment {
    endpoint = "https://pve.lan:8006/"
  }
}

provider "dns" {
  update {
    server = "192.0.2.1"
  }
}

data "dns_a_record_set" "host" {
  host = "localhost"
}

resource "proxmox_virtual_environment_vm" "web" {
  node_name = "pve"

  dynamic "vga" {
    for_each = [true]
    content {
      enabled = vga.value
    }
  }
}
"#,
    )]);
    let said = folder.run(&["validate"]).stderr;
    for expected in [
        "Since release 0.20 its arguments stand in the `provider` block itself.",
        "Strata looks names up and changes no records",
        "Since release 0.65 there is none",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}
