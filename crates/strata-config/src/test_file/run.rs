//! `run` blocks.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, addr::Target};
use strata_hcl::{Block, Body};

use super::{Run, RunModule, RunOptions, mock, read};
use crate::{
    load::{self, fields},
    source::ModuleSource,
    version::VersionConstraint,
};

const ARGUMENTS: [&str; 4] = ["command", "expect_failures", "providers", "state_key"];
const BLOCKS: [&str; 7] = [
    "variables",
    "assert",
    "module",
    "plan_options",
    "override_resource",
    "override_data",
    "override_module",
];

/// Reads a run.
pub(super) fn read(block: &Block, diags: &mut Diagnostics) -> Option<Run> {
    if !load::has_labels(block, &["name"], diags) {
        return None;
    }
    let body = &block.body;
    fields::only(body, &ARGUMENTS, &BLOCKS, diags);
    let name = block.labels[0].text.clone();
    let span = block.label_span(0);
    if !fields::valid_name(&name, span, "Invalid run block name", diags) {
        return None;
    }
    let mut asserts = fields::checks(body, "assert", diags);
    asserts.retain(|assert| load::looks_at_something(assert, diags));
    let expected = body.attribute("expect_failures");
    let expected = expected.map(|attribute| fields::list(&attribute.expression, diags));
    let expected = expected.unwrap_or_default();
    Some(Run {
        name,
        plans_only: plans_only(body, diags),
        options: options(body, diags),
        variables: read::variables(body, diags),
        asserts,
        expect_failures: expected
            .iter()
            .filter_map(|item| fields::reference(item, diags))
            .collect(),
        module: module(body, diags),
        providers: load::decode_providers(body.attribute("providers"), diags),
        overrides: mock::overrides(body, &mock::ALL, diags),
        state_key: fields::text(body, "state_key", diags),
        span: block.header_span(),
    })
}

fn plans_only(body: &Body, diags: &mut Diagnostics) -> bool {
    let words = [("apply", false), ("plan", true)];
    choice(body, "command", &words, diags).unwrap_or(false)
}

/// A bare word out of some; any other is reported with Terraform's summary.
fn choice<T: Copy>(
    body: &Body,
    name: &str,
    words: &[(&str, T)],
    diags: &mut Diagnostics,
) -> Option<T> {
    let attribute = body.attribute(name)?;
    let word = fields::keyword(&attribute.expression, diags)?;
    let found = words.iter().find(|(known, _)| **known == *word);
    if found.is_none() {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        diags.push(
            Diagnostic::error("invalid-keyword", format!("Invalid \"{name}\" keyword"))
                .detail(format!("It must be {}.", known.join(" or ")))
                .at(attribute.expression.span()),
        );
    }
    found.map(|(_, value)| *value)
}

fn options(body: &Body, diags: &mut Diagnostics) -> RunOptions {
    let mut options = RunOptions::default();
    let Some(block) = read::only_one(body, "plan_options", diags) else {
        return options;
    };
    let body = &block.body;
    fields::only(body, &["mode", "refresh", "replace", "target"], &[], diags);
    let modes = [("refresh-only", true), ("normal", false)];
    options.refresh_only = choice(body, "mode", &modes, diags).unwrap_or(false);
    options.refresh = fields::flag(body, "refresh", diags).unwrap_or(true);
    options.targets = addresses(body, "target", diags);
    options.replace = addresses(body, "replace", diags);
    if options.refresh_only && !options.refresh {
        diags.push(
            Diagnostic::error("options", "Incompatible plan options")
                .detail("`mode = refresh-only` does nothing but what `refresh = false` forbids.")
                .at(block.header_span()),
        );
    }
    options
}

fn addresses(body: &Body, name: &str, diags: &mut Diagnostics) -> Vec<Target> {
    let attribute = body.attribute(name);
    let items = attribute.map(|attribute| fields::list(&attribute.expression, diags));
    let items = items.unwrap_or_default();
    let references = items
        .iter()
        .filter_map(|item| fields::reference(item, diags));
    let references: Vec<_> = references.collect();
    let targets = references.iter();
    targets
        .filter_map(|reference| load::target(reference, diags))
        .collect()
}

fn module(body: &Body, diags: &mut Diagnostics) -> Option<RunModule> {
    let block = read::only_one(body, "module", diags)?;
    fields::only(&block.body, &["source", "version"], &[], diags);
    let attribute = fields::required(block, "source", diags)?;
    let source: Arc<str> = fields::text(&block.body, "source", diags)?;
    let span = attribute.expression.span();
    let source = match ModuleSource::parse(&source) {
        Ok(ModuleSource::Remote(_)) => Err(
            "Only local or registry module sources are currently supported from within test run blocks."
                .to_owned(),
        ),
        other => other,
    };
    let source = match source {
        Ok(source) => source,
        Err(why) => {
            let summary = "Invalid module source address";
            let found = Diagnostic::error("invalid-module-source", summary);
            diags.push(found.detail(why).at(span));
            return None;
        }
    };
    let version = version(&block.body, &source, diags)?;
    Some(RunModule {
        source,
        version,
        span,
    })
}

/// The version constraint of a run's module; none after a mistake.
fn version(
    body: &Body,
    source: &ModuleSource,
    diags: &mut Diagnostics,
) -> Option<Option<(VersionConstraint, Arc<str>)>> {
    let Some(attribute) = body.attribute("version") else {
        return Some(None);
    };
    let text: Arc<str> = fields::text(body, "version", diags)?;
    let parsed = VersionConstraint::parse(&text);
    let wrong = match (&parsed, source) {
        (_, ModuleSource::Local(_)) => (
            "Invalid registry module source address",
            "Only modules of registries have versions.".to_owned(),
        ),
        (None, _) => (
            "Invalid version constraint",
            format!("`{text}` is not a version constraint, such as `>= 1.2, < 2.0` or `~> 1.4`."),
        ),
        (Some(_), _) => return Some(parsed.map(|parsed| (parsed, text))),
    };
    let found = Diagnostic::error("invalid-version-constraint", wrong.0);
    diags.push(found.detail(wrong.1).at(attribute.expression.span()));
    None
}
