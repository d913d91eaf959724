//! One folder: which files count, and what blocks they hold.

use std::{
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostic, Diagnostics, Source, Span,
    files::{EntryKind, FileError, Files, normalize},
};
use strata_hcl::{Block, Body};

use super::{
    call, check, ephemeral, fields, output, provider, refactor, resource, settings, variable,
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
    files: &dyn Files,
    root: &Path,
    relative: &Path,
    sources: &mut BTreeMap<Arc<str>, Arc<Source>>,
    diags: &mut Diagnostics,
) -> Module {
    let folder = display_path(&root.join(relative));
    let mut module = Module {
        folder: folder.clone(),
        relative: relative.to_owned(),
        ..Module::default()
    };
    let mut bodies = Vec::new();
    for name in file_names(files, &folder, diags) {
        let path = normalize(&folder.join(&name));
        let text = match files.read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                diags.push(unreadable(&error));
                continue;
            }
        };
        let shown: Arc<str> = path.to_string_lossy().into();
        let source = Arc::new(Source::new(shown.clone(), text));
        sources.insert(shown, source.clone());
        bodies.push(strata_hcl::parse(&source, diags));
    }
    for body in &bodies {
        file(body, &mut module, diags);
    }
    // The data sources inside checks come last: a resource of the same name is not the one that is too many.
    for check in bodies.iter().flat_map(|body| body.blocks_of("check")) {
        block(check, &mut module, diags);
    }
    module
}

/// The folder as messages name it: without needless dots, but never empty.
fn display_path(path: &Path) -> PathBuf {
    let normal = normalize(path);
    if normal.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        normal
    }
}

fn unreadable(error: &FileError) -> Diagnostic {
    Diagnostic::error("unreadable-file", "Failed to read file").detail(error.to_string())
}

/// The configuration files of a folder, in order; those that cannot be loaded are reported.
fn file_names(files: &dyn Files, folder: &Path, diags: &mut Diagnostics) -> Vec<String> {
    let entries = match files.list(folder) {
        Ok(entries) => entries,
        Err(error) => {
            diags.push(unreadable(&error));
            return Vec::new();
        }
    };
    let names: Vec<String> = entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File && !is_ignored(&entry.name))
        .map(|entry| entry.name)
        .collect();
    let (mut chosen, mut refused) = (Vec::new(), false);
    for name in &names {
        if let Some(why) = refusal(name) {
            diags.push(refused_file(folder, name, why));
            refused = true;
        } else if let Some(stem) = name.strip_suffix(".tf") {
            // OpenTofu reads its own file instead of the Terraform file of the same name.
            if !names.contains(&format!("{stem}.tofu")) {
                chosen.push(name.clone());
            }
        } else if name.ends_with(".tofu") {
            chosen.push(name.clone());
        }
    }
    if chosen.is_empty() && !refused {
        diags.push(
            Diagnostic::error("no-configuration", "No configuration files").detail(format!(
                "The folder `{}` holds no `.tf` or `.tofu` files.",
                folder.display()
            )),
        );
    }
    chosen
}

fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

/// Why a configuration file cannot be loaded.
fn refusal(name: &str) -> Option<&'static str> {
    if name.ends_with(".tf.json") || name.ends_with(".tofu.json") {
        return Some("Configuration in JSON is not supported yet.");
    }
    let stem = name
        .strip_suffix(".tf")
        .or_else(|| name.strip_suffix(".tofu"))?;
    let is_override = stem == "override" || stem.ends_with("_override");
    is_override.then_some("Override files are not supported yet.")
}

fn refused_file(folder: &Path, name: &str, why: &str) -> Diagnostic {
    let path = normalize(&folder.join(name));
    Diagnostic::error("unsupported-file", "Unsupported configuration file")
        .detail(format!("`{}`: {why}", path.display()))
}

fn file(body: &Body, module: &mut Module, diags: &mut Diagnostics) {
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
    for found in &body.blocks {
        if &*found.kind.text != "check" {
            block(found, module, diags);
        }
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
        "ephemeral" => ephemeral::decode(block, module, diags),
        _ => resource::decode(block, module, diags),
    }
}

/// True if a block has as many labels as its type needs; else that is reported.
pub(super) fn has_labels(block: &Block, labels: &[&str], diags: &mut Diagnostics) -> bool {
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
    fields::only_attributes(&block.body, diags);
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
