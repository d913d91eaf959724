//! What each kind of stage takes.

use std::time::Duration;

use strata_core::{Diagnostic, Value};
use strata_hcl::Block;

use super::{
    super::{Configure, Provision, Scope, Verify, VerifyCheck},
    Loader,
    read::{duration, expression},
};

impl Loader<'_> {
    pub(super) fn provision(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Provision> {
        self.only(
            &block.body,
            "A `provision` block",
            &["directory", "variables", "after"],
            &[],
        );
        let directory = self.path(block, "directory", scope)?;
        Some(Provision {
            directory,
            variables: expression(&block.body, "variables"),
        })
    }

    pub(super) fn configure(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Configure> {
        self.only(
            &block.body,
            "A `configure` block",
            &["playbook", "hosts", "variables", "after"],
            &[],
        );
        let playbook = self.path(block, "playbook", scope)?;
        let (hosts, variables) = (
            expression(&block.body, "hosts"),
            expression(&block.body, "variables"),
        );
        Some(Configure {
            playbook,
            hosts,
            variables,
        })
    }

    pub(super) fn verify(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Verify> {
        self.only(
            &block.body,
            "A `verify` block",
            &[
                "http", "status", "tcp", "service", "hosts", "retry", "after",
            ],
            &[],
        );
        let of = |name| expression(&block.body, name);
        let check = match (of("http"), of("tcp"), of("service")) {
            (Some(url), None, None) => VerifyCheck::Http {
                url,
                status: of("status"),
            },
            (None, Some(address), None) => VerifyCheck::Tcp(address),
            (None, None, Some(service)) => VerifyCheck::Service {
                service,
                hosts: of("hosts"),
            },
            _ => {
                self.error(
                    "verify-check",
                    "A `verify` block needs exactly one of `http`, `tcp` and `service`",
                    block,
                );
                return None;
            }
        };
        let others = match check {
            VerifyCheck::Http { .. } => &["hosts"][..],
            VerifyCheck::Tcp(_) => &["hosts", "status"],
            VerifyCheck::Service { .. } => &["status"],
        };
        for attribute in block
            .body
            .attributes
            .iter()
            .filter(|attribute| others.contains(&&*attribute.name.text))
        {
            let summary = format!("`{}` does not go with this check", attribute.name.text);
            self.diags
                .push(Diagnostic::error("verify-check", summary).at(attribute.name_span()));
        }
        Some(Verify {
            check,
            retry: self.retry(block, scope),
        })
    }

    fn retry(&mut self, block: &Block, scope: &Scope<'_>) -> Duration {
        let Some(attribute) = block.body.attribute("retry") else {
            return Duration::ZERO;
        };
        let value = scope.evaluate(&attribute.expression, self.diags);
        let text = value.get("for").and_then(Value::as_str).map(str::to_owned);
        match text.as_deref().and_then(duration) {
            Some(duration) => duration,
            None => {
                let diagnostic =
                    Diagnostic::error("retry", "`retry` needs the form `{ for = \"2m\" }`")
                        .at(attribute.expression.span());
                self.diags.push(diagnostic);
                Duration::ZERO
            }
        }
    }
}
