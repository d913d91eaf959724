//! The `secret` blocks.

use strata_core::Diagnostic;
use strata_hcl::{Block, Body};

use super::{
    super::{Secret, SecretSource},
    Loader,
    read::expression,
};

/// Arguments that say where a secret is; each secret has one of them.
const SOURCES: [&str; 6] = [
    "ansible_vault",
    "sops",
    "onepassword",
    "bitwarden",
    "command",
    "environment",
];

impl Loader<'_> {
    pub(super) fn secrets(&mut self, body: &Body) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = Vec::new();
        for block in body.blocks_of("secret") {
            let Some(secret) = self.secret(block) else {
                continue;
            };
            if secrets.iter().any(|other| other.name == secret.name) {
                let summary = format!("There are two secrets `{}`", secret.name);
                self.error("duplicate-block", &summary, block);
            }
            secrets.push(secret);
        }
        secrets
    }

    fn secret(&mut self, block: &Block) -> Option<Secret> {
        let body = &block.body;
        let arguments: Vec<&str> = SOURCES
            .into_iter()
            .chain(["key", "field", "password_file"])
            .collect();
        self.only(body, "A `secret` block", &arguments, &[]);
        let name = self.name(block)?;
        let given: Vec<&str> = SOURCES
            .into_iter()
            .filter(|source| body.attribute(source).is_some())
            .collect();
        let [kind] = given.as_slice() else {
            let summary = "A `secret` block needs exactly one of `ansible_vault`, `sops`, `onepassword`, `bitwarden`, `command` and `environment`";
            self.error("secret-source", summary, block);
            return None;
        };
        let source = expression(body, kind)?;
        let (key, field) = (expression(body, "key"), expression(body, "field"));
        let password_file = expression(body, "password_file");
        let in_file = ["ansible_vault", "sops"].contains(kind);
        for (argument, belongs, given) in [
            ("key", in_file, key.is_some()),
            ("field", *kind == "bitwarden", field.is_some()),
            (
                "password_file",
                *kind == "ansible_vault",
                password_file.is_some(),
            ),
        ] {
            if given && !belongs {
                let summary = format!("`{argument}` does not go with `{kind}`");
                self.error("secret-source", &summary, block);
            }
        }
        let source = match *kind {
            "ansible_vault" => SecretSource::AnsibleVault {
                file: source,
                key: self.key(key, block)?,
                password_file,
            },
            "sops" => SecretSource::Sops {
                file: source,
                key: self.key(key, block)?,
            },
            "onepassword" => SecretSource::OnePassword(source),
            "bitwarden" => SecretSource::Bitwarden {
                item: source,
                field,
            },
            "command" => SecretSource::Command(source),
            _ => SecretSource::Environment(source),
        };
        Some(Secret {
            name,
            source,
            span: block.header_span(),
        })
    }

    fn key(
        &mut self,
        key: Option<strata_hcl::Expression>,
        block: &Block,
    ) -> Option<strata_hcl::Expression> {
        if key.is_none() {
            let diagnostic = Diagnostic::error("missing-argument", "This secret needs `key`")
                .at(block.header_span())
                .detail("A file has many values; `key` says which, such as `db.password`.");
            self.diags.push(diagnostic);
        }
        key
    }
}
