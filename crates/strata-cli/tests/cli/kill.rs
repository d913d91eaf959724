//! Killed at any moment, the next `up` converges and nothing is left over.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    daemon,
    strata::{Folder, Ran},
};

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
    daemon::clear_of(&["strata-kill"]);
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

const IMAGE_PROJECT: &str = r#"
project "kill" {}

environment "local" {
  image "web" {
    directory = "machine"
    playbook  = "site.yml"
    alias     = "strata-kill-image"
  }
}
"#;

const MACHINE: &str = r#"
terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_instance" "builder" {
  name     = "strata-kill-image"
  project  = "strata-kill-image"
  image    = "debian/12"
  profiles = []
  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }
}
"#;

const MACHINES: &str = "/1.0/instances?project=strata-kill-image";

/// A place on the daemon whose images are not compressed: that would take most of the test's time.
struct Project;

impl Project {
    fn new() -> Self {
        let config = json!({ "features.images": "false", "images.compression_algorithm": "none" });
        let body = json!({ "name": "strata-kill-image", "config": config });
        daemon::request("POST", "/1.0/projects", &body);
        Self
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        daemon::request("DELETE", "/1.0/projects/strata-kill-image", &Value::Null);
    }
}

/// When `up` is killed: the event of which it has just told, with the texts in it, and what the next one then
/// need not do.
const IMAGE_MOMENTS: [(&[&str], &str); 5] = [
    (&["incus_instance.builder", "create", "started"], ""),
    (&["task_started"], "create incus_instance.builder"),
    (
        &["incus_image.strata", "create", "started"],
        "create incus_instance.builder",
    ),
    (
        &["incus_image.strata", "create", "progress"],
        "create incus_image.strata",
    ),
    (
        &["incus_instance.builder", "delete", "progress"],
        "create incus_image.strata",
    ),
];

fn playbook(round: usize) -> String {
    format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.copy:\n        content: \"{round}\\n\"\n        dest: /etc/strata-kill\n"
    )
}

/// Starts `up`, and ends it with SIGKILL once it tells of an event with these texts in it.
fn kill_at(folder: &Folder, event: &[&str]) {
    let mut up = folder.start_heard(&["up", "local", "-auto-approve", "-json"]);
    let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let is_there = lines.any(|line| {
        let line = line.unwrap();
        event.iter().all(|text| line.contains(text))
    });
    assert!(is_there, "no event of {event:?}");
    up.kill().unwrap();
    up.wait().unwrap();
}

/// The fingerprint of the image that has the stage's name.
fn published() -> String {
    let path = "/1.0/images/aliases/strata-kill-image";
    let alias = daemon::request("GET", path, &Value::Null);
    alias["metadata"]["target"].as_str().unwrap().to_owned()
}

/// The images on the daemon that some `strata` has published.
fn images() -> BTreeSet<String> {
    let all = daemon::request("GET", "/1.0/images?recursion=1", &Value::Null);
    let all = all["metadata"].as_array().cloned().unwrap_or_default();
    let ours = all
        .iter()
        .filter(|image| image["properties"]["strata.marker"].is_string());
    ours.map(|image| image["fingerprint"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_up_killed_while_it_builds_an_image_goes_on_and_leaves_nothing_over() {
    let Some(_alone) = daemon::alone("killing `up` in the stage `image`") else {
        return;
    };
    let project = Project::new();
    let before = images();
    let folder = Folder::new(&[("strata.hcl", IMAGE_PROJECT), ("machine/main.tf", MACHINE)]);
    let up = || -> Ran { folder.run(&["up", "local", "-auto-approve", "-json"]) };
    // From the second round on there is an image already, which is to be built anew.
    for (round, (event, done)) in IMAGE_MOMENTS.into_iter().enumerate() {
        folder.write("site.yml", &playbook(round));
        kill_at(&folder, event);
        let next = up();
        let complaints = next.events_of("diagnostic");
        assert_eq!(next.code, Some(0), "killed at {event:?}: {complaints:#?}");
        let applied = next.applied();
        let again = applied.iter().find(|change| *change == done);
        assert_eq!(again, None, "killed at {event:?}: {applied:?}");
        let outcomes = up().succeeded().outcomes();
        assert_eq!(outcomes, ["web unchanged"], "killed at {event:?}");
        let made: Vec<String> = images().difference(&before).cloned().collect();
        assert_eq!(made, [published()], "killed at {event:?}");
        let machines = daemon::request("GET", MACHINES, &Value::Null);
        assert_eq!(machines["metadata"], json!([]), "killed at {event:?}");
    }

    daemon::delete(&format!("/1.0/images/{}", published()));
    let status = folder.run(&["status", "local"]).succeeded().stdout;
    let is_told = status.contains("drifted") && status.contains("it is gone");
    assert!(is_told, "{status}");
    folder.run(&["down", "local", "-auto-approve"]).succeeded();
    drop(project);
    assert_eq!(images(), before);
    daemon::has_nothing_of("strata-kill-image");
}
