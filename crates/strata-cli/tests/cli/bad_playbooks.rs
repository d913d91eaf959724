//! What is wrong with playbooks, inventories and vaults is said with its place, and mostly with what is meant.

use crate::strata::{Folder, Ran};

/// Runs a playbook and wants all these texts in what it says.
#[track_caller]
fn check(playbook: &str, texts: &[&str]) {
    let project = Folder::new(&[("site.yml", playbook)]);
    says(&project.run(&["playbook", "site.yml"]), texts);
}

#[track_caller]
fn says(ran: &Ran, texts: &[&str]) {
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    for text in texts {
        assert!(
            ran.stderr.contains(text),
            "`{text}` is not in\n{}",
            ran.stderr
        );
    }
}

#[test]
fn mistakes_of_yaml_have_their_line_and_the_usual_reason() {
    check(
        "- hosts: localhost\n  tasks:\n    - debug: msg=hi\n      when: a: b\n",
        &[
            "site.yml:4:14",
            "when: a: b",
            "a value with `: ` in it must be in quotes",
        ],
    );
    check(
        "- hosts: localhost\n  tasks:\n    - debug:\n        msg: \"a\" and b\n",
        &[
            "site.yml:4:18",
            "a value that begins with a quote ends with it",
        ],
    );
    check(
        "- hosts: localhost\n  tasks:\n    - debug:\n        msg: {{ x }}\n",
        &[
            "site.yml:4:15",
            "a value that begins with `{{` must be in quotes",
        ],
    );
    check(
        "- hosts: localhost\n  tasks:\n\t- debug:\n",
        &["site.yml:3", "indentation is made of blanks, not of tabs"],
    );
}

#[test]
fn unknown_words_are_told_with_the_nearest_known_one() {
    check(
        "- hosts: localhost\n  gather_fact: false\n  tasks:\n    - debug: {msg: x}\n      regster: y\n",
        &["did you mean `gather_facts`?", "did you mean `register`?"],
    );
    check(
        "- hosts: localhost\n  tasks:\n    - copi: {src: x}\n",
        &[
            "the module `copi` is not supported by Strata",
            "The nearest that Strata has is `copy`",
        ],
    );
    check(
        "- hosts: localhost\n  tasks: {debug: {}}\n",
        &["must be a list, this is a mapping"],
    );
}

#[test]
fn templates_that_need_one_another_end_with_their_names() {
    check(
        "- hosts: localhost\n  gather_facts: false\n  vars: {a: \"{{ b }}\", b: \"{{ a }}\"}\n  tasks: [{debug: {msg: \"{{ a }}\"}}]\n",
        &["variables need one another: `a` → `b` → `a`"],
    );
}

#[test]
fn inventories_that_contradict_themselves_are_told() {
    let check = |inventory: &str, texts: &[&str]| {
        let project = Folder::new(&[("hosts", inventory)]);
        says(
            &project.run(&["inventory", "--graph", "-i", "hosts"]),
            texts,
        );
    };
    check(
        "[web:children]\ndb\n[db:children]\nweb\n",
        &["contains itself through"],
    );
    check("[web:kids]\na\n", &["hosts:1:1", "not `kids`"]);
}

#[test]
fn inventories_that_are_not_shown_end_as_in_ansible() {
    let project = Folder::new(&[("hosts", "[web]\na\n")]);
    let code = |words: &[&str]| project.run(&[&["inventory", "-i", "hosts"], words].concat()).code;
    assert_eq!(code(&["--list"]), Some(0));
    assert_eq!(code(&["--host", "b"]), Some(5));
    assert_eq!(code(&["--graph", "db"]), Some(5));
    project.write("group_vars/web.yml", "a: [\n");
    assert_eq!(code(&["--list"]), Some(4));
}

#[test]
fn names_and_messages_do_not_act_on_the_terminal() {
    let project = Folder::new(&[(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: \"a\\e]0;title\\a\"\n      fail: {msg: \"b\\e[2J\"}\n",
    )]);
    let ran = project.run(&["playbook", "site.yml"]);
    assert!(ran.stdout.contains("TASK [a\\u001b]0;title\\u0007]"), "{}", ran.stdout);
    assert!(ran.stderr.contains("b\\u001b[2J"), "{}", ran.stderr);
}

#[test]
fn a_wrong_vault_password_is_told_for_the_file() {
    let project = Folder::new(&[
        ("secret.yml", "v: 1\n"),
        ("right", "one\n"),
        ("wrong", "two\n"),
    ]);
    let files = [
        "vault",
        "encrypt",
        "--vault-password-file",
        "right",
        "secret.yml",
    ];
    project.run(&files).succeeded();
    project.write(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  vars_files: [secret.yml]\n  tasks: [{debug: {var: v}}]\n",
    );
    let ran = project.run(&["playbook", "site.yml", "--vault-password-file", "wrong"]);
    says(&ran, &["secret.yml"]);
    assert!(
        ran.stderr.contains("decrypted") || ran.stderr.contains("password"),
        "{}",
        ran.stderr
    );
}

/// A module of Python with what it imports, where no ansible-core is needed: `module_utils` has the little it uses.
#[test]
fn a_module_of_the_project_runs_with_what_it_imports() {
    let project = Folder::new(&[
        (
            "library/greet.py",
            "#!/usr/bin/python\nfrom ansible.module_utils.basic import params, done\nfrom ansible.module_utils.words import (\n    hello,\n)\ndone(changed=not params()[\"_ansible_check_mode\"], greeting=hello(params()[\"name\"]))\n",
        ),
        (
            "module_utils/basic.py",
            "import json, sys\n_ANSIBLE_ARGS = None\ndef params():\n    return json.loads(_ANSIBLE_ARGS)[\"ANSIBLE_MODULE_ARGS\"]\ndef done(**result):\n    print(json.dumps(result))\n    sys.exit(0)\n",
        ),
        (
            "module_utils/words.py",
            "def hello(name):\n    return \"hello \" + name\n",
        ),
        (
            "site.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - greet: {name: you}\n      register: r\n    - debug: {msg: \"{{ r.greeting }}\"}\n",
        ),
    ]);
    let ran = project.run(&["playbook", "site.yml"]).succeeded();
    assert!(
        ran.stdout.contains("changed: [localhost]"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("hello you"), "{}", ran.stdout);
    let checked = project
        .run(&["playbook", "site.yml", "--check"])
        .succeeded();
    assert!(checked.stdout.contains("changed=0"), "{}", checked.stdout);
}

#[test]
fn a_module_with_an_action_plugin_is_refused_with_its_place() {
    let project = Folder::new(&[
        (
            "library/greet.py",
            "from ansible.module_utils.basic import AnsibleModule\n",
        ),
        ("action_plugins/greet.py", ""),
        ("site.yml", "- hosts: localhost\n  tasks: [{greet: {}}]\n"),
    ]);
    let ran = project.run(&["playbook", "site.yml"]);
    says(
        &ran,
        &[
            "action_plugins/greet.py",
            "Strata runs no Python on this machine",
            "site.yml:2",
        ],
    );
}
