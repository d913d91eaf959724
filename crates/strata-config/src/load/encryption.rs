//! Reads `encryption`: the block of the root module, and what `TF_ENCRYPTION` adds to it.
//!
//! Its arguments may use what is known before anything is planned. What key providers and methods there are, and
//! what they take, is known to who encrypts.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Marks, Source};
use strata_hcl::{Attribute, Block, Body, Expression, Shape, parse, parse_json};

use super::{early::EarlyScope, fields, folder::has_labels};
use crate::{
    inputs::{VariableInput, early_variables},
    module::{Encryption, EncryptionArgument, EncryptionName, EncryptionPart, EncryptionTarget},
    tree::Config,
};

/// How deep `fallback` may nest: OpenTofu takes one.
const MOST_FALLBACKS: usize = 8;

static EMPTY: Shape = Shape(&[], &[]);
static FALLBACK: Shape = Shape(&[("fallback", 0, &EMPTY)], &[]);
static TARGET: Shape = Shape(&[("fallback", 0, &FALLBACK)], &[]);
static REMOTE: Shape = Shape(
    &[
        ("default", 0, &TARGET),
        ("remote_state_data_source", 1, &TARGET),
    ],
    &[],
);

/// The shape of the block in JSON.
pub(super) static SHAPE: Shape = Shape(
    &[
        ("key_provider", 2, &EMPTY),
        ("method", 2, &EMPTY),
        ("state", 0, &TARGET),
        ("plan", 0, &TARGET),
        ("remote_state_data_sources", 0, &REMOTE),
    ],
    &[],
);

/// Reads the block, and the text of `TF_ENCRYPTION`, which counts where both say something; none without both.
///
/// Every mistake is in `diags`, with the code `encryption`.
pub fn encryption(
    config: &Config,
    inputs: &[VariableInput],
    workspace: &str,
    given: Option<&str>,
    diags: &mut Diagnostics,
) -> Option<Encryption> {
    let module = config.root();
    let block = module.settings.encryption.as_ref();
    if block.is_none() && given.is_none() {
        return None;
    }
    let variables = early_variables(module, inputs);
    let scope = EarlyScope {
        module,
        variables: &variables,
        workspace,
        working_directory: None,
        level: 0,
    };
    let mut reader = Reader {
        scope,
        found: Encryption::default(),
        wrong: Diagnostics::new(),
    };
    if let Some(block) = block {
        reader.body(&block.body);
    }
    let in_block = std::mem::take(&mut reader.wrong);
    if let Some(text) = given {
        let body = reader.parse(text);
        reader.body(&body);
    }
    let Reader { found, wrong, .. } = reader;
    // An excerpt of the variable would show what is secret.
    let in_variable = wrong.into_iter().map(|found| Diagnostic {
        labels: Vec::new(),
        ..found.hint("It stands in TF_ENCRYPTION.")
    });
    diags.extend(
        in_block
            .into_iter()
            .chain(in_variable)
            .map(|found| Diagnostic {
                code: "encryption",
                ..found
            }),
    );
    Some(found)
}

struct Reader<'a> {
    scope: EarlyScope<'a>,
    found: Encryption,
    wrong: Diagnostics,
}

impl Reader<'_> {
    /// The body of `TF_ENCRYPTION`, in either syntax.
    fn parse(&mut self, text: &str) -> Body {
        let is_json = text.trim_start().starts_with('{');
        let name = if is_json {
            "TF_ENCRYPTION.json"
        } else {
            "TF_ENCRYPTION"
        };
        let source = Arc::new(Source::new(name, text));
        let mut wrong = Diagnostics::new();
        let body = match is_json {
            true => parse_json(&source, &SHAPE, &mut wrong),
            false => parse(&source, &mut wrong),
        };
        if wrong.has_errors() {
            let summary = "TF_ENCRYPTION cannot be read";
            let why = "It must be the inside of an `encryption` block, in either syntax.";
            self.wrong
                .push(Diagnostic::error("encryption", summary).detail(why));
        }
        body
    }

    fn body(&mut self, body: &Body) {
        let known = [
            "key_provider",
            "method",
            "state",
            "plan",
            "remote_state_data_sources",
        ];
        fields::only(body, &[], &known, &mut self.wrong);
        for block in &body.blocks {
            match &*block.kind.text {
                "key_provider" => self.part(block, true),
                "method" => self.part(block, false),
                "state" => {
                    let before = self.found.state.take();
                    self.found.state = self.target(block, before, 0);
                }
                "plan" => {
                    let before = self.found.plan.take();
                    self.found.plan = self.target(block, before, 0);
                }
                "remote_state_data_sources" => self.remote_states(block),
                _ => {}
            }
        }
    }

    fn remote_states(&mut self, block: &Block) {
        let known = ["default", "remote_state_data_source"];
        fields::only(&block.body, &[], &known, &mut self.wrong);
        for inner in &block.body.blocks {
            match &*inner.kind.text {
                "default" => {
                    let before = self.found.remote_states.take();
                    self.found.remote_states = self.target(inner, before, 0);
                }
                "remote_state_data_source" => {
                    let Some(name) = fields::only_label(inner, "name", &mut self.wrong) else {
                        continue;
                    };
                    let before = self.found.named_remote_states.remove(&name);
                    if let Some(target) = self.target(inner, before, 0) {
                        self.found.named_remote_states.insert(name, target);
                    }
                }
                _ => {}
            }
        }
    }

    fn part(&mut self, block: &Block, is_provider: bool) {
        if !has_labels(block, &["type", "name"], &mut self.wrong) {
            return;
        }
        fields::only_attributes(&block.body, &mut self.wrong);
        let name = (block.labels[0].text.clone(), block.labels[1].text.clone());
        let mut arguments = BTreeMap::new();
        for attribute in &block.body.attributes {
            if let Some(argument) = self.argument(attribute) {
                arguments.insert(attribute.name.text.clone(), argument);
            }
        }
        let all = match is_provider {
            true => &mut self.found.key_providers,
            false => &mut self.found.methods,
        };
        let part = all.entry(name).or_insert_with(|| EncryptionPart {
            arguments: BTreeMap::new(),
            span: block.header_span(),
        });
        part.arguments.extend(arguments);
    }

    fn argument(&mut self, attribute: &Attribute) -> Option<EncryptionArgument> {
        let expression = &attribute.expression;
        let span = expression.span();
        if let Some(name) = named(expression, "key_provider") {
            return Some(EncryptionArgument::KeyProvider(name, span));
        }
        let value = self.scope.value(expression, &mut self.wrong)?;
        let mut marks = Marks::NONE;
        let value = value.unmark_deep(&mut marks);
        if value.is_wholly_known() {
            return Some(EncryptionArgument::Value(value, span));
        }
        let why = "Encryption must be known before anything is planned.";
        let wrong = Diagnostic::error("encryption", "Invalid encryption argument");
        self.wrong.push(wrong.detail(why).at(span));
        None
    }

    fn target(
        &mut self,
        block: &Block,
        before: Option<EncryptionTarget>,
        level: usize,
    ) -> Option<EncryptionTarget> {
        let fallbacks: &[&str] = if level < MOST_FALLBACKS {
            &["fallback"]
        } else {
            &[]
        };
        fields::only(
            &block.body,
            &["method", "enforced"],
            fallbacks,
            &mut self.wrong,
        );
        let before = before.unwrap_or_else(|| EncryptionTarget {
            method: None,
            fallback: None,
            enforced: false,
            span: block.header_span(),
        });
        let method = self.method(&block.body);
        let enforced = block.body.attribute("enforced").is_some_and(|attribute| {
            let value = self.scope.value(&attribute.expression, &mut self.wrong);
            value.and_then(|value| value.unmarked().as_bool()) == Some(true)
        });
        let inner = block
            .body
            .blocks_of("fallback")
            .next()
            .filter(|_| level < MOST_FALLBACKS);
        let fallback = match inner {
            None => before.fallback,
            Some(inner) => {
                let before = before.fallback.map(|before| *before);
                self.target(inner, before, level + 1).map(Box::new)
            }
        };
        Some(EncryptionTarget {
            method: method.or(before.method),
            fallback,
            enforced: enforced || before.enforced,
            span: before.span,
        })
    }

    fn method(&mut self, body: &Body) -> Option<EncryptionName> {
        let expression = &body.attribute("method")?.expression;
        let name = named(expression, "method");
        if name.is_none() {
            let why = "It must name a method: `method.TYPE.NAME`.";
            let wrong = Diagnostic::error("encryption", "Invalid encryption method");
            self.wrong.push(wrong.detail(why).at(expression.span()));
        }
        name
    }
}

/// Type and name, if the expression is `ROOT.TYPE.NAME`; in JSON a text, mostly in `${…}`.
fn named(expression: &Expression, root: &str) -> Option<EncryptionName> {
    if expression.is_json() {
        let text = expression.text().trim_matches('"');
        let inside = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        let mut parts = inside.unwrap_or(text).trim().splitn(3, '.');
        let (found, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        return (found == root).then(|| (kind.into(), name.into()));
    }
    let found = expression.as_traversal()?;
    match &found.steps[..] {
        [kind, name] if &*found.root == root => {
            Some((kind.attribute()?.into(), name.attribute()?.into()))
        }
        _ => None,
    }
}
