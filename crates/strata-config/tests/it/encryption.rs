//! The `encryption` block, with what `TF_ENCRYPTION` adds to it.

use expect_test::{Expect, expect};
use strata_config::module::{EncryptionArgument, EncryptionPart, EncryptionTarget};
use strata_core::Diagnostics;

use crate::support::{self, Given};

fn part(part: &EncryptionPart) -> String {
    let argument = |argument: &EncryptionArgument| match argument {
        EncryptionArgument::Value(value, _) => format!("{value:?}"),
        EncryptionArgument::KeyProvider((kind, name), _) => format!("-> {kind}.{name}"),
    };
    let all = part.arguments.iter();
    let all: Vec<_> = all
        .map(|(name, found)| format!("{name} {}", argument(found)))
        .collect();
    all.join(", ")
}

fn target(target: &EncryptionTarget) -> String {
    let method = target.method.as_ref();
    let method = method.map_or("none".to_owned(), |(kind, name)| format!("{kind}.{name}"));
    let enforced = if target.enforced { " enforced" } else { "" };
    match &target.fallback {
        None => format!("{method}{enforced}"),
        Some(fallback) => format!("{method}{enforced}, else {}", self::target(fallback)),
    }
}

fn check(main: &str, given: Option<&str>, expected: &Expect) {
    let mut diags = Diagnostics::new();
    let config = Given::new(main).load(&mut diags);
    let found = strata_config::encryption(&config, &[], "default", given, &mut diags);
    let mut text = support::render(&diags);
    if let Some(found) = found.filter(|_| !diags.has_errors()) {
        for ((kind, name), provider) in &found.key_providers {
            text += &format!("key_provider {kind}.{name}: {}\n", part(provider));
        }
        for ((kind, name), method) in &found.methods {
            text += &format!("method {kind}.{name}: {}\n", part(method));
        }
        for (name, found) in [("state", &found.state), ("plan", &found.plan)] {
            if let Some(found) = found {
                text += &format!("{name}: {}\n", target(found));
            }
        }
    }
    expected.assert_eq(&text);
}

const BLOCK: &str = r#"
variable "passphrase" {
  default   = "of the variable"
  sensitive = true
}
terraform {
  encryption {
    key_provider "pbkdf2" "a" {
      passphrase = var.passphrase
    }
    method "aes_gcm" "m" {
      keys = key_provider.pbkdf2.a
    }
    method "unencrypted" "u" {}
    state {
      method = method.aes_gcm.m
      fallback {
        method = method.unencrypted.u
      }
    }
  }
}
"#;

#[test]
fn parts_refer_to_each_other_and_use_variables() {
    check(
        BLOCK,
        None,
        &expect![[r#"
            key_provider pbkdf2.a: passphrase "of the variable"
            method aes_gcm.m: keys -> pbkdf2.a
            method unencrypted.u: 
            state: aes_gcm.m, else unencrypted.u
        "#]],
    );
    check("output \"a\" { value = 1 }", None, &expect![[""]]);
}

#[test]
fn the_environment_counts_before_the_block_in_either_syntax() {
    let json = r#"{"key_provider": {"pbkdf2": {"a": {"passphrase": "of the environment"}}}, "state": {"enforced": true}, "plan": {"method": "${method.aes_gcm.m}"}}"#;
    check(
        BLOCK,
        Some(json),
        &expect![[r#"
            key_provider pbkdf2.a: passphrase "of the environment"
            method aes_gcm.m: keys -> pbkdf2.a
            method unencrypted.u: 
            state: aes_gcm.m enforced, else unencrypted.u
            plan: aes_gcm.m
        "#]],
    );
}

#[test]
fn mistakes_in_the_environment_are_told_without_its_text() {
    let wrong = "key_provider \"pbkdf2\" \"a\" {\n  passphrase = \"secret\" + nothing.at.all\n}\nstate {\n  method = \"secret\"\n}\n";
    check(
        "",
        Some(wrong),
        &expect![[r#"
            error: Variables not allowed: Only variables, locals, `path` and `terraform.workspace` may be used here.
            error: Invalid operand: Unsuitable value for left operand: a number is required.
            error: Invalid encryption method: It must name a method: `method.TYPE.NAME`.
        "#]],
    );
}
