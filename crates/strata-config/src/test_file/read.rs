//! Reading one test file.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, files::Files, files::normalize};
use strata_hcl::{Block, Body};

use super::{Mock, TestFile, mock, run, shape};
use crate::{
    load::{self, fields},
    module::{Argument, Module, ProviderKey},
};

const BLOCKS: [&str; 7] = [
    "run",
    "variables",
    "provider",
    "mock_provider",
    "override_resource",
    "override_data",
    "override_module",
];

/// Reads a test file, given relative to the root module's folder; none if it cannot be read.
pub fn test_file(
    files: &dyn Files,
    root: &Path,
    path: &Path,
    diags: &mut Diagnostics,
) -> Option<TestFile> {
    let source = load::source(files, &normalize(&root.join(path)), diags)?;
    let body = match source.name.ends_with(".json") {
        true => strata_hcl::parse_json(&source, &shape::FILE, diags),
        false => strata_hcl::parse(&source, diags),
    };
    let mut file = TestFile {
        name: path.display().to_string(),
        ..TestFile::default()
    };
    fields::only(&body, &[], &BLOCKS, diags);
    file.variables = variables(&body, diags);
    file.overrides = mock::overrides(&body, &mock::ALL, diags);
    providers(&body, &mut file, diags);
    for block in body.blocks_of("run") {
        read_run(block, &mut file, diags);
    }
    Some(file)
}

fn read_run(block: &Block, file: &mut TestFile, diags: &mut Diagnostics) {
    let Some(run) = run::read(block, diags) else {
        return;
    };
    if let Some(first) = file.runs.iter().find(|first| first.name == run.name) {
        diags.push(
            Diagnostic::error("duplicate", "Duplicate \"run\" block names")
                .detail(format!(
                    "This test file already has a run block named `{}`.",
                    run.name
                ))
                .at(run.span)
                .label(first.span.clone(), "the first one"),
        );
        return;
    }
    file.runs.push(run);
}

/// The values in a `variables` block, of which there may be one.
pub(super) fn variables(body: &Body, diags: &mut Diagnostics) -> BTreeMap<Arc<str>, Argument> {
    let Some(block) = only_one(body, "variables", diags) else {
        return BTreeMap::new();
    };
    fields::only_attributes(&block.body, diags);
    let value = |attribute: &strata_hcl::Attribute| {
        let argument = Argument {
            value: attribute.expression.clone(),
            span: attribute.name_span(),
        };
        (attribute.name.text.clone(), argument)
    };
    block.body.attributes.iter().map(value).collect()
}

/// A block that may be there once.
pub(super) fn only_one<'b>(
    body: &'b Body,
    kind: &'b str,
    diags: &mut Diagnostics,
) -> Option<&'b Block> {
    let mut blocks = body.blocks_of(kind);
    let first = blocks.next()?;
    for second in blocks {
        diags.push(
            Diagnostic::error("duplicate", format!("Multiple \"{kind}\" blocks"))
                .detail(format!("There can be only one `{kind}` block here."))
                .at(second.header_span())
                .label(first.header_span(), "the first one"),
        );
    }
    Some(first)
}

/// Both kinds of providers: those that work, and those that are played.
fn providers(body: &Body, file: &mut TestFile, diags: &mut Diagnostics) {
    let mut module = Module::default();
    for block in body.blocks_of("provider") {
        if load::has_labels(block, &["name"], diags) {
            load::decode_provider(block, &mut module, diags);
        }
    }
    file.providers = module.providers;
    for block in body.blocks_of("mock_provider") {
        let Some(mock) = mock::read(block, diags) else {
            continue;
        };
        let first = file.mocks.get(&mock.key).map(|_| &mock.key);
        let first = first.or_else(|| file.providers.get(&mock.key).map(|_| &mock.key));
        if first.is_some() {
            let summary = "Duplicate provider block";
            diags.push(
                Diagnostic::error("duplicate", summary)
                    .detail(format!(
                        "This test file already has a provider `{}`.",
                        mock.key
                    ))
                    .at(block.header_span()),
            );
            continue;
        }
        file.mocks.insert(mock.key.clone(), mock);
    }
}

/// Adds to a played provider what the files `*.tfmock.hcl` in its `source` say.
pub fn mock_files(files: &dyn Files, root: &Path, mock: &mut Mock, diags: &mut Diagnostics) {
    let Some((source, span)) = mock.source.clone() else {
        return;
    };
    let folder = normalize(&root.join(&*source));
    let Ok(entries) = files.list(&folder) else {
        diags.push(
            Diagnostic::error("module-not-found", "Failed to load mock provider data")
                .detail(format!("The folder `{source}` cannot be read."))
                .at(span),
        );
        return;
    };
    for entry in entries {
        let is_json = entry.name.ends_with(".tfmock.json");
        if !is_json && !entry.name.ends_with(".tfmock.hcl") {
            continue;
        }
        let Some(source) = load::source(files, &folder.join(&entry.name), diags) else {
            continue;
        };
        let body = match is_json {
            true => strata_hcl::parse_json(&source, &shape::MOCK, diags),
            false => strata_hcl::parse(&source, diags),
        };
        let mut more = Mock {
            key: ProviderKey {
                name: mock.key.name.clone(),
                alias: None,
            },
            source: None,
            resources: BTreeMap::new(),
            data: BTreeMap::new(),
            overrides: Vec::new(),
            during_plan: mock.during_plan,
        };
        fields::only(&body, &[], &mock::BLOCKS, diags);
        mock::fill(&body, &mut more, diags);
        // What stands in the test file itself counts more.
        more.resources.append(&mut mock.resources);
        more.data.append(&mut mock.data);
        more.overrides.append(&mut mock.overrides);
        (mock.resources, mock.data, mock.overrides) = (more.resources, more.data, more.overrides);
    }
}
