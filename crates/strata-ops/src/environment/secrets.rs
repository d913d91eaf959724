//! The secrets that a run needs: read before it begins, and hidden in all that it says.

use std::collections::BTreeSet;

use strata_core::{Diagnostic, Diagnostics, Events, Span, Value};
use strata_hcl::Expression;

use super::{Made, Run, inventory, text_of};
use crate::{
    mask,
    project::{Outputs, Scope, Secret, SecretSource},
    secrets::{Place, Secrets, Wanted, read},
};

/// Secrets, and events that hide them.
pub(super) struct Opened {
    secrets: Secrets,
    events: Events,
}

impl Run<'_> {
    /// Reads the secrets that the wanted stages refer to.
    pub(super) async fn open_secrets(&self) -> Result<Opened, Diagnostics> {
        let mut diags = Diagnostics::new();
        let names = self.secret_names();
        let declared = self.project.secrets.iter();
        let wanted: Vec<Wanted> = declared
            .filter(|secret| names.contains(&*secret.name))
            .filter_map(|secret| self.wanted(secret, &mut diags))
            .collect();
        diags.into_result(())?;
        let secrets = read(wanted, self.process).await?;
        let mut texts = Vec::new();
        for value in secrets.values() {
            texts.extend(value.as_str().map(str::to_owned));
        }
        let events = mask::events(self.events, texts);
        Ok(Opened { secrets, events })
    }

    /// The same run, with the secrets.
    pub(super) fn with<'b>(&'b self, opened: &'b Opened) -> Run<'b> {
        Run {
            secrets: &opened.secrets,
            events: &opened.events,
            ..*self
        }
    }

    /// All texts that must not be seen: secrets of the project, and sensitive outputs.
    pub(super) fn hidden_texts(&self, made: &Made) -> Vec<String> {
        let texts = self.secrets.values().filter_map(Value::as_str);
        let mut hidden: Vec<String> = texts.map(str::to_owned).collect();
        hidden.extend(inventory::secrets(made));
        hidden
    }

    fn secret_names(&self) -> BTreeSet<String> {
        let stages = self.environment.stages.iter();
        let expressions = stages
            .filter(|stage| self.wants(stage) || self.wants_down(stage))
            .flat_map(|stage| stage.expressions());
        expressions
            .flat_map(|expression| expression.references())
            .filter(|reference| &*reference.root == "secret")
            .filter_map(|reference| reference.attribute(0).map(str::to_owned))
            .collect()
    }

    /// Where a secret is; what the expressions say wrongly is reported.
    fn wanted(&self, secret: &Secret, diags: &mut Diagnostics) -> Option<Wanted> {
        let (outputs, unread) = (Outputs::new(), Secrets::new());
        let scope = Scope {
            secrets: &unread,
            ..self.scope(&outputs)
        };
        let mut text = |expression: &Expression| one_text(&scope, expression, diags);
        let place = match &secret.source {
            SecretSource::Sops { file, key } => Place::Sops {
                file: self.project.folder.join(text(file)?),
                key: text(key)?,
            },
            SecretSource::AnsibleVault {
                file,
                key,
                password_file,
            } => Place::AnsibleVault {
                file: self.project.folder.join(text(file)?),
                key: text(key)?,
                password_file: match password_file {
                    Some(path) => Some(self.project.folder.join(text(path)?)),
                    None => None,
                },
            },
            SecretSource::OnePassword(reference) => Place::OnePassword(text(reference)?),
            SecretSource::Bitwarden { item, field } => Place::Bitwarden {
                item: text(item)?,
                field: match field {
                    Some(field) => text(field)?,
                    None => "password".to_owned(),
                },
            },
            SecretSource::Command(words) => Place::Command(all_texts(&scope, words, diags)?),
            SecretSource::Environment(name) => Place::Environment(text(name)?),
        };
        Some(Wanted {
            name: secret.name.clone(),
            place,
            span: secret.span.clone(),
        })
    }
}

fn one_text(scope: &Scope<'_>, expression: &Expression, diags: &mut Diagnostics) -> Option<String> {
    let before = diags.len();
    let text = text_of(&scope.evaluate(expression, diags));
    if text.is_none() && diags.len() == before {
        diags.push(unsuitable("a text", expression.span()));
    }
    text
}

fn all_texts(
    scope: &Scope<'_>,
    expression: &Expression,
    diags: &mut Diagnostics,
) -> Option<Vec<String>> {
    let before = diags.len();
    let value = scope.evaluate(expression, diags);
    let words = value.as_sequence().map(|words| words.iter().map(text_of));
    let words: Option<Vec<String>> = words.and_then(|words| words.collect());
    if words.is_none() && diags.len() == before {
        diags.push(unsuitable("a list of words", expression.span()));
    }
    words
}

fn unsuitable(wanted: &str, span: Span) -> Diagnostic {
    let summary = format!("Where a secret is must be {wanted}");
    Diagnostic::error("secret-source", summary)
        .at(span)
        .detail("It may refer to `env` and `environment`, which are known before anything runs.")
}
