//! Killed at any moment, the next `up` converges and nothing is left over.

use std::time::Duration;

use crate::{daemon, strata::Folder};

const MAIN: &str = r#"
terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_profile" "kill" {
  name = "strata-kill"
  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
  device {
    name       = "eth0"
    type       = "nic"
    properties = { network = "br0" }
  }
}

resource "incus_storage_volume" "kill" {
  name = "strata-kill"
  pool = "default"
}

resource "incus_instance" "kill" {
  count    = 3
  name     = "strata-kill-${count.index}"
  image    = "debian/12"
  profiles = [incus_profile.kill.name]
  wait_for {
    type = "ipv4"
  }
}

output "kill_instances" {
  value = { for server in incus_instance.kill : server.name => { ipv4_address = server.ipv4_address } }
}
"#;

const PROJECT: &str = r#"
project "kill" {}

environment "local" {
  provision "machines" {
    directory = "infrastructure"
  }
  configure "files" {
    playbook = "site.yml"
    after    = [provision.machines]
  }
}
"#;

const PLAYBOOK: &str = r#"
- hosts: kill
  tasks:
    - name: Write a file
      ansible.builtin.copy:
        content: "{{ inventory_hostname }}\n"
        dest: /etc/strata-kill
"#;

/// Moments from before anything is sent to after everything is done, in milliseconds.
const MOMENTS: [u64; 10] = [40, 150, 350, 600, 900, 1300, 1800, 2400, 3200, 4500];

#[test]
fn an_up_killed_at_ten_moments_converges_and_leaves_nothing_over() {
    let Some(_alone) = daemon::alone("killing `up`") else {
        return;
    };
    let before = daemon::listing();
    for moment in MOMENTS {
        let folder = Folder::new(&[
            ("strata.hcl", PROJECT),
            ("infrastructure/main.tf", MAIN),
            ("site.yml", PLAYBOOK),
        ]);
        let mut up = folder.start(&["up", "local", "-auto-approve"]);
        // The moment is what is tested; nothing is waited for.
        std::thread::sleep(Duration::from_millis(moment));
        up.kill().unwrap();
        up.wait().unwrap();

        let next = folder.run(&["up", "local", "-auto-approve", "-json"]);
        let complaints = next.events_of("diagnostic");
        assert_eq!(
            next.code,
            Some(0),
            "killed after {moment} ms: {complaints:#?}"
        );
        let again = folder
            .run(&["up", "local", "-auto-approve", "-json"])
            .succeeded();
        let outcomes: Vec<_> = again
            .events_of("stage_finished")
            .iter()
            .map(|event| event["outcome"].clone())
            .collect();
        assert_eq!(
            outcomes,
            ["unchanged", "unchanged"],
            "killed after {moment} ms"
        );
        folder.run(&["down", "local", "-auto-approve"]).succeeded();
        assert_eq!(daemon::listing(), before, "killed after {moment} ms");
    }
}
