//! Inventory plugins of platforms, on models of these.

use serde_json::{Value as Json, json};

use crate::{strata::Folder, twin::Twin};

const GUESTS: &str = r#"terraform {
  required_providers {
    proxmox = { source = "bpg/proxmox" }
  }
}

resource "proxmox_virtual_environment_vm" "guest" {
  for_each  = { web-1 = "10.0.0.5", db-1 = "10.0.0.6" }
  name      = each.key
  node_name = "pve"
  tags      = ["lab", split("-", each.key)[0]]

  agent {
    enabled = true
  }

  network_device {
    bridge = "vmbr0"
  }

  initialization {
    ip_config {
      ipv4 {
        address = "${each.value}/24"
        gateway = "10.0.0.1"
      }
    }
  }
}
"#;

const PROXMOX: &str = r#"plugin: community.proxmox.proxmox
url: "{{ lookup('env', 'PROXMOX_VE_ENDPOINT') }}"
user: root@pam
token_id: twin
token_secret: twin
validate_certs: false
want_facts: true
filters:
  - "'lab' in proxmox_tags_parsed"
keyed_groups:
  - key: proxmox_tags_parsed
    separator: ""
    prefix: tag_
groups:
  machines: proxmox_vmtype == 'qemu'
compose:
  ansible_host: proxmox_ipconfig0.ip | ansible.utils.ipaddr('address')
"#;

const INSTANCES: &str = r#"terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_instance" "guest" {
  for_each = toset(["web-1", "db-1"])
  name     = each.key
  image    = "debian/12"
  config   = { "user.role" = split("-", each.key)[0] }
}
"#;

const INCUS: &str = "plugin: community.general.incus
host_fqdn: false
filters: [type=container]
keyed_groups:
  - key: ansible_incus_config['user.role']
    prefix: role
compose:
  ansible_connection: \"'incus'\"
";

fn listed(twin: &Twin, folder: &Folder, source: &str) -> Json {
    let arguments = ["inventory", "-i", source, "--list"];
    let ran = twin.run(folder, &arguments).succeeded();
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn guests_of_proxmox_are_hosts_with_facts_and_groups() {
    let folder = Folder::new(&[("main.tf", GUESTS), ("lab.yml", PROXMOX)]);
    let twin = Twin::start(&folder, &["proxmox"]);
    twin.run(&folder, &["apply", "-auto-approve"]).succeeded();
    let all = listed(&twin, &folder, "lab.yml");
    let hosts = |group: &str| all[group]["hosts"].clone();
    assert_eq!(hosts("tag_web"), json!(["web-1"]), "{all}");
    assert_eq!(hosts("tag_db"), json!(["db-1"]));
    assert_eq!(hosts("proxmox_nodes"), json!(["pve"]));
    let machines = hosts("machines");
    assert_eq!(machines.as_array().unwrap().len(), 2, "{machines}");
    assert_eq!(machines, hosts("proxmox_all_qemu"));
    let vars = &all["_meta"]["hostvars"]["web-1"];
    assert_eq!(vars["ansible_host"], "10.0.0.5", "{vars}");
    assert_eq!(vars["proxmox_node"], "pve");
    assert_eq!(vars["proxmox_net0"]["bridge"], "vmbr0");

    folder.replace("lab.yml", "want_facts", "want_fact");
    let unknown = twin.run(&folder, &["inventory", "-i", "lab.yml", "--list"]);
    assert!(
        unknown.stderr.contains("no option `want_fact`"),
        "{}",
        unknown.stderr
    );
    let nobody = [("PROXMOX_VE_ENDPOINT", "https://127.0.0.1:1/")];
    folder.replace("lab.yml", "want_fact", "want_facts");
    let refused = folder.run_with(&["inventory", "-i", "lab.yml", "--list"], &nobody);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("does not answer"),
        "{}",
        refused.stderr
    );
    twin.end();
}

#[test]
fn instances_of_incus_are_hosts_with_groups() {
    let folder = Folder::new(&[("main.tf", INSTANCES), ("lab.yml", INCUS)]);
    let twin = Twin::start(&folder, &["incus"]);
    twin.run(&folder, &["apply", "-auto-approve"]).succeeded();
    let all = listed(&twin, &folder, "lab.yml");
    let hosts = |group: &str| all[group]["hosts"].clone();
    assert_eq!(hosts("role_web"), json!(["web-1"]), "{all}");
    assert_eq!(
        all["incus_local"]["children"],
        json!(["incus_local_default"])
    );
    assert_eq!(hosts("incus_local_default").as_array().unwrap().len(), 2);
    let vars = &all["_meta"]["hostvars"]["db-1"];
    assert_eq!(vars["ansible_connection"], "incus");
    assert_eq!(vars["ansible_incus_project"], "default");
    assert_eq!(vars["ansible_incus_status"], "Running");
    twin.end();
}
