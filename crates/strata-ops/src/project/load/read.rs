//! Reads arguments, names and labels of blocks, and reports what does not belong there.

use std::{path::PathBuf, sync::Arc, time::Duration};

use strata_core::{Diagnostic, Diagnostics, Value};
use strata_hcl::{Attribute, Block, Body, Expression};

use super::{super::Scope, Loader};

impl Loader<'_> {
    pub(super) fn path(&mut self, block: &Block, name: &str, scope: &Scope<'_>) -> Option<PathBuf> {
        let text = self.known_text(block, name, scope)?;
        Some(self.folder.join(text))
    }

    /// A path that may be left out; none if it is there and wrong.
    pub(super) fn optional_path(
        &mut self,
        block: &Block,
        name: &str,
        scope: &Scope<'_>,
    ) -> Option<Option<PathBuf>> {
        match block.body.attribute(name) {
            Some(_) => self.path(block, name, scope).map(Some),
            None => Some(None),
        }
    }

    /// A text that the stage must have, and that is known before anything runs.
    pub(super) fn known_text(
        &mut self,
        block: &Block,
        name: &str,
        scope: &Scope<'_>,
    ) -> Option<String> {
        let Some(attribute) = block.body.attribute(name) else {
            self.error(
                "missing-argument",
                &format!("This stage needs `{name}`"),
                block,
            );
            return None;
        };
        let mut found = Diagnostics::new();
        let value = scope.evaluate(&attribute.expression, &mut found);
        // Names that are missing were reported where they are referred to.
        let failed = found.has_errors();
        let others = found
            .into_iter()
            .filter(|found| found.code != "missing-env");
        self.diags.extend(others);
        match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None if failed => None,
            None => {
                let summary = format!("`{name}` must be a text that is known before anything runs");
                self.diags.push(
                    Diagnostic::error("invalid-argument", summary).at(attribute.expression.span()),
                );
                None
            }
        }
    }

    /// A list of paths, relative to the project's folder; none without the argument.
    pub(super) fn paths(&mut self, block: &Block, name: &str, scope: &Scope<'_>) -> Vec<PathBuf> {
        let Some(attribute) = block.body.attribute(name) else {
            return Vec::new();
        };
        let before = self.diags.len();
        let value = scope.evaluate(&attribute.expression, self.diags);
        let texts = value
            .as_sequence()
            .map(|texts| texts.iter().map(Value::as_str));
        let texts: Option<Vec<&str>> = texts.and_then(|texts| texts.collect());
        if texts.is_none() && self.diags.len() == before {
            let summary =
                format!("`{name}` must be a list of files that is known before anything runs");
            let diagnostic = Diagnostic::error("invalid-argument", summary);
            self.diags.push(diagnostic.at(attribute.expression.span()));
        }
        let texts = texts.unwrap_or_default();
        texts.iter().map(|text| self.folder.join(text)).collect()
    }

    pub(super) fn texts(&mut self, expression: &Expression) -> Vec<String> {
        let value = strata_hcl::evaluate(expression, &strata_hcl::EmptyScope, self.diags);
        let texts: Option<Vec<String>> = value.as_sequence().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        });
        texts.unwrap_or_else(|| {
            let diagnostic =
                Diagnostic::error("invalid-argument", "A list of texts is needed here")
                    .at(expression.span());
            self.diags.push(diagnostic);
            Vec::new()
        })
    }

    /// The labels of a block that has one or several.
    pub(super) fn names(&mut self, block: &Block) -> Vec<Arc<str>> {
        let labels = block.labels.iter().map(|label| label.text.clone());
        let names: Vec<Arc<str>> = labels.filter(|name| is_block_name(name)).collect();
        if names.is_empty() || names.len() < block.labels.len() {
            let summary = format!(
                "A `{}` block needs a name, or several, of letters, digits, `-` and `_`",
                block.kind.text
            );
            self.error("block-name", &summary, block);
        }
        names
    }

    pub(super) fn name(&mut self, block: &Block) -> Option<Arc<str>> {
        match block.labels.as_slice() {
            [label] if is_block_name(&label.text) => Some(label.text.clone()),
            _ => {
                let summary = format!(
                    "A `{}` block needs one name of letters, digits, `-` and `_`",
                    block.kind.text
                );
                self.error("block-name", &summary, block);
                None
            }
        }
    }

    pub(super) fn only(&mut self, body: &Body, what: &str, attributes: &[&str], blocks: &[&str]) {
        let takes = |names: &[&str]| {
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        for Attribute { name, .. } in body
            .attributes
            .iter()
            .filter(|a| !attributes.contains(&&*a.name.text))
        {
            let attribute = body.attribute(&name.text).expect("it is there");
            let mut diagnostic = Diagnostic::error(
                "unknown-argument",
                format!("{what} has no argument `{}`", name.text),
            )
            .at(attribute.name_span());
            if !attributes.is_empty() {
                diagnostic = diagnostic.hint(format!("It takes {}.", takes(attributes)));
            }
            self.diags.push(diagnostic);
        }
        for block in body
            .blocks
            .iter()
            .filter(|block| !blocks.contains(&&*block.kind.text))
        {
            let mut diagnostic = Diagnostic::error(
                "unknown-block",
                format!("{what} has no block `{}`", block.kind.text),
            )
            .at(block.kind_span());
            if !blocks.is_empty() {
                diagnostic = diagnostic.hint(format!("It takes {}.", takes(blocks)));
            }
            self.diags.push(diagnostic);
        }
    }

    pub(super) fn error(&mut self, code: &'static str, summary: &str, block: &Block) {
        self.diags
            .push(Diagnostic::error(code, summary).at(block.header_span()));
    }
}

fn is_block_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(allowed)
}

pub(super) fn expression(body: &Body, name: &str) -> Option<Expression> {
    body.attribute(name)
        .map(|attribute| attribute.expression.clone())
}

/// Reads `90s`, `2m`, `1h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}
