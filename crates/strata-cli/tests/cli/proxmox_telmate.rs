//! Configurations as repositories have them for `telmate/proxmox` 2.9 and 3.0, on a model of Proxmox VE.

use crate::strata::Folder;

const HEAD: &str = r#"
terraform {
  required_providers {
    proxmox = {
      source  = "Telmate/proxmox"
      version = "VERSION"
    }
  }
}

variable "key" {
  default = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"
}

variable "fast" {
  type    = number
  default = 1
}

provider "proxmox" {
  pm_api_url          = "https://pve.example:8006/api2/json"
  pm_api_token_id     = "root@pam!t"
  pm_api_token_secret = "secret"
  pm_tls_insecure     = true
  pm_parallel         = 2
  pm_log_enable       = true
  pm_log_file         = "proxmox.log"
  pm_log_levels       = { _default = "debug", _capturelog = "" }
}
"#;

const PROJECT: &str = r#"
project "lab" {}

environment "lab" {
  provision "machines" {
    directory = "machines"
  }
}
"#;

/// A project with machines of a version of the provider.
fn project(version: &str, machines: &str) -> Folder {
    let main = format!("{}{machines}", HEAD.replace("VERSION", version));
    Folder::new(&[("strata.hcl", PROJECT), (MAIN, &main)])
}

const MAIN: &str = "machines/main.tf";

/// What 2.9 has: flat processors, disks by their type, truths as numbers and words.
const OLDER: &str = r#"
resource "proxmox_vm_qemu" "server" {
  count            = 2
  name             = "web-${count.index}"
  target_node      = "pve"
  clone            = "debian-12"
  full_clone       = true
  os_type          = "cloud-init"
  agent            = 1
  cores            = 2
  sockets          = "1"
  cpu              = "host"
  memory           = 2048
  balloon          = 1024
  scsihw           = "virtio-scsi-pci"
  bootdisk         = "scsi0"
  boot             = "c"
  onboot           = true
  oncreate         = true
  hotplug          = 0
  force_create     = true
  ci_wait          = 30
  ssh_user         = "debian"
  ssh_private_key  = "no key at all"
  ciuser           = "debian"
  cipassword       = "12345678"
  sshkeys          = var.key
  nameserver       = "10.0.0.53 10.0.0.54"
  searchdomain     = "example.org"
  ipconfig0        = "ip=10.0.0.1${count.index}/24,gw=10.0.0.1"
  desc             = "a server"
  tags             = "web,debian"

  force_recreate_on_change_of = "first"
  cloudinit_cdrom_storage     = "local-lvm"

  disk {
    slot     = 0
    type     = "scsi"
    storage  = "local-lvm"
    storage_type = "lvm"
    size     = "20G"
    format   = "raw"
    iothread = var.fast
    ssd      = 1
    discard  = "on"
    backup   = true
    mbps     = 100
  }

  network {
    model  = "virtio"
    bridge = "vmbr0"
    tag    = -1
  }

  serial {
    id   = 0
    type = "socket"
  }

  lifecycle {
    ignore_changes = [network, disk, cpu]
  }
}

output "addresses" {
  value = [for server in proxmox_vm_qemu.server : server.default_ipv4_address]
}
"#;

#[test]
fn a_configuration_of_2_9_is_applied_as_it_is_written() {
    let folder = project("2.9.14", OLDER);
    folder
        .run(&["up", "lab", "--twin", "-auto-approve"])
        .succeeded();
    let state = folder.path().join(".strata/twin/lab/machines.tfstate");
    let state = std::fs::read_to_string(state).unwrap();
    for told in [
        "\"default_ipv4_address\": \"10.0.0.10\"",
        "\"cpu_type\": \"host\"",
        "\"emulatessd\": true",
        "\"iothread\": true",
        "\"discard\": true",
    ] {
        assert!(state.contains(told), "{told} is not in:\n{state}");
    }
    let again = folder
        .run(&["up", "lab", "--twin", "-auto-approve", "-json"])
        .succeeded();
    assert_eq!(again.applied(), [""; 0]);
    // The string that has it made anew, and a processor of another type, which is no more than a change.
    folder.replace(
        MAIN,
        "cpu              = \"host\"",
        "cpu              = \"x86-64-v2-AES\"",
    );
    let change = folder.run(&["plan", "lab", "--twin"]).succeeded().stdout;
    assert!(!change.contains("forces replacement"), "{change}");
    folder.replace(MAIN, "\"first\"", "\"second\"");
    let anew = folder.run(&["plan", "lab", "--twin"]).succeeded().stdout;
    assert!(anew.contains("forces replacement"), "{anew}");
}

#[test]
fn both_ways_to_say_a_processor_at_once_are_a_mistake() {
    let machine = "resource \"proxmox_vm_qemu\" \"a\" {\n  name = \"a\"\n  target_node = \"pve\"\n  cpu = \"host\"\n  cpu_type = \"host\"\n}\n";
    let folder = project("2.9.14", machine);
    let refused = folder.run(&["plan", "lab", "--twin"]);
    assert_eq!(refused.code, Some(1));
    let said = "Unsupported argument";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
}

#[test]
fn a_configuration_of_3_0_is_applied_as_it_is_written() {
    let newer = r#"
resource "proxmox_vm_qemu" "gpu" {
  name        = "gpu"
  target_node = "pve"
  vmid        = 300
  vm_state    = "stopped"
  machine     = "q35"
  memory      = 4096
  boot        = "order=scsi0"

  cpu {
    cores   = 4
    sockets = 1
    type    = "host"
  }

  disks {
    scsi {
      scsi0 {
        disk {
          storage    = "local-lvm"
          size       = "32G"
          discard    = true
          emulatessd = true
          iothread   = true
        }
      }
    }
  }

  network {
    id     = 0
    model  = "virtio"
    bridge = "vmbr0"
  }

  pci {
    id          = 0
    raw_id      = "0000:01:00.0"
    pcie        = true
    primary_gpu = true
  }
}
"#;
    let folder = project("3.0.2-rc07", newer);
    folder
        .run(&["up", "lab", "--twin", "-auto-approve"])
        .succeeded();
    let again = folder
        .run(&["up", "lab", "--twin", "-auto-approve", "-json"])
        .succeeded();
    assert_eq!(again.applied(), [""; 0]);
}
