//! Secrets of a project: read when needed, seen nowhere.

use crate::strata::Folder;

const PROJECT: &str = r#"
project "p" {}

secret "token" {
  command = ["printf", "%s\n", "${env.PREFIX}-s3cret"]
}

secret "unused" {
  command = ["false"]
}

environment "local" {
  provision "data" {
    directory = "infrastructure"
    variables = { token = secret.token }
  }

  configure "app" {
    playbook  = "site.yml"
    hosts     = { app = { here = { ansible_connection = "local" } } }
    variables = { token = secret.token }
    after     = [provision.data]
  }
}
"#;

const SITE: &str = r#"
- hosts: app
  gather_facts: false
  tasks:
    - name: Use it
      copy:
        content: "{{ token }}"
        dest: "{{ playbook_dir }}/token.txt"
    - debug:
        msg: "it is {{ token }}"
"#;

const INFRASTRUCTURE: &str = r#"
variable "token" {}

resource "terraform_data" "x" {
  input = { token = var.token, other = "seen" }
}
"#;

fn folder(project: &str) -> Folder {
    Folder::new(&[
        ("strata.hcl", project),
        ("site.yml", SITE),
        ("infrastructure/main.tf", INFRASTRUCTURE),
    ])
}

#[test]
fn a_secret_reaches_both_layers_and_is_shown_in_neither() {
    let folder = folder(PROJECT);
    let environment = [("PREFIX", "very")];
    for arguments in [
        &["plan", "local"][..],
        &["up", "local", "--diff", "-v"],
        &["up", "local", "-json"],
        &["status", "local"],
    ] {
        let ran = folder.run_with(arguments, &environment).succeeded();
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shown.contains("s3cret"), "{arguments:?}: {shown}");
    }
    let written = std::fs::read_to_string(folder.path().join("token.txt")).unwrap();
    assert_eq!(written, "very-s3cret");
    assert!(
        !folder
            .path()
            .join("infrastructure/.terraform.tfstate.lock.info")
            .exists()
    );
}

#[test]
fn a_secret_that_cannot_be_read_stops_the_run_before_it_begins() {
    let failing = PROJECT.replace(
        r#"command = ["printf", "%s\n", "${env.PREFIX}-s3cret"]"#,
        r#"command = ["sh", "-c", "echo s3cret; echo the store is locked >&2; exit 1"]"#,
    );
    let folder = folder(&failing);
    let ran = folder.run(&["up", "local"]);
    assert_eq!(ran.code, Some(1));
    let message = ran.stderr;
    assert!(
        message.contains("The secret `token` cannot be read"),
        "{message}"
    );
    assert!(message.contains("the store is locked"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    assert!(
        !folder
            .path()
            .join("infrastructure/terraform.tfstate")
            .exists()
    );
}

#[test]
fn mistakes_in_secrets_are_told_all_at_once() {
    let project = r#"
project "p" {}
secret "none" {}
secret "two" {
  sops    = "a.yml"
  command = ["x"]
}
secret "keyless" {
  sops = "a.yml"
}
environment "e" {
  configure "c" {
    playbook  = "site.yml"
    variables = { a = secret.unknown }
  }
}
"#;
    let ran = folder(project).run(&["up", "e"]);
    assert_eq!(ran.code, Some(1));
    let message = ran.stderr;
    for expected in [
        "strata.hcl:3",
        "strata.hcl:4",
        "This secret needs `key`",
        "There is no secret `unknown`",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_secret_of_a_vault_is_read_with_the_password_that_is_said_or_set() {
    let source = r#"command = ["printf", "%s\n", "${env.PREFIX}-s3cret"]"#;
    let vault = "ansible_vault = \"vault.yml\"\n  key = \"api.tokens.0\"";
    let folder = folder(&PROJECT.replace(source, vault));
    folder.write("password", "open sesame\n");
    folder.write("vault.yml", "api:\n  tokens: [very-s3cret]\n");
    let password = ["--vault-password-file", "password"];
    folder
        .run(&[&["vault", "encrypt", "vault.yml"], &password[..]].concat())
        .succeeded();

    let without = folder.run(&["up", "local"]);
    assert_eq!(without.code, Some(1));
    let message = without.stderr;
    assert!(
        message.contains("The secret `token` cannot be read"),
        "{message}"
    );
    assert!(message.contains("no vault secrets found"), "{message}");

    folder.write(
        "ansible.cfg",
        "[defaults]\nvault_password_file = password\n",
    );
    let read = |folder: &Folder| {
        let ran = folder.run(&["up", "local", "-json"]).succeeded();
        assert!(!ran.stdout.contains("s3cret"), "{}", ran.stdout);
        std::fs::read_to_string(folder.path().join("token.txt")).unwrap()
    };
    assert_eq!(read(&folder), "very-s3cret");

    // One value alone may be encrypted, and the password may stand in the block.
    let value = folder.run(&[&["vault", "encrypt_string", "new-s3cret"], &password[..]].concat());
    let value = value.succeeded().stdout;
    folder.write(
        "vault.yml",
        &format!("api:\n  tokens:\n    - {}\n", value.trim_end()),
    );
    folder.write("ansible.cfg", "");
    folder.replace(
        "strata.hcl",
        "ansible_vault",
        "password_file = \"password\"\n  ansible_vault",
    );
    assert_eq!(read(&folder), "new-s3cret");
    folder.replace("strata.hcl", "api.tokens.0", "api.none");
    let none = folder.run(&["up", "local"]).stderr;
    assert!(none.contains("there is no text at `api.none`"), "{none}");
}

/// What a stand-in of a source's program does.
const MANNERS: [(&str, &str); 2] = [
    ("echo s3cret; echo it is locked >&2; exit 3", "it is locked"),
    ("read answer < /dev/tty && echo s3cret", "/dev/tty"),
];

#[test]
fn each_source_whose_program_fails_or_asks_is_told_and_changes_nothing() {
    let sources = [
        ("sops", "sops = \"secrets.yml\"\n  key  = \"token\""),
        ("op", "onepassword = \"op://vault/item/field\""),
        ("bw", "bitwarden = \"item\""),
        ("keep", "command = [\"keep\", \"token\"]"),
    ];
    let command = "command = [\"printf\", \"%s\\n\", \"${env.PREFIX}-s3cret\"]";
    for (program, source) in sources {
        let folder = folder(&PROJECT.replace(command, source));
        folder.write("secrets.yml", "token: ENC[AES256_GCM,data:x]\n");
        for (manner, said) in MANNERS {
            let path = format!("bin/{program}");
            folder.write(&path, &format!("#!/bin/sh\n{manner}\n"));
            let file = folder.path().join(&path);
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&file, mode).unwrap();
            let programs = folder.path().join("bin").display().to_string();
            let programs = format!("{programs}:/usr/bin:/bin");
            let ran = folder.run_with(&["up", "local"], &[("PATH", &programs)]);
            assert_eq!(ran.code, Some(1), "{program}: {}", ran.stdout);
            let message = ran.stderr;
            assert!(
                message.contains("The secret `token` cannot be read") && message.contains(said),
                "{program}: {message}"
            );
            assert!(!message.contains("s3cret"), "{program}: {message}");
            let state = folder.path().join("infrastructure/terraform.tfstate");
            assert!(!state.exists(), "{program}");
        }
    }
}

#[test]
fn a_source_without_a_program_that_has_nothing_is_told() {
    let command = "command = [\"printf\", \"%s\\n\", \"${env.PREFIX}-s3cret\"]";
    let vault = "ansible_vault = \"vault.yml\"\n  key           = \"token\"";
    for (source, said) in [
        (
            "environment = \"NOWHERE\"",
            "the environment has no `NOWHERE`",
        ),
        (vault, "`vault.yml`"),
    ] {
        let folder = folder(&PROJECT.replace(command, source));
        let ran = folder.run(&["up", "local"]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}
