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

/// Stands for `sops`: a file with `sops` in it holds what it says.
const SOPS: &str = "#!/bin/sh\n\
    for file; do :; done\n\
    grep -q sops \"$file\" || { echo 'no metadata found' >&2; exit 1; }\n\
    [ \"$SOPS_AGE_KEY_FILE\" = /keys ] || { echo 'no key' >&2; exit 1; }\n\
    cat \"$file\"\n";

#[test]
fn variables_in_files_of_sops_are_read_where_the_settings_name_the_plugin() {
    let settings = "[defaults]\ntransport = local\ngathering = explicit\n\
        vars_plugins_enabled = host_group_vars, community.sops.sops\n\
        [community.sops]\nage_keyfile = /keys\n";
    let told = "{{ beside }} {{ inside }} {{ own }} {{ plain }}";
    let playbook = format!("- hosts: app\n  tasks:\n    - debug: {{msg: \"{told}\"}}\n");
    let folder = Folder::new(&[
        ("ansible.cfg", settings),
        ("site.yml", &playbook),
        ("hosts", "[app]\nbox\n"),
        (
            "group_vars/app.sops.yaml",
            "sops: {}\nbeside: first\nplain: sealed\n",
        ),
        ("group_vars/app/plain.yml", "plain: open\ninside: open\n"),
        ("group_vars/app/a.sops.yml", "sops: {}\ninside: second\n"),
        (
            "host_vars/box.sops.json",
            "{\"own\": \"third\", \"sops\": {}}\n",
        ),
        ("bin/sops", SOPS),
    ]);
    let program = folder.path().join("bin/sops");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let programs = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
    let run = || {
        folder.run_with(
            &["playbook", "-i", "hosts", "site.yml"],
            &[("PATH", &programs)],
        )
    };
    let ran = run().succeeded();
    let expected = "\"msg\": \"first second third sealed\"";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    folder.write("group_vars/app/a.sops.yml", "inside: second\n");
    let ran = run();
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("no metadata found"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("vault"), "{}", ran.stderr);
}
