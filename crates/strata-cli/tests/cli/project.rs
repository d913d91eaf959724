//! What a project file can say, on this machine alone.

use crate::strata::{Folder, Ran};

const INSTANCES: &str = r#"
project "app" {}

environment "local" {
  configure "app" {
    playbook  = "site.yml"
    hosts     = { app = { here = { ansible_connection = "local" } } }
    variables = { label = "${environment.name}-${instance.name}" }
    instances = { dev = { port = 2113 }, prod = {} }
  }

  verify "after" {
    tcp   = "127.0.0.1:1"
    after = [configure.app]
  }
}
"#;

const SITE: &str = r#"
- hosts: app
  gather_facts: false
  tasks:
    - name: Write what this instance has
      copy:
        content: "{{ label }} {{ port }} {{ strata_instance }}"
        dest: "{{ playbook_dir }}/{{ strata_instance }}.txt"
"#;

fn instances() -> Folder {
    Folder::new(&[
        ("strata.hcl", INSTANCES),
        ("site.yml", SITE),
        ("group_vars/app.yml", "port: 1\n"),
        ("group_vars/dev.yml", "port: 2\n"),
        ("group_vars/prod.yml", "port: 2115\n"),
    ])
}

fn read(folder: &Folder, name: &str) -> Option<String> {
    std::fs::read_to_string(folder.path().join(name)).ok()
}

fn started(ran: &Ran) -> Vec<String> {
    let events = ran.events_of("instance_started");
    events
        .iter()
        .map(|event| event["instance"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_instance_has_a_run_with_variables_of_its_own() {
    let folder = instances();
    let ran = folder.run(&["configure", "local", "-json"]).succeeded();
    assert_eq!(started(&ran), ["dev", "prod"]);
    // What the project file says of an instance wins over its group, and that over other groups.
    assert_eq!(read(&folder, "dev.txt").unwrap(), "local-dev 2113 dev");
    assert_eq!(read(&folder, "prod.txt").unwrap(), "local-prod 2115 prod");

    let again = folder.run(&["configure", "local", "-json"]).succeeded();
    let finished = again.events_of("stage_finished");
    assert_eq!(finished[0]["outcome"], "unchanged");
}

#[test]
fn one_instance_can_be_asked_for() {
    let folder = instances();
    let ran = folder.run(&["configure", "local", "--instance", "prod", "-json"]);
    assert_eq!(started(&ran.succeeded()), ["prod"]);
    assert_eq!(read(&folder, "dev.txt"), None);

    let unknown = folder.run(&["configure", "local", "--instance", "test"]);
    assert_eq!(unknown.code, Some(1));
    let message = unknown.stderr;
    assert!(message.contains("There is no instance `test`"), "{message}");
    assert!(message.contains("`dev`, `prod`"), "{message}");
}

#[test]
fn stages_are_chosen_by_kind_and_by_where_to_begin() {
    let folder = instances();
    let verify = folder.run(&["verify", "local", "-json"]);
    assert_eq!(verify.code, Some(1));
    assert_eq!(read(&folder, "dev.txt"), None, "no playbook ran");

    let from = folder.run(&["up", "local", "--from", "verify.after", "-json"]);
    assert_eq!(from.code, Some(1));
    assert_eq!(
        read(&folder, "dev.txt"),
        None,
        "what comes before was left out"
    );

    let from = folder.run(&["up", "local", "--from", "app", "-json"]);
    assert_eq!(from.events_of("stage_started").len(), 2);
}

#[test]
fn a_command_verifies_here_and_on_hosts() {
    let project = r#"
project "app" {}

environment "local" {
  configure "app" {
    playbook = "site.yml"
    hosts    = { app = { here = { ansible_connection = "local" } } }
  }

  verify "here" {
    command = ["test", "-e", "dev.txt"]
    after   = [configure.app]
  }

  verify "there" {
    command = ["test", "-e", "/no/such/file"]
    hosts   = ["app"]
    after   = [configure.app]
  }
}
"#;
    let site = SITE.replace("{{ label }} {{ port }} {{ strata_instance }}", "x");
    let site = site.replace("{{ strata_instance }}", "dev");
    let folder = Folder::new(&[("strata.hcl", project), ("site.yml", &site)]);
    let ran = folder.run(&["up", "local", "-json"]);
    assert_eq!(ran.code, Some(1));
    let mut verified: Vec<String> = ran
        .events_of("verified")
        .iter()
        .map(|event| format!("{}: {}", event["what"], event["passed"]))
        .collect();
    verified.sort();
    let there = r#""test -e /no/such/file on here": false"#;
    assert_eq!(verified, [there, r#""test -e dev.txt": true"#]);
}

#[test]
fn wrong_instances_are_refused_before_anything_runs() {
    for instances in ["\"dev\"", "[\"a-b\"]", "[\"a\", \"a\"]", "[]", "{ a = 1 }"] {
        let text = format!(
            "project \"p\" {{}}\nenvironment \"e\" {{\n  configure \"c\" {{\n    playbook  = \"site.yml\"\n    instances = {instances}\n  }}\n}}\n"
        );
        let folder = Folder::new(&[("strata.hcl", &text), ("site.yml", SITE)]);
        let ran = folder.run(&["up", "e"]);
        assert_eq!(ran.code, Some(1), "{instances}");
        let message = ran.stderr;
        assert!(
            message.contains("`instances` must be a list of names"),
            "{instances}: {message}"
        );
        assert!(message.contains("strata.hcl:5"), "{message}");
    }
}
