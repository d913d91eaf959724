//! `strata vault` and encrypted files in playbooks. Texts of real `ansible-vault` are in strata-playbook's tests.

use std::fs;

use crate::strata::Folder;

const TASKS: &str = "\
- hosts: localhost
  gather_facts: false
  vars_files: [secret.yml]
  vars:
    inline: !vault |
INLINE
  tasks:
    - assert: {that: [\"password == 'correct horse'\", \"inline == 'battery staple'\"]}
    - debug: {msg: \"{{ password }}\"}
    - command: echo {{ inline }}
    - copy: {content: \"{{ password }}\", dest: \"{{ playbook_dir }}/out\", mode: \"0600\"}
    - copy: {src: secret.yml, dest: \"{{ playbook_dir }}/plain\", mode: \"0600\"}
";

#[test]
fn files_and_values_are_encrypted_used_and_shown_nowhere_but_by_debug() {
    let project = Folder::new(&[]);
    project.write("pw", "hunter2\n");
    project.write("secret.yml", "password: correct horse\n");
    let password = ["--vault-password-file", "pw"];
    let sealed = project.run(&["vault", "encrypt", "secret.yml", password[0], password[1]]);
    assert_eq!(sealed.stderr, "Encryption successful\n");
    assert!(read(&project, "secret.yml").starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
    let value = project.run(&[
        "vault",
        "encrypt_string",
        "battery staple",
        password[0],
        password[1],
    ]);
    let inline: Vec<String> = value
        .stdout
        .lines()
        .skip(1)
        .map(|line| format!("  {}", line.trim()))
        .map(|line| format!("    {line}"))
        .collect();
    project.write("site.yml", &TASKS.replace("INLINE", &inline.join("\n")));
    let ran = project.run(&[
        "playbook",
        "site.yml",
        "-vvv",
        "--diff",
        password[0],
        password[1],
    ]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(read(&project, "out"), "correct horse");
    assert_eq!(read(&project, "plain"), "password: correct horse\n");
    assert!(!ran.stdout.contains("battery staple"), "{}", ran.stdout);
    assert_eq!(
        ran.stdout.matches("correct horse").count(),
        1,
        "{}",
        ran.stdout
    );
    let blind = project.run(&["playbook", "site.yml"]);
    assert_ne!(blind.code, Some(0));
    assert!(
        blind.stderr.contains("no vault secrets"),
        "{}",
        blind.stderr
    );
}

#[test]
fn vault_commands_do_what_ansible_vault_does() {
    let project = Folder::new(&[]);
    project.write("one", "first");
    project.write("two", "second");
    project.write("f", "text\n");
    let ok = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        ran
    };
    ok(&["vault", "encrypt", "--vault-id", "dev@one", "f"]);
    assert!(read(&project, "f").starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
    assert_eq!(
        ok(&["vault", "view", "--vault-id", "dev@one", "f"]).stdout,
        "text\n"
    );
    let again = project.run(&["vault", "encrypt", "--vault-password-file", "one", "f"]);
    assert!(
        again.code == Some(1) && again.stderr.contains("input is already encrypted"),
        "{}",
        again.stderr
    );
    ok(&[
        "vault",
        "rekey",
        "--vault-password-file",
        "one",
        "--new-vault-password-file",
        "two",
        "f",
    ]);
    let old = project.run(&["vault", "view", "--vault-password-file", "one", "f"]);
    assert!(
        old.code == Some(1) && old.stderr.contains("Decryption failed"),
        "{}",
        old.stderr
    );
    project.write("ed", "#!/bin/sh\necho more >> \"$1\"\n");
    executable(&project, "ed");
    let editor = project.path().join("ed").display().to_string();
    let edited = project.run_with(
        &["vault", "edit", "--vault-password-file", "two", "f"],
        &[("EDITOR", &editor)],
    );
    assert_eq!(edited.code, Some(0), "{}", edited.stderr);
    ok(&["vault", "decrypt", "--vault-password-file", "two", "f"]);
    assert_eq!(read(&project, "f"), "text\nmore\n");
    let created = project.run_with(
        &["vault", "create", "--vault-password-file", "two", "g"],
        &[("EDITOR", &editor)],
    );
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    assert_eq!(
        ok(&["vault", "view", "--vault-password-file", "two", "g"]).stdout,
        "more\n"
    );
}

#[test]
fn passwords_come_out_of_programs_and_settings() {
    let project = Folder::new(&[]);
    project.write("pw-client.sh", "#!/bin/sh\necho \"pass-$2\"\n");
    executable(&project, "pw-client.sh");
    project.write(
        "ansible.cfg",
        "[defaults]\nvault_identity_list = prod@pw-client.sh\n",
    );
    project.write("pw", "pass-prod");
    project.write("f", "x");
    assert_eq!(project.run(&["vault", "encrypt", "f"]).code, Some(0));
    fs::remove_file(project.path().join("ansible.cfg")).unwrap();
    let shown = project.run_with(
        &["vault", "view", "f"],
        &[("ANSIBLE_VAULT_PASSWORD_FILE", "pw")],
    );
    assert_eq!(
        (shown.code, shown.stdout.as_str()),
        (Some(0), "x"),
        "{}",
        shown.stderr
    );
}

fn executable(project: &Folder, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = project.path().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn read(project: &Folder, name: &str) -> String {
    std::fs::read_to_string(project.path().join(name)).unwrap()
}
