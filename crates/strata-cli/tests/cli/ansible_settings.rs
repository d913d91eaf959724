//! What `ansible.cfg` says counts in the stages of a project as it does for `strata playbook`.

use crate::strata::Folder;

const PROJECT: &str = r#"
project "p" {}

environment "e" {
  configure "app" {
    playbook       = "ansible/site.yml"
    ansible_config = "ansible/ansible.cfg"
    inventory      = ["ansible/hosts"]
  }

  verify "reached" {
    command = ["true"]
    hosts   = ["app"]
    after   = [configure.app]
  }
}
"#;

const PLAYBOOK: &str = r#"
- hosts: app
  tasks:
    - copy:
        content: "{{ ansible_user }}, {{ ansible_facts | length }} facts\n"
        dest: "{{ playbook_dir }}/told"
      tags: telling
    - fail:
        msg: the tags of the settings leave this out
"#;

/// A project whose host can be reached by the settings alone: nobody else says how.
fn project(settings: &str) -> Folder {
    let settings = format!("[tags]\nrun = telling\n[defaults]\ntransport = local\n{settings}");
    Folder::new(&[
        ("strata.hcl", PROJECT),
        ("ansible/site.yml", PLAYBOOK),
        ("ansible/hosts", "[app]\nbox\n"),
        ("ansible/ansible.cfg", &settings),
    ])
}

#[test]
fn a_stage_reaches_its_hosts_as_the_settings_say() {
    let folder = project("remote_user = deploy\ngathering = explicit\n");
    let ran = folder.run(&["up", "e", "-json"]).succeeded();
    assert_eq!(ran.outcomes(), ["app changed", "reached unchanged"]);
    let told = std::fs::read_to_string(folder.path().join("ansible/told")).unwrap();
    assert_eq!(told, "deploy, 0 facts\n");
    let again = folder.run(&["up", "e", "-json"]).succeeded();
    assert_eq!(again.outcomes(), ["app unchanged", "reached unchanged"]);
    let status = folder.run(&["status", "e"]).succeeded();
    assert!(!status.stdout.contains("failing"), "{}", status.stdout);
}

#[test]
fn a_password_that_nobody_can_be_asked_for_is_told() {
    let folder = project("gathering = explicit\nremote_user = deploy\nask_pass = True\n");
    let ran = folder.run(&["up", "e"]).succeeded();
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        told.contains("Nobody is asked for the SSH password here"),
        "{told}"
    );
}

#[test]
fn a_mistake_in_the_settings_ends_the_stage_before_its_first_task() {
    let folder = project("gathering = sometimes\n");
    let ran = folder.run(&["up", "e"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("`gathering` is `implicit`, `explicit` or `smart`, not `sometimes`"),
        "{}",
        ran.stderr
    );
    assert!(!folder.path().join("ansible/told").exists());
}
