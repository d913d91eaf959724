//! Repositories in the style of those that people have, and the draft that each gives.

use std::path::Path;

use strata_core::{Diagnostics, files::MemoryFiles};

use super::draft;
use crate::project;

/// The draft, which must load as a project file does.
fn check(name: &str, files: &[(&str, &str)]) -> (String, Vec<String>) {
    let tree = MemoryFiles::new(files.iter().map(|(path, text)| (*path, *text)));
    let found = draft(&tree, Path::new(""), name).expect("there is something");
    let mut all: Vec<(&str, &str)> = files.to_vec();
    all.push(("strata.hcl", &found.text));
    let tree = MemoryFiles::new(all);
    let env = files.iter().filter(|(path, _)| *path == ".env.example");
    let env = env.flat_map(|(_, text)| text.lines().filter_map(|line| line.split_once('=')));
    let env = env
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut diags = Diagnostics::new();
    let loaded = project::load(&tree, Path::new(""), &env, &mut diags);
    let only_env_file = diags
        .into_iter()
        .all(|diagnostic| diagnostic.code == "env-file");
    assert!(loaded.is_some() || only_env_file, "{}", found.text);
    let text = found
        .text
        .split_once("\n\n")
        .expect("a comment comes first")
        .1
        .to_owned();
    let unplaced = found.unplaced.into_iter();
    (
        text,
        unplaced
            .map(|(path, why)| format!("{path} {why}"))
            .collect(),
    )
}

const PLAY: &str = "- hosts: web\n  tasks: []\n";

#[test]
fn environments_of_folders_with_a_playbook_each() {
    let (text, unplaced) = check(
        "Event Store",
        &[
            (".env.example", "VM_NAME=x\nTF_VAR_token=y\nPORT=80\n"),
            (
                "proxmox/provision/terraform/envs/local/main.tf",
                "variable \"vm_name\" {}\nvariable \"token\" {}\nvariable \"size\" {\n  type = object({ disk = number })\n}\nmodule \"vm\" {\n  source = \"../../modules/vm\"\n}\n",
            ),
            (
                "proxmox/provision/terraform/modules/vm/main.tf",
                "resource \"terraform_data\" \"x\" {}\n",
            ),
            ("proxmox/configure/ansible/envs/local/playbook.yml", PLAY),
            (
                "proxmox/configure/ansible/roles/app/tasks/main.yml",
                "- debug:\n",
            ),
            ("Makefile", "up:\n\tterraform apply\n"),
        ],
    );
    assert_eq!(
        text,
        r#"project "Event-Store" {
  env_file = [".env"]
  # Copy `.env.example` to `.env` and fill it in.
}

environment "local" {
  provision "terraform" {
    directory = "proxmox/provision/terraform/envs/local"
    variables = {
      vm_name = env.VM_NAME
      # size = …  # object({ disk = number }), needs a value
    }
  }

  configure "ansible" {
    playbook = "proxmox/configure/ansible/envs/local/playbook.yml"
    # The plays want: web. Name their hosts, or let outputs `GROUP_instances` do it.
    # hosts = { web = provision.terraform.OUTPUT }
    after = [provision.terraform]
  }
}
"#
    );
    let port = ".env: PORT no variable is called so; write `env.PORT` where it belongs";
    assert_eq!(unplaced, ["Makefile: up is `strata up ENV`", port]);
}

#[test]
fn one_root_module_with_a_variable_file_for_each_environment() {
    let (text, _) = check(
        "modules",
        &[
            (
                "terraform/main.tf",
                "variable \"a\" {}\nresource \"terraform_data\" \"x\" {}\n",
            ),
            ("terraform/environments/dev.tfvars", "a = 1\n"),
            ("terraform/environments/prod.tfvars", "a = 2\n"),
        ],
    );
    assert_eq!(
        text,
        r#"project "modules" {}

environment "dev" {
  provision "terraform" {
    directory      = "terraform"
    variable_files = ["terraform/environments/dev.tfvars"]
  }
}

environment "prod" {
  provision "terraform" {
    directory      = "terraform"
    variable_files = ["terraform/environments/prod.tfvars"]
  }
}
"#
    );
}

#[test]
fn playbooks_with_inventories_and_folders_in_an_order() {
    let (text, unplaced) = check(
        "lab",
        &[
            (
                "infra/01-network/main.tf",
                "resource \"terraform_data\" \"x\" {}\n",
            ),
            (
                "infra/02-hosts/main.tf",
                "output \"web_instances\" {\n  value = []\n}\nterraform {}\n",
            ),
            (
                "ansible/site.yml",
                "- import_playbook: web.yml\n- hosts: web\n  roles: [a]\n",
            ),
            ("ansible/web.yml", PLAY),
            ("ansible/upgrade.yml", PLAY),
            ("ansible/inventory/hosts.yml", "web: {}\n"),
            ("ansible/group_vars/web.yml", "hosts: []\n"),
        ],
    );
    assert_eq!(
        text,
        r#"project "lab" {}

environment "local" {
  provision "network" {
    directory = "infra/01-network"
  }

  provision "hosts" {
    directory = "infra/02-hosts"
    after     = [provision.network]
  }

  configure "ansible" {
    playbook  = "ansible/site.yml"
    inventory = ["ansible/inventory/hosts.yml"]
    after     = [provision.network, provision.hosts]
  }
}
"#
    );
    let why = "is beside `ansible/site.yml`; run it with `strata playbook`, or give it a stage";
    assert_eq!(unplaced, [format!("ansible/upgrade.yml {why}")]);
}

#[test]
fn a_playbook_that_undoes_something_is_no_stage() {
    let (text, unplaced) = check(
        "lab",
        &[
            ("playbooks/nodes.yml", PLAY),
            ("playbooks/stop_all.yml", PLAY),
            ("playbooks/cluster-reset.yml", PLAY),
        ],
    );
    assert!(text.contains("playbooks/nodes.yml"), "{text}");
    assert!(
        !text.contains("stop_all") && !text.contains("reset"),
        "{text}"
    );
    assert_eq!(unplaced.len(), 2, "{unplaced:?}");
}

#[test]
fn what_terragrunt_does_is_told_once() {
    let module = "resource \"terraform_data\" \"x\" {}\nterraform {}\n";
    let (_, unplaced) = check(
        "lab",
        &[
            ("live/dev/terragrunt.hcl", "inputs = {}\n"),
            ("live/prod/terragrunt.hcl", "inputs = {}\n"),
            ("vm/main.tf", module),
        ],
    );
    let [told] = &unplaced[..] else {
        panic!("{unplaced:?}");
    };
    assert!(
        told.starts_with("live/dev/terragrunt.hcl and 1 more"),
        "{told}"
    );
}

#[test]
fn parts_of_a_repository_have_stages_of_their_names_that_follow_each_other() {
    let module = "resource \"terraform_data\" \"x\" {}\n";
    let (text, _) = check(
        "lab",
        &[
            ("dns/terraform/main.tf", module),
            ("dns/ansible/deploy.yml", PLAY),
            ("proxy/terraform/main.tf", module),
            (
                "proxy/ansible/deploy.yml",
                "- hosts: localhost\n  tasks: []\n",
            ),
        ],
    );
    assert_eq!(
        text,
        r#"project "lab" {}

environment "local" {
  provision "dns" {
    directory = "dns/terraform"
  }

  provision "proxy" {
    directory = "proxy/terraform"
  }

  configure "dns" {
    playbook = "dns/ansible/deploy.yml"
    # The plays want: web. Name their hosts, or let outputs `GROUP_instances` do it.
    # hosts = { web = provision.dns.OUTPUT }
    after = [provision.dns]
  }

  configure "proxy" {
    playbook = "proxy/ansible/deploy.yml"
    after    = [provision.proxy]
  }
}
"#
    );
}

#[test]
fn an_example_of_variables_is_to_be_copied() {
    let (text, _) = check(
        "lab",
        &[
            (
                "tofu/main.tf",
                "variable \"a\" {}\nvariable \"b\" {}\nterraform {}\n",
            ),
            ("tofu/terraform.tfvars.example", "a = 1\n"),
        ],
    );
    assert_eq!(
        text,
        r#"project "lab" {}

environment "local" {
  provision "tofu" {
    directory = "tofu"
    # Copy `tofu/terraform.tfvars.example` to `terraform.tfvars` beside it and fill it in.
    variables = {
      # b = …  # any, needs a value
    }
  }
}
"#
    );
}

#[test]
fn an_inventory_that_a_root_module_writes_is_that_of_the_playbooks() {
    let module = "output \"state_of_things\" {\n  value = 1\n}\nresource \"local_file\" \"inventory\" {\n  filename = \"${path.module}/../ansible/inventory.ini\"\n  content  = \"\"\n}\nresource \"local_file\" \"key\" {\n  filename = \"${path.module}/hosts/${var.name}.yml\"\n}\n";
    let (text, _) = check(
        "lab",
        &[("terraform/main.tf", module), ("ansible/site.yml", PLAY)],
    );
    assert_eq!(
        text,
        r#"project "lab" {}

environment "local" {
  provision "terraform" {
    directory = "terraform"
  }

  configure "ansible" {
    playbook  = "ansible/site.yml"
    inventory = ["ansible/inventory.ini"]
    after     = [provision.terraform]
  }
}
"#
    );
}

#[test]
fn playbooks_in_their_folder_below_the_main_one_are_for_a_purpose_of_their_own() {
    let files = [
        ("site.yml", PLAY),
        ("playbooks/restore.yml", PLAY),
        ("playbooks/web/deploy.yml", PLAY),
        ("playbooks/db/site.yml", PLAY),
    ];
    let (text, unplaced) = check("shop", &files);
    assert_eq!(text.matches("configure").count(), 2, "{text}");
    let why = "is no part of `site.yml`; run it with `strata playbook`, or give it a stage";
    assert_eq!(
        unplaced,
        [
            format!("playbooks/restore.yml {why}"),
            format!("playbooks/web/deploy.yml {why}")
        ]
    );
}

#[test]
fn the_test_of_a_role_is_no_stage() {
    let files = [
        ("community/own.nginx/tasks/main.yml", "[]\n"),
        ("community/own.nginx/test/test.yml", PLAY),
        ("site.yml", PLAY),
    ];
    let (text, _) = check("shop", &files);
    assert!(
        text.contains("\"site.yml\"") && !text.contains("test"),
        "{text}"
    );
}

#[test]
fn a_folder_without_either_gives_no_draft() {
    let files = MemoryFiles::new([("README.md", "hello")]);
    assert!(draft(&files, Path::new(""), "x").is_none());
}
