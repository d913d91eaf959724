//! What a project file can say, on this machine alone.

use std::fs;

use crate::strata::{Folder, Ran};

const INSTANCES: &str = r#"
project "app" {}

environment "local" {
  configure "app" {
    playbook  = "site.yml"
    hosts     = { app = { here = { ansible_connection = "local" } } }
    variables = { label = "${environment.name}-${instance.name}" }
    instances = { qa = {}, dev = { port = 2113 }, prod = {} }
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
    assert_eq!(started(&ran), ["qa", "dev", "prod"]);
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
    assert!(message.contains("`qa`, `dev`, `prod`"), "{message}");
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
fn the_status_tells_what_never_ran_from_what_failed() {
    let word = |folder: &Folder| {
        let ran = folder
            .run(&["status", "local", "-json", "--only", "app"])
            .succeeded();
        let status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        status[0]["status"].as_str().unwrap().to_owned()
    };
    let folder = instances();
    assert_eq!(word(&folder), "never run");
    let failing = format!("{SITE}    - command: \"false\"\n");
    folder.write("site.yml", &failing);
    assert_eq!(folder.run(&["up", "local"]).code, Some(1));
    folder.write("site.yml", &SITE.replace("{{ label }}", "new"));
    assert_eq!(word(&folder), "failed");
    folder.run(&["configure", "local"]).succeeded();
    assert_eq!(word(&folder), "up");
    folder.write("site.yml", SITE);
    assert_eq!(word(&folder), "behind");
}

#[test]
fn the_status_tells_what_was_changed_outside_from_what_is_up() {
    let main = "variable \"text\" {}\nresource \"local_file\" \"a\" {\n  filename = \"${path.module}/a.txt\"\n  content  = var.text\n}\n";
    let project = "project \"p\" {\n  env_file = [\".env\"]\n}\nenvironment \"e\" {\n  provision \"files\" {\n    directory = \"files\"\n    variables = { text = env.TEXT }\n  }\n}\n";
    let folder = Folder::new(&[
        ("strata.hcl", project),
        ("files/main.tf", main),
        (".env", "TEXT=one\n"),
    ]);
    let status = || folder.run(&["status", "e"]).succeeded().stdout;
    assert!(status().contains("not there"), "{}", status());
    folder.run(&["up", "e", "-auto-approve"]).succeeded();
    assert!(status().contains(" up "), "{}", status());
    folder.write(".env", "TEXT=two\n");
    let behind = "behind 1 to add, 0 to change, 1 to destroy";
    assert!(status().contains(behind), "{}", status());
    folder.write(".env", "TEXT=one\n");
    fs::remove_file(folder.path().join("files/a.txt")).unwrap();
    let drifted = "1 changed outside of Strata; 1 to add, 0 to change, 0 to destroy";
    assert!(status().contains(drifted), "{}", status());
}

#[test]
fn a_playbook_for_groups_that_are_not_there_fails_with_those_that_are() {
    let folder = instances();
    folder.write("site.yml", &SITE.replace("hosts: app", "hosts: web"));
    let ran = folder.run(&["configure", "local", "--instance", "dev"]);
    assert_eq!(ran.code, Some(1));
    let message = ran.stderr;
    assert!(message.contains("has no host to run on"), "{message}");
    assert!(message.contains("`app`, `dev`"), "{message}");
}

#[test]
fn variables_come_from_files_and_from_the_environment_files() {
    let project = r#"
project "p" {
  env_file = [".env"]
}

environment "staging" {
  provision "x" {
    directory      = "infrastructure"
    variable_files = ["${environment.name}.tfvars"]
    variables      = { c = "given" }
  }
}
"#;
    let main = r#"
variable "a" {}
variable "b" {}
variable "c" {}
output "all" {
  value = "${var.a} ${var.b} ${var.c}"
}
"#;
    let folder = Folder::new(&[
        ("strata.hcl", project),
        (".env", "TF_VAR_a=environment\nTF_VAR_b=environment\n"),
        ("staging.tfvars", "b = \"file\"\nc = \"file\"\n"),
        ("infrastructure/main.tf", main),
    ]);
    folder.run(&["up", "staging"]).succeeded();
    let output = folder
        .run(&["-chdir=infrastructure", "output", "-raw", "all"])
        .succeeded();
    assert_eq!(output.stdout, "environment file given");

    folder.write(
        "strata.hcl",
        &project.replace("[\"${environment.name}.tfvars\"]", "3"),
    );
    let wrong = folder.run(&["up", "staging"]);
    assert!(
        wrong.stderr.contains("must be a list of files"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn an_inventory_that_is_there_already_is_used() {
    let project = r#"
project "app" {}

environment "local" {
  configure "app" {
    playbook  = "site.yml"
    inventory = ["inventories/${environment.name}/hosts.ini"]
  }
}
"#;
    let site = SITE.replace("{{ label }} {{ port }} {{ strata_instance }}", "{{ port }}");
    let folder = Folder::new(&[
        ("strata.hcl", project),
        ("site.yml", &site.replace("{{ strata_instance }}", "app")),
        (
            "inventories/local/hosts.ini",
            "[app]\nhere ansible_connection=local\n",
        ),
        ("inventories/local/group_vars/app.yml", "port: 8080\n"),
    ]);
    folder.run(&["up", "local"]).succeeded();
    assert_eq!(read(&folder, "app.txt").unwrap(), "8080");
}

#[test]
fn a_repository_as_it_stands_becomes_a_project_that_can_be_planned() {
    let folder = Folder::new(&[
        (
            "terraform/main.tf",
            "variable \"size\" {}\noutput \"size\" {\n  value = var.size\n}\nterraform {}\n",
        ),
        ("terraform/environments/dev.tfvars", "size = 1\n"),
        ("ansible/site.yml", SITE),
        (
            "ansible/inventories/dev/hosts.ini",
            "[app]\nhere ansible_connection=local\n",
        ),
        ("Makefile", "up:\n\tterraform apply\n"),
    ]);
    let drafted = folder.run(&["init", "--from", "."]).succeeded();
    assert!(
        drafted.stdout.contains("environment dev"),
        "{}",
        drafted.stdout
    );
    assert!(
        drafted.stdout.contains("Makefile: up: is `strata up ENV`"),
        "{}",
        drafted.stdout
    );
    let plan = folder.run(&["plan", "dev", "-json"]);
    assert!(
        !plan.events_of("stage_started").is_empty(),
        "{}",
        plan.stderr
    );

    let again = folder.run(&["init", "--from", "."]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("is not overwritten"),
        "{}",
        again.stderr
    );
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
