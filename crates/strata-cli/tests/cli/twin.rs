//! `strata twin`: models of platforms that any program can use, as long as it runs.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command},
};

use crate::strata::{Folder, Ran};

const INCUS: &str = r#"terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_network" "ovn" {
  name = "inside"
  type = "ovn"
  config = {
    "network"      = "none"
    "ipv4.address" = "10.20.0.1/24"
    "ipv6.address" = "none"
  }
}

resource "incus_instance" "vm" {
  name     = "vm"
  image    = "debian/12"
  type     = "virtual-machine"
  target   = "member-2"
  profiles = []

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}
"#;

const PROXMOX: &str = r#"terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox" }
  }
}

resource "proxmox_virtual_environment_pool" "lab" {
  pool_id = "lab"
}
"#;

/// A running twin.
pub(crate) struct Twin {
    child: Child,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Twin {
    /// Starts it, and reads how to reach it.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder.start_heard(&[&["twin"], arguments].concat());
        let mut environment = BTreeMap::new();
        let said = BufReader::new(child.stdout.take().unwrap());
        for line in said.lines() {
            let line = line.unwrap();
            if line == "# Until Ctrl-C" {
                break;
            }
            if let Some((name, value)) = line.strip_prefix("export ").unwrap_or("").split_once('=')
            {
                let value = value.trim_matches('\'');
                environment.insert(name.to_owned(), value.to_owned());
            }
        }
        Self { child, environment }
    }

    pub(crate) fn run(&self, folder: &Folder, arguments: &[&str]) -> Ran {
        let environment = self.environment.iter();
        let environment: Vec<(&str, &str)> = environment
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        folder.run_with(arguments, &environment)
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn end(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_cluster_of_incus_is_there_until_it_is_ended() {
    let folder = Folder::new(&[("main.tf", INCUS)]);
    let twin = Twin::start(&folder, &["incus", "--members", "3", "--state", "kept"]);
    assert_eq!(twin.environment.len(), 1, "{:?}", twin.environment);
    let apply = twin.run(&folder, &["apply", "-auto-approve"]).succeeded();
    assert!(apply.stdout.contains("2 added"), "{}", apply.stdout);
    let shown = twin.run(&folder, &["state", "show", "incus_instance.vm"]);
    assert!(shown.succeeded().stdout.contains("member-2"));

    let second = folder.run(&["twin", "incus", "--state", "kept"]);
    assert_eq!(second.code, Some(1), "{}", second.stdout);
    assert!(second.stderr.contains("is in use"), "{}", second.stderr);
    let socket = twin.environment["INCUS_SOCKET"].clone();
    twin.end();
    assert!(!std::path::Path::new(&socket).exists());

    // What was made is there again.
    let again = Twin::start(&folder, &["incus", "--state", "kept"]);
    let plan = again.run(&folder, &["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
    again.end();
}

#[test]
fn proxmox_is_reached_over_tls_with_a_token() {
    let folder = Folder::new(&[("main.tf", PROXMOX)]);
    let twin = Twin::start(&folder, &["proxmox"]);
    let endpoint = &twin.environment["PROXMOX_VE_ENDPOINT"];
    assert!(endpoint.starts_with("https://127.0.0.1:"), "{endpoint}");
    let apply = twin.run(&folder, &["apply", "-auto-approve"]).succeeded();
    assert!(apply.stdout.contains("1 added"), "{}", apply.stdout);
    let plan = twin.run(&folder, &["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
    twin.end();
}

#[test]
fn what_it_cannot_be_is_refused() {
    let folder = Folder::new(&[("file", "")]);
    for (arguments, said) in [
        (&["twin", "--members", "0"][..], "0 is not in 1..=32"),
        (&["twin", "vmware"][..], "possible values: incus, proxmox"),
        (&["twin", "--state", "file"][..], "cannot be used"),
    ] {
        let ran = folder.run(arguments);
        assert_ne!(ran.code, Some(0), "{}", ran.stdout);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

/// A project with one root module, and one environment `e`.
fn project(main: &str) -> Folder {
    let project = "project \"p\" {}\nenvironment \"e\" {\n  provision \"x\" {\n    directory = \"infrastructure\"\n  }\n}\n";
    Folder::new(&[("strata.hcl", project), ("infrastructure/main.tf", main)])
}

#[test]
fn a_rehearsal_has_a_model_for_each_server_that_is_named() {
    let folder = project(
        r#"terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox" }
  }
}

provider "proxmox" {
  endpoint = "https://pve.home:8006/"
}

provider "proxmox" {
  alias    = "office"
  endpoint = "https://pve.office:8006/"
}

resource "proxmox_virtual_environment_vm" "home" {
  name      = "web"
  node_name = "pve"
  vm_id     = 100
}

resource "proxmox_virtual_environment_vm" "office" {
  provider  = proxmox.office
  name      = "web"
  node_name = "pve"
  vm_id     = 100
}
"#,
    );
    let up = || {
        folder
            .run(&["up", "e", "--twin", "-auto-approve", "-json"])
            .succeeded()
    };
    assert_eq!(up().applied().len(), 2);
    let again = up();
    assert!(again.applied().is_empty(), "{}", again.stdout);
    assert!(
        again.events_of("drift_found").is_empty(),
        "{}",
        again.stdout
    );
    folder
        .run(&["down", "e", "--twin", "-auto-approve"])
        .succeeded();
}

#[test]
fn a_remote_of_the_user_s_own_settings_is_the_model_of_a_rehearsal() {
    let folder = project(
        r#"terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_project" "lab" {
  name   = "lab"
  remote = "rack"
  config = {
    "features.profiles" = false
  }
}

resource "incus_instance" "web" {
  name     = "web"
  image    = "images:debian/12"
  remote   = "rack"
  project  = incus_project.lab.name
  profiles = ["default"]

  file {
    content     = "[Match]\nName=lan\n"
    target_path = "/etc/systemd/network/10-lan.network"
  }
}
"#,
    );
    let up = folder
        .run(&["up", "e", "--twin", "-auto-approve"])
        .succeeded();
    // The default profile of a project that is made only now is nothing to warn of.
    assert!(
        !up.stdout.contains("there is no") && !up.stderr.contains("there is no"),
        "{}",
        up.stderr
    );
    let plan = folder.run(&["plan", "e", "--twin"]).succeeded();
    assert!(plan.stdout.contains("No changes"), "{}", plan.stdout);
}

#[test]
fn an_environment_that_is_not_named_is_asked_for() {
    let folder = project("");
    for arguments in [&["plan", "--twin"][..], &["up", "--twin"]] {
        let ran = folder.run(arguments);
        assert_eq!(ran.code, Some(1));
        let hint = "Name the environment that is meant; `strata.hcl` has `e`.";
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    }
    let bare = Folder::new(&[("main.tf", "")]).run(&["plan", "--twin"]);
    assert!(
        bare.stderr.contains("strata init --from ."),
        "{}",
        bare.stderr
    );
}
