//! Variable files: `terraform.tfvars`, `*.auto.tfvars`, and those the user names.

use std::{path::Path, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, Source, Span,
    files::{Entry, EntryKind, Files, normalize},
};
use strata_hcl::{Attribute, parse};

use super::{VariableInput, VariableOrigin, VariableText, json};

/// Reads a `.tfvars` file that the user named.
pub fn variable_file(
    files: &dyn Files,
    path: &Path,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    read(files, path, VariableOrigin::NamedFile, diags)
}

/// Reads `terraform.tfvars` and all `*.auto.tfvars` beside the root module, in the order in which they count.
pub fn automatic_variable_files(
    files: &dyn Files,
    root: &Path,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let entries = files.list(root).unwrap_or_default();
    // The listing is sorted, and so these are: first the one file, then the others by name.
    let (first, rest): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .filter(|entry| is_automatic(&entry.name))
        .partition(|entry| entry.name.starts_with("terraform.tfvars"));
    let read = |entry: Entry| {
        let path = normalize(&root.join(&entry.name));
        // A folder is a mistake, which reading it reports. Nobody may ever write into a pipe.
        if entry.kind == EntryKind::Other {
            diags.push(unreadable(format!(
                "`{}` is neither a file nor a folder.",
                path.display()
            )));
            return Vec::new();
        }
        read(files, &path, VariableOrigin::AutomaticFile, diags)
    };
    first.into_iter().chain(rest).flat_map(read).collect()
}

const UNREADABLE: &str = "Failed to read variables file";

fn unreadable(why: String) -> Diagnostic {
    Diagnostic::error("unreadable-file", UNREADABLE).detail(why)
}

fn is_automatic(name: &str) -> bool {
    let hcl = name.strip_suffix(".json").unwrap_or(name);
    hcl == "terraform.tfvars" || (hcl.ends_with(".auto.tfvars") && !name.starts_with('.'))
}

fn read(
    files: &dyn Files,
    path: &Path,
    origin: fn(Span) -> VariableOrigin,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let mut found = Diagnostics::new();
    let source = crate::load::source(files, path, &mut found);
    diags.extend(found.into_iter().map(|diagnostic| Diagnostic {
        summary: match diagnostic.code {
            "unreadable-file" => UNREADABLE.to_owned(),
            _ => diagnostic.summary,
        },
        ..diagnostic
    }));
    let Some(source) = source else {
        return Vec::new();
    };
    match source.name.ends_with(".json") {
        true => json::read(&source, origin, diags),
        false => native(&source, origin, diags),
    }
}

fn native(
    source: &Arc<Source>,
    origin: fn(Span) -> VariableOrigin,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let body = parse(source, diags);
    for block in &body.blocks {
        let summary = match &*block.kind.text {
            "variable" => "Variable declaration in .tfvars file".to_owned(),
            kind => format!("Unexpected \"{kind}\" block"),
        };
        diags.push(
            Diagnostic::error("unsupported-block", summary)
                .detail("Blocks are not allowed here.")
                .at(block.header_span())
                .hint("A variable file holds values only: `name = value`."),
        );
    }
    body.attributes
        .iter()
        .map(|attribute| input(attribute, origin, diags))
        .collect()
}

fn input(
    attribute: &Attribute,
    origin: fn(Span) -> VariableOrigin,
    diags: &mut Diagnostics,
) -> VariableInput {
    VariableInput {
        name: attribute.name.text.clone(),
        value: VariableText::Value(super::literal(&attribute.expression, diags)),
        origin: origin(attribute.span()),
    }
}
