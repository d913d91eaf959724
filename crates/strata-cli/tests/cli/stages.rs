//! When stages run, which of them, and what becomes of those that were cut off.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::strata::{Folder, Ran};

/// A stage that writes a file, after it has waited for others.
fn writes(name: &str, file: &str, waits_for: &str, after: &str) -> String {
    format!(
        r#"
  configure "{name}" {{
    playbook  = "write.yml"
    hosts     = {{ app = {{ here = {{ ansible_connection = "local" }} }} }}
    variables = {{ file = "{file}", waits_for = "{waits_for}" }}
    after     = [{after}]
  }}
"#
    )
}

const WRITE: &str = r#"
- hosts: app
  gather_facts: false
  tasks:
    - wait_for:
        path: "{{ playbook_dir }}/{{ waits_for }}"
        timeout: 20
      when: waits_for != ""
    - copy:
        content: "done\n"
        dest: "{{ playbook_dir }}/{{ file }}"
"#;

fn project(stages: &[String]) -> Folder {
    let stages = stages.concat();
    let text = format!("project \"p\" {{}}\n\nenvironment \"e\" {{{stages}}}\n");
    Folder::new(&[("strata.hcl", &text), ("write.yml", WRITE)])
}

#[test]
fn a_stage_begins_as_soon_as_what_it_needs_is_there() {
    // `slow` ends only when the second stage of the other chain has run: in lockstep it never would.
    let folder = project(&[
        writes("slow", "slow", "second", ""),
        writes("first", "first", "", ""),
        writes("second", "second", "", "configure.first"),
        writes("last", "last", "", "configure.slow"),
    ]);
    let ran = folder.run(&["up", "e", "-json"]).succeeded();
    let outcomes = ran.outcomes();
    let order = ["first", "second", "slow", "last"].map(|stage| format!("{stage} changed"));
    assert_eq!(outcomes, order);
}

/// The stages that ran.
fn started(ran: &Ran) -> Vec<String> {
    let events = ran.events_of("stage_started");
    let mut names: Vec<String> = events
        .iter()
        .map(|event| event["stage"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_target_brings_what_it_comes_after_and_can_be_narrowed() {
    let main = "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n";
    let provision =
        "\n  provision \"data\" {\n    directory = \"infrastructure\"\n  }\n".to_owned();
    let folder = project(&[
        provision,
        writes("one", "one", "", "provision.data"),
        writes("two", "two", "", "configure.one"),
        writes("other", "other", "", ""),
    ]);
    folder.write("infrastructure/main.tf", main);
    let up = |target: &str| folder.run(&["up", "e", "-json", target]).succeeded();
    let narrow = up("-target=provision.data.terraform_data.a");
    assert_eq!(narrow.applied(), ["create terraform_data.a"]);
    let one = up("-target=configure.one");
    assert_eq!(started(&one), ["data", "one"]);
    assert_eq!(one.applied(), ["create terraform_data.b"]);
    let plan = folder
        .run(&["plan", "e", "-json", "-target=other"])
        .succeeded();
    assert_eq!(started(&plan), ["other"]);
    let only = folder
        .run(&["plan", "e", "-json", "-only", "two", "-skip", "one"])
        .succeeded();
    assert_eq!(started(&only), ["two"]);

    let unknown = folder.run(&["up", "e", "-target=configure.none"]);
    assert_eq!(unknown.code, Some(1));
    let message = unknown.stderr;
    assert!(
        message.contains("The target `configure.none` is no stage"),
        "{message}"
    );
    assert!(
        message.contains("`provision.data`, `configure.one`"),
        "{message}"
    );
}

/// A chain of both layers on this machine alone.
fn chain() -> Folder {
    let provision = |name: &str, after: &str| {
        format!(
            "\n  provision \"{name}\" {{\n    directory = \"{name}\"\n    after     = [{after}]\n  }}\n"
        )
    };
    let folder = project(&[
        provision("first", ""),
        writes("second", "second", "", "provision.first"),
        provision("third", "configure.second"),
        writes("fourth", "fourth", "", "provision.third"),
    ]);
    for name in ["first", "third"] {
        let main = "resource \"terraform_data\" \"x\" {\n  count = 20\n}\n";
        folder.write(&format!("{name}/main.tf"), main);
    }
    folder
}

/// Starts `up`, and ends it with SIGKILL once it has told `events` of its events.
fn killed_after(folder: &Folder, events: usize) {
    let mut up = Command::new(env!("CARGO_BIN_EXE_strata"))
        .args(["up", "e", "-json"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(up.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(events).count(), events);
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn killed_at_any_event_up_goes_on_where_it_was() {
    let all = chain()
        .run(&["up", "e", "-json"])
        .succeeded()
        .events()
        .len();
    // Not the very last ones: how often a host is waited for may differ.
    let moments = (1..all - 5).step_by(all / 12 + 1);
    for events in moments {
        let folder = chain();
        killed_after(&folder, events);
        let next = folder.run(&["up", "e", "-json"]).succeeded();
        let again = folder.run(&["up", "e", "-json"]).succeeded();
        let nothing =
            ["first", "second", "third", "fourth"].map(|name| format!("{name} unchanged"));
        assert_eq!(again.outcomes(), nothing, "after {events} events");
        for name in ["first", "third"] {
            let state = folder.path().join(name).join("terraform.tfstate");
            let state: Value = serde_json::from_str(&fs::read_to_string(state).unwrap()).unwrap();
            let instances = state["resources"][0]["instances"].as_array().unwrap();
            assert_eq!(
                instances.len(),
                20,
                "after {events} events: {:?}",
                next.outcomes()
            );
        }
    }
}

#[test]
fn two_environments_at_once_do_not_disturb_each_other() {
    let folder = Folder::example("proxmox-modules");
    let up = |environment: &str| folder.start(&["up", environment, "--twin", "-auto-approve"]);
    let both = [up("dev"), up("staging")];
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    for environment in ["dev", "staging"] {
        let again = folder
            .run(&["up", environment, "--twin", "-json"])
            .succeeded();
        assert_eq!(again.applied(), [""; 0]);
    }

    // For real they share the root module's folder, and each has a workspace of its own.
    let text = r#"
project "p" {}
environment "a" "b" {
  provision "x" {
    directory = "infrastructure"
    variables = { name = environment.name }
  }
}
"#;
    let main = "variable \"name\" {}\nresource \"terraform_data\" \"x\" {\n  count = 50\n  input = var.name\n}\n";
    let folder = Folder::new(&[("strata.hcl", text), ("infrastructure/main.tf", main)]);
    let both = ["a", "b"].map(|name| folder.start(&["up", name]));
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    for name in ["a", "b"] {
        let state = format!("infrastructure/terraform.tfstate.d/{name}/terraform.tfstate");
        let state = fs::read_to_string(folder.path().join(state)).unwrap();
        let other = if name == "a" { "b" } else { "a" };
        assert!(
            !state.contains(&format!("\"input\": \"{other}\"")),
            "{state}"
        );
        let again = folder.run(&["up", name, "-json"]).succeeded();
        assert_eq!(again.applied(), [""; 0]);
    }
}

#[test]
fn an_inventory_that_a_stage_writes_is_waited_for() {
    let main = r#"
variable "greeting" {}
resource "local_file" "inventory" {
  filename = "${path.module}/../hosts.ini"
  content  = "[app]\nhere ansible_connection=local\n"
}
output "greeting" {
  value = var.greeting
}
"#;
    let project = r#"
project "p" {}
environment "e" {
  provision "x" {
    directory = "infrastructure"
    variables = { greeting = trimspace(file("greeting.txt")) }
  }
  configure "app" {
    playbook  = "write.yml"
    inventory = ["hosts.ini"]
    variables = { file = provision.x.greeting, waits_for = "" }
    after     = [provision.x]
  }
}
"#;
    let folder = Folder::new(&[
        ("strata.hcl", project),
        ("infrastructure/main.tf", main),
        ("greeting.txt", "hello\n"),
        ("write.yml", WRITE),
    ]);
    let plan = folder.run(&["plan", "e"]).succeeded();
    let told = format!("{}{}", plan.stdout, plan.stderr);
    assert!(told.contains("warning[inventory-awaited]"), "{told}");
    folder.run(&["up", "e", "-auto-approve"]).succeeded();
    assert!(folder.path().join("hello").exists());
    let plan = folder.run(&["plan", "e"]).succeeded();
    let told = format!("{}{}", plan.stdout, plan.stderr);
    assert!(!told.contains("inventory-awaited"), "{told}");
}

#[test]
fn a_plan_says_which_hosts_will_be_configured_again() {
    let folder = Folder::example("quickstart");
    folder.run(&["up", "local", "--twin"]).succeeded();
    let main = "infrastructure/main.tf";
    folder.replace(main, "web-1 = {}", "web-1 = {}\n    web-3 = {}");
    // Another image: the containers are made anew.
    folder.replace(main, "debian/12", "debian/13");
    let plan = folder.run(&["plan", "local", "--twin"]).succeeded().stdout;
    for expected in [
        "web-3 is new: it will be configured from nothing",
        "web-1 is made anew: it will be configured from nothing",
        "web-2 is made anew: it will be configured from nothing",
        // Not as on the container that is there now, where nothing is left to do.
        "~ web-1: web : Install nginx",
    ] {
        assert!(plan.contains(expected), "{expected}: {plan}");
    }
    folder.replace(main, "\n    web-3 = {}", "");
    folder.replace(main, "debian/13", "debian/12");
    let plan = folder.run(&["plan", "local", "--twin"]).succeeded().stdout;
    assert!(!plan.contains("configured from nothing"), "{plan}");
}

#[test]
fn an_environment_that_was_half_made_has_a_status_and_goes_down() {
    let first = "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {\n  provisioner \"local-exec\" {\n    command = \"false\"\n  }\n}\noutput \"b\" {\n  value = terraform_data.b.id\n}\noutput \"none\" {\n  value = null\n}\n";
    let second = "variable \"b\" {}\nvariable \"none\" {}\nresource \"terraform_data\" \"c\" {\n  input = \"${var.b}${var.none == null}\"\n}\n";
    let project = "project \"p\" {}\nenvironment \"e\" {\n  provision \"first\" {\n    directory = \"first\"\n  }\n  provision \"second\" {\n    directory = \"second\"\n    variables = { b = provision.first.b, none = provision.first.none }\n  }\n}\n";
    let files = [
        ("strata.hcl", project),
        ("first/main.tf", first),
        ("second/main.tf", second),
    ];
    let folder = Folder::new(&files);
    assert_eq!(folder.run(&["up", "e"]).code, Some(1));
    let status = folder.run(&["status", "e"]).succeeded().stdout;
    assert!(
        status.contains("provision second             not there"),
        "{status}"
    );
    folder.run(&["down", "e", "-auto-approve"]).succeeded();

    // An output that is null is there, too.
    folder.replace("first/main.tf", "command = \"false\"", "command = \"true\"");
    folder.run(&["up", "e"]).succeeded();
    let again = folder.run(&["up", "e", "-json"]).succeeded();
    assert_eq!(again.outcomes(), ["first unchanged", "second unchanged"]);
    let status = folder.run(&["status", "e"]).succeeded().stdout;
    assert_eq!(status.matches(" up ").count(), 2, "{status}");
}
