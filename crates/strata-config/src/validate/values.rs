//! Evaluates everything with unknown values for all that comes from outside.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, PathStep, Value, addr, addr::ResourceMode, files::Files,
    provider::ObjectKind, schema,
};
use strata_hcl::Attribute;

use super::{blocks, former};
use crate::{
    evaluate::{Evaluator, EvaluatorOptions, Mode},
    module::{IgnoreChanges, Resource},
    schemas::Schemas,
    suggest,
    tree::{Config, Node},
};

/// What a provider says of the configuration of a type of its own, without marks.
pub type AskProvider<'a> = dyn Fn(&str, ObjectKind, &str, &Value) -> Diagnostics + 'a;

pub(super) fn check(
    config: &Arc<Config>,
    schemas: &Schemas,
    files: Option<Arc<dyn Files>>,
    working_directory: &Path,
    ask: &AskProvider<'_>,
    diags: &mut Diagnostics,
) {
    let options = EvaluatorOptions {
        mode: Mode::Static,
        variables: BTreeMap::new(),
        workspace: "default".into(),
        files,
        working_directory: working_directory.to_owned(),
        plan_timestamp: None,
        chance: None,
        schemas: schemas.clone(),
    };
    let evaluator = Evaluator::new(config.clone(), options);
    for node in &config.nodes {
        module(&evaluator, config, schemas, node, ask, diags);
    }
    for provider in config.providers() {
        if let Some(schema) = schemas.provider(&provider.source) {
            let mut wrong = Diagnostics::new();
            evaluator.provider_config(&provider, &schema.provider, &mut wrong);
            let body = config.provider_block(&provider).map(|block| &*block.body);
            diags.extend(wrong.into_iter().map(|found| match body {
                Some(body) => former::explain(found, body, "provider", &schema.absent),
                None => found,
            }));
        }
    }
}

fn module(
    evaluator: &Evaluator,
    config: &Config,
    schemas: &Schemas,
    node: &Node,
    ask: &AskProvider<'_>,
    diags: &mut Diagnostics,
) {
    let steps = node.path.0.iter();
    let instance = steps.fold(addr::ModuleInstance::root(), |at, name| {
        at.child(name.clone(), None)
    });
    evaluator.check_module(&instance, diags);
    blocks::check(evaluator, node, &instance, diags);
    for (key, resource) in &node.module.resources {
        let address = node.resource_address(key);
        let Some(provider) = config.provider_of(&address) else {
            continue;
        };
        let at = instance.resource(key.mode, key.type_name.clone(), key.name.clone());
        let at = at.instance(None);
        if !schemas.has(&provider.source) {
            // Reported once for all that need it.
        } else if let Some(schema) = schemas.resource(&provider.source, key.mode, &key.type_name) {
            let mut wrong = Diagnostics::new();
            let value = evaluator.resource_config(&at, &schema.block, &mut wrong);
            let is_right = wrong.is_empty();
            let absent = schemas
                .provider(&provider.source)
                .map(|known| &known.absent);
            diags.extend(wrong.into_iter().map(|found| match absent {
                Some(absent) => former::explain(found, &resource.body, &key.type_name, absent),
                None => found,
            }));
            // Of what is mistaken already there is nothing to ask.
            if is_right {
                let (value, _) = value.unmark_paths();
                let kind = object_kind(key.mode);
                let said = ask(&provider.source, kind, &key.type_name, &value).into_iter();
                diags.extend(said.map(|said| placed(said, resource)));
            }
            deprecated(resource, &schema.block, diags);
            ignored(resource, &schema.block, diags);
        } else {
            diags.push(unknown_type(schemas, &provider.source, resource));
        }
        let lifecycle = &resource.lifecycle;
        if !lifecycle.preconditions.is_empty() {
            evaluator.preconditions(&at, diags);
        }
        if !resource.provisioners.is_empty() || !lifecycle.postconditions.is_empty() {
            let schema = schemas.resource(&provider.source, key.mode, &key.type_name);
            let itself = schema.map(|schema| schema.block.implied_type());
            let unknown = strata_core::Value::unknown(itself.unwrap_or(strata_core::Type::Dynamic));
            blocks::provisioners(evaluator, &at, resource, &unknown, diags);
            evaluator.postconditions(&at, unknown, diags);
        }
        if !lifecycle.replace_triggered_by.is_empty() {
            evaluator.replace_triggers(&at, diags);
        }
    }
}

fn object_kind(mode: ResourceMode) -> ObjectKind {
    match mode {
        ResourceMode::Managed => ObjectKind::Resource,
        ResourceMode::Data => ObjectKind::DataSource,
        ResourceMode::Ephemeral => ObjectKind::Ephemeral,
    }
}

/// What a provider says, at the argument that it names, or else at the block.
fn placed(said: Diagnostic, resource: &Resource) -> Diagnostic {
    if !said.labels.is_empty() {
        return said;
    }
    let named = |attribute: &&Attribute| {
        let name = format!("`{}`", attribute.name.text);
        said.summary.contains(&name) || said.detail.contains(&name)
    };
    let attribute = resource.body.attributes.iter().find(named);
    let span = attribute.map_or_else(|| resource.span.clone(), |found| found.expression.span());
    said.at(span)
}

fn unknown_type(schemas: &Schemas, source: &str, resource: &Resource) -> Diagnostic {
    let (summary, what) = match resource.key.mode {
        ResourceMode::Managed => ("Invalid resource type", "resource type"),
        ResourceMode::Data => ("Invalid data source", "data source"),
        ResourceMode::Ephemeral => ("Invalid ephemeral resource", "ephemeral resource"),
    };
    let type_name = &resource.key.type_name;
    let known = schemas.provider(source);
    let found = Diagnostic::error("unknown-resource-type", summary).at(resource.span.clone());
    let absent = known.and_then(|provider| provider.absent.get(type_name));
    if let Some(instead) = absent.filter(|_| resource.key.mode == ResourceMode::Managed) {
        let why = format!("Strata does not have {what} `{type_name}` of `{source}`.");
        return found.detail(why).hint(*instead);
    }
    let found = found.detail(format!(
        "The provider `{source}` does not support {what} `{type_name}`."
    ));
    let known = known.map(|provider| provider.types(resource.key.mode));
    let names = known
        .into_iter()
        .flat_map(|known| known.keys().map(|name| &**name));
    match suggest::hint(&resource.key.type_name, names) {
        Some(hint) => found.hint(hint),
        None => found,
    }
}

/// Reports what `ignore_changes` names and the schema does not have.
fn ignored(resource: &Resource, schema: &schema::Block, diags: &mut Diagnostics) {
    let IgnoreChanges::Paths(paths) = &resource.lifecycle.ignore_changes else {
        return;
    };
    for (path, span) in paths.iter().zip(&resource.lifecycle.ignore_changes_spans) {
        let Some(PathStep::Attribute(name)) = path.0.first() else {
            continue;
        };
        let is_computed = schema
            .attributes
            .get(name.as_str())
            .is_some_and(|attribute| attribute.presence == schema::Presence::Computed);
        if is_computed && path.0.len() == 1 {
            let summary = "Redundant ignore_changes element";
            diags.push(
                Diagnostic::warning("redundant-ignore", summary)
                    .detail(format!(
                        "The provider alone decides on `{name}`: nothing can be configured that a change could be \
                         compared with, so it has no effect in `ignore_changes`."
                    ))
                    .at(resource.span.clone())
                    .hint(format!("remove `{name}` from `ignore_changes`")),
            );
        }
        if !schema.attributes.contains_key(&**name) && !schema.blocks.contains_key(&**name) {
            let found = Diagnostic::error("unsupported-attribute", "Unsupported attribute")
                .detail(format!("This object has no argument, nested block, or exported attribute named `{name}`."))
                .at(span.clone());
            let known = schema
                .attributes
                .keys()
                .chain(schema.blocks.keys())
                .map(|name| &**name);
            diags.push(match suggest::hint(name, known) {
                Some(hint) => found.hint(hint),
                None => found,
            });
        }
    }
}

/// Warns of arguments that should no longer be used.
fn deprecated(resource: &Resource, schema: &schema::Block, diags: &mut Diagnostics) {
    for attribute in &resource.body.attributes {
        let known = schema.attributes.get(&attribute.name.text);
        if let Some(instead) = known.and_then(|known| known.deprecated) {
            diags.push(
                Diagnostic::warning("deprecated-argument", "Argument is deprecated")
                    .detail(instead)
                    .at(attribute.name_span()),
            );
        }
    }
}
