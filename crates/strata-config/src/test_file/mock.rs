//! `mock_provider` blocks, and what stands in the place of single objects.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics,
    addr::{ResourceMode, Target},
};
use strata_hcl::{Block, Body};

use super::{Mock, MockType, Override};
use crate::{
    load::{self, fields},
    module::ProviderKey,
};

/// The blocks of overrides, in the order in which they count.
pub(super) const ALL: [&str; 3] = ["override_resource", "override_data", "override_module"];

/// What a `mock_provider` block may hold.
pub(super) const BLOCKS: [&str; 4] = [
    "mock_resource",
    "mock_data",
    "override_resource",
    "override_data",
];

/// Reads a `mock_provider` block.
pub(super) fn read(block: &Block, diags: &mut Diagnostics) -> Option<Mock> {
    if !load::has_labels(block, &["name"], diags) {
        return None;
    }
    let body = &block.body;
    fields::only(
        body,
        &["alias", "source", "override_during"],
        &BLOCKS,
        diags,
    );
    let source = fields::text(body, "source", diags).zip(body.attribute("source"));
    let mut mock = Mock {
        key: ProviderKey {
            name: block.labels[0].text.clone(),
            alias: fields::text(body, "alias", diags),
        },
        source: source.map(|(text, attribute)| (text, attribute.expression.span())),
        resources: BTreeMap::new(),
        data: BTreeMap::new(),
        overrides: Vec::new(),
        during_plan: during_plan(body, diags).unwrap_or(false),
    };
    fill(body, &mut mock, diags);
    Some(mock)
}

/// Reads the types and objects of a played provider.
pub(super) fn fill(body: &Body, mock: &mut Mock, diags: &mut Diagnostics) {
    mock.resources = types(body, "mock_resource", mock.during_plan, diags);
    mock.data = types(body, "mock_data", mock.during_plan, diags);
    mock.overrides = overrides(body, &ALL[..2], diags);
}

fn types(
    body: &Body,
    kind: &str,
    during_plan_around: bool,
    diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, MockType> {
    let mut found = BTreeMap::new();
    for block in body.blocks_of(kind) {
        if !load::has_labels(block, &["type"], diags) {
            continue;
        }
        fields::only(&block.body, &["defaults", "override_during"], &[], diags);
        let defaults = block.body.attribute("defaults");
        let played = MockType {
            defaults: defaults.map(|attribute| attribute.expression.clone()),
            during_plan: during_plan(&block.body, diags).unwrap_or(during_plan_around),
        };
        let type_name = block.labels[0].text.clone();
        if found.insert(type_name.clone(), played).is_some() {
            diags.push(
                Diagnostic::error("duplicate", format!("Duplicate {kind} block"))
                    .detail(format!(
                        "`{type_name}` has a `{kind}` block already in this provider."
                    ))
                    .at(block.header_span()),
            );
        }
    }
    found
}

/// Reads the blocks of these kinds that say what objects are like.
pub(super) fn overrides(body: &Body, kinds: &[&str], diags: &mut Diagnostics) -> Vec<Override> {
    let mut found: Vec<Override> = Vec::new();
    for kind in kinds {
        for block in body.blocks_of(kind) {
            let Some(read) = read_override(kind, block, diags) else {
                continue;
            };
            let target = read.target.to_string();
            let same = |other: &&Override| other.target.to_string() == target;
            match found.iter().find(same) {
                Some(first) => diags.push(
                    Diagnostic::error("duplicate", format!("Duplicate {kind} block"))
                        .detail(format!("`{target}` has a `{kind}` block already."))
                        .at(read.span)
                        .label(first.span.clone(), "the first one"),
                ),
                None => found.push(read),
            }
        }
    }
    found
}

fn read_override(kind: &str, block: &Block, diags: &mut Diagnostics) -> Option<Override> {
    if !load::has_labels(block, &[], diags) {
        return None;
    }
    let values = match kind {
        "override_module" => "outputs",
        _ => "values",
    };
    fields::only(
        &block.body,
        &["target", values, "override_during"],
        &[],
        diags,
    );
    let target = block.body.attribute("target");
    let Some(target) = target else {
        diags.push(
            Diagnostic::error(
                "missing-argument",
                format!("Missing target in {kind} block"),
            )
            .detail("The argument `target` says what is not made.")
            .at(block.header_span()),
        );
        return None;
    };
    let read = fields::reference(&target.expression, diags)?;
    let address = load::target(&read, diags)?;
    let mode = match &address {
        Target::Module(_) => None,
        Target::Resource(resource) => Some(resource.mode),
        Target::Instance(instance) => Some(instance.resource.mode),
    };
    let fits = match kind {
        "override_module" => mode.is_none(),
        "override_data" => mode == Some(ResourceMode::Data),
        _ => mode == Some(ResourceMode::Managed),
    };
    if !fits {
        diags.push(
            Diagnostic::error("invalid-override", format!("Invalid {kind} target"))
                .detail(format!("`{address}` is nothing that `{kind}` stands for."))
                .at(target.expression.span()),
        );
        return None;
    }
    let values = block.body.attribute(values);
    Some(Override {
        target: address,
        target_span: target.expression.span(),
        values: values.map(|attribute| attribute.expression.clone()),
        during_plan: during_plan(&block.body, diags),
        span: block.header_span(),
    })
}

/// `override_during`: true for `plan`; none where nothing is said.
fn during_plan(body: &Body, diags: &mut Diagnostics) -> Option<bool> {
    let attribute = body.attribute("override_during")?;
    match fields::keyword(&attribute.expression, diags)?.as_ref() {
        "plan" => Some(true),
        "apply" => Some(false),
        _ => {
            diags.push(
                Diagnostic::error("invalid-keyword", "Invalid override_during value")
                    .detail("It is either `plan` or `apply`.")
                    .at(attribute.expression.span()),
            );
            None
        }
    }
}
