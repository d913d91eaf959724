//! `strata playbook`, `run` and `inventory`: what scripts read from them.

use crate::strata::Folder;

#[test]
fn results_are_shown_line_by_line_as_ansible_playbook_shows_them() {
    let project = Folder::new(&[]);
    project.write(
        "site.yml",
        "\
- hosts: localhost
  gather_facts: false
  tasks:
    - debug: msg=hello
    - name: loop
      command: echo {{ item }}
      loop: [1, {a: b}]
      changed_when: item == 1
    - name: skipped
      command: echo
      loop: [1, 2]
      when: false
    - include_tasks: more.yml
      loop: [q]
    - name: written
      copy: {content: \"a\\nb\\n\", dest: \"{{ playbook_dir }}/f\", mode: \"0600\"}
      diff: true
    - name: bad
      fail: {msg: not good}
      ignore_errors: true
    - meta: noop
- hosts: nobody
  tasks: []
",
    );
    project.write("more.yml", "- assert: {that: item == 'q'}\n");
    let ran = project.run(&["playbook", "site.yml"]);
    let expected = "
PLAY [localhost] ***************************************************************

TASK [debug] *******************************************************************
ok: [localhost] => {
    \"msg\": \"hello\"
}

TASK [loop] ********************************************************************
changed: [localhost] => (item=1)
ok: [localhost] => (item={'a': 'b'})

TASK [skipped] *****************************************************************
skipping: [localhost] => (item=1) 
skipping: [localhost] => (item=2) 
skipping: [localhost]

TASK [include_tasks] ***********************************************************
included: [FOLDER]/more.yml for localhost => (item=q)

TASK [assert] ******************************************************************
ok: [localhost] => {
    \"changed\": false,
    \"msg\": \"All assertions passed\"
}

TASK [written] *****************************************************************
--- before
+++ after: [FOLDER]/f
@@ -0,0 +1,2 @@
+a
+b

changed: [localhost]

TASK [bad] *********************************************************************
fatal: [localhost]: FAILED! => {\"changed\": false, \"msg\": \"not good\"}
...ignoring

TASK [meta] ********************************************************************

PLAY [nobody] ******************************************************************
skipping: no hosts matched

PLAY RECAP *********************************************************************
localhost                  : ok=6    changed=2    unreachable=0    failed=0    skipped=1    rescued=0    ignored=1   

";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn one_module_runs_as_ansible_runs_it() {
    let project = Folder::new(&[]);
    let ran = project.run(&["run", "localhost", "-m", "ping"]);
    assert_eq!(
        ran.stdout,
        "localhost | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}\n",
        "{}",
        ran.stderr
    );
    let ran = project.run(&["run", "localhost", "-a", "echo hi there"]);
    assert_eq!(ran.stdout, "localhost | CHANGED | rc=0 >>\nhi there\n");
    let ran = project.run(&["run", "localhost", "-m", "shell", "-a", "echo a; exit 3"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (
            Some(2),
            "localhost | FAILED | rc=3 >>\nanon-zero return code\n"
        )
    );
    let ran = project.run(&["run", "a,b", "-i", "a,b,", "--list-hosts"]);
    assert_eq!(ran.stdout, "  hosts (2):\n    a\n    b\n");
}

#[test]
fn inventories_are_shown_as_ansible_inventory_shows_them() {
    let project = Folder::new(&[]);
    project.write(
        "hosts",
        "[web]\nw[1:2] v='a b'\n[prod:children]\nweb\n[prod:vars]\nn=5\n[empty]\n",
    );
    project.write("ansible.cfg", "[defaults]\ninventory = hosts\n");
    let ran = project.run(&["inventory", "--graph", "--vars"]);
    let expected = "\
@all:
  |--@ungrouped:
  |--@prod:
  |  |--@web:
  |  |  |--w1
  |  |  |  |--{n = 5}
  |  |  |  |--{v = a b}
  |  |  |--w2
  |  |  |  |--{n = 5}
  |  |  |  |--{v = a b}
  |  |--{n = 5}
  |--@empty:
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let ran = project.run(&["inventory", "--list", "--yaml"]);
    let expected = "all:\n  children:\n    prod:\n      children:\n        web:\n          hosts:\n            w1:\n              n: 5\n              v: a b\n            w2:\n              n: 5\n              v: a b\n";
    assert_eq!(ran.stdout, expected);
    let ran = project.run(&["inventory", "--host", "w1"]);
    assert_eq!(ran.stdout, "{\n    \"n\": 5,\n    \"v\": \"a b\"\n}\n");

    // What stands beside the inventory belongs to the group or the host that it is written for.
    project.write(
        "group_vars/prod.yml",
        "l: [1, {k: null}]\nansible_group_priority: 2\n",
    );
    project.write("host_vars/w2.yml", "own: yes\n");
    let ran = project.run(&["inventory", "--graph", "prod", "--vars", "--limit", "w2"]);
    let expected = "\
@prod:
  |--@web:
  |  |--w1
  |  |  |--{ansible_group_priority = 2}
  |  |  |--{l = [1, {'k': None}]}
  |  |  |--{n = 5}
  |  |  |--{v = a b}
  |  |--w2
  |  |  |--{ansible_group_priority = 2}
  |  |  |--{l = [1, {'k': None}]}
  |  |  |--{n = 5}
  |  |  |--{own = True}
  |  |  |--{v = a b}
  |--{ansible_group_priority = 2}
  |--{l = [1, {'k': None}]}
  |--{n = 5}
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let ran = project.run(&["inventory", "--list", "--export"]);
    let list: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        list["prod"]["vars"]["l"],
        serde_json::json!([1, {"k": null}])
    );
    assert_eq!(
        list["_meta"]["hostvars"]["w2"],
        serde_json::json!({"own": true, "v": "a b"})
    );
}

#[test]
fn tasks_tags_and_hosts_are_listed() {
    let project = Folder::new(&[]);
    project.write("hosts", "[web]\na\nb\n");
    project.write("site.yml", "- name: All\n  hosts: web\n  tags: [t]\n  tasks:\n    - {name: one, command: x, tags: [u]}\n    - ping:\n");
    let ran = project.run(&[
        "playbook",
        "-i",
        "hosts",
        "site.yml",
        "--list-tasks",
        "--list-tags",
        "--list-hosts",
    ]);
    let expected = "
playbook: site.yml

  play #1 (web): All\tTAGS: [t]
    pattern: ['web']
    hosts (2):
      a
      b
    tasks:
      one\tTAGS: [t, u]
      ping\tTAGS: [t]
      TASK TAGS: [t, u]
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

#[test]
fn lists_need_no_passwords_of_hosts_and_fill_in_what_the_command_line_says() {
    let project = Folder::new(&[
        ("inventory/hosts", "[web]\na\n"),
        ("inventory/broken.yml", "plugin: somebody.own.plugin\n"),
        (
            "inventory/group_vars/web/vault.yml",
            "$ANSIBLE_VAULT;1.1;AES256\n3061\n",
        ),
        (
            "site.yml",
            "- hosts: \"{{ on }}\"\n  name: To {{ on }}\n  tasks: []\n- hosts: [web, db]\n  tasks: []\n",
        ),
    ]);
    let list = ["playbook", "-i", "inventory", "site.yml", "--list-hosts"];
    let ran = project.run(&[&list[..], &["-e", "on=web"]].concat());
    let expected = "
playbook: site.yml

  play #1 (web): To web\tTAGS: []
    pattern: ['web']
    hosts (1):
      a

  play #2 (web,db): web,db\tTAGS: []
    pattern: ['web', 'db']
    hosts (1):
      a
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("somebody.own.plugin"), "{}", ran.stderr);
    let ran = project.run(&list);
    assert_eq!(ran.code, Some(4));
    assert!(
        ran.stderr.contains("`hosts` cannot be used"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_not_there_and_what_is_written_wrongly_end_as_in_ansible() {
    let project = Folder::new(&[
        ("role.yml", "- hosts: localhost\n  roles: [gone]\n"),
        (
            "import.yml",
            "- hosts: localhost\n  tasks: [{import_tasks: gone.yml}]\n",
        ),
        ("keyword.yml", "- hosts: localhost\n  nothing: 1\n"),
        (
            "include.yml",
            "- hosts: localhost\n  tasks: [{include_role: {name: r}, become: true}]\n",
        ),
        (
            "yaml.yml",
            "- hosts: localhost\n  tasks:\n   - ping:\n  - x\n",
        ),
    ]);
    for (playbook, code) in [
        ("role.yml", 1),
        ("import.yml", 1),
        ("none.yml", 1),
        ("keyword.yml", 4),
        ("include.yml", 4),
        ("yaml.yml", 4),
    ] {
        for way in ["--syntax-check", "--list-tasks", "--check"] {
            let ran = project.run(&["playbook", playbook, way]);
            assert_eq!(ran.code, Some(code), "{playbook} {way}: {}", ran.stderr);
        }
    }
}

#[test]
fn what_files_of_variables_are_left_out_is_said_once() {
    let project = Folder::new(&[]);
    project.write(
        "hosts",
        "[all]\na\nb\n[all:vars]\nansible_connection=local\n",
    );
    project.write(
        "site.yml",
        "- hosts: all\n  gather_facts: false\n  vars_files: [gone.yml, [no.yml, nor.yml], \"{{ nix }}.yml\"]\n  tasks: [{debug: }]\n",
    );
    let ran = project.run(&["playbook", "-i", "hosts", "site.yml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for said in [
        "the variables file `gone.yml` was not found, and is left out",
        "the variables file `no.yml` or `nor.yml` was not found, and is left out",
        "/vars/nor.yml`",
        "skipping vars_files item due to an undefined variable",
    ] {
        assert_eq!(
            ran.stderr.matches(said).count(),
            1,
            "{said}: {}",
            ran.stderr
        );
    }
}

#[test]
fn what_earlier_plays_did_is_reported_when_a_later_one_cannot_be_run() {
    let project = Folder::new(&[]);
    project.write(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks: [{ping: }]\n- hosts: localhost\n  gather_facts: false\n  vars_files: [list.yml]\n  tasks: [{ping: }]\n",
    );
    project.write("list.yml", "- 1\n");
    let ran = project.run(&["playbook", "site.yml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("localhost                  : ok=1 "),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("list.yml"), "{}", ran.stderr);
}

#[test]
fn groups_of_modules_that_are_not_known_are_refused_by_name() {
    let project = Folder::new(&[]);
    project.write(
        "site.yml",
        "- hosts: localhost\n  module_defaults:\n    group/aws: {region: x}\n  tasks: []\n",
    );
    let ran = project.run(&["playbook", "site.yml", "--syntax-check"]);
    assert!(
        ran.code != Some(0)
            && ran
                .stderr
                .contains("the module group `aws` is not supported"),
        "{}",
        ran.stderr
    );
}

#[test]
fn programs_are_inventories() {
    let project = Folder::new(&[]);
    project.write("inv.sh", "#!/bin/sh\necho '{\"web\": {\"hosts\": [\"x\"], \"vars\": {\"ansible_connection\": \"local\"}}, \"_meta\": {\"hostvars\": {}}}'\n");
    executable(&project, "inv.sh");
    let ran = project.run(&["run", "web", "-i", "inv.sh", "-m", "ping"]);
    assert!(
        ran.stdout.starts_with("x | SUCCESS"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    project.write("bad.sh", "#!/bin/sh\necho rubbish\n");
    executable(&project, "bad.sh");
    let ran = project.run(&["inventory", "-i", "bad.sh", "--list"]);
    assert!(
        ran.code != Some(0) && ran.stderr.contains("rubbish"),
        "{}",
        ran.stderr
    );
}

fn executable(project: &Folder, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = project.path().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_run_that_failed_is_resumed_where_it_stopped() {
    let project = Folder::new(&[]);
    let playbook = "\
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: One, command: date, register: one}
    - {name: Two, command: 'cat {{ playbook_dir }}/there'}
    - {name: Three, debug: {msg: '{{ one.rc }}'}}
";
    project.write("site.yml", playbook);
    let ran = project.run(&["playbook", "site.yml", "--resume"]);
    assert_eq!(ran.code, Some(4));
    assert!(
        ran.stderr.contains("there is nothing to resume"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.run(&["playbook", "site.yml"]).code, Some(2));
    project.write("there", "");
    let ran = project.run(&["playbook", "site.yml", "--resume"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stdout.contains("TASK [One]"), "{}", ran.stdout);
    assert!(ran.stdout.contains("TASK [Three]"), "{}", ran.stdout);
    let ran = project.run(&["playbook", "site.yml", "--resume"]);
    assert_eq!(ran.code, Some(4), "all is done: {}", ran.stdout);
}

#[test]
fn a_module_of_others_tells_nothing_in_a_rehearsal_of_what_earlier_tasks_would_have_changed() {
    let project = Folder::new(&[]);
    project.write(
        "library/lines",
        "#!/bin/sh\n# WANT_JSON, and told of _ansible_check_mode\n\
         path=$(sed 's/.*\"path\": *\"\\([^\"]*\\)\".*/\\1/' \"$1\")\n\
         test -e \"$path\" || { echo '{\"failed\": true, \"msg\": \"no such file\"}'; exit; }\n\
         echo \"{\\\"changed\\\": false, \\\"lines\\\": $(wc -l < \"$path\")}\"\n",
    );
    project.write("there", "1\n2\n");
    project.write(
        "site.yml",
        "\
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: before, lines: {path: \"{{ playbook_dir }}/there\"}, register: before}
    - debug: {msg: \"{{ before.lines }}\"}
    - {name: missing, lines: {path: /nowhere}, ignore_errors: true}
    - {name: write, copy: {content: x, dest: \"{{ playbook_dir }}/new\"}}
    - {name: new, lines: {path: \"{{ playbook_dir }}/new\"}, register: new}
    - {name: uses it, debug: {msg: \"{{ new.lines }}\"}}
    - {name: other, lines: {path: \"{{ playbook_dir }}/there\"}}
    - {name: may be made, lines: {path: /nowhere}}
",
    );
    let ran = project.run(&["playbook", "site.yml", "--check", "-v"]);
    let lines = ran.stdout.lines();
    let told: Vec<&str> = lines
        .filter(|line| line.contains(": [localhost]") || line.starts_with("TASK"))
        .map(|line| line.split([':', '*']).next().unwrap_or(line).trim_end())
        .collect();
    assert_eq!(
        told,
        [
            "TASK [before]",
            "ok",
            "TASK [debug]",
            "ok",
            "TASK [missing]",
            "fatal",
            "TASK [write]",
            "changed",
            "TASK [new]",
            "skipping",
            "TASK [uses it]",
            "skipping",
            "TASK [other]",
            "ok",
            "TASK [may be made]",
            "skipping",
        ],
        "{}",
        ran.stdout
    );
    let reason = "earlier tasks would have changed `[FOLDER]/new`";
    assert!(ran.stdout.contains(reason), "{}", ran.stdout);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn modules_of_kubernetes_get_their_definition_from_a_template_of_ours() {
    let project = Folder::new(&[]);
    let collection = "collections/ansible_collections/kubernetes/core/plugins";
    // It has no Python: what it is given comes back as its result.
    project.write(
        &format!("{collection}/modules/k8s"),
        "#!/bin/sh\necho '{\"changed\": false, \"given\": '\ncat <<'END'\n<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\nEND\necho '}'\n",
    );
    project.write(&format!("{collection}/action/k8s.py"), "");
    project.write(
        "templates/a.yml.j2",
        "kind: {{ kind }}\n---\nkind: Secret\n",
    );
    project.write("files/config", "");
    project.write(
        "site.yml",
        "\
- hosts: localhost
  gather_facts: false
  vars: {kind: Service}
  tasks:
    - kubernetes.core.k8s: {template: a.yml.j2, kubeconfig: config, namespace: x}
      register: k
    - debug: {msg: \"{{ k.given.definition | map(attribute='kind') | join(' ') }} {{ k.given.kubeconfig | basename }} {{ k.given.template | default('gone') }}\"}
",
    );
    let ran = project.run(&["playbook", "site.yml"]).succeeded();
    assert!(
        ran.stdout
            .contains("\"msg\": \"Service Secret config gone\""),
        "{}",
        ran.stdout
    );
}

/// What a command line of a shell prints on both outputs, in order; `strata` is ours.
fn together(project: &Folder, line: &str) -> String {
    let line = format!(
        "exec 2>&1; {}",
        line.replace("strata ", concat!(env!("CARGO_BIN_EXE_strata"), " "))
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(project.path())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_question_stands_below_the_results_that_came_before() {
    let project = Folder::new(&[(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: one, debug: {msg: 1}}\n    - {name: two, debug: {msg: 2}}\n",
    )]);
    let said = together(
        &project,
        "printf 'y\\ny\\n' | strata playbook site.yml --step",
    );
    let place = |text: &str| {
        said.find(text)
            .unwrap_or_else(|| panic!("no `{text}` in {said}"))
    };
    assert!(place("\"msg\": 1") < place("TASK: two (N)o"), "{said}");
}

#[test]
fn callbacks_tell_how_long_things_took_and_the_log_has_every_line() {
    let project = Folder::new(&[
        (
            "site.yml",
            "- hosts: localhost\n  gather_facts: false\n  roles: [r]\n  tasks:\n    - command: 'true'\n    - {name: bad, command: 'false', ignore_errors: true}\n",
        ),
        (
            "roles/r/tasks/main.yml",
            "- {name: first, ping: }\n- {name: second, ping: }\n",
        ),
        (
            "ansible.cfg",
            "[defaults]\nlog_path = run.log\ncallbacks_enabled = timer, profile_tasks, ansible.posix.profile_roles\n[callback_profile_tasks]\nsort_order = none\n",
        ),
    ]);
    let said = together(&project, "strata playbook site.yml -v");
    let begins = |text: &str| said.lines().any(|line| line.starts_with(text));
    for line in [
        "Using /",
        "TASKS RECAP ****",
        "ROLES RECAP ****",
        "PLAYBOOK RECAP ****",
        "Playbook run took 0 days, 0 hours, 0 minutes, ",
        "r : first -------",
        "r ---------",
        "total ------",
    ] {
        assert!(begins(line), "no `{line}` in {said}");
    }
    let time = |line: &&str| line.contains(" (0:00:0") && line.ends_with("******* ");
    // One below each of four banners, for each of two callbacks, and one above each of their sums.
    assert_eq!(said.lines().filter(time).count(), 10, "{said}");
    let log = std::fs::read_to_string(project.path().join("run.log")).unwrap();
    assert!(log.contains(" n=ansible INFO| TASK [r : first] *"), "{log}");
    assert!(
        log.contains(" n=ansible ERROR| fatal: [localhost]: FAILED!"),
        "{log}"
    );
    assert!(log.lines().all(|line| !line.contains('\u{1b}')), "{log}");
}
