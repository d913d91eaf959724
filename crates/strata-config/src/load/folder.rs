//! One folder: what blocks its files hold together.

use std::{collections::BTreeMap, fmt::Display, path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Source, Span, files::Files};
use strata_hcl::{Block, Body};

use super::{
    call, check, fields, files, output, overrides, provider, refactor, resource, settings, variable,
};
use crate::module::{Local, Module};

/// The blocks that a file may hold, with what their labels are called.
const BLOCKS: [(&str, &[&str]); 13] = [
    ("terraform", &[]),
    ("provider", &["name"]),
    ("variable", &["name"]),
    ("locals", &[]),
    ("output", &["name"]),
    ("module", &["name"]),
    ("resource", &["type", "name"]),
    ("data", &["type", "name"]),
    ("ephemeral", &["type", "name"]),
    ("moved", &[]),
    ("removed", &[]),
    ("import", &[]),
    ("check", &["name"]),
];

/// Reads all files of a folder, given relative to the root.
pub(super) fn read(
    tree: &dyn Files,
    root: &Path,
    relative: &Path,
    sources: &mut BTreeMap<Arc<str>, Arc<Source>>,
    diags: &mut Diagnostics,
) -> Module {
    let folder = files::display_path(&root.join(relative));
    let mut module = Module {
        folder: folder.clone(),
        relative: relative.to_owned(),
        ..Module::default()
    };
    let bodies = files::read(tree, &folder, sources, diags);
    for body in bodies.primary.iter().chain(&bodies.overrides) {
        attributes(body, diags);
    }
    let mut blocks: Vec<Block> = bodies
        .primary
        .into_iter()
        .flat_map(|body| body.blocks)
        .collect();
    overrides::apply(&mut blocks, &bodies.overrides, diags);
    // The data sources inside checks come last: a resource of the same name is not the one that is too many.
    let is_check = |block: &&Block| &*block.kind.text == "check";
    for found in blocks.iter().filter(|block| !is_check(block)) {
        block(found, &mut module, diags);
    }
    for found in blocks.iter().filter(is_check) {
        block(found, &mut module, diags);
    }
    module
}

/// Reports arguments outside of all blocks.
fn attributes(body: &Body, diags: &mut Diagnostics) {
    for attribute in &body.attributes {
        let is_block = BLOCKS
            .iter()
            .any(|(kind, _)| *kind == &*attribute.name.text);
        diags.push(fields::unsupported_argument(
            &attribute.name.text,
            attribute.name_span(),
            is_block,
            [],
        ));
    }
}

fn block(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let kind = &*block.kind.text;
    let Some((_, labels)) = BLOCKS.iter().find(|(known, _)| *known == kind) else {
        let known = BLOCKS.iter().map(|(kind, _)| *kind);
        diags.push(fields::unsupported_block(
            kind,
            block.kind_span(),
            false,
            known,
        ));
        return;
    };
    if !has_labels(block, labels, diags) {
        return;
    }
    match kind {
        "terraform" => settings::decode(block, &mut module.settings, diags),
        "provider" => provider::decode(block, module, diags),
        "variable" => variable::decode(block, module, diags),
        "locals" => locals(block, module, diags),
        "output" => output::decode(block, module, diags),
        "module" => call::decode(block, module, diags),
        "moved" => refactor::moved(block, module, diags),
        "removed" => refactor::removed(block, module, diags),
        "import" => refactor::import(block, module, diags),
        "check" => check::decode(block, module, diags),
        _ => resource::decode(block, module, diags),
    }
}

/// True if a block has as many labels as its type needs; else that is reported.
pub(crate) fn has_labels(block: &Block, labels: &[&str], diags: &mut Diagnostics) -> bool {
    let kind = &block.kind.text;
    if let Some(missing) = labels.get(block.labels.len()) {
        diags.push(
            Diagnostic::error("missing-label", format!("Missing {missing} for {kind}"))
                .detail(format!(
                    "All {kind} blocks must have {} labels ({}).",
                    labels.len(),
                    labels.join(", ")
                ))
                .at(block.header_span()),
        );
        return false;
    }
    if let Some(span) = block.label_span(labels.len()) {
        let expected = match labels.len() {
            0 => format!("No labels are expected for {kind} blocks."),
            count => format!(
                "Only {count} labels ({}) are expected for {kind} blocks.",
                labels.join(", ")
            ),
        };
        diags.push(
            Diagnostic::error("extraneous-label", format!("Extraneous label for {kind}"))
                .detail(expected)
                .at(span),
        );
        return false;
    }
    true
}

fn locals(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    for inner in &block.body.blocks {
        let kind = &inner.kind.text;
        diags.push(
            Diagnostic::error("unsupported-block", format!("Unexpected \"{kind}\" block"))
                .detail("Blocks are not allowed here.")
                .at(inner.kind_span()),
        );
    }
    for attribute in &block.body.attributes {
        let local = Local {
            value: attribute.expression.clone(),
            span: attribute.name_span(),
        };
        if let Some(first) = module.locals.get(&attribute.name.text) {
            diags.push(duplicate(
                "Duplicate local value definition",
                format!("A local value named `{}`", attribute.name.text),
                &first.span,
                local.span,
            ));
            continue;
        }
        module.locals.insert(attribute.name.text.clone(), local);
    }
}

/// Says that something is there twice.
pub(super) fn duplicate(
    summary: impl Into<String>,
    what: impl Display,
    first: &Span,
    second: Span,
) -> Diagnostic {
    Diagnostic::error("duplicate", summary)
        .detail(format!(
            "{what} was already declared at {}:{}. Names must be unique within a module.",
            first.file, first.start.line
        ))
        .at(second)
        .label(first.clone(), "declared here first")
}
