//! Takes values of the right type out of YAML nodes, with a message where the type is wrong.

use serde_json::Value as Json;
use strata_core::Diagnostic;

use super::{reader::Reader, spelling};
use crate::{
    play::Spanned,
    yaml::{Entry, Node},
};

/// A node's value with its place.
pub(crate) fn spanned(node: &Node) -> Spanned<Json> {
    Spanned {
        value: node.to_json(),
        span: node.span.clone(),
    }
}

/// One value or a list of them; nothing gives an empty list.
pub(super) fn list(node: &Node) -> Vec<Spanned<Json>> {
    match node.items() {
        Some(items) => items.iter().map(spanned).collect(),
        None if node.is_null() => Vec::new(),
        None => vec![spanned(node)],
    }
}

fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

impl Reader<'_> {
    /// The entries of a node that must be a mapping.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        let entries = node.entries();
        if entries.is_none() {
            let found = node.describe();
            self.error(
                "wrong-type",
                format!("{what} must be a mapping, this is {found}"),
                &node.span,
            );
        }
        entries
    }

    /// The items of a node that must be a list.
    pub(super) fn sequence<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if node.is_null() {
            return Some(&[]);
        }
        let items = node.items();
        if items.is_none() {
            let found = node.describe();
            self.error(
                "wrong-type",
                format!("{what} must be a list, this is {found}"),
                &node.span,
            );
        }
        items
    }

    /// A boolean, or a template that will be one.
    pub(super) fn boolean(&mut self, entry: &Entry) -> Option<Spanned<Json>> {
        let mut value = spanned(&entry.value);
        let fits = match &value.value {
            Json::Bool(_) => true,
            Json::String(text) if has_template(text) => true,
            Json::String(text) => {
                let truth = truth(text);
                if let Some(truth) = truth {
                    value.value = Json::Bool(truth);
                }
                truth.is_some()
            }
            Json::Number(number) => {
                let truth = number.as_i64().filter(|number| (0..=1).contains(number));
                if let Some(truth) = truth {
                    value.value = Json::Bool(truth == 1);
                }
                truth.is_some()
            }
            _ => false,
        };
        self.checked(entry, value, fits, "a boolean")
    }

    /// A whole number, or a template that will be one.
    pub(super) fn integer(&mut self, entry: &Entry) -> Option<Spanned<Json>> {
        let value = spanned(&entry.value);
        let fits = match &value.value {
            Json::Number(_) => true,
            Json::String(text) => has_template(text) || text.trim().parse::<f64>().is_ok(),
            _ => false,
        };
        self.checked(entry, value, fits, "a number")
    }

    /// A text, perhaps a template. Numbers and booleans are taken as texts.
    pub(super) fn text(&mut self, entry: &Entry) -> Option<Spanned<Json>> {
        let mut value = spanned(&entry.value);
        let fits = match &value.value {
            Json::String(_) => true,
            Json::Number(_) | Json::Bool(_) => {
                value.value = Json::String(entry.value.text().unwrap_or_default().to_owned());
                true
            }
            Json::Object(_) => entry.value.tag.is_some(),
            _ => false,
        };
        self.checked(entry, value, fits, "a text")
    }

    /// A text that is used as it stands.
    pub(super) fn plain_text(&mut self, entry: &Entry) -> Option<Spanned<String>> {
        let value = self.text(entry)?;
        let text = value.value.as_str().unwrap_or_default().to_owned();
        if has_template(&text) {
            let key = entry.key.text().unwrap_or_default();
            self.error(
                "template-not-allowed",
                format!("`{key}` cannot be a template"),
                &value.span,
            );
            return None;
        }
        Some(Spanned {
            value: text,
            span: value.span,
        })
    }

    /// The name of a variable.
    pub(super) fn variable_name(&mut self, entry: &Entry) -> Option<String> {
        let name = self.plain_text(entry)?;
        let mut characters = name.value.chars();
        let good = characters
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_')
            && characters.all(|rest| rest.is_alphanumeric() || rest == '_');
        if !good {
            self.error(
                "variable-name",
                format!("`{}` cannot be the name of a variable", name.value),
                &name.span,
            );
            return None;
        }
        Some(name.value)
    }

    fn checked(
        &mut self,
        entry: &Entry,
        value: Spanned<Json>,
        fits: bool,
        wanted: &str,
    ) -> Option<Spanned<Json>> {
        if !fits {
            let key = entry.key.text().unwrap_or_default();
            let found = entry.value.describe();
            self.error(
                "wrong-type",
                format!("`{key}` must be {wanted}, this is {found}"),
                &value.span,
            );
            return None;
        }
        Some(value)
    }

    /// Refuses a key that nobody knows.
    pub(super) fn unknown(&mut self, entry: &Entry, what: &str, known: &[&str]) {
        let key = entry.key.text().unwrap_or_default();
        let diagnostic = Diagnostic::error(
            "unknown-keyword",
            format!("`{key}` is not a keyword of {what}"),
        )
        .at(entry.key.span.clone());
        let diagnostic = match (gone(key), spelling::closest(key, known.iter().copied())) {
            (Some(instead), _) => diagnostic.hint(format!(
                "Ansible does not have it any more: write `{instead}`"
            )),
            (None, Some(meant)) => diagnostic.hint(format!("did you mean `{meant}`?")),
            (None, None) => diagnostic,
        };
        self.diags.push(diagnostic);
    }
}

/// What stands today in the place of a keyword of old playbooks.
pub(super) fn gone(key: &str) -> Option<&'static str> {
    Some(match key {
        "sudo" | "su" => "become: true",
        "sudo_user" | "su_user" => "become_user",
        "always_run" => "check_mode: false",
        "include" => "import_playbook",
        _ => return None,
    })
}

/// A word that says yes or no.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" => Some(true),
        "false" | "no" | "off" | "0" | "n" | "f" => Some(false),
        _ => None,
    }
}
