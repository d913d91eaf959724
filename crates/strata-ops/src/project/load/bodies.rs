//! What each kind of stage takes.

use std::{sync::Arc, time::Duration};

use strata_core::{Diagnostic, Value, value::Entries};
use strata_hcl::Block;

use super::{
    super::{Configure, Image, Instance, Provision, Scope, Verify, VerifyCheck},
    Loader,
    read::{duration, expression},
};

impl Loader<'_> {
    pub(super) fn provision(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Provision> {
        self.only(
            &block.body,
            "A `provision` block",
            &["directory", "variable_files", "variables", "after"],
            &[],
        );
        let directory = self.path(block, "directory", scope)?;
        Some(Provision {
            directory,
            variable_files: self.paths(block, "variable_files", scope),
            variables: expression(&block.body, "variables"),
        })
    }

    pub(super) fn configure(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Configure> {
        self.only(
            &block.body,
            "A `configure` block",
            &[
                "playbook",
                "ansible_config",
                "inventory",
                "hosts",
                "variables",
                "instances",
                "after",
            ],
            &[],
        );
        let playbook = self.path(block, "playbook", scope)?;
        let (hosts, variables) = (
            expression(&block.body, "hosts"),
            expression(&block.body, "variables"),
        );
        Some(Configure {
            playbook,
            ansible_config: self.optional_path(block, "ansible_config", scope)?,
            inventory: self.paths(block, "inventory", scope),
            hosts,
            variables,
            instances: self.instances(block, scope),
        })
    }

    pub(super) fn image(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Image> {
        self.only(
            &block.body,
            "An `image` block",
            &[
                "directory",
                "variable_files",
                "variables",
                "playbook",
                "ansible_config",
                "alias",
                "after",
            ],
            &[],
        );
        let directory = self.path(block, "directory", scope);
        let playbook = self.optional_path(block, "playbook", scope)?;
        let settings = self.optional_path(block, "ansible_config", scope)?;
        let alias = match block.body.attribute("alias") {
            Some(_) => Some(self.known_text(block, "alias", scope)?),
            None => None,
        };
        Some(Image {
            machine: Provision {
                directory: directory?,
                variable_files: self.paths(block, "variable_files", scope),
                variables: expression(&block.body, "variables"),
            },
            playbook: playbook.map(|playbook| Configure::on_outputs(playbook, settings)),
            alias: alias.map(Arc::from),
        })
    }

    /// `["dev", "prod"]`, or `{ dev = { port = 2113 }, prod = {} }`.
    fn instances(&mut self, block: &Block, scope: &Scope<'_>) -> Vec<Instance> {
        let Some(attribute) = block.body.attribute("instances") else {
            return Vec::new();
        };
        let before = self.diags.len();
        let value = scope.evaluate(&attribute.expression, self.diags);
        let mut instances = instances_of(&value).unwrap_or_default();
        // A map has no order of its own; they run in the order in which they are written.
        let written = attribute.expression.as_map().unwrap_or_default();
        let place = |name: &str| {
            let mut keys = written.iter().map(|(key, _)| key.text().trim_matches('"'));
            keys.position(|key| key == name)
        };
        instances.sort_by_key(|instance| place(&instance.name));
        if instances.is_empty() && self.diags.len() == before {
            let diagnostic = Diagnostic::error(
                "invalid-argument",
                "`instances` must be a list of names, or a map from names to variables",
            )
            .at(attribute.expression.span())
            .detail("A name has letters, digits and underscores, as that of a group, and comes once. It must be known before anything runs.")
            .hint("Write `instances = [\"dev\", \"prod\"]`.");
            self.diags.push(diagnostic);
        }
        instances
    }

    pub(super) fn verify(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Verify> {
        self.only(
            &block.body,
            "A `verify` block",
            &[
                "http", "status", "tcp", "command", "service", "hosts", "retry", "after",
            ],
            &[],
        );
        let of = |name| expression(&block.body, name);
        let check = match (of("http"), of("tcp"), of("command"), of("service")) {
            (Some(url), None, None, None) => VerifyCheck::Http {
                url,
                status: of("status"),
            },
            (None, Some(address), None, None) => VerifyCheck::Tcp(address),
            (None, None, Some(words), None) => VerifyCheck::Command {
                words,
                hosts: of("hosts"),
            },
            (None, None, None, Some(service)) => VerifyCheck::Service {
                service,
                hosts: of("hosts"),
            },
            _ => {
                self.error(
                    "verify-check",
                    "A `verify` block needs exactly one of `http`, `tcp`, `command` and `service`",
                    block,
                );
                return None;
            }
        };
        let others = match check {
            VerifyCheck::Http { .. } => &["hosts"][..],
            VerifyCheck::Tcp(_) => &["hosts", "status"],
            VerifyCheck::Command { .. } | VerifyCheck::Service { .. } => &["status"],
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

/// None if the value is no list of distinct names and no map from names to objects.
fn instances_of(value: &Value) -> Option<Vec<Instance>> {
    let instances: Vec<Instance> = match (value.as_entries(), value.as_sequence()) {
        (Some(entries), _) => entries
            .iter()
            .map(|(name, variables)| instance(name, variables.as_entries()?.clone()))
            .collect::<Option<_>>()?,
        (None, Some(names)) => names
            .iter()
            .map(|name| instance(name.as_str()?, Entries::new()))
            .collect::<Option<_>>()?,
        (None, None) => return None,
    };
    let mut names: Vec<&str> = instances.iter().map(|instance| &*instance.name).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == instances.len()).then_some(instances)
}

fn instance(name: &str, variables: Entries) -> Option<Instance> {
    let is_group = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_group.then_some(Instance {
        name: name.into(),
        variables: variables
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
    })
}
